/** The ledger's rows of corrections: what stands now for a record, which correction holds a key, and the insert itself. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import type { MetricRules } from '../domain/metric';
import type { SeriesRecord } from '../domain/series';
import type { Dimensions } from '../domain/usage-content';
import { type CorrectionDraft, targetField } from '../domain/usage-correction';
import type { UsageRecordKind } from '../entities/usage-record';
import { applyToRollup, isLate, markDirty } from './usage-effects';
import { keyConflict } from './usage-keys';
import { type Outcome, rejected } from './usage-outcome';
import type { SeriesName } from './usage-series';

/** A correction of a service that the caller may touch, with the place of its outcome. */
export interface OwnedCorrection {
  index: number;
  serviceId: string;
  draft: CorrectionDraft;
}

/** A record by its key, or that of one of its corrections. */
export interface NamedRecord {
  index: number;
  serviceId: string;
  draft: Pick<CorrectionDraft, 'target'>;
}

/** What a record is now: itself, or its newest correction. */
export interface Head {
  id: string;
  kind: UsageRecordKind;
  idempotencyKey: string;
  /** The usage record that all corrections are of. */
  rootId: string;
  /** Of the record that was named. */
  targetKind: UsageRecordKind;
  linkId: string;
  /** Where it counts now; null while unassigned. */
  contractId: string | null;
  /** How many corrections the record has. */
  corrections: number;
  /** How its metric counts. */
  rules: Pick<MetricRules, 'aggregation' | 'semantics' | 'signed'>;
  /** What it is one of a series with, and its place there. */
  series: SeriesName;
  record: SeriesRecord;
}

/** The heads of the records that `items` name, by index; those whose key is free are missing. */
export async function presentHeads(tx: EntityManager, items: readonly NamedRecord[]): Promise<Map<number, Head>> {
  const rows = await tx.query<HeadRow[]>(
    `select w.index, h.id, h.kind, h.idempotency_key as "idempotencyKey", root.id as "rootId", t.kind as "targetKind",
            h.account_link_id as "linkId", h.corrections, h.metric_id as "metricId", h.dimensions, h.meter,
            h.window_start as "windowStart", h.window_end as "windowEnd", h.quantity, h.opening, h.reset,
            json_build_object('aggregation', m.aggregation, 'semantics', m.semantics, 'signed', m.signed) as rules,
            coalesce((select a.contract_id from usage_assignment a where a.record_id = h.id order by a.id desc limit 1),
              h.contract_id) as "contractId"
       from json_to_recordset($1) as w(index integer, service_id uuid, target text)
       join usage_record t on t.service_id = w.service_id and t.idempotency_key = w.target
       join usage_record root on root.id = coalesce(t.root, t.id)
       join metric m on m.id = root.metric_id
      cross join lateral (
        select c.*, (select count(*)::integer from usage_record o where o.root = root.id) as corrections
          from usage_record c where c.id = root.id or c.root = root.id order by c.id desc limit 1) h`,
    [
      JSON.stringify(
        items.map(({ index, serviceId, draft }) => ({ index, service_id: serviceId, target: draft.target })),
      ),
    ],
  );
  return new Map(rows.map((row) => [row.index, toHead(row)]));
}

interface HeadRow extends Omit<Head, 'series' | 'record'> {
  index: number;
  metricId: string;
  dimensions: Dimensions | null;
  meter: string | null;
  windowStart: Date;
  windowEnd: Date;
  quantity: string;
  opening: string | null;
  reset: boolean | null;
}

function toHead(row: HeadRow): Head {
  const { id, kind, idempotencyKey, rootId, targetKind, linkId, contractId, corrections, rules } = row;
  const { metricId, dimensions, meter, windowStart, windowEnd } = row;
  const quantity = new Decimal(row.quantity);
  const opening = row.opening === null ? null : new Decimal(row.opening);
  return {
    ...{ id, kind, idempotencyKey, rootId, targetKind, linkId, contractId, corrections, rules },
    series: { contractId, linkId, metricId, dimensions, meter },
    record: { windowStart, windowEnd, quantity, opening, reset: row.reset === true, idempotencyKey },
  };
}

interface StoredRow {
  index: number;
  kind: UsageRecordKind;
  root: string | null;
  content_hash: string;
  quantity: string;
  reason: string;
  /** Keys of the record that was corrected, and of what it corrected then. */
  root_key: string | null;
  corrected_key: string | null;
}

/** What holds the keys of `items` already: the same correction, or something else; those whose key is free are missing. */
export async function storedCorrections(
  tx: EntityManager,
  items: readonly OwnedCorrection[],
): Promise<Map<number, Outcome>> {
  if (items.length === 0) return new Map();
  const rows = await tx.query<StoredRow[]>(
    `select w.index, r.kind, r.root, encode(r.content_hash, 'hex') as content_hash, r.quantity, r.reason,
            root.idempotency_key as root_key, corrected.idempotency_key as corrected_key
       from json_to_recordset($1) as w(index integer, service_id uuid, idempotency_key text)
       join usage_record r on r.service_id = w.service_id and r.idempotency_key = w.idempotency_key
       left join usage_record root on root.id = r.root
       left join usage_record corrected on corrected.id = r.corrects`,
    [
      JSON.stringify(
        items.map(({ index, serviceId, draft }) => ({
          index,
          service_id: serviceId,
          idempotency_key: draft.idempotencyKey,
        })),
      ),
    ],
  );
  const byIndex = new Map(items.map((item) => [item.index, item]));
  return new Map(
    rows.flatMap((row) => {
      const item = byIndex.get(row.index);
      return item === undefined ? [] : [[row.index, outcomeOf(row, item)]];
    }),
  );
}

function outcomeOf(row: StoredRow, { serviceId, draft }: OwnedCorrection): Outcome {
  if (row.content_hash === draft.contentHash && row.root !== null)
    return { status: 'DUPLICATE', recordId: row.root, serviceId };
  const kind = draft.quantity === null ? 'VOID' : 'REPLACEMENT';
  if (row.kind !== kind)
    return rejected(serviceId, keyConflict({ field: 'idempotencyKey', recorded: row.kind, sent: kind }));
  const quantity = new Decimal(row.quantity);
  if (draft.target !== row.root_key && draft.target !== row.corrected_key) {
    return rejected(serviceId, keyConflict({ field: targetField(draft), recorded: row.root_key, sent: draft.target }));
  }
  if (draft.quantity !== null && !draft.quantity.eq(quantity)) {
    const values = { recorded: quantity.toFixed(), sent: draft.quantity.toFixed() };
    return rejected(serviceId, keyConflict({ field: 'quantity', ...values }));
  }
  if (draft.reason !== row.reason) {
    return rejected(serviceId, keyConflict({ field: 'reason', recorded: row.reason, sent: draft.reason }));
  }
  // The same record under its other name: the key of the record, or of the replacement it had.
  const recorded = draft.target === row.root_key ? row.corrected_key : row.root_key;
  return rejected(serviceId, keyConflict({ field: targetField(draft), recorded, sent: draft.target }));
}

/** A correction copies what it corrects: where and when it counts never changes by it. */
const INSERT = `
  insert into usage_record (transaction, service_id, account_link_id, contract_id, unassigned_reason, metric_id, window_start,
    window_end, counted_at, quantity, events, revision, opening, reset, operation, dimensions,
    meter, kind, corrects, root, reason, actor, account, subscription_id,
    late, idempotency_key, content_hash, received_at)
  select (select ledger_transaction()), h.service_id, h.account_link_id, i.contract_id, case when i.contract_id is null then h.unassigned_reason end,
         h.metric_id, h.window_start, h.window_end, h.counted_at, coalesce(i.quantity, h.quantity), h.events, h.revision, h.opening, h.reset, h.operation, h.dimensions, h.meter,
         case when i.quantity is null then 'VOID' else 'REPLACEMENT' end, h.id, coalesce(h.root, h.id), i.reason, $2,
         h.account, h.subscription_id, ${isLate('i.contract_id', 'h.counted_at')}, i.idempotency_key,
         decode(i.content_hash, 'hex'), $3
    from json_to_recordset($1) as i(head bigint, contract_id uuid, quantity numeric, reason text, idempotency_key text,
           content_hash text)
    join usage_record h on h.id = i.head
   order by h.service_id, i.idempotency_key collate "C"
  on conflict do nothing
  returning id, corrects, late`;

/** What the corrections `$1` change in each hour. */
const CHANGED = `
  select r.account_link_id, r.contract_id, r.metric_id, date_trunc('hour', r.counted_at, 'UTC') as hour,
         sum(case when r.kind = 'VOID' then 0 else r.quantity end - corrected.quantity) as quantity,
         -count(*) filter (where r.kind = 'VOID') as records
    from usage_record r join usage_record corrected on corrected.id = r.corrects
   where r.id = any($1)
   group by r.account_link_id, r.contract_id, r.metric_id, hour`;

/**
 * Inserts corrections of different records, takes them into the rollup, and marks closed periods. Returns, by index,
 * those whose key was free. The caller holds the links' correction locks and the lanes.
 */
export async function insertCorrections(
  tx: EntityManager,
  ctx: Pick<Ctx, 'now' | 'actor'>,
  accepted: readonly { item: OwnedCorrection; head: Head }[],
): Promise<Map<number, { late: boolean }>> {
  if (accepted.length === 0) return new Map();
  const rows = await tx.query<{ id: string; corrects: string; late: boolean }[]>(INSERT, [
    JSON.stringify(
      accepted.map(({ item: { draft }, head }) => ({
        head: head.id,
        contract_id: head.contractId,
        quantity: draft.quantity?.toFixed() ?? null,
        reason: draft.reason,
        idempotency_key: draft.idempotencyKey,
        content_hash: draft.contentHash,
      })),
    ),
    ctx.actor.name,
    ctx.now,
  ]);
  await applyToRollup(
    tx,
    CHANGED,
    rows.map(({ id }) => id),
  );
  await markDirty(
    tx,
    rows.map(({ id }) => id),
  );
  const byHead = new Map(rows.map((row) => [row.corrects, row]));
  return new Map(
    accepted.flatMap(({ item, head }) => {
      const row = byHead.get(head.id);
      return row === undefined ? [] : [[item.index, { late: row.late }]];
    }),
  );
}
