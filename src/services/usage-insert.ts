/**
 * Writes to the ledger and to what hangs on it in the same transaction: the hourly rollup, and the mark on closed periods
 * that must be rated again. Whoever calls holds the lanes; every statement touches its rows in the order of their keys.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { printDecimal } from '../domain/decimal';
import { reachesLaterPeriods } from '../domain/metric';
import type { UsageDraft } from '../domain/usage-record';
import { isHead } from './ledger-sql';
import type { LinkedMetric } from './usage-contract';
import type { Place } from './usage-resolve';

/** A draft with its place: what can be recorded. */
export interface PlacedUsage {
  serviceId: string;
  draft: UsageDraft;
  place: Place;
}

/** A record that was inserted now. */
export interface InsertedUsage {
  id: string;
  /** It counts in a closed period. */
  late: boolean;
}

/** One row for all that was sent: rows of their own would cost more than what they say. */
interface InsertedRow {
  /** Ids by position, separated by commas; nothing at the position of what was not inserted. */
  ids: string;
  /** Positions, from 1, of what counts in a closed period. */
  late: number[];
}

/**
 * True when instant `countedAt` lies in a closed period of the contract. Asked in the inserting statement itself, which
 * begins after the lanes are held and so sees every close before it.
 */
export const isLate = (contractId: string, countedAt: string): string => `
  exists (select 1 from billing_period p where p.contract_id = ${contractId} and p.state = 'CLOSED'
             and tstzrange(p.start_at, p.end_at) @> ${countedAt})`;

const LAST_INSTANT = `case when i.window_end > i.window_start then i.window_end - interval '1 microsecond' else i.window_start end`;

/**
 * Numbers come in the order in which records were sent, for the later one of two can be the one that counts; rows in that of
 * their keys, so that requests with the same keys never wait for each other in a circle. Text sorts by bytes: any order would
 * do that is the same everywhere, and this one is the cheapest.
 */
const INSERT = `
  with sent as materialized (
    select i.*, ${LAST_INSTANT} as counted_at, nextval('usage_record_id_seq') as id
      from rows from (json_to_recordset($1) as (service_id uuid, link_id uuid, contract_id uuid, unassigned_reason text,
        metric_id uuid, window_start timestamptz, window_end timestamptz, quantity numeric, events integer,
        revision integer, opening numeric, reset boolean, operation text, dimensions jsonb, meter text,
        source text, account text, subscription_id uuid, idempotency_key text, content_hash text))
        with ordinality as i),
  inserted as (
    insert into usage_record (id, transaction, service_id, account_link_id, contract_id, unassigned_reason, metric_id, window_start,
      window_end, counted_at, quantity, events, revision, opening, reset, operation, dimensions, meter, source, actor, account, subscription_id, late,
      idempotency_key, content_hash, received_at)
    overriding system value
    select i.id, (select ledger_transaction()), i.service_id, i.link_id, i.contract_id, i.unassigned_reason, i.metric_id, i.window_start,
      i.window_end, i.counted_at, i.quantity, i.events, i.revision, i.opening, i.reset, i.operation, i.dimensions, i.meter, i.source, $2, i.account, i.subscription_id,
      ${isLate('i.contract_id', 'i.counted_at')}, i.idempotency_key, decode(i.content_hash, 'hex'), $3
    from sent i
    order by i.service_id, i.idempotency_key collate "C"
    on conflict (service_id, idempotency_key) do nothing
    returning id, account_link_id, contract_id, metric_id, counted_at, quantity, late),
  rolled_up as (
    insert into usage_rollup (account_link_id, contract_id, metric_id, hour, quantity, records)
    select account_link_id, contract_id, metric_id, date_trunc('hour', counted_at, 'UTC') as hour, sum(quantity), count(*)
      from inserted
     group by account_link_id, contract_id, metric_id, hour
     order by account_link_id, contract_id, metric_id, hour
    on conflict on constraint usage_rollup_key do update
      set quantity = usage_rollup.quantity + excluded.quantity, records = usage_rollup.records + excluded.records)
  select string_agg(coalesce(n.id::text, ''), ',' order by i.ordinality) as ids,
         coalesce(array_agg(i.ordinality::integer) filter (where n.late), '{}') as late
    from sent i left join inserted n on n.id = i.id`;

/**
 * Inserts what has a new key, at most one of each, and returns the new records by their position in `usage`. What is missing in
 * the answer has its key in the ledger already, committed or by this transaction.
 */
export async function insertUsage(
  tx: EntityManager,
  ctx: Pick<Ctx, 'now' | 'actor'>,
  usage: readonly PlacedUsage[],
): Promise<(InsertedUsage | undefined)[]> {
  if (usage.length === 0) return [];
  const rows = await tx.query<InsertedRow[]>(INSERT, [JSON.stringify(usage.map(asRow)), ctx.actor.name, ctx.now]);
  const late = new Set(rows[0]?.late);
  const inserted = (rows[0]?.ids ?? '')
    .split(',')
    .map((id, index) => (id === '' ? undefined : { id, late: late.has(index + 1) }));
  await markDirty(
    tx,
    inserted.flatMap((record, index) => {
      const place = usage[index]?.place;
      return record !== undefined && (record.late || (place && reachesLaterPeriods(place.rules))) ? record.id : [];
    }),
  );
  return inserted;
}

/** What says nothing is left out: most fields of most counters do, and each would be printed, sent and read. */
function asRow({ serviceId, draft, place }: PlacedUsage): Record<string, unknown> {
  return {
    service_id: serviceId,
    link_id: place.linkId,
    contract_id: place.contractId ?? undefined,
    unassigned_reason: place.unassignedReason ?? undefined,
    metric_id: place.metricId,
    window_start: draft.windowStart,
    window_end: draft.windowEnd,
    quantity: printDecimal(draft.quantity),
    events: draft.events ?? undefined,
    revision: draft.revision ?? undefined,
    opening: draft.opening === null ? undefined : printDecimal(draft.opening),
    reset: draft.reset ?? undefined,
    operation: draft.operation ?? undefined,
    dimensions: draft.dimensions ?? undefined,
    meter: draft.meter ?? undefined,
    source: draft.source ?? undefined,
    account: draft.account ?? undefined,
    subscription_id: draft.subscriptionId ?? undefined,
    idempotency_key: draft.idempotencyKey,
    content_hash: draft.contentHash,
  };
}

/**
 * Marks the closed periods whose worth these records change: the one in which each counts, and every later one for metrics whose
 * records reach there.
 */
export async function markDirty(tx: EntityManager, recordIds: readonly string[]): Promise<void> {
  if (recordIds.length === 0) return;
  await tx.query(
    `update billing_period set dirty = true
      where id in (
        select p.id from billing_period p
         where not p.dirty and p.id in (
           select closed.id from usage_record r
             left join lateral (
               select a.contract_id from usage_assignment a where a.record_id = r.id order by a.id desc limit 1) a on true
             join metric m on m.id = r.metric_id
             join billing_period closed on closed.contract_id = coalesce(a.contract_id, r.contract_id)
              and closed.state = 'CLOSED' and closed.end_at > r.counted_at
              and (closed.start_at <= r.counted_at or m.recurring or m.semantics = 'CUMULATIVE')
            where r.id = any($1))
         order by p.id for update)`,
    [recordIds],
  );
}

const UNASSIGNED = `
  r.contract_id is null and ${isHead('r')} and not exists (select 1 from usage_assignment a where a.record_id = r.id)`;

/** An account link and metric whose usage has found its contract. */
export interface FoundContract extends LinkedMetric {
  contractId: string;
}

export interface Assigned {
  count: number;
  lateByService: ReadonlyMap<string, number>;
}

/**
 * Attaches at most `limit` records that have no contract yet to the contract found for their link and metric, and moves them
 * in the rollup. Returns how many, and how many of them count in a closed period, by service. The caller holds the links' correction locks and the lanes.
 */
export async function insertAssignments(
  tx: EntityManager,
  ctx: Pick<Ctx, 'now' | 'actor'>,
  { found, limit }: { found: readonly FoundContract[]; limit: number },
): Promise<Assigned> {
  const rows = await tx.query<{ record_id: string; late: boolean }[]>(
    `insert into usage_assignment (record_id, contract_id, assigned_at, actor, reason, late)
     select id, contract_id, $3, $4, 'only contract that fits', ${isLate('chosen.contract_id', 'chosen.counted_at')}
       from (
         select r.id, f.contract_id, r.counted_at
           from json_to_recordset($1) as f(link_id uuid, metric_id uuid, contract_id uuid)
           join usage_record r on r.account_link_id = f.link_id and r.metric_id = f.metric_id
          where ${UNASSIGNED}
          order by r.id limit $2) chosen
      order by id
     returning record_id, late`,
    [
      JSON.stringify(
        found.map(({ linkId, metricId, contractId }) => ({
          link_id: linkId,
          metric_id: metricId,
          contract_id: contractId,
        })),
      ),
      limit,
      ctx.now,
      ctx.actor.name,
    ],
  );
  const ids = rows.map(({ record_id: id }) => id);
  const lateIds = rows.filter(({ late }) => late).map(({ record_id: id }) => id);
  await applyToRollup(tx, MOVED, ids);
  await markDirty(tx, ids);
  return { count: ids.length, lateByService: await countByService(tx, lateIds) };
}

/**
 * Moves records, heads as they stand, to the contract: in the rollup, and in the closed periods of where they were and where they
 * are. Returns them by id. The caller holds the links' correction locks and the lanes of both sides.
 */
export async function insertMoves(
  tx: EntityManager,
  ctx: Pick<Ctx, 'now' | 'actor'>,
  { recordIds, contractId, reason }: { recordIds: readonly string[]; contractId: string; reason: string },
): Promise<Map<string, { late: boolean }>> {
  if (recordIds.length === 0) return new Map();
  await markDirty(tx, recordIds);
  const rows = await tx.query<{ record_id: string; late: boolean }[]>(
    `insert into usage_assignment (record_id, contract_id, assigned_at, actor, reason, late)
     select r.id, $2, $3, $4, $5, ${isLate('$2', 'r.counted_at')} from usage_record r where r.id = any($1) order by r.id
     returning record_id, late`,
    [recordIds, contractId, ctx.now, ctx.actor.name, reason],
  );
  await applyToRollup(tx, REASSIGNED, recordIds);
  await markDirty(tx, recordIds);
  return new Map(rows.map(({ record_id: id, late }) => [id, { late }]));
}

async function countByService(tx: EntityManager, recordIds: readonly string[]): Promise<Map<string, number>> {
  if (recordIds.length === 0) return new Map();
  const rows = await tx.query<{ service_id: string; records: number }[]>(
    'select service_id, count(*)::integer as records from usage_record where id = any($1) group by service_id',
    [recordIds],
  );
  return new Map(rows.map((row) => [row.service_id, row.records]));
}

/** Hours that `$1`, records assigned just now, leave (contract null) and enter, with what changes in each. */
const MOVED = `
  select r.account_link_id, side.contract_id, r.metric_id, date_trunc('hour', r.counted_at, 'UTC') as hour,
         sum(side.sign * r.quantity) as quantity, sum(side.sign) as records
    from usage_record r
    join usage_assignment a on a.record_id = r.id
    cross join lateral (values (null::uuid, -1), (a.contract_id, 1)) as side(contract_id, sign)
   where r.id = any($1)
   group by r.account_link_id, side.contract_id, r.metric_id, hour`;

/** The same of `$1`, records moved just now: what they leave is where they counted before. */
const REASSIGNED = `
  select r.account_link_id, side.contract_id, r.metric_id, date_trunc('hour', r.counted_at, 'UTC') as hour,
         sum(side.sign * r.quantity) as quantity, sum(side.sign) as records
    from usage_record r
    cross join lateral (
      select a.id, a.contract_id from usage_assignment a where a.record_id = r.id order by a.id desc limit 1) present
    left join lateral (
      select a.contract_id from usage_assignment a where a.record_id = r.id and a.id < present.id
       order by a.id desc limit 1) earlier on true
    cross join lateral (
      values (coalesce(earlier.contract_id, r.contract_id), -1), (present.contract_id, 1)) as side(contract_id, sign)
   where r.id = any($1)
   group by r.account_link_id, side.contract_id, r.metric_id, hour`;

/**
 * Adds to the rollup what `changes`, a query over the ids `$1`, gives for each of its rows: account_link_id, contract_id,
 * metric_id, hour, quantity, records.
 */
export async function applyToRollup(tx: EntityManager, changes: string, recordIds: readonly string[]): Promise<void> {
  if (recordIds.length === 0) return;
  // All rows are made and locked in one order first: a rollup row cannot be inserted with what is to be taken from it.
  await tx.query(
    `insert into usage_rollup (account_link_id, contract_id, metric_id, hour, quantity, records)
     select account_link_id, contract_id, metric_id, hour, 0, 0 from (${changes}) changed
      order by account_link_id, contract_id, metric_id, hour
     on conflict on constraint usage_rollup_key do update set records = usage_rollup.records`,
    [recordIds],
  );
  await tx.query(
    `update usage_rollup u set quantity = u.quantity + changed.quantity, records = u.records + changed.records
       from (${changes}) changed
      where u.account_link_id = changed.account_link_id and u.contract_id is not distinct from changed.contract_id
        and u.metric_id = changed.metric_id and u.hour = changed.hour`,
    [recordIds],
  );
}
