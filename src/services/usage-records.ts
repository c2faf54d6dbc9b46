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
import { insertUsage, type PlacedUsage, usageKey } from './usage-insert';
import { type StoredKey, storedKeys } from './usage-keys';
import {
  batchResult,
  type Outcome,
  MAX_BATCH_SIZE,
  outcomeName,
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

/** The same for whoever does not ask for the record: nothing is read after the commit. */
export async function acknowledgeUsage(ctx: Ctx, input: UsageInput): Promise<Pick<RecordedUsage, 'status'>> {
  const { outcome } = await recordQueued(ctx, input);
  if (outcome.status === 'REJECTED') throw outcome.error;
  return { status: outcome.status };
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
    throw new BillingError('VALIDATION_FAILED', `A batch has at most ${MAX_BATCH_SIZE} records.`, { field: 'records' });
  }
  const outcomes = await recordAll(ctx, inputs);
  return batchResult(ctx, { keys: inputs.map((input) => input.idempotencyKey), outcomes, withResults });
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
  countOutcomes(ctx, all);
  return all;
}

/** After the commit: what is rolled back or runs again never counts. */
function countOutcomes({ metrics }: Ctx, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) {
    metrics.usageRecords.add(outcome.serviceId, outcomeName(outcome));
    if (outcome.status === 'RECORDED' && outcome.late) metrics.lateUsage.add(outcome.serviceId, 'usage');
  }
}

async function recordDrafts(tx: EntityManager, ctx: Ctx, drafts: readonly UsageDraft[]): Promise<Outcome[]> {
  const placed = await resolveUnderLanes(tx, ctx, drafts);
  const misfits = await seriesMisfits(tx, placed);
  const resolved = placed.map((item) => {
    const refusal = item instanceof BillingError ? undefined : misfits.get(item);
    return item instanceof BillingError || refusal === undefined ? item : { ...item, place: refusal };
  });
  const firsts = firstOfEachKey(resolved);
  const recorded = await insertUsage(tx, ctx, [...firsts.values()]);
  const isRecorded = (item: ResolvedUsage): boolean => firsts.get(keyOf(item)) === item && recorded.has(keyOf(item));
  const others = resolved.filter((item): item is ResolvedUsage => !(item instanceof BillingError) && !isRecorded(item));
  const stored = await storedKeys(tx, others);
  const storedOf = new Map(others.map((item, position) => [item, stored.get(position)]));
  const taken = new Set<string>();
  return resolved.map((item): Outcome => {
    if (item instanceof BillingError) return rejected(ctx.actor.serviceId, item);
    const key = keyOf(item);
    const inserted = recorded.get(key);
    if (inserted !== undefined && firsts.get(key) === item) {
      taken.add(key);
      return { status: 'RECORDED', recordId: inserted.id, late: inserted.late, serviceId: item.serviceId };
    }
    // Items count in their order: what the world refuses before a later item takes the key stays refused for its own reason.
    const isFree = inserted !== undefined && !taken.has(key);
    return outcomeOf(item, isFree ? undefined : storedOf.get(item));
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
function firstOfEachKey(resolved: readonly (ResolvedUsage | BillingError)[]): Map<string, PlacedUsage> {
  const firsts = new Map<string, PlacedUsage>();
  for (const item of resolved) {
    if (item instanceof BillingError || !isPlaced(item)) continue;
    const key = keyOf(item);
    if (!firsts.has(key)) firsts.set(key, item);
  }
  return firsts;
}

function isPlaced(item: ResolvedUsage): item is ResolvedUsage & PlacedUsage {
  return !(item.place instanceof BillingError);
}

function keyOf({ serviceId, draft }: ResolvedUsage): string {
  return usageKey(serviceId, draft.idempotencyKey);
}
