/** Lists of periods, rated lines and write-backs: by service, account, contract, state and time, each in its orders. */
import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { Ctx } from '../ctx';
import { parseInstant } from '../domain/parse';
import type { BillableLine } from '../entities/billable-line';
import { BillingPeriod, type BillingPeriodState } from '../entities/billing-period';
import { Charge } from '../entities/charge';
import { Metric } from '../entities/metric';
import type { WriteBack, WriteBackKind, WriteBackState } from '../entities/write-back';
import { asUuid, searchable, visibleServiceIdOrAll } from './access';
import { NEWEST_REVISION, blockVisible, lineQuery, periodInSight, periodQuery, writeBackQuery } from './billing-reads';
import { contractInSight, contractVisible } from './contracts';
import { type Page, type PageArgs, fetchPage, fetchPages, orders } from './page';

/** Which contracts are wanted; what is not given does not narrow. */
export interface ContractFilter {
  /** Code of a service. */
  service?: string | null;
  /** A service's own id of an account; a link that is pinned means its contract only. */
  account?: string | null;
  contractId?: string | null;
}

/** Narrows `query` to the contracts wanted by account and id; returns the service that is meant, null for all. */
export async function narrowToContracts<T extends ObjectLiteral>(
  ctx: Ctx,
  query: SelectQueryBuilder<T>,
  { column, filter }: { column: string; filter: ContractFilter },
): Promise<string | null> {
  const linkedServiceId = await visibleServiceIdOrAll(ctx, filter.service);
  if (filter.contractId) {
    query.andWhere(`${column} = :contractId`, { contractId: (await contractInSight(ctx, filter.contractId)).id });
  }
  if (filter.account !== null && filter.account !== undefined) {
    query.andWhere(
      `${column} in (
         select s.contract_id from account_link l join partner p on p.id = l.partner_id
           join subscription s on s.partner_odoo_id = p.odoo_id
          where l.account = :account and (:linkedServiceId::uuid is null or l.service_id = :linkedServiceId::uuid)
            and (l.contract_id is null or l.contract_id = s.contract_id))`,
      { account: searchable(filter.account), linkedServiceId },
    );
  }
  return linkedServiceId;
}

/** Keeps rows whose `column` lies in `[from, to)`; the bounds are named in refusals by `fields`. */
export function narrowToTime<T extends ObjectLiteral>(
  query: SelectQueryBuilder<T>,
  column: string,
  bounds: Readonly<Record<string, string | null | undefined>>,
): void {
  for (const [field, bound] of Object.entries(bounds)) {
    if (bound === null || bound === undefined) continue;
    query.andWhere(`${column} ${field.endsWith('From') ? '>=' : '<'} :${field}`, {
      [field]: parseInstant(bound, field),
    });
  }
}

export interface BillingPeriodFilter extends ContractFilter {
  states?: readonly BillingPeriodState[] | null;
  startFrom?: string | null;
  startTo?: string | null;
  endFrom?: string | null;
  endTo?: string | null;
  /** Only those with a standing block, or only those without. */
  blocked?: boolean | null;
}

const PERIOD_ORDERS = orders('START_AT', [
  { sql: 'period.start_at', type: 'timestamptz' },
  { sql: 'period.id', type: 'uuid' },
]);
export type BillingPeriodOrder = keyof typeof PERIOD_ORDERS;

/** A page of periods in sight. @throws BillingError NOT_FOUND, VALIDATION_FAILED naming the filter's field. */
export async function billingPeriods(
  ctx: Ctx,
  filter: BillingPeriodFilter,
  { order, page }: { order: BillingPeriodOrder; page: PageArgs },
): Promise<Page<BillingPeriod>> {
  const query = periodQuery(ctx);
  const serviceId = await narrowToContracts(ctx, query, { column: 'period.contract_id', filter });
  if (filter.service) {
    const seen = contractVisible(':seenBy');
    query.andWhere(`exists (select 1 from contract c where c.id = period.contract_id and ${seen})`, {
      seenBy: serviceId,
    });
  }
  if (filter.states) query.andWhere('period.state = any (:states)', { states: filter.states });
  narrowToTime(query, 'period.start_at', { startFrom: filter.startFrom, startTo: filter.startTo });
  narrowToTime(query, 'period.end_at', { endFrom: filter.endFrom, endTo: filter.endTo });
  if (filter.blocked !== null && filter.blocked !== undefined) {
    query.andWhere(
      `exists (select 1 from billing_block block where block.period_id = period.id and block.lifted_at is null
         and ${blockVisible(ctx)}) = :blocked`,
      { blocked: filter.blocked },
    );
  }
  return fetchPage(query, PERIOD_ORDERS[order], page);
}

/** The same page of each contract's periods, the newest first, in one statement. */
export async function periodPagesByContractIds(
  ctx: Ctx,
  contractIds: readonly string[],
  page: PageArgs,
): Promise<Map<string, Page<BillingPeriod>>> {
  return fetchPages(periodQuery(ctx), PERIOD_ORDERS.START_AT_DESC, {
    parents: contractIds,
    parent: 'period.contract_id',
    page,
  });
}

export interface BillableLineFilter extends ContractFilter {
  periodId?: string | null;
  chargeId?: string | null;
  /** Code of a metric. */
  metric?: string | null;
  /** Of periods that begin in `[periodFrom, periodTo)`. */
  periodFrom?: string | null;
  periodTo?: string | null;
  /** Only the revisions that count, or only those that were replaced. */
  newest?: boolean | null;
}

const LINE_ORDERS = orders('CREATED_AT', [{ sql: 'line.id', type: 'uuid' }]);
export type BillableLineOrder = keyof typeof LINE_ORDERS;

/** A page of rated lines in sight, with all their revisions. @throws BillingError as billingPeriods. */
export async function billableLines(
  ctx: Ctx,
  filter: BillableLineFilter,
  { order, page }: { order: BillableLineOrder; page: PageArgs },
): Promise<Page<BillableLine>> {
  const query = lineQuery(ctx)
    .innerJoin(BillingPeriod, 'rated', 'rated.id = line.period_id')
    .innerJoin(Charge, 'charge', 'charge.id = line.charge_id');
  const serviceId = await narrowToContracts(ctx, query, { column: 'rated.contract_id', filter });
  if (serviceId !== null) query.andWhere('charge.service_id = :chargedBy', { chargedBy: serviceId });
  if (filter.periodId) {
    const { id } = await periodInSight(ctx, filter.periodId, 'periodId');
    query.andWhere('line.period_id = :periodId', { periodId: id });
  }
  if (filter.chargeId) {
    query.andWhere('line.charge_id = :chargeId', { chargeId: asUuid(filter.chargeId, 'charge', 'chargeId') });
  }
  if (filter.metric !== null && filter.metric !== undefined) {
    query.innerJoin(Metric, 'metric', 'metric.id = charge.metric_id');
    query.andWhere('metric.code = :metric', { metric: searchable(filter.metric) });
  }
  narrowToTime(query, 'rated.start_at', { periodFrom: filter.periodFrom, periodTo: filter.periodTo });
  if (filter.newest !== null && filter.newest !== undefined) {
    query.andWhere(`(${NEWEST_REVISION}) = :newest`, { newest: filter.newest });
  }
  return fetchPage(query, LINE_ORDERS[order], page);
}

export interface WriteBackFilter extends ContractFilter {
  periodId?: string | null;
  states?: readonly WriteBackState[] | null;
  kinds?: readonly WriteBackKind[] | null;
  createdFrom?: string | null;
  createdTo?: string | null;
}

const WRITE_BACK_ORDERS = orders('CREATED_AT', [{ sql: 'write_back.sequence', type: 'bigint' }]);
export type WriteBackOrder = keyof typeof WRITE_BACK_ORDERS;

/** A page of write-backs in sight. @throws BillingError as billingPeriods. */
export async function writeBacks(
  ctx: Ctx,
  filter: WriteBackFilter,
  { order, page }: { order: WriteBackOrder; page: PageArgs },
): Promise<Page<WriteBack>> {
  const query = writeBackQuery(ctx);
  const serviceId = await narrowToContracts(ctx, query, { column: 'write_back.contract_id', filter });
  if (serviceId !== null) {
    query.andWhere(
      'exists (select 1 from charge f where f.product_id = write_back.product_id and f.service_id = :writtenFor)',
      { writtenFor: serviceId },
    );
  }
  if (filter.periodId) {
    const { id } = await periodInSight(ctx, filter.periodId, 'periodId');
    query.andWhere('write_back.period_id = :periodId', { periodId: id });
  }
  if (filter.states) query.andWhere('write_back.state = any (:states)', { states: filter.states });
  if (filter.kinds) query.andWhere('write_back.kind = any (:kinds)', { kinds: filter.kinds });
  narrowToTime(query, 'write_back.created_at', { createdFrom: filter.createdFrom, createdTo: filter.createdTo });
  return fetchPage(query, WRITE_BACK_ORDERS[order], page);
}
