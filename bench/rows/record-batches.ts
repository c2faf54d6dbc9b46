/** How fast batches of a thousand are recorded, beside a script that only inserts them. */
import { type Spent, startChild } from '../child';
import type { RawBatchOrder } from '../processes/raw-batch';
import type { Aim, Row, Sides } from '../row';
import { layUsageGround, measureOf, type UsageGround } from '../usage/ground';

const BATCH = { connections: 4, count: 50_000, size: 1_000 };

const COUNTS = 'recordedCount duplicateCount rejectedCount';
export const COMPACT = documentOf(COUNTS);
const WITH_RESULTS = documentOf(
  `${COUNTS} results { index idempotencyKey status record { id } problem { code message } }`,
);
export const RECORDED = '"recordedCount":1000';
const DUPLICATE = '"duplicateCount":1000';

function documentOf(selection: string): string {
  return `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { ${selection} } }`;
}

interface BatchRow {
  name: string;
  what: string;
  accounts: number;
  aim: Aim;
  document?: string;
  /** The same records over and over: all duplicates. */
  again?: boolean;
}

function batchRow({ name, what, accounts, aim, document = COMPACT, again = false }: BatchRow): Row {
  return {
    name,
    what: `recordUsageBatch of 1,000 by 4 connections, ${what}`,
    baseline: 'a script of raw inserts of the same rows',
    aim,
    async open(ground): Promise<Sides> {
      const usage = await layUsageGround(ground, accounts);
      const raw = startChild<RawBatchOrder, Spent>('raw-batch');
      const { world, baselineUrl: databaseUrl } = usage;
      if (again) await usage.record({ ...BATCH, document, from: 0, expected: RECORDED });
      let inserted = 0;
      let recorded = 0;
      return {
        async baseline() {
          const order = { ...BATCH, world, databaseUrl, from: inserted };
          inserted += BATCH.count;
          return measureOf(await raw.ask(order), BATCH);
        },
        async ours() {
          if (again) return usage.record({ ...BATCH, document, from: 0, expected: DUPLICATE });
          const from = recorded;
          recorded += BATCH.count;
          return usage.record({ ...BATCH, document, from, expected: RECORDED });
        },
        async close() {
          await raw.stop();
          await usage.close();
        },
      };
    },
  };
}

const memoryRow: Row = {
  name: 'memory',
  what: 'most memory of the process while batches are recorded, with results and again, over 5,000 accounts',
  baseline: null,
  aim: { atMost: 300 },
  rounds: 2,
  async open(ground): Promise<Sides> {
    const usage = await layUsageGround(ground, 5_000);
    let from = 0;
    return {
      async ours() {
        await loadBatches(usage, from);
        from += BATCH.count;
        return { value: usage.server.peakMemoryMb(), unit: 'MB' };
      },
      close: () => usage.close(),
    };
  },
};

/** One round of each kind of batch: new ones with results, and the same again. */
async function loadBatches(usage: UsageGround, from: number): Promise<void> {
  await usage.record({ ...BATCH, document: WITH_RESULTS, from, expected: RECORDED });
  await usage.record({ ...BATCH, document: COMPACT, from, expected: DUPLICATE });
}

export const batchRows: readonly Row[] = [
  batchRow({ name: 'batch-50', what: '50 accounts', accounts: 50, aim: { atLeast: 0.6 } }),
  batchRow({ name: 'batch-5000', what: '5,000 accounts', accounts: 5_000, aim: { atLeast: 0.6 } }),
  batchRow({
    name: 'batch-results',
    what: 'with a result for each record, 5,000 accounts',
    accounts: 5_000,
    aim: { atLeast: 0.45 },
    document: WITH_RESULTS,
  }),
  batchRow({
    name: 'batch-resend',
    what: 'all sent before, 5,000 accounts',
    accounts: 5_000,
    aim: { atLeast: 0.5 },
    again: true,
  }),
  memoryRow,
];
