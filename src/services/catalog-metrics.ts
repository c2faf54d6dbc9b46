/** Metrics: what a service counts. */
import { type EntityManager, IsNull } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import type { MetricRules } from '../domain/metric';
import { invalid, parseText } from '../domain/parse';
import { Charge } from '../entities/charge';
import { type ExpectedWindows, Metric } from '../entities/metric';
import { notFound, searchable, visibleServiceId, visibleServiceIdOrAll } from './access';
import { writeAudit } from './audit';
import { lockService, lockServiceInUse, refuseArchived, sentText, storeChanges } from './catalog-change';
import { refuseUnfitMetric } from './catalog-charge-terms';
import { asColumns, changedRules, FIXED_RULES, parseRules, rulesOf, type SentRules } from './catalog-metric-rules';
import { bumpCatalogVersion } from './catalog-version';
import { byId, fetchPage, narrowToArchived, type Page, type PageArgs } from './page';
import { inTransaction, violatedConstraint } from './transaction';
import { lockAllLanes } from './usage-lanes';

export interface CreateMetricInput extends SentRules {
  service?: string | null;
  code: string;
  name: string;
  unit: string;
  aggregation: MetricRules['aggregation'];
  semantics: MetricRules['semantics'];
  /** Whether records carry `events`; false when left out. */
  perEvent?: boolean;
  /** The windows expected of each series; null or left out: none. */
  expects?: ExpectedWindows | null;
}

/** @throws BillingError CONFLICT for a code that is taken, VALIDATION_FAILED for rules that do not go together. */
export async function createMetric(ctx: Ctx, input: CreateMetricInput): Promise<{ metric: Metric }> {
  const values = parseMetric(input);
  const serviceId = await visibleServiceId(ctx, input.service);
  return inTransaction(ctx, async (tx) => {
    await lockServiceInUse(tx, serviceId);
    const metric = tx.create(Metric, { ...values, serviceId, createdAt: ctx.now, archivedAt: null });
    await tx.save(metric).catch(refuseTakenCode);
    await bumpCatalogVersion(tx, [serviceId]);
    await writeAudit(tx, ctx, {
      action: 'metric.created',
      subjectType: 'metric',
      subjectId: metric.id,
      serviceId,
      details: values,
    });
    return { metric };
  });
}

/** Which metric is meant. */
export interface MetricName {
  service?: string | null;
  /** Its code. */
  metric: string;
}

/** What is left out is not touched. */
export interface UpdateMetricInput extends MetricName, SentRules {
  name?: string | null;
  unit?: string | null;
  /** Null: no windows are expected any more. */
  expects?: ExpectedWindows | null;
}

/**
 * Changes what is given of a metric. How it counts is fixed once there is usage of it; what windows it expects is not, and
 * holds for the periods that are not closed yet.
 * @throws BillingError NOT_FOUND; VALIDATION_FAILED for rules that do not go together, or with a charge of it; CONFLICT when it
 * is archived, or used and how it counts would change.
 */
export async function updateMetric(ctx: Ctx, input: UpdateMetricInput): Promise<{ metric: Metric }> {
  const labels = { name: sentText(input.name, 'name', 200), unit: sentText(input.unit, 'unit', 50) };
  const serviceId = await visibleServiceId(ctx, input.service);
  return inTransaction(ctx, async (tx) => {
    // What is being recorded by the old rule is in the ledger before it is asked whether there is usage.
    if (FIXED_RULES.some((name) => input[name] !== undefined)) await lockAllLanes(tx);
    await lockServiceInUse(tx, serviceId);
    const metric = await metricByCode(tx, serviceId, input.metric);
    refuseArchived(metric, { noun: 'metric', name: metric.code, field: 'metric' });
    const present = rulesOf(metric);
    const rules = changedRules(present, input);
    const fixed = FIXED_RULES.find((name) => JSON.stringify(rules[name]) !== JSON.stringify(present[name]));
    if (fixed !== undefined && (await hasUsage(tx, metric.id))) {
      const message = `The metric "${metric.code}" has usage: its ${fixed} is fixed. Make another metric.`;
      throw new BillingError('CONFLICT', message, { field: fixed });
    }
    if (fixed !== undefined) await refuseUnfitCharges(tx, metric.id, rules);
    const values = { ...labels, ...asColumns(rules), expects: input.expects };
    await storeChanges(tx, ctx, { entity: Metric, row: metric, values, action: 'metric.updated', serviceId });
    return { metric };
  });
}

/**
 * Takes a metric out of use: usage that counts before now is still taken, later usage is refused. Its code stays taken.
 * Archiving it again changes nothing.
 * @throws BillingError NOT_FOUND, CONFLICT while a charge of it is in use.
 */
export async function archiveMetric(ctx: Ctx, input: MetricName): Promise<{ metric: Metric }> {
  const serviceId = await visibleServiceId(ctx, input.service);
  return inTransaction(ctx, async (tx) => {
    await lockService(tx, serviceId);
    const metric = await metricByCode(tx, serviceId, input.metric);
    if (metric.archivedAt !== null) return { metric };
    const chargesInUse = await tx.countBy(Charge, { metricId: metric.id, archivedAt: IsNull() });
    if (chargesInUse > 0) {
      const message = `The metric "${metric.code}" has charges in use: archive them first.`;
      throw new BillingError('CONFLICT', message, { field: 'metric', chargesInUse });
    }
    const values = { archivedAt: ctx.now };
    await storeChanges(tx, ctx, { entity: Metric, row: metric, values, action: 'metric.archived', serviceId });
    return { metric };
  });
}

/** @throws BillingError NOT_FOUND naming `metric`. */
export async function metricByCode(tx: EntityManager, serviceId: string, code: string): Promise<Metric> {
  const metric = await tx.findOneBy(Metric, { serviceId, code: searchable(code) });
  if (metric === null) throw notFound('metric', 'metric');
  return metric;
}

/** One look into the ledger's index a contract: it has none by metric alone, which every record would pay for. */
async function hasUsage(tx: EntityManager, metricId: string): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `(select 1 from usage_record where contract_id is null and metric_id = $1 limit 1)
     union all
     (select 1 from contract c
       cross join lateral (select 1 from usage_record where contract_id = c.id and metric_id = $1 limit 1) used limit 1)`,
    [metricId],
  );
  return rows.length > 0;
}

export interface MetricFilter {
  service?: string | null;
  /** Only those out of use, or only those in use. */
  archived?: boolean | null;
}

/** Metrics of a service, or all that the caller may see, the oldest first. */
export async function listMetrics(ctx: Ctx, filter: MetricFilter, page: PageArgs): Promise<Page<Metric>> {
  const serviceId = await visibleServiceIdOrAll(ctx, filter.service);
  const query = ctx.db.createQueryBuilder(Metric, 'metric');
  if (serviceId !== null) query.where('metric.service_id = :serviceId', { serviceId });
  narrowToArchived(query, 'metric', filter.archived);
  return fetchPage(query, byId('metric'), page);
}

export async function metricsByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Metric>> {
  const query = ctx.db.createQueryBuilder(Metric, 'metric').where('metric.id = any(:ids)', { ids });
  if (ctx.actor.serviceId !== null)
    query.andWhere('metric.service_id = :serviceId', { serviceId: ctx.actor.serviceId });
  return new Map((await query.getMany()).map((metric) => [metric.id, metric]));
}

/** The prices of the metric's charges must go with how it counts. */
async function refuseUnfitCharges(tx: EntityManager, metricId: string, rules: MetricRules): Promise<void> {
  for (const charge of await tx.findBy(Charge, { metricId, archivedAt: IsNull() })) refuseUnfitMetric(rules, charge);
}

function refuseTakenCode(error: unknown): never {
  if (violatedConstraint(error) !== 'metric_service_code_key') throw error;
  throw new BillingError('CONFLICT', 'The service has a metric with this code already.', { field: 'code' });
}

/** @throws BillingError VALIDATION_FAILED */
function parseMetric(input: CreateMetricInput): Omit<Metric, 'id' | 'serviceId' | 'createdAt' | 'archivedAt'> {
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(input.code)) {
    throw invalid('code', 'code must be 1 to 100 letters, digits, `_`, `.` and `-`, with a letter or digit first.');
  }
  const rules = parseRules(input);
  const name = parseText(input.name, 'name', 200);
  const unit = parseText(input.unit, 'unit', 50);
  return { code: input.code, name, unit, ...asColumns(rules), expects: input.expects ?? null };
}
