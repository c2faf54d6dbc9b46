/** Taking a record out of the count: it stays in the ledger and keeps its key, and a void of its own stands beside it. */
import type { EntityManager } from 'typeorm';
import { strict as assert } from 'node:assert';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { parseVoid, type VoidDraft, type VoidInput } from '../domain/usage-record';
import type { UsageRecord, UsageRecordKind } from '../entities/usage-record';
import { refusalName } from '../telemetry/metrics';
import { notFound, visibleServiceId } from './access';
import { writeAudit } from './audit';
import { inTransaction } from './transaction';
import { insertVoid } from './usage-insert';
import { keyConflict } from './usage-keys';
import { lockCorrections, lockLanesShared } from './usage-lanes';
import { usageRecordsByIds } from './usage-reads';

/** `record` is what was taken out; the void itself is no record. */
export interface VoidUsageResult {
  status: 'RECORDED' | 'DUPLICATE';
  record: UsageRecord;
}

/**
 * Voids the record with the key `voids`. The same key with the same content again: DUPLICATE.
 * @throws BillingError NOT_FOUND naming `voids`, CONFLICT when it is voided already, VALIDATION_FAILED for a void of a void,
 * IDEMPOTENCY_CONFLICT for a key used with other content.
 */
export async function voidUsage(ctx: Ctx, input: VoidInput): Promise<VoidUsageResult> {
  const draft = parseVoid(input);
  const serviceId = await visibleServiceId(ctx, draft.service);
  const { status, recordId } = await countVoid(ctx, serviceId, () =>
    inTransaction(ctx, (tx) => recordVoid(tx, ctx, { serviceId, draft })),
  );
  const record = (await usageRecordsByIds(ctx, [recordId])).get(recordId);
  assert(record, 'what was voided can be read');
  return { status, record };
}

/** Counts what became of the void, once it is committed or refused; a failure of ours is neither. */
async function countVoid(ctx: Ctx, serviceId: string, work: () => Promise<VoidOutcome>): Promise<VoidOutcome> {
  const { usageVoids, lateUsage } = ctx.metrics;
  try {
    const outcome = await work();
    usageVoids.add(serviceId, outcome.status === 'RECORDED' ? 'recorded' : 'duplicate');
    if (outcome.late) lateUsage.add(serviceId, 'void');
    return outcome;
  } catch (error) {
    if (error instanceof BillingError && error.code !== 'UNAVAILABLE') usageVoids.add(serviceId, refusalName(error));
    throw error;
  }
}

interface VoidOutcome {
  status: VoidUsageResult['status'];
  /** The record that was voided. */
  recordId: string;
  /** Voided just now, and it counts in a closed period. */
  late: boolean;
}

interface OwnedVoid {
  serviceId: string;
  draft: VoidDraft;
}

async function recordVoid(tx: EntityManager, ctx: Ctx, item: OwnedVoid): Promise<VoidOutcome> {
  const { serviceId, draft } = item;
  const known = await storedVoid(tx, item);
  if (known !== null) return known;
  const target = await findTarget(tx, item);
  // From here on no other correction or assignment can move the record.
  await lockCorrections(tx, [target.linkId]);
  const contractId = await presentContract(tx, target.id);
  await lockLanesShared(tx, [contractId ?? target.linkId]);
  const { idempotencyKey, contentHash, reason } = draft;
  const row = { idempotencyKey, contentHash, reason, corrects: target.id, contractId };
  const inserted = await insertVoid(tx, ctx, row);
  if (inserted === null) {
    const parallel = await storedVoid(tx, item);
    if (parallel !== null) return parallel;
    throw new BillingError('CONFLICT', 'The record is voided already.', { field: 'voids' });
  }
  await writeAudit(tx, ctx, {
    action: 'usage.voided',
    subjectType: 'usage_record',
    subjectId: target.id,
    serviceId,
    details: { idempotencyKey, voids: draft.voids, reason },
  });
  return { status: 'RECORDED', recordId: target.id, late: inserted.late };
}

/** The earlier void with the same key; null when the key is free. */
async function storedVoid(tx: EntityManager, { serviceId, draft }: OwnedVoid): Promise<VoidOutcome | null> {
  interface StoredRow {
    kind: UsageRecordKind;
    corrects: string;
    content_hash: string;
    reason: string;
    voids: string;
  }
  const [row] = await tx.query<StoredRow[]>(
    `select r.kind, r.corrects, encode(r.content_hash, 'hex') as content_hash, r.reason, c.idempotency_key as voids
       from usage_record r left join usage_record c on c.id = r.corrects
      where r.service_id = $1 and r.idempotency_key = $2`,
    [serviceId, draft.idempotencyKey],
  );
  if (row === undefined) return null;
  if (row.content_hash === draft.contentHash) return { status: 'DUPLICATE', recordId: row.corrects, late: false };
  if (row.kind !== 'VOID') throw keyConflict({ field: 'idempotencyKey', recorded: row.kind, sent: 'VOID' });
  const field = row.voids === draft.voids ? 'reason' : 'voids';
  throw keyConflict({ field, recorded: row[field], sent: draft[field] });
}

async function findTarget(tx: EntityManager, { serviceId, draft }: OwnedVoid): Promise<{ id: string; linkId: string }> {
  const [row] = await tx.query<{ id: string; kind: UsageRecordKind; account_link_id: string }[]>(
    'select id, kind, account_link_id from usage_record where service_id = $1 and idempotency_key = $2',
    [serviceId, draft.voids],
  );
  if (row === undefined) throw notFound('usage record', 'voids');
  if (row.kind !== 'USAGE') {
    throw new BillingError('VALIDATION_FAILED', 'A void cannot be voided: record the usage again.', { field: 'voids' });
  }
  return { id: row.id, linkId: row.account_link_id };
}

async function presentContract(tx: EntityManager, recordId: string): Promise<string | null> {
  const [row] = await tx.query<{ contract_id: string | null }[]>(
    `select coalesce(a.contract_id, r.contract_id) as contract_id
       from usage_record r
       left join usage_assignment a on a.record_id = r.id
      where r.id = $1 order by a.id desc limit 1`,
    [recordId],
  );
  assert(row);
  return row.contract_id;
}
