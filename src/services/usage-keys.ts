/** Whose key is in the ledger already: the record it belongs to, and whether its content is what is sent now. */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { UniqueOperation } from '../domain/aggregate';
import { Decimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { type ContentConflict, contentConflict, type Dimensions } from '../domain/usage-content';
import type { UsageDraft } from '../domain/usage-record';
import type { UsageRecordKind } from '../entities/usage-record';

export interface StoredKey {
  recordId: string;
  /** Why it is not the same record; null when it is. */
  conflict: BillingError | null;
}

interface StoredRow {
  position: number;
  id: string;
  is_same: boolean;
  kind: UsageRecordKind;
  /** The content is read only where it differs. */
  account: string | null;
  subscription_id: string | null;
  metric: string;
  window_start: Date;
  window_end: Date;
  quantity: string;
  dimensions: Dimensions | null;
  meter: string | null;
  events: number | null;
  revision: number | null;
  opening: string | null;
  reset: true | null;
  operation: UniqueOperation | null;
}

/** The records that hold the keys of `sent`, by position in `sent`; those whose key is free are missing. */
export async function storedKeys(
  tx: EntityManager,
  sent: readonly { serviceId: string; draft: UsageDraft }[],
): Promise<Map<number, StoredKey>> {
  if (sent.length === 0) return new Map();
  const wanted = sent.map(({ serviceId, draft }, position) => ({
    position,
    service_id: serviceId,
    idempotency_key: draft.idempotencyKey,
    content_hash: draft.contentHash,
  }));
  const rows = await tx.query<StoredRow[]>(
    `select w.position, r.id, r.kind, content.metric is null as is_same, content.*
       from json_to_recordset($1)
         as w(position integer, service_id uuid, idempotency_key text, content_hash text)
       join usage_record r on r.service_id = w.service_id and r.idempotency_key = w.idempotency_key
       left join lateral (
         select r.account, r.subscription_id, m.code as metric, r.window_start, r.window_end, r.quantity, r.dimensions, r.meter,
                r.events, r.revision, r.opening, r.reset, r.operation
           from metric m where m.id = r.metric_id) content on r.content_hash <> decode(w.content_hash, 'hex')`,
    [JSON.stringify(wanted)],
  );
  return new Map(
    rows.map((row) => {
      const draft = sent[row.position]?.draft;
      assert(draft);
      return [row.position, { recordId: row.id, conflict: row.is_same ? null : keyConflict(conflictOf(row, draft)) }];
    }),
  );
}

function conflictOf(row: StoredRow, draft: UsageDraft): ContentConflict {
  if (row.kind !== 'USAGE') return { field: 'idempotencyKey', recorded: row.kind, sent: 'USAGE' };
  const recorded = {
    account: row.account,
    subscriptionId: row.subscription_id,
    metric: row.metric,
    windowStart: row.window_start,
    windowEnd: row.window_end,
    quantity: new Decimal(row.quantity),
    dimensions: row.dimensions,
    meter: row.meter,
    events: row.events,
    revision: row.revision,
    opening: row.opening === null ? null : new Decimal(row.opening),
    reset: row.reset,
    operation: row.operation,
  };
  const conflict = contentConflict(recorded, draft);
  assert(conflict, 'contents with different hashes differ in a field');
  return conflict;
}

/** The refusal of a key that was used with other content: the field, and both of its values. */
export function keyConflict(conflict: ContentConflict): BillingError {
  const what = conflict.field === 'idempotencyKey' ? 'for something else' : `with another ${conflict.field}`;
  return new BillingError('IDEMPOTENCY_CONFLICT', `The idempotency key was used ${what}.`, { ...conflict });
}
