/** Reads periods, rated lines, blocks, write-backs and billers as an actor may see them, by id and by what they belong to. */
import { strict as assert } from 'node:assert';
import type { EntityTarget, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { explainRating } from '../domain/explanation';
import type { PriceStep } from '../domain/price';
import { Adjustment } from '../entities/adjustment';
import { BillableLine } from '../entities/billable-line';
import { BillerSpan } from '../entities/biller-span';
import { BillingBlock } from '../entities/billing-block';
import { BillingPeriod } from '../entities/billing-period';
import { SlotSettlement } from '../entities/slot-settlement';
import { WriteBack } from '../entities/write-back';
import { WriteBackAttempt } from '../entities/write-back-attempt';
import { asUuid, notFound } from './access';

/** Entities by id, those the actor may see only. */
type ById<T> = Promise<Map<string, T>>;
/** Entities by the id of their parent; a parent without any is missing. */
type ByParent<T> = Promise<Map<string, T[]>>;

// What a service sees is asked for as sets, so that the database may begin with the few contracts of a small service.
const CONTRACTS = `(
  select s.contract_id from account_link l join partner p on p.id = l.partner_id
    join subscription s on s.partner_odoo_id = p.odoo_id
   where l.service_id = :serviceId)`;
/** Of lines and write-backs those of its own charges. */
const CHARGED = (column: string): string => `(select ch.${column} from charge ch where ch.service_id = :serviceId)`;

const PERIOD_VISIBLE = `period.contract_id in ${CONTRACTS}`;
/** And of these the ones of contracts it may see: its product may stand on the order of a partner it has not linked. */
const LINE_VISIBLE = `line.charge_id in ${CHARGED('id')} and line.period_id in (
  select period.id from billing_period period where ${PERIOD_VISIBLE})`;
const WRITE_BACK_VISIBLE = `write_back.product_id in ${CHARGED('product_id')} and write_back.contract_id in ${CONTRACTS}`;
const SETTLEMENT_VISIBLE = `settlement.product_id in ${CHARGED('product_id')} and settlement.contract_id in ${CONTRACTS}`;
const BLOCK_VISIBLE = `(block.product_id is null or block.product_id in ${CHARGED('product_id')})`;

/** Holds for the blocks that the actor may see of periods it may see; the query must know `:serviceId`. */
export function blockVisible(ctx: Ctx): string {
  return ctx.actor.serviceId === null ? 'true' : BLOCK_VISIBLE;
}

function select<T extends ObjectLiteral>(
  ctx: Ctx,
  from: { entity: EntityTarget<T>; alias: string; visible: string },
): SelectQueryBuilder<T> {
  const { serviceId } = ctx.actor;
  const query = ctx.db.manager.createQueryBuilder(from.entity, from.alias);
  return serviceId === null ? query.where('true') : query.where(from.visible, { serviceId });
}

export const periodQuery = (ctx: Ctx): SelectQueryBuilder<BillingPeriod> =>
  select(ctx, { entity: BillingPeriod, alias: 'period', visible: PERIOD_VISIBLE });
export const lineQuery = (ctx: Ctx): SelectQueryBuilder<BillableLine> =>
  select(ctx, { entity: BillableLine, alias: 'line', visible: LINE_VISIBLE });
export const writeBackQuery = (ctx: Ctx): SelectQueryBuilder<WriteBack> =>
  select(ctx, { entity: WriteBack, alias: 'write_back', visible: WRITE_BACK_VISIBLE });
export const settlementQuery = (ctx: Ctx): SelectQueryBuilder<SlotSettlement> =>
  select(ctx, { entity: SlotSettlement, alias: 'settlement', visible: SETTLEMENT_VISIBLE });

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

/** The newest revision of each charge's line in each period. */
export async function newestLinesByPeriodIds(ctx: Ctx, periodIds: readonly string[]): ByParent<BillableLine> {
  const lines = await lineQuery(ctx)
    .andWhere('line.period_id in (:...periodIds)', { periodIds })
    .andWhere(NEWEST_REVISION)
    .orderBy('line.id')
    .getMany();
  return group(lines, (line) => line.periodId);
}

/** Holds for the newest revision of a `line`. */
export const NEWEST_REVISION = `not exists (select 1 from billable_line later where later.period_id = line.period_id
  and later.charge_id = line.charge_id and later.bucket = line.bucket and later.revision > line.revision)`;

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

/** The attempts of each write-back, the oldest first. */
export async function attemptsByWriteBackIds(ctx: Ctx, writeBackIds: readonly string[]): ByParent<WriteBackAttempt> {
  const attempts = await ctx.db.manager
    .createQueryBuilder(WriteBackAttempt, 'attempt')
    .where('attempt.write_back_id in (:...writeBackIds)', { writeBackIds })
    .orderBy('attempt.id')
    .getMany();
  return group(attempts, (attempt) => attempt.writeBackId);
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
  const visible = 'span.service_id = :serviceId';
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

/** How the amount of each line came about, in one sentence; the lines are in sight of the actor. */
export async function explanationsOfLines(
  ctx: Ctx,
  lines: readonly BillableLine[],
): Promise<Map<BillableLine, string>> {
  const rows = await ctx.db.query<{ id: string; mode: 'QUANTITY' | 'AMOUNT'; unit: string; perProductUnit: string }[]>(
    `select c.id, c.mode, m.unit, c.units_per_product_unit as "perProductUnit"
       from charge c join metric m on m.id = c.metric_id where c.id = any ($1)`,
    [lines.map((line) => line.chargeId)],
  );
  const charges = new Map(rows.map((row) => [row.id, row]));
  return new Map(
    lines.map((line) => {
      const charge = charges.get(line.chargeId);
      assert(charge !== undefined, 'a rated line has its charge');
      const { mode, unit, perProductUnit } = charge;
      const terms = { mode, unit, currency: line.currency, unitsPerProductUnit: new Decimal(perProductUnit) };
      return [line, explainRating({ ...line, steps: storedSteps(line) }, terms)];
    }),
  );
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
