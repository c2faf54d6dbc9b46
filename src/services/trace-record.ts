/**
 * Where a usage record went: its chain of corrections, its contract and why, the period and line in which it counts, and what of
 * that line reached Odoo. Several records share a line, so a line tells its worth and its records, and no record a share.
 */
import { strict as assert } from 'node:assert';
import type { Ctx } from '../ctx';
import { AccountLink } from '../entities/account-link';
import type { Adjustment } from '../entities/adjustment';
import type { BillableLine } from '../entities/billable-line';
import type { SlotSettlement } from '../entities/slot-settlement';
import { UsageAssignment } from '../entities/usage-assignment';
import { UsageRecord } from '../entities/usage-record';
import type { WriteBack } from '../entities/write-back';
import { notFound, searchable, visibleServiceId } from './access';
import { adjustmentsByLineIds, lineQuery, settlementQuery, writeBackQuery } from './billing-reads';
import { chargesByIds } from './catalog-charge-reads';
import { loadContractState } from './contract-state';
import { fittingCharges } from './fitting-charges';
import { isSuperseded } from './ledger-sql';
import { bucketOfRecord } from './trace-buckets';

/** The newest of each kind that a trace carries. */
export const MAX_TRACED = 100;

/**
 * Processes and the database have clocks of their own: what was rated this long before a record was received may hold it.
 */
const CLOCK_DIFFERENCE_MS = 60_000;

/** What became of the record, or correction, that a key names. */
export type RecordOutcome = 'IN_PERIOD' | 'UNASSIGNED' | 'BEFORE_BILLING' | 'AFTER_END' | 'SUPERSEDED' | 'VOIDED';

/** Why a record belongs to its contract. */
export type ContractReason = 'NAMED' | 'PINNED_LINK' | 'ONLY_CONTRACT' | 'ASSIGNED';

export interface RecordTrace {
  /** The usage record: of a correction's key the one that it corrects. */
  record: UsageRecord;
  /** Set when the key is that of a correction. */
  correction: UsageRecord | null;
  outcome: RecordOutcome;
  contractId: string | null;
  contractReason: ContractReason | null;
  /** The first one first. */
  assignments: UsageAssignment[];
  periodId: string | null;
  chargeId: string | null;
  bucket: string | null;
  /** Revisions of the line in which it counts, the first one first. */
  lines: BillableLine[];
  adjustments: Adjustment[];
  writeBacks: WriteBack[];
  settlements: SlotSettlement[];
}

/**
 * Traces the record, or the correction, of a key.
 * @throws BillingError NOT_FOUND naming `idempotencyKey` when nothing has the key, or `service`.
 */
export async function traceRecord(
  ctx: Ctx,
  { service, idempotencyKey }: { service?: string | null; idempotencyKey: string },
): Promise<RecordTrace> {
  const serviceId = await visibleServiceId(ctx, service);
  const chain = await chainOf(ctx, serviceId, idempotencyKey);
  const named = chain.find((row) => row.idempotencyKey === idempotencyKey);
  const [record] = chain;
  if (named === undefined || record === undefined) throw notFound('usage record', 'idempotencyKey');
  const assignments = await assignmentsOf(ctx, chain);
  const contractId = assignments.at(-1)?.contractId ?? record.contractId;
  const place = await placeOf(ctx, record, contractId);
  const rated = await ratedIn(ctx, record, place);
  const adjustments = await adjustmentsBy(ctx, { chain, assignments, lines: rated.lines });
  return {
    record,
    correction: named.kind === 'USAGE' ? null : named,
    outcome: outcomeOf(chain, named, place),
    contractId,
    contractReason: await reasonOf(ctx, { record, contractId, assignments }),
    assignments,
    periodId: place.periodId,
    ...rated,
    adjustments,
    ...(await slotsOf(ctx, { ...place, ...rated, adjustments })),
  };
}

/** The record and its corrections, the record first. */
async function chainOf(ctx: Ctx, serviceId: string, key: string): Promise<UsageRecord[]> {
  return ctx.db
    .createQueryBuilder(UsageRecord, 'link')
    .innerJoin(
      UsageRecord,
      'named',
      'link.id = coalesce(named.root, named.id) or link.root = coalesce(named.root, named.id)',
    )
    .where('named.service_id = :serviceId and named.idempotency_key = :key', { serviceId, key: searchable(key) })
    .orderBy('link.id')
    .getMany();
}

function assignmentsOf(ctx: Ctx, chain: readonly UsageRecord[]): Promise<UsageAssignment[]> {
  return ctx.db
    .createQueryBuilder(UsageAssignment, 'assignment')
    .where('assignment.record_id = any(:ids)', { ids: chain.map(({ id }) => id) })
    .orderBy('assignment.id')
    .getMany();
}

/** Where a contract's time has a record. */
interface Place {
  contractId: string | null;
  periodId: string | null;
  isBefore: boolean;
  /** A newer send of its window counts instead. */
  isSuperseded: boolean;
}

async function placeOf(ctx: Ctx, record: UsageRecord, contractId: string | null): Promise<Place> {
  // The instant as the database has it: it has more digits than a Date.
  const [row] = await ctx.db.query<{ period_id: string | null; is_before: boolean; is_superseded: boolean }[]>(
    `select (select p.id from billing_period p where p.contract_id = $2 and p.start_at <= r.counted_at
               and (p.end_at is null or r.counted_at < p.end_at)) as period_id,
            coalesce(r.counted_at < (select min(p.start_at) from billing_period p where p.contract_id = $2), true) as is_before,
            ${isSuperseded({ record: 'r', metric: 'm', contract: '$2::uuid' })} as is_superseded
       from usage_record r join metric m on m.id = r.metric_id where r.id = $1`,
    [record.id, contractId],
  );
  assert(row, 'a record that was read is there');
  return { contractId, periodId: row.period_id, isBefore: row.is_before, isSuperseded: row.is_superseded };
}

function outcomeOf(chain: readonly UsageRecord[], named: UsageRecord, place: Place): RecordOutcome {
  const head = chain.at(-1);
  if (head?.kind === 'VOID') return 'VOIDED';
  if (head?.id !== named.id || place.isSuperseded) return 'SUPERSEDED';
  if (place.contractId === null) return 'UNASSIGNED';
  if (place.periodId !== null) return 'IN_PERIOD';
  return place.isBefore ? 'BEFORE_BILLING' : 'AFTER_END';
}

async function reasonOf(
  ctx: Ctx,
  { record, contractId, assignments }: Pick<RecordTrace, 'record' | 'contractId' | 'assignments'>,
): Promise<ContractReason | null> {
  if (contractId === null) return null;
  if (assignments.length > 0) return 'ASSIGNED';
  if (record.subscriptionId !== null) return 'NAMED';
  const link = await ctx.db.getRepository(AccountLink).findOneByOrFail({ id: record.accountLinkId });
  return link.contractId === contractId ? 'PINNED_LINK' : 'ONLY_CONTRACT';
}

type Rated = Pick<RecordTrace, 'chargeId' | 'bucket' | 'lines'> & { productId: string | null };

/** The charge that rates the record's metric in its period, and its revisions there. */
async function ratedIn(ctx: Ctx, record: UsageRecord, { contractId, periodId }: Place): Promise<Rated> {
  const nothing = { chargeId: null, bucket: null, lines: [], productId: null };
  if (contractId === null || periodId === null) return nothing;
  const newest = await lineQuery(ctx)
    .andWhere('line.period_id = :periodId', { periodId })
    .andWhere('line.charge_id in (select rated.id from charge rated where rated.metric_id = :metricId)', {
      metricId: record.metricId,
    })
    .orderBy('line.id', 'DESC')
    .getOne();
  const chargeId = newest?.chargeId ?? (await chargeToCome(ctx, record, { contractId, periodId }));
  const charge = chargeId === null ? undefined : (await chargesByIds(ctx, [chargeId])).get(chargeId);
  if (charge === undefined) return nothing;
  const bucket = bucketOfRecord(charge, record);
  const newestFirst = await lineQuery(ctx)
    .andWhere('line.period_id = :periodId and line.charge_id = :chargeId', { periodId, chargeId: charge.id })
    .andWhere('line.bucket = :bucket', { bucket })
    .orderBy('line.id', 'DESC')
    .limit(MAX_TRACED)
    .getMany();
  return {
    chargeId: charge.id,
    bucket,
    lines: newestFirst.reverse(),
    productId: charge.productId,
  };
}

/** The charge that would rate the metric if its period, still open, closed now. */
async function chargeToCome(
  ctx: Ctx,
  record: UsageRecord,
  { contractId, periodId }: { contractId: string; periodId: string },
): Promise<string | null> {
  const state = await loadContractState(ctx.db.manager, contractId);
  const period = state?.periods.find(({ id }) => id === periodId);
  if (state === null || period === undefined || period.closed) return null;
  return fittingCharges(state, period).fitting.find(({ metricId }) => metricId === record.metricId)?.id ?? null;
}

/** Adjustments of the line since anything of the chain came late: one of them took it up, perhaps with others. */
async function adjustmentsBy(
  ctx: Ctx,
  { chain, assignments, lines }: { chain: readonly UsageRecord[] } & Pick<RecordTrace, 'assignments' | 'lines'>,
): Promise<Adjustment[]> {
  const late = [
    ...chain.filter((row) => row.late).map((row) => row.receivedAt.getTime()),
    ...assignments.filter((row) => row.late).map((row) => row.assignedAt.getTime()),
  ];
  if (late.length === 0 || lines.length === 0) return [];
  const since = Math.min(...late) - CLOCK_DIFFERENCE_MS;
  const byLine = await adjustmentsByLineIds(
    ctx,
    lines.map(({ id }) => id),
  );
  return lines.flatMap(({ id }) => byLine.get(id) ?? []).filter(({ createdAt }) => createdAt.getTime() >= since);
}

/** What was written and billed for the line's product in its period, and in those that took up adjustments. */
async function slotsOf(
  ctx: Ctx,
  { contractId, periodId, productId, adjustments }: Place & Pick<Rated, 'productId'> & Pick<RecordTrace, 'adjustments'>,
): Promise<Pick<RecordTrace, 'writeBacks' | 'settlements'>> {
  if (periodId === null || productId === null) return { writeBacks: [], settlements: [] };
  const periods = [periodId, ...(await periodsTakingUp(ctx, { contractId, productId, adjustments }))];
  const ofSlot = (alias: string): string =>
    `${alias}.contract_id = :contractId and ${alias}.product_id = :productId and ${alias}.period_id = any(:periods)`;
  const slot = { contractId, productId, periods };
  const writeBacks = await writeBackQuery(ctx)
    .andWhere(ofSlot('write_back'), slot)
    .orderBy('write_back.sequence', 'DESC')
    .limit(MAX_TRACED)
    .getMany();
  const settlements = await settlementQuery(ctx)
    .andWhere(ofSlot('settlement'), slot)
    .orderBy('settlement.id', 'DESC')
    .limit(MAX_TRACED)
    .getMany();
  return { writeBacks: writeBacks.reverse(), settlements: settlements.reverse() };
}

/**
 * Periods whose slots may have taken adjustments up: the one that was open then, and the one whose slot was billed next, which
 * may have been closed and still waiting for its invoice.
 */
async function periodsTakingUp(
  ctx: Ctx,
  {
    contractId,
    productId,
    adjustments,
  }: { contractId: string | null; productId: string } & Pick<RecordTrace, 'adjustments'>,
): Promise<string[]> {
  if (adjustments.length === 0) return [];
  const rows = await ctx.db.query<{ period_id: string }[]>(
    `select distinct billed.period_id from unnest($3::timestamptz[]) as made(at)
      cross join lateral (
        select s.period_id from slot_settlement s
         where s.contract_id = $1 and s.product_id = $2 and s.settled_at >= made.at order by s.settled_at, s.id limit 1) billed`,
    [contractId, productId, adjustments.map(({ createdAt }) => createdAt)],
  );
  return [...adjustments.map(({ targetPeriodId }) => targetPeriodId), ...rows.map((row) => row.period_id)];
}
