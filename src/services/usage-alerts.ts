/** Alerts on the usage of open periods, as a service makes and keeps them, and the events they have left. */
import { type EntityManager, IsNull } from 'typeorm';
import type { Ctx } from '../ctx';
import { printDecimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { parseText } from '../domain/parse';
import { parseThresholds } from '../domain/usage-alert';
import { UsageAlert, type UsageAlertKind } from '../entities/usage-alert';
import { asUuid, notFound, visibleServiceId } from './access';
import { writeAudit } from './audit';
import { lockServiceInUse, refuseArchived, sentText, sentValue } from './catalog-change';
import { metricByCode } from './catalog-metrics';
import { type CurrentUsageInput, namedContract } from './current-usage';
import { inTransaction } from './transaction';

/** Alerts in use of one service on one contract at most: each contract is checked as a whole. */
export const MAX_ALERTS = 100;

/** The contract is named as for `currentUsage`. */
export interface CreateUsageAlertInput extends CurrentUsageInput {
  /** Code of the metric. */
  metric: string;
  kind: UsageAlertKind;
  thresholds: readonly string[];
  name: string;
}

export interface UsageAlertResult {
  usageAlert: UsageAlert;
}

/**
 * Makes an alert on one metric of one contract. What the open period has come to already is reached at the first check.
 * @throws BillingError VALIDATION_FAILED; NOT_FOUND; CONFLICT for an archived metric, an account with several contracts, and
 *   beyond 100 alerts.
 */
export async function createUsageAlert(ctx: Ctx, input: CreateUsageAlertInput): Promise<UsageAlertResult> {
  const { kind } = input;
  const thresholds = parseThresholds(input.thresholds);
  const name = parseText(input.name, 'name', 200);
  const serviceId = await visibleServiceId(ctx, input.service);
  // As the service sees it: an alert of a service never tells of a contract that it has no account of.
  const asService = { ...ctx, actor: { ...ctx.actor, serviceId } };
  const { id: contractId } = await namedContract(asService, input);
  return inTransaction(ctx, async (tx) => {
    await lockServiceInUse(tx, serviceId);
    const metric = await metricByCode(tx, serviceId, input.metric);
    refuseArchived(metric, { noun: 'metric', name: metric.code, field: 'metric' });
    await refuseTooMany(tx, { serviceId, contractId });
    const values = { serviceId, contractId, metricId: metric.id, name, kind, thresholds };
    const usageAlert = tx.create(UsageAlert, { ...values, dueAt: ctx.now, createdAt: ctx.now, archivedAt: null });
    await tx.save(usageAlert);
    await audit(tx, ctx, { usageAlert, action: 'created', details: printed(usageAlert) });
    return { usageAlert };
  });
}

async function refuseTooMany(tx: EntityManager, of: { serviceId: string; contractId: string }): Promise<void> {
  const inUse = await tx.countBy(UsageAlert, { ...of, archivedAt: IsNull() });
  if (inUse < MAX_ALERTS) return;
  const message = `The contract has ${MAX_ALERTS} alerts in use, which is the most: archive one first.`;
  throw new BillingError('CONFLICT', message, { field: 'contractId' });
}

export interface UpdateUsageAlertInput {
  id: string;
  /** Each untouched when not given. */
  name?: string | null;
  thresholds?: readonly string[] | null;
}

/**
 * Changes what is given. A threshold that was reached in the open period is not reached again in it, whatever was changed.
 * @throws BillingError NOT_FOUND, VALIDATION_FAILED, CONFLICT when it is archived.
 */
export async function updateUsageAlert(ctx: Ctx, input: UpdateUsageAlertInput): Promise<UsageAlertResult> {
  const name = sentText(input.name, 'name', 200);
  const texts = sentValue(input.thresholds, 'thresholds');
  const thresholds = texts === undefined ? undefined : parseThresholds(texts);
  return inTransaction(ctx, async (tx) => {
    const usageAlert = await lockAlert(tx, ctx, input.id);
    refuseArchived(usageAlert, { noun: 'alert', name: usageAlert.name, field: 'id' });
    const before = printed(usageAlert);
    Object.assign(usageAlert, { name: name ?? usageAlert.name, thresholds: thresholds ?? usageAlert.thresholds });
    const after = printed(usageAlert);
    if (JSON.stringify(before) === JSON.stringify(after)) return { usageAlert };
    usageAlert.dueAt = ctx.now;
    await tx.save(usageAlert);
    await audit(tx, ctx, { usageAlert, action: 'updated', details: { from: before, to: after } });
    return { usageAlert };
  });
}

/** Takes an alert out of use; its events stay. Archiving it again changes nothing. @throws BillingError NOT_FOUND */
export async function archiveUsageAlert(ctx: Ctx, input: { id: string }): Promise<UsageAlertResult> {
  return inTransaction(ctx, async (tx) => {
    const usageAlert = await lockAlert(tx, ctx, input.id);
    if (usageAlert.archivedAt !== null) return { usageAlert };
    usageAlert.archivedAt = ctx.now;
    await tx.save(usageAlert);
    await audit(tx, ctx, { usageAlert, action: 'archived', details: {} });
    return { usageAlert };
  });
}

async function lockAlert(tx: EntityManager, ctx: Ctx, id: string): Promise<UsageAlert> {
  const { serviceId } = ctx.actor;
  const usageAlert = await tx.findOne(UsageAlert, {
    where: { id: asUuid(id, 'alert'), ...(serviceId === null ? {} : { serviceId }) },
    lock: { mode: 'for_no_key_update' },
  });
  if (usageAlert === null) throw notFound('alert', 'id');
  return usageAlert;
}

/** What of an alert a person would ask about later. */
function printed({ contractId, metricId, name, kind, thresholds }: UsageAlert): Record<string, unknown> {
  return { contractId, metricId, name, kind, thresholds: thresholds.map(printDecimal) };
}

async function audit(
  tx: EntityManager,
  ctx: Ctx,
  { usageAlert, action, details }: { usageAlert: UsageAlert; action: string; details: Record<string, unknown> },
): Promise<void> {
  await writeAudit(tx, ctx, {
    action: `usage_alert.${action}`,
    subjectType: 'usage_alert',
    subjectId: usageAlert.id,
    serviceId: usageAlert.serviceId,
    details,
  });
}
