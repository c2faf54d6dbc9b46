/**
 * Recording usage: every key at most once, for ever. Syntax first, then the key, then whatever depends on the state of the
 * world, so that a re-send finds its first record whatever has changed since.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { parseUsage, type UsageDraft, type UsageInput } from '../domain/usage-record';
import type { UsageRecord } from '../entities/usage-record';
import { inTransaction } from './transaction';
import { type InsertedUsage, insertUsage, type PlacedUsage } from './usage-insert';
import { type StoredKey, storedKeys } from './usage-keys';
import {
  batchResult,
  countOutcomes,
  type Outcome,
  MAX_BATCH_SIZE,
  type RecordUsageBatchResult,
  type RecordUsageStatus,
  rejected,
} from './usage-outcome';
import { usageRecordsByIds } from './usage-reads';
import { usageQueue } from './usage-queue';
import { seriesMisfits } from './usage-series';
import { type ResolvedUsage, resolveUnderLanes } from './usage-resolve';

export interface RecordedUsage {
  status: Exclude<RecordUsageStatus, 'REJECTED'>;
  record: UsageRecord;
}

/**
 * Records one counter and returns after the commit, which it shares with what the same caller sends meanwhile. The same key and
 * content again: DUPLICATE with the first record.
 * @throws BillingError for anything else, IDEMPOTENCY_CONFLICT for a key used with other content, UNAVAILABLE when too many wait.
 */
export async function recordUsage(ctx: Ctx, input: UsageInput): Promise<RecordedUsage> {
  const { outcome, records } = await recordQueued(ctx, input);
  if (outcome.status === 'REJECTED') throw outcome.error;
  const record = (await records()).get(outcome.recordId);
  assert(record, 'what was recorded can be read');
  return { status: outcome.status, record };
}

/** The same for whoever asks for no more of the record than its id: nothing is read after the commit. */
export async function acknowledgeUsage(
  ctx: Ctx,
  input: UsageInput,
): Promise<{ status: RecordedUsage['status']; recordId: string }> {
  const { outcome } = await recordQueued(ctx, input);
  if (outcome.status === 'REJECTED') throw outcome.error;
  return outcome;
}

/** What became of one member of a group, and the records of all of them, read when the first one asks. */
interface GroupedOutcome {
  outcome: Outcome;
  records: () => Promise<Map<string, UsageRecord>>;
}

async function recordGroup(ctx: Ctx, inputs: readonly UsageInput[]): Promise<GroupedOutcome[]> {
  const outcomes = await recordAll(ctx, inputs);
  const ids = outcomes.flatMap((outcome) => (outcome.status === 'REJECTED' ? [] : outcome.recordId));
  let reading: Promise<Map<string, UsageRecord>> | undefined;
  const records = (): Promise<Map<string, UsageRecord>> => (reading ??= usageRecordsByIds(ctx, ids));
  return outcomes.map((outcome) => ({ outcome, records }));
}

const recordQueued = usageQueue(recordGroup);

/**
 * Records up to 1,000 counters in one transaction. A refused one never spoils the others; sending all again is harmless. The
 * result of each item is read only with `withResults`.
 * @throws BillingError VALIDATION_FAILED naming `records` for more.
 */
export async function recordUsageBatch(
  ctx: Ctx,
  inputs: readonly UsageInput[],
  { withResults }: { withResults: boolean },
): Promise<RecordUsageBatchResult> {
  if (inputs.length > MAX_BATCH_SIZE) {
    throw new BillingError(
      'VALIDATION_FAILED',
      `A batch has at most ${MAX_BATCH_SIZE} records, not ${inputs.length}.`,
      { field: 'records' },
    );
  }
  const outcomes = await recordAll(ctx, inputs);
  return batchResult({ keys: inputs.map((input) => input.idempotencyKey), outcomes, withResults });
}

/** One outcome for each input, in its order. */
async function recordAll(ctx: Ctx, inputs: readonly UsageInput[]): Promise<Outcome[]> {
  const parsed = inputs.map(parseUsage);
  const drafts = parsed.filter((item): item is UsageDraft => !(item instanceof BillingError));
  const outcomes = drafts.length === 0 ? [] : await inTransaction(ctx, (tx) => recordDrafts(tx, ctx, drafts));
  const next = outcomes.values();
  const all = parsed.map((item) =>
    item instanceof BillingError ? rejected(ctx.actor.serviceId, item) : (next.next().value as Outcome),
  );
  countOutcomes(ctx, 'usage', all);
  return all;
}

async function recordDrafts(tx: EntityManager, ctx: Ctx, drafts: readonly UsageDraft[]): Promise<Outcome[]> {
  const resolved = await fitted(tx, await resolveUnderLanes(tx, ctx, drafts));
  const firsts = firstOfEachKey(resolved);
  const sent = [...firsts.values()];
  const inserted = await insertUsage(tx, ctx, sent);
  const recorded = new Map<ResolvedUsage, InsertedUsage>();
  for (const [position, item] of sent.entries()) {
    const record = inserted[position];
    if (record !== undefined) recorded.set(item, record);
  }
  const others = resolved.filter(
    (item): item is ResolvedUsage => !(item instanceof BillingError) && !recorded.has(item),
  );
  const stored = await storedKeys(tx, others);
  const storedOf = new Map(others.map((item, position) => [item, stored.get(position)]));
  const taken = new Set<string>();
  return resolved.map((item): Outcome => {
    if (item instanceof BillingError) return rejected(ctx.actor.serviceId, item);
    const record = recorded.get(item);
    if (record !== undefined) {
      taken.add(item.key);
      return { status: 'RECORDED', recordId: record.id, late: record.late, serviceId: item.serviceId };
    }
    // Items count in their order: what the world refuses before a later item takes the key stays refused for its own reason.
    const first = firsts.get(item.key);
    const isFree = first !== undefined && recorded.has(first) && !taken.has(item.key);
    return outcomeOf(item, isFree ? undefined : storedOf.get(item));
  });
}

/** The same items; those that do not fit what stands of their series have the reason for a place. */
async function fitted(
  tx: EntityManager,
  placed: readonly (ResolvedUsage | BillingError)[],
): Promise<readonly (ResolvedUsage | BillingError)[]> {
  const misfits = await seriesMisfits(tx, placed);
  if (misfits.size === 0) return placed;
  return placed.map((item) => {
    const refusal = item instanceof BillingError ? undefined : misfits.get(item);
    return item instanceof BillingError || refusal === undefined ? item : { ...item, place: refusal };
  });
}

/** What became of an item that was not recorded now: its key decides, then its place. */
function outcomeOf({ serviceId, place }: ResolvedUsage, stored: StoredKey | undefined): Outcome {
  if (stored?.conflict === null) return { status: 'DUPLICATE', recordId: stored.recordId, serviceId };
  if (stored !== undefined) return rejected(serviceId, stored.conflict);
  assert(place instanceof BillingError, 'what can be placed is recorded unless its key is stored');
  return rejected(serviceId, place);
}

/** The first item of each key that has a place: the one that is recorded if the key is free. */
function firstOfEachKey(resolved: readonly (ResolvedUsage | BillingError)[]): Map<string, ResolvedUsage & PlacedUsage> {
  const firsts = new Map<string, ResolvedUsage & PlacedUsage>();
  for (const item of resolved) {
    if (item instanceof BillingError || !isPlaced(item)) continue;
    if (!firsts.has(item.key)) firsts.set(item.key, item);
  }
  return firsts;
}

function isPlaced(item: ResolvedUsage): item is ResolvedUsage & PlacedUsage {
  return !(item.place instanceof BillingError);
}
