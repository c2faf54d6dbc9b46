/** Reads periods, rated lines, blocks, write-backs and billers as an actor may see them, by id and in pages. */
import type { EntityTarget, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { parseInstant } from '../domain/parse';
import type { PriceStep } from '../domain/price';
import { Adjustment } from '../entities/adjustment';
import { BillableLine } from '../entities/billable-line';
import { BillerSpan } from '../entities/biller-span';
import { BillingBlock } from '../entities/billing-block';
import { BillingPeriod, type BillingPeriodState } from '../entities/billing-period';
import { WriteBack, type WriteBackState } from '../entities/write-back';
import { asUuid, notFound, visibleServiceIdOrAll } from './access';
import { contractInSight, contractVisible } from './contracts';
import { type Page, type PageArgs, fetchPage } from './page';

/** Entities by id, those the actor may see only. */
type ById<T> = Promise<Map<string, T>>;
/** Entities by the id of their parent; a parent without any is missing. */
type ByParent<T> = Promise<Map<string, T[]>>;

const PERIOD_VISIBLE = `exists (select 1 from contract c where c.id = period.contract_id and ${contractVisible(':serviceId')})`;

/** Of lines and write-backs a service sees those of its own charges. */
const CHARGE_VISIBLE = (column: string): string =>
  `(:serviceId::uuid is null or exists (select 1 from charge ch where ch.${column} and ch.service_id = :serviceId::uuid))`;
/** And of these the ones of contracts it may see: its product may stand on the order of a partner it has not linked. */
const PERIOD_OF = (id: string): string =>
  `exists (select 1 from billing_period period where period.id = ${id} and ${PERIOD_VISIBLE})`;
const LINE_VISIBLE = `${CHARGE_VISIBLE('id = line.charge_id')} and ${PERIOD_OF('line.period_id')}`;
const WRITE_BACK_VISIBLE = `${CHARGE_VISIBLE('product_id = write_back.product_id')} and ${PERIOD_OF('write_back.period_id')}`;
const BLOCK_VISIBLE = `(block.product_id is null or ${CHARGE_VISIBLE('product_id = block.product_id')})`;

function select<T extends ObjectLiteral>(
  ctx: Ctx,
  from: { entity: EntityTarget<T>; alias: string; visible: string },
): SelectQueryBuilder<T> {
  return ctx.db.manager
    .createQueryBuilder(from.entity, from.alias)
    .where(from.visible, { serviceId: ctx.actor.serviceId });
}

const periodQuery = (ctx: Ctx): SelectQueryBuilder<BillingPeriod> =>
  select(ctx, { entity: BillingPeriod, alias: 'period', visible: PERIOD_VISIBLE });
const lineQuery = (ctx: Ctx): SelectQueryBuilder<BillableLine> =>
  select(ctx, { entity: BillableLine, alias: 'line', visible: LINE_VISIBLE });
const writeBackQuery = (ctx: Ctx): SelectQueryBuilder<WriteBack> =>
  select(ctx, { entity: WriteBack, alias: 'write_back', visible: WRITE_BACK_VISIBLE });

export async function periodsByIds(ctx: Ctx, ids: readonly string[]): ById<BillingPeriod> {
  const periods = await periodQuery(ctx).andWhere('period.id in (:...ids)', { ids }).getMany();
  return new Map(periods.map((period) => [period.id, period]));
}

/** The period, when the actor may see it. @throws BillingError NOT_FOUND */
export async function periodInSight(ctx: Ctx, id: string, field: string): Promise<BillingPeriod> {
  const uuid = asUuid(id, 'billing period', field);
  const period = (await periodsByIds(ctx, [uuid])).get(uuid);
  if (period === undefined) throw notFound('billing period', field);
  return period;
}

/** The open period of each contract. */
export async function openPeriodsByContractIds(ctx: Ctx, contractIds: readonly string[]): ById<BillingPeriod> {
  const periods = await periodQuery(ctx)
    .andWhere(`period.state = 'OPEN' and period.contract_id in (:...contractIds)`, { contractIds })
    .getMany();
  return new Map(periods.map((period) => [period.contractId, period]));
}

export interface BillingPeriodFilter {
  contractId?: string | null;
  states?: BillingPeriodState[] | null;
  endFrom?: string | null;
  endTo?: string | null;
}

/** Periods, the newest start first. */
export async function billingPeriods(
  ctx: Ctx,
  filter: BillingPeriodFilter,
  page: PageArgs,
): Promise<Page<BillingPeriod>> {
  const query = periodQuery(ctx);
  if (filter.contractId) {
    query.andWhere('period.contract_id = :contractId', {
      contractId: (await contractInSight(ctx, filter.contractId)).id,
    });
  }
  if (filter.states) query.andWhere('period.state = any (:states)', { states: filter.states });
  if (filter.endFrom) query.andWhere('period.end_at >= :endFrom', { endFrom: parseInstant(filter.endFrom, 'endFrom') });
  if (filter.endTo) query.andWhere('period.end_at < :endTo', { endTo: parseInstant(filter.endTo, 'endTo') });
  const columns = [
    { sql: 'period.start_at', type: 'timestamptz' },
    { sql: 'period.id', type: 'uuid' },
  ] as const;
  return fetchPage(query, { columns, direction: 'desc' }, page);
}

/** The newest revision of each charge's line in each period. */
export async function newestLinesByPeriodIds(ctx: Ctx, periodIds: readonly string[]): ByParent<BillableLine> {
  const lines = await lineQuery(ctx)
    .andWhere('line.period_id in (:...periodIds)', { periodIds })
    .andWhere(NEWEST_REVISION)
    .orderBy('line.id')
    .getMany();
  return group(lines, (line) => line.periodId);
}

const NEWEST_REVISION = `not exists (select 1 from billable_line later where later.period_id = line.period_id
  and later.charge_id = line.charge_id and later.bucket = line.bucket and later.revision > line.revision)`;

export interface BillableLineFilter {
  service?: string | null;
  contractId?: string | null;
  periodId?: string | null;
}

/** Rated lines with all their revisions, the newest first. */
export async function billableLines(ctx: Ctx, filter: BillableLineFilter, page: PageArgs): Promise<Page<BillableLine>> {
  const query = lineQuery(ctx);
  const serviceId = await visibleServiceIdOrAll(ctx, filter.service);
  if (serviceId !== null) {
    query.andWhere('exists (select 1 from charge f where f.id = line.charge_id and f.service_id = :filterService)', {
      filterService: serviceId,
    });
  }
  if (filter.contractId) {
    query.andWhere(
      'exists (select 1 from billing_period p where p.id = line.period_id and p.contract_id = :contractId)',
      {
        contractId: (await contractInSight(ctx, filter.contractId)).id,
      },
    );
  }
  if (filter.periodId) {
    query.andWhere('line.period_id = :periodId', {
      periodId: (await periodInSight(ctx, filter.periodId, 'periodId')).id,
    });
  }
  return fetchPage(query, { columns: [{ sql: 'line.id', type: 'uuid' }], direction: 'desc' }, page);
}

export async function adjustmentsByLineIds(ctx: Ctx, lineIds: readonly string[]): ByParent<Adjustment> {
  const adjustments = await ctx.db.manager
    .createQueryBuilder(Adjustment, 'adjustment')
    .where('adjustment.billable_line_id in (:...lineIds)', { lineIds })
    .orderBy('adjustment.id')
    .getMany();
  return group(adjustments, (adjustment) => adjustment.billableLineId);
}

export async function writeBacksByPeriodIds(ctx: Ctx, periodIds: readonly string[]): ByParent<WriteBack> {
  const writeBacks = await writeBackQuery(ctx)
    .andWhere('write_back.period_id in (:...periodIds)', { periodIds })
    .orderBy('write_back.sequence')
    .getMany();
  return group(writeBacks, (writeBack) => writeBack.periodId);
}

export async function writeBacksByIds(ctx: Ctx, ids: readonly string[]): ById<WriteBack> {
  const found = await writeBackQuery(ctx).andWhere('write_back.id in (:...ids)', { ids }).getMany();
  return new Map(found.map((writeBack) => [writeBack.id, writeBack]));
}

export interface WriteBackFilter {
  contractId?: string | null;
  states?: WriteBackState[] | null;
}

/** Write-backs, the newest first. */
export async function writeBacks(ctx: Ctx, filter: WriteBackFilter, page: PageArgs): Promise<Page<WriteBack>> {
  const query = writeBackQuery(ctx);
  if (filter.contractId) {
    query.andWhere('write_back.contract_id = :contractId', {
      contractId: (await contractInSight(ctx, filter.contractId)).id,
    });
  }
  if (filter.states) query.andWhere('write_back.state = any (:states)', { states: filter.states });
  return fetchPage(query, { columns: [{ sql: 'write_back.sequence', type: 'bigint' }], direction: 'desc' }, page);
}

/** Standing blocks of each period, the oldest first. */
export async function blocksByPeriodIds(ctx: Ctx, periodIds: readonly string[]): ByParent<BillingBlock> {
  const blocks = await select(ctx, { entity: BillingBlock, alias: 'block', visible: BLOCK_VISIBLE })
    .andWhere('block.lifted_at is null and block.period_id in (:...periodIds)', { periodIds })
    .orderBy('block.id')
    .getMany();
  return group(blocks, (block) => block.periodId);
}

/** Biller spans of each contract: of the actor's service, or of all. */
export async function spansByContractIds(ctx: Ctx, contractIds: readonly string[]): ByParent<BillerSpan> {
  const visible = '(:serviceId::uuid is null or span.service_id = :serviceId::uuid)';
  const spans = await select(ctx, { entity: BillerSpan, alias: 'span', visible })
    .andWhere('span.contract_id in (:...contractIds)', { contractIds })
    .orderBy('span.service_id')
    .addOrderBy('span.starts_at', 'ASC', 'NULLS FIRST')
    .getMany();
  return group(spans, (span) => span.contractId);
}

function group<T>(rows: readonly T[], parent: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const key = parent(row);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [row]);
    else known.push(row);
  }
  return groups;
}

/** The steps of a stored line as exact numbers. */
export function storedSteps(line: BillableLine): PriceStep[] {
  return line.explanation.map((step) => ({
    kind: step.kind,
    fromUnits: new Decimal(step.fromUnits),
    toUnits: new Decimal(step.toUnits),
    units: new Decimal(step.units),
    unitPrice: new Decimal(step.unitPrice),
    flatPrice: new Decimal(step.flatPrice),
    amount: new Decimal(step.amount),
  }));
}
