/** Callers that send counters the whole time and send again what could not be taken, as every caller of the API should. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { GraphqlAnswer } from './app';
import { type Call, outcomeOf } from './graphql-http';

const RETRY_DELAY_MS = 50;

/** The one outcome besides `OK` that a fault of the database may have. */
export const UNAVAILABLE = 'UNAVAILABLE, retryable';

const SINGLE = `mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status } }`;
const BATCH = `mutation ($input: RecordUsageBatchInput!) {
  recordUsageBatch(input: $input) { recordedCount duplicateCount rejectedCount } }`;

/** The n-th counter, n from 1, with the quantity n: its key and content are always the same. */
export function nthCounter(n: number, { service, now }: { service: string; now: Date }): Record<string, unknown> {
  const window = new Date(now.getTime() - n * 1_000).toISOString();
  return {
    service,
    account: 'acme',
    metric: 'calls',
    windowStart: window,
    windowEnd: window,
    quantity: String(n),
    idempotencyKey: `acme/calls/${n}`,
  };
}

export interface LoadOptions {
  service: string;
  now: Date;
  send: (call: Omit<Call, 'key'>) => Promise<GraphqlAnswer>;
  /** How many records each of the callers puts into one request; 1: `recordUsage`. */
  sizes: readonly number[];
}

export interface LoadReport {
  /** Records sent and acknowledged; their numbers are 1 to this. */
  records: number;
  /** How many answers of each kind came. */
  outcomes: Record<string, number>;
  rejected: number;
  slowestMs: number;
}

export interface Load {
  /** Lets each caller finish what it sends, however often it has to. */
  stop(): Promise<LoadReport>;
}

export function startLoad({ service, now, send, sizes }: LoadOptions): Load {
  const report: LoadReport = { records: 0, outcomes: {}, rejected: 0, slowestMs: 0 };
  let stopped = false;
  const deliver = async (call: Omit<Call, 'key'>): Promise<void> => {
    for (;;) {
      const sentAt = performance.now();
      const answer = await send(call);
      report.slowestMs = Math.max(report.slowestMs, performance.now() - sentAt);
      const outcome = outcomeOf(answer);
      report.outcomes[outcome] = (report.outcomes[outcome] ?? 0) + 1;
      report.rejected += Number(answer.data?.recordUsageBatch?.rejectedCount ?? 0);
      if (outcome !== UNAVAILABLE) return;
      await sleep(RETRY_DELAY_MS);
    }
  };
  const caller = async (size: number): Promise<void> => {
    while (!stopped) {
      const records = Array.from({ length: size }, (_, index) =>
        nthCounter(report.records + index + 1, { service, now }),
      );
      report.records += size;
      const [record] = records;
      await deliver(
        size === 1
          ? { query: SINGLE, variables: { input: record } }
          : { query: BATCH, variables: { input: { records } } },
      );
    }
  };
  const callers = Promise.all(sizes.map(caller));
  return {
    async stop() {
      stopped = true;
      await callers;
      return report;
    },
  };
}
