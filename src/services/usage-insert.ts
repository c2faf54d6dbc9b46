/**
 * Writes new usage to the ledger, with what hangs on it, in one statement. Whoever calls holds the lanes; rows are touched in the
 * order of their keys.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { printDecimal } from '../domain/decimal';
import { printInstant } from '../domain/instant';
import { reachesLaterPeriods } from '../domain/metric';
import type { UsageDraft } from '../domain/usage-record';
import { sqlArray } from './sql-array';
import { isLate, markDirty } from './usage-effects';
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

/** What is sent, a parameter a column: its type, and its text in each row. */
const SENT: Readonly<Record<string, [type: string, textOf: (usage: PlacedUsage) => string | null]>> = {
  service_id: ['uuid', ({ serviceId }) => serviceId],
  link_id: ['uuid', ({ place }) => place.linkId],
  contract_id: ['uuid', ({ place }) => place.contractId],
  unassigned_reason: ['text', ({ place }) => place.unassignedReason],
  metric_id: ['uuid', ({ place }) => place.metricId],
  window_start: ['timestamptz', ({ draft }) => printInstant(draft.windowStart)],
  window_end: ['timestamptz', ({ draft }) => printInstant(draft.windowEnd)],
  quantity: ['numeric', ({ draft }) => printDecimal(draft.quantity)],
  events: ['integer', ({ draft }) => printed(draft.events)],
  revision: ['integer', ({ draft }) => printed(draft.revision)],
  opening: ['numeric', ({ draft }) => (draft.opening === null ? null : printDecimal(draft.opening))],
  reset: ['boolean', ({ draft }) => printed(draft.reset)],
  operation: ['text', ({ draft }) => draft.operation],
  dimensions: ['jsonb', ({ draft }) => (draft.dimensions === null ? null : JSON.stringify(draft.dimensions))],
  meter: ['text', ({ draft }) => draft.meter],
  source: ['text', ({ draft }) => draft.source],
  account: ['text', ({ draft }) => draft.account],
  subscription_id: ['uuid', ({ draft }) => draft.subscriptionId],
  idempotency_key: ['text', ({ draft }) => draft.idempotencyKey],
  content_hash: ['text', ({ draft }) => draft.contentHash],
};

function printed(value: number | boolean | null): string | null {
  return value === null ? null : String(value);
}

/** `$1` is who sends and `$2` when it came; columns follow. */
const PARAMETERS = Object.values(SENT).map(([type], index) => `$${index + 3}::${type}[]`);

/** One row for all that was sent: rows of their own would cost more than what they say. */
interface InsertedRow {
  /** What each was to be, in order, separated by commas. */
  ids: string;
  /** How many have become it. */
  count: number;
  /** Which; null when all or none. */
  inserted: string[] | null;
  /** Those of them that count in a closed period. */
  late: string[];
}

/**
 * Numbers come in the order in which records were sent, for the later one of two can be the one that counts; rows in that of
 * their keys, so that requests with the same keys never wait for each other in a circle. Text sorts by bytes: any order would
 * do that is the same everywhere, and this one is the cheapest. Its plan must not depend on how many are sent.
 */
const INSERT = `/* prepared: insert_usage */
  with sent as materialized (
    select i.*, case when i.window_end > i.window_start then i.window_end - interval '1 microsecond' else i.window_start end as counted_at,
           nextval('usage_record_id_seq') as id
      from unnest(${PARAMETERS.join(', ')}) with ordinality as i(${Object.keys(SENT).join(', ')}, position)),
  inserted as (
    insert into usage_record (id, transaction, service_id, account_link_id, contract_id, unassigned_reason, metric_id, window_start,
      window_end, counted_at, quantity, events, revision, opening, reset, operation, dimensions, meter, source, actor, account, subscription_id, late,
      idempotency_key, content_hash, received_at)
    overriding system value
    select i.id, (select ledger_transaction()), i.service_id, i.link_id, i.contract_id, i.unassigned_reason, i.metric_id, i.window_start,
      i.window_end, i.counted_at, i.quantity, i.events, i.revision, i.opening, i.reset, i.operation, i.dimensions, i.meter, i.source, $1, i.account, i.subscription_id,
      ${isLate('i.contract_id', 'i.counted_at')}, i.idempotency_key, decode(i.content_hash, 'hex'), $2
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
      set quantity = usage_rollup.quantity + excluded.quantity, records = usage_rollup.records + excluded.records),
  numbered as (select string_agg(id::text, ',' order by position) as ids, count(*) as sent from sent)
  select numbered.ids, what.*
    from numbered, lateral (
      select count(*)::integer as count, case when count(*) < numbered.sent then array_agg(id) end as inserted,
             coalesce(array_agg(id) filter (where late), '{}') as late
        from inserted) what`;

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
  const columns = Object.values(SENT).map(([, textOf]) => sqlArray(usage.map(textOf)));
  const [row] = await tx.query<InsertedRow[]>(INSERT, [ctx.actor.name, ctx.now, ...columns]);
  assert(row, 'the statement answers one row');
  const late = new Set(row.late);
  const inserted = row.count === usage.length ? null : new Set(row.inserted);
  const records = row.ids
    .split(',')
    .map((id) => (inserted === null || inserted.has(id) ? { id, late: late.has(id) } : undefined));
  await markDirty(
    tx,
    records.flatMap((record, index) => {
      const place = usage[index]?.place;
      return record !== undefined && (record.late || (place && reachesLaterPeriods(place.rules))) ? record.id : [];
    }),
  );
  return records;
}
