/** Lists of alerts and of the thresholds they saw reached, as an actor may see them: a service its own. */
import type { SelectQueryBuilder } from 'typeorm';
import type { Ctx } from '../ctx';
import { UsageAlert } from '../entities/usage-alert';
import { UsageAlertEvent } from '../entities/usage-alert-event';
import { asUuid, notFound, searchable } from './access';
import { type ContractFilter, narrowToContracts, narrowToTime } from './billing-lists';
import { byId, fetchPage, narrowToArchived, orders, type Page, type PageArgs } from './page';

export interface UsageAlertFilter extends ContractFilter {
  /** Code of a metric. */
  metric?: string | null;
  /** Only those out of use, or only those in use. */
  archived?: boolean | null;
}

function alertQuery(ctx: Ctx): SelectQueryBuilder<UsageAlert> {
  const query = ctx.db.createQueryBuilder(UsageAlert, 'alert');
  const { serviceId } = ctx.actor;
  return serviceId === null ? query.where('true') : query.where('alert.service_id = :owner', { owner: serviceId });
}

/** Alerts in sight, the oldest first. @throws BillingError NOT_FOUND naming the filter's field. */
export async function usageAlerts(ctx: Ctx, filter: UsageAlertFilter, page: PageArgs): Promise<Page<UsageAlert>> {
  const query = alertQuery(ctx);
  const serviceId = await narrowToContracts(ctx, query, { column: 'alert.contract_id', filter });
  if (serviceId !== null) query.andWhere('alert.service_id = :of', { of: serviceId });
  if (filter.metric !== null && filter.metric !== undefined) {
    query.andWhere('alert.metric_id in (select id from metric where code = :code)', {
      code: searchable(filter.metric),
    });
  }
  narrowToArchived(query, 'alert', filter.archived);
  return fetchPage(query, byId('alert'), page);
}

export async function usageAlertsByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, UsageAlert>> {
  const alerts = await alertQuery(ctx).andWhere('alert.id = any(:ids)', { ids }).getMany();
  return new Map(alerts.map((alert) => [alert.id, alert]));
}

export interface UsageAlertEventFilter extends ContractFilter {
  alertId?: string | null;
  /** Reached in `[crossedFrom, crossedTo)`. */
  crossedFrom?: string | null;
  crossedTo?: string | null;
}

const EVENT_ORDERS = orders('CROSSED_AT', [
  { sql: 'event.crossed_at', type: 'timestamptz' },
  { sql: 'event.id', type: 'uuid' },
]);
export type UsageAlertEventOrder = keyof typeof EVENT_ORDERS;

/** A page of the thresholds reached. @throws BillingError NOT_FOUND, VALIDATION_FAILED naming the filter's field. */
export async function usageAlertEvents(
  ctx: Ctx,
  filter: UsageAlertEventFilter,
  { order, page }: { order: UsageAlertEventOrder; page: PageArgs },
): Promise<Page<UsageAlertEvent>> {
  const query = ctx.db
    .createQueryBuilder(UsageAlertEvent, 'event')
    .innerJoin(UsageAlert, 'alert', 'alert.id = event.alert_id')
    .where('true');
  const serviceId = await narrowToContracts(ctx, query, { column: 'alert.contract_id', filter });
  const owner = serviceId ?? ctx.actor.serviceId;
  if (owner !== null) query.andWhere('alert.service_id = :owner', { owner });
  if (filter.alertId) query.andWhere('event.alert_id = :alertId', { alertId: await alertInSight(ctx, filter.alertId) });
  narrowToTime(query, 'event.crossed_at', { crossedFrom: filter.crossedFrom, crossedTo: filter.crossedTo });
  return fetchPage(query, EVENT_ORDERS[order], page);
}

async function alertInSight(ctx: Ctx, id: string): Promise<string> {
  const uuid = asUuid(id, 'alert', 'alertId');
  if ((await usageAlertsByIds(ctx, [uuid])).has(uuid)) return uuid;
  throw notFound('alert', 'alertId');
}
