/** What became of each item that was sent, and how a batch of them is answered. */
import type { Ctx } from '../ctx';
import { type BillingError, clip, type Problem, toProblem } from '../domain/errors';
import type { UsageRecord } from '../entities/usage-record';
import { refusalName, type UsageOutcome } from '../telemetry/metrics';
import { usageRecordsByIds } from './usage-reads';

export type RecordUsageStatus = 'RECORDED' | 'DUPLICATE' | 'REJECTED';

/** `recordId` is the usage record concerned, of a correction the one it corrects. */
export type Outcome = (
  | { status: 'RECORDED'; recordId: string; late: boolean }
  | { status: 'DUPLICATE'; recordId: string }
  | { status: 'REJECTED'; error: BillingError }
) & {
  /** Null while nobody knows whose it is. */
  serviceId: string | null;
};

export interface RecordUsageResult {
  /** Position in the input, from 0. */
  index: number;
  idempotencyKey: string;
  status: RecordUsageStatus;
  /** The record stored, now or earlier; null when rejected, and when results were not asked for. */
  record: UsageRecord | null;
  /** Set exactly when rejected. */
  problem: Problem | null;
}

export interface RecordUsageBatchResult {
  recordedCount: number;
  duplicateCount: number;
  rejectedCount: number;
  rejections: RecordUsageResult[];
  /** Every item in input order; empty unless asked for. */
  results: RecordUsageResult[];
}

const MAX_KEY_LENGTH = 200;
/** Records, or corrections, of one batch. */
export const MAX_BATCH_SIZE = 1_000;

export function rejected(serviceId: string | null, error: BillingError): Outcome {
  return { status: 'REJECTED', error, serviceId };
}

/** As metrics name it. */
export function outcomeName(outcome: Outcome): UsageOutcome {
  if (outcome.status === 'RECORDED') return 'recorded';
  if (outcome.status === 'DUPLICATE') return 'duplicate';
  return refusalName(outcome.error);
}

/** The answer to a batch: `keys` as they were sent, one outcome each. Records are read only with `withResults`. */
export async function batchResult(
  ctx: Ctx,
  { keys, outcomes, withResults }: { keys: readonly string[]; outcomes: readonly Outcome[]; withResults: boolean },
): Promise<RecordUsageBatchResult> {
  const ids = withResults ? outcomes.flatMap((outcome) => (outcome.status === 'REJECTED' ? [] : outcome.recordId)) : [];
  const records = await usageRecordsByIds(ctx, ids);
  const results = outcomes.map((outcome, index): RecordUsageResult => {
    const isRejected = outcome.status === 'REJECTED';
    return {
      index,
      // Whatever was sent comes back no longer than a key can be.
      idempotencyKey: clip(keys[index] ?? '', MAX_KEY_LENGTH),
      status: outcome.status,
      record: isRejected ? null : (records.get(outcome.recordId) ?? null),
      problem: isRejected ? toProblem(outcome.error) : null,
    };
  });
  const count = (status: RecordUsageStatus): number => results.filter((result) => result.status === status).length;
  return {
    recordedCount: count('RECORDED'),
    duplicateCount: count('DUPLICATE'),
    rejectedCount: count('REJECTED'),
    rejections: results.filter((result) => result.status === 'REJECTED'),
    results: withResults ? results : [],
  };
}
