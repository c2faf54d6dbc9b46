/** What became of each item that was sent, and how a batch of them is answered. */
import type { Ctx } from '../ctx';
import { type BillingError, clip, type Problem, toProblem } from '../domain/errors';
import { refusalName, type UsageOutcome } from '../telemetry/metrics';

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
  /** Of the record stored, now or earlier; null when rejected. */
  recordId: string | null;
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

/** Counts what became of records, or of corrections. After the commit: what is rolled back or runs again never counts. */
export function countOutcomes(
  { metrics }: Pick<Ctx, 'metrics'>,
  kind: 'usage' | 'correction',
  outcomes: readonly Outcome[],
): void {
  const counter = kind === 'usage' ? metrics.usageRecords : metrics.usageCorrections;
  // Added up before they are told: a counter with labels costs more than an addition.
  for (const [serviceId, ofService] of groupBy(outcomes, (outcome) => outcome.serviceId)) {
    for (const [name, same] of groupBy(ofService, outcomeName)) counter.add(serviceId, name, same.length);
    const late = ofService.filter((outcome) => outcome.status === 'RECORDED' && outcome.late).length;
    if (late > 0) metrics.lateUsage.add(serviceId, kind, late);
  }
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** As metrics name it. */
function outcomeName(outcome: Outcome): UsageOutcome {
  if (outcome.status === 'RECORDED') return 'recorded';
  if (outcome.status === 'DUPLICATE') return 'duplicate';
  return refusalName(outcome.error);
}

/** The answer to a batch: `keys` as they were sent, one outcome each. Results are listed only with `withResults`. */
export function batchResult({
  keys,
  outcomes,
  withResults,
}: {
  keys: readonly string[];
  outcomes: readonly Outcome[];
  withResults: boolean;
}): RecordUsageBatchResult {
  const count = (status: RecordUsageStatus): number =>
    outcomes.reduce((total, outcome) => (outcome.status === status ? total + 1 : total), 0);
  const results = outcomes.flatMap((outcome, index): RecordUsageResult | [] => {
    const isRejected = outcome.status === 'REJECTED';
    if (!withResults && !isRejected) return [];
    return {
      index,
      // Whatever was sent comes back no longer than a key can be.
      idempotencyKey: clip(keys[index] ?? '', MAX_KEY_LENGTH),
      status: outcome.status,
      recordId: isRejected ? null : outcome.recordId,
      problem: isRejected ? toProblem(outcome.error) : null,
    };
  });
  return {
    recordedCount: count('RECORDED'),
    duplicateCount: count('DUPLICATE'),
    rejectedCount: count('REJECTED'),
    rejections: results.filter((result) => result.status === 'REJECTED'),
    results: withResults ? results : [],
  };
}
