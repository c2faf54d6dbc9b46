/**
 * Moving usage to another contract of its payer, on somebody's word: the record stays as it was sent, a row beside it says where
 * it counts from now on. Both contracts' closed periods are rated again.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { invalid, parseReason } from '../domain/parse';
import { asUuid, notFound, visibleServiceId } from './access';
import { writeAudits } from './audit';
import { contractInSight } from './contracts';
import { inTransaction } from './transaction';
import { type Head, type NamedRecord, presentHeads } from './usage-correction-rows';
import { insertMoves } from './usage-assignment-rows';
import { lockCorrections, lockLanesShared, lockSeries } from './usage-lanes';
import { batchResult, MAX_BATCH_SIZE, type Outcome, type RecordUsageBatchResult, rejected } from './usage-outcome';
import { moveMisfits } from './usage-series-moves';

export interface ReassignUsageInput {
  service?: string | null;
  records: readonly { idempotencyKey: string }[];
  /** Exactly one of the two names the contract. */
  contractId?: string | null;
  subscriptionId?: string | null;
  reason: string;
}

/** Where the records go, and why. */
interface Destination {
  serviceId: string;
  contractId: string;
  /** The input's field that named the contract. */
  field: ContractField;
  reason: string;
}

type ContractField = 'contractId' | 'subscriptionId';

/**
 * Moves up to 1,000 records in one transaction; one that is refused never spoils the others. What counts for the contract already
 * is a DUPLICATE.
 * @throws BillingError VALIDATION_FAILED naming `records`, `contractId` or `reason`; NOT_FOUND for a contract out of sight.
 */
export async function reassignUsage(
  ctx: Ctx,
  input: ReassignUsageInput,
  { withResults }: { withResults: boolean },
): Promise<RecordUsageBatchResult> {
  const keys = input.records.map(({ idempotencyKey }) => idempotencyKey);
  if (keys.length === 0 || keys.length > MAX_BATCH_SIZE) {
    throw invalid('records', `1 to ${MAX_BATCH_SIZE} records can be moved at once, not ${keys.length}.`);
  }
  const reason = parseReason(input.reason);
  const serviceId = await visibleServiceId(ctx, input.service);
  const destination = { serviceId, reason, ...(await namedContract(ctx, input)) };
  const outcomes = await inTransaction(ctx, (tx) => moveInTransaction(tx, ctx, { keys, destination }));
  const late = outcomes.filter((outcome) => outcome.status === 'RECORDED' && outcome.late);
  if (late.length > 0) ctx.metrics.lateUsage.add(serviceId, 'assignment', late.length);
  return batchResult({ keys, outcomes, withResults });
}

async function namedContract(
  ctx: Ctx,
  { contractId, subscriptionId }: ReassignUsageInput,
): Promise<{ contractId: string; field: ContractField }> {
  if (!contractId === !subscriptionId) throw invalid('contractId', 'Name either the contract or the subscription.');
  if (contractId) return { contractId: (await contractInSight(ctx, contractId)).id, field: 'contractId' };
  const field = 'subscriptionId';
  const [row] = await ctx.db.query<{ contract_id: string }[]>('select contract_id from subscription where id = $1', [
    asUuid(subscriptionId ?? '', 'contract', field),
  ]);
  if (row === undefined) throw notFound('contract', field);
  return { contractId: (await contractInSight(ctx, row.contract_id, field)).id, field };
}

interface Move {
  keys: readonly string[];
  destination: Destination;
}

async function moveInTransaction(tx: EntityManager, ctx: Ctx, { keys, destination }: Move): Promise<Outcome[]> {
  const { serviceId, contractId } = destination;
  // A text with a NUL is no key of anybody's, and PostgreSQL refuses to look for it.
  const named = keys.map((key, index): NamedRecord => ({
    index,
    serviceId,
    draft: { target: key.includes('\0') ? '' : key },
  }));
  const linkIds = new Set([...(await presentHeads(tx, named)).values()].map(({ linkId }) => linkId));
  // From here on nobody else corrects or moves these records.
  await lockCorrections(tx, linkIds);
  const heads = await presentHeads(tx, named);
  const places = (some: Iterable<Head>): string[] =>
    [...some].flatMap((head) => [head.contractId ?? head.linkId, contractId]);
  await lockSeries(tx, places([...heads.values()].filter(({ rules }) => rules.semantics !== 'DELTA')));
  await lockLanesShared(tx, places(heads.values()));
  const refusals = await refusalsOf(tx, { heads, destination, linkIds });
  const moving = new Map<string, Head>();
  for (const [index, head] of heads) {
    if (!refusals.has(index) && head.contractId !== contractId) moving.set(head.rootId, head);
  }
  const misfits = await moveMisfits(tx, [...moving.values()], contractId);
  for (const rootId of misfits.keys()) moving.delete(rootId);
  const moved = await insertMoves(tx, ctx, { recordIds: [...moving.values()].map(({ id }) => id), ...destination });
  await writeMoveAudits(tx, ctx, { moved: [...moving.values()], destination });
  const told = new Set<string>();
  return keys.map((_, index): Outcome => {
    const head = heads.get(index);
    if (head === undefined) return rejected(serviceId, notFound('usage record', 'idempotencyKey'));
    const refusal = refusals.get(index) ?? misfits.get(head.rootId);
    if (refusal !== undefined) return rejected(serviceId, refusal);
    const row = moved.get(head.id);
    // The second name of a record in one request finds it moved already.
    if (row === undefined || told.has(head.rootId)) return { status: 'DUPLICATE', recordId: head.rootId, serviceId };
    told.add(head.rootId);
    return { status: 'RECORDED', recordId: head.rootId, late: row.late, serviceId };
  });
}

/** Why records cannot be moved whatever stands beside them, by index. */
async function refusalsOf(
  tx: EntityManager,
  { heads, destination, linkIds }: { heads: ReadonlyMap<number, Head>; destination: Destination; linkIds: Set<string> },
): Promise<Map<number, BillingError>> {
  const { contractId, field } = destination;
  const paying = await tx.query<{ id: string }[]>(
    `select l.id from account_link l join partner p on p.id = l.partner_id
      where l.id = any($1) and exists (
        select 1 from subscription s join partner payer on payer.odoo_id = s.partner_odoo_id
         where s.contract_id = $2 and payer.commercial_partner_odoo_id = p.commercial_partner_odoo_id)`,
    [[...linkIds], contractId],
  );
  const ofPayer = new Set(paying.map(({ id }) => id));
  return new Map(
    [...heads].flatMap(([index, head]) => {
      const refusal = refusalOf(head) ?? (ofPayer.has(head.linkId) ? null : notFound('contract', field));
      return refusal === null ? [] : [[index, refusal]];
    }),
  );
}

function refusalOf({ targetKind, kind, idempotencyKey }: Head): BillingError | null {
  if (targetKind === 'VOID') return invalid('idempotencyKey', 'A void counts where its record does: name the record.');
  if (kind !== 'VOID') return null;
  return new BillingError('CONFLICT', 'The record is voided: it counts nowhere.', {
    field: 'idempotencyKey',
    present: idempotencyKey,
  });
}

async function writeMoveAudits(
  tx: EntityManager,
  ctx: Ctx,
  { moved, destination }: { moved: readonly Head[]; destination: Destination },
): Promise<void> {
  const { serviceId, contractId, reason } = destination;
  await writeAudits(
    tx,
    ctx,
    moved.map((head) => {
      assert(head.contractId !== contractId, 'what is there already is not moved');
      return {
        action: 'usage.reassigned',
        subjectType: 'usage_record',
        subjectId: head.rootId,
        serviceId,
        details: { idempotencyKey: head.idempotencyKey, fromContractId: head.contractId, contractId, reason },
      };
    }),
  );
}
