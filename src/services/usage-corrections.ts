/**
 * Correcting usage: a void takes a record out of the count, a replacement gives it another quantity. The record and its key
 * stay; corrections stand beside it, one after the other, and the newest holds. Each applies to what is there now.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { asRefusal, BillingError } from '../domain/errors';
import { invalid } from '../domain/parse';
import {
  type CorrectionDraft,
  parseReplacement,
  parseVoid,
  type ReplacementInput,
  targetField,
  type VoidInput,
} from '../domain/usage-correction';
import { quantityRefusal } from '../domain/usage-record';
import type { UsageRecord } from '../entities/usage-record';
import { notFound, visibleServiceId } from './access';
import { writeAudits } from './audit';
import { inTransaction } from './transaction';
import {
  type Head,
  insertCorrections,
  type OwnedCorrection,
  presentHeads,
  storedCorrections,
} from './usage-correction-rows';
import { lockCorrections, lockLanesShared, lockSeries } from './usage-lanes';
import {
  batchResult,
  countOutcomes,
  MAX_BATCH_SIZE,
  type Outcome,
  type RecordUsageBatchResult,
  rejected,
} from './usage-outcome';
import { usageRecordsByIds } from './usage-reads';
import { correctionMisfits } from './usage-series-corrections';

/** Corrections of one record: whoever needs more has another problem. */
const MAX_CORRECTIONS = 100;

/** `record` is the usage record that was corrected; the correction itself is none. */
export interface CorrectUsageResult {
  status: 'RECORDED' | 'DUPLICATE';
  record: UsageRecord;
}

/**
 * Takes a record out of the count. The same key with the same content again: DUPLICATE.
 * @throws BillingError NOT_FOUND naming `voids`, CONFLICT when it is voided already or another correction came first,
 * VALIDATION_FAILED for the key of a void, IDEMPOTENCY_CONFLICT for a key used with other content.
 */
export async function voidUsage(ctx: Ctx, input: VoidInput): Promise<CorrectUsageResult> {
  return correctOne(ctx, parseVoid(input));
}

/**
 * Gives a record another quantity, counted at the same instant. The same key with the same content again: DUPLICATE.
 * @throws BillingError as `voidUsage`, naming `replaces`, and VALIDATION_FAILED for a quantity that the metric does not take.
 */
export async function replaceUsage(ctx: Ctx, input: ReplacementInput): Promise<CorrectUsageResult> {
  return correctOne(ctx, parseReplacement(input));
}

/**
 * Up to 1,000 voids in one transaction, applied in input order. One that is refused never spoils the others.
 * @throws BillingError VALIDATION_FAILED naming `voids` for more.
 */
export async function voidUsageBatch(
  ctx: Ctx,
  inputs: readonly VoidInput[],
  { withResults }: { withResults: boolean },
): Promise<RecordUsageBatchResult> {
  refuseLongBatch(inputs, 'voids');
  const outcomes = await correctAll(ctx, inputs.map(parseVoid));
  return batchResult({ keys: inputs.map((input) => input.idempotencyKey), outcomes, withResults });
}

/**
 * Up to 1,000 replacements in one transaction, applied in input order. One that is refused never spoils the others.
 * @throws BillingError VALIDATION_FAILED naming `replacements` for more.
 */
export async function replaceUsageBatch(
  ctx: Ctx,
  inputs: readonly ReplacementInput[],
  { withResults }: { withResults: boolean },
): Promise<RecordUsageBatchResult> {
  refuseLongBatch(inputs, 'replacements');
  const outcomes = await correctAll(ctx, inputs.map(parseReplacement));
  return batchResult({ keys: inputs.map((input) => input.idempotencyKey), outcomes, withResults });
}

function refuseLongBatch(inputs: readonly unknown[], field: string): void {
  if (inputs.length <= MAX_BATCH_SIZE) return;
  throw invalid(field, `A batch has at most ${MAX_BATCH_SIZE} corrections, not ${inputs.length}.`);
}

async function correctOne(ctx: Ctx, draft: CorrectionDraft | BillingError): Promise<CorrectUsageResult> {
  const [outcome] = await correctAll(ctx, [draft]);
  assert(outcome);
  if (outcome.status === 'REJECTED') throw outcome.error;
  const record = (await usageRecordsByIds(ctx, [outcome.recordId])).get(outcome.recordId);
  assert(record, 'what was corrected can be read');
  return { status: outcome.status, record };
}

async function correctAll(ctx: Ctx, drafts: readonly (CorrectionDraft | BillingError)[]): Promise<Outcome[]> {
  const outcomes: (Outcome | undefined)[] = [];
  const owned: OwnedCorrection[] = [];
  const services = new Map<string | null, string | BillingError>();
  for (const [index, draft] of drafts.entries()) {
    if (draft instanceof BillingError) {
      outcomes[index] = rejected(ctx.actor.serviceId, draft);
      continue;
    }
    const serviceId = services.get(draft.service) ?? (await visibleServiceId(ctx, draft.service).catch(asRefusal));
    services.set(draft.service, serviceId);
    if (serviceId instanceof BillingError) outcomes[index] = rejected(ctx.actor.serviceId, serviceId);
    else owned.push({ index, serviceId, draft });
  }
  if (owned.length > 0) {
    const decided = await inTransaction(ctx, (tx) => correctInTransaction(tx, ctx, owned));
    for (const [index, outcome] of decided) outcomes[index] = outcome;
  }
  const all = drafts.map((_, index) => {
    const outcome = outcomes[index];
    assert(outcome, 'every item has its outcome');
    return outcome;
  });
  countOutcomes(ctx, 'correction', all);
  return all;
}

/** Outcomes by index. Items on one record come one after the other, in rounds: each finds what the one before it left. */
async function correctInTransaction(
  tx: EntityManager,
  ctx: Ctx,
  items: readonly OwnedCorrection[],
): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  const expected = await presentHeads(tx, items);
  // From here on nobody else corrects or moves these records.
  await lockCorrections(tx, new Set([...expected.values()].map((head) => head.linkId)));
  const found = await presentHeads(tx, items);
  const inSeries = [...found.values()].filter(({ rules }) => rules.semantics !== 'DELTA');
  await lockSeries(
    tx,
    inSeries.map(({ contractId, linkId }) => contractId ?? linkId),
  );
  await lockLanesShared(tx, new Set([...found.values()].map((head) => head.contractId ?? head.linkId)));
  let waiting = [...items];
  for (let isFirst = true; waiting.length > 0; isFirst = false) {
    const heads = isFirst ? found : await presentHeads(tx, waiting);
    const { now, later } = firstOfEachRecord(waiting, heads);
    await correctRound(tx, ctx, { items: now, heads, expected: isFirst ? expected : heads, outcomes });
    waiting = later;
  }
  return outcomes;
}

/** One item of each record, of each key, and of each meter: the others see what became of it. */
function firstOfEachRecord(
  items: readonly OwnedCorrection[],
  heads: ReadonlyMap<number, Head>,
): { now: OwnedCorrection[]; later: OwnedCorrection[] } {
  const taken = new Set<string>();
  const now: OwnedCorrection[] = [];
  const later: OwnedCorrection[] = [];
  for (const item of items) {
    const names = [`key ${item.serviceId} ${item.draft.idempotencyKey}`];
    const head = heads.get(item.index);
    if (head !== undefined) names.push(`record ${head.rootId}`);
    if (head?.rules.semantics === 'CUMULATIVE')
      names.push(`meter ${head.series.metricId} ${head.contractId ?? head.linkId}`);
    if (names.some((name) => taken.has(name))) later.push(item);
    else now.push(item);
    for (const name of names) taken.add(name);
  }
  return { now, later };
}

interface Round {
  items: readonly OwnedCorrection[];
  heads: ReadonlyMap<number, Head>;
  /** As they were when the request came. */
  expected: ReadonlyMap<number, Head>;
  outcomes: Map<number, Outcome>;
}

async function correctRound(tx: EntityManager, ctx: Ctx, round: Round): Promise<void> {
  const { items, heads, expected, outcomes } = round;
  const stored = await storedCorrections(tx, items);
  const misfits = await correctionMisfits(tx, items, heads);
  const accepted: { item: OwnedCorrection; head: Head }[] = [];
  for (const item of items) {
    const known = stored.get(item.index);
    const head = heads.get(item.index);
    if (known !== undefined) outcomes.set(item.index, known);
    else if (head === undefined) {
      outcomes.set(item.index, rejected(item.serviceId, notFound('usage record', targetField(item.draft))));
    } else {
      const refusal = refusalOf(item.draft, head, expected.get(item.index)) ?? misfits.get(item.index) ?? null;
      if (refusal === null) accepted.push({ item, head });
      else outcomes.set(item.index, rejected(item.serviceId, refusal));
    }
  }
  const inserted = await insertCorrections(tx, ctx, accepted);
  const lost = accepted.filter(({ item }) => !inserted.has(item.index));
  // A record took the key meanwhile: recording holds no correction lock.
  const others = await storedCorrections(
    tx,
    lost.map(({ item }) => item),
  );
  for (const { item, head } of accepted) {
    const row = inserted.get(item.index);
    const outcome: Outcome | undefined =
      row === undefined
        ? others.get(item.index)
        : { status: 'RECORDED', recordId: head.rootId, late: row.late, serviceId: item.serviceId };
    assert(outcome, 'what is not inserted has its key in the ledger');
    outcomes.set(item.index, outcome);
  }
  await writeAudits(
    tx,
    ctx,
    accepted
      .filter(({ item }) => inserted.has(item.index))
      .map(({ item: { serviceId, draft }, head }) => ({
        action: draft.quantity === null ? 'usage.voided' : 'usage.replaced',
        subjectType: 'usage_record',
        subjectId: head.rootId,
        serviceId,
        details: {
          idempotencyKey: draft.idempotencyKey,
          [targetField(draft)]: draft.target,
          ...(draft.quantity === null ? {} : { quantity: draft.quantity.toFixed() }),
          reason: draft.reason,
        },
      })),
  );
}

/** Why `draft` cannot be applied to the head it finds; null when it can. */
function refusalOf(draft: CorrectionDraft, head: Head, expected: Head | undefined): BillingError | null {
  const field = targetField(draft);
  if (head.targetKind === 'VOID') return invalid(field, 'A void cannot be corrected: record the usage again.');
  if (expected !== undefined && expected.id !== head.id) {
    return new BillingError('CONFLICT', 'Another correction of the record came first; look at it and decide again.', {
      field,
      expected: expected.idempotencyKey,
      present: head.idempotencyKey,
    });
  }
  if (head.kind === 'VOID') {
    return new BillingError('CONFLICT', 'The record is voided already.', { field, present: head.idempotencyKey });
  }
  if (head.corrections >= MAX_CORRECTIONS) {
    return new BillingError('CONFLICT', `A record takes at most ${MAX_CORRECTIONS} corrections.`, { field });
  }
  return draft.quantity === null ? null : quantityRefusal(draft.quantity, head.rules);
}
