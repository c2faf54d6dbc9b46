/** Whether what is asked and recorded every day costs the same when the ledger has grown a hundredfold. */
import { type Spent, startChild } from '../child';
import { type ServerProcess, startServer } from '../ground';
import { emptyLedger, type Ledger, ledgerOf } from '../ledger/ledgers';
import type { SendOrder } from '../processes/send';
import type { Measure, Row, Sides } from '../row';
import { recorder } from '../usage/ground';
import { COMPACT, RECORDED } from './record-batches';

const HOUR_MS = 3_600_000;

/** Runs a request as often as a percentile needs, and gives the one that only 5 of 100 exceed. */
async function p95(times: number, request: (index: number) => Promise<unknown>): Promise<Measure> {
  const spent: number[] = [];
  for (let index = 0; index < times; index += 1) {
    const startedAt = performance.now();
    await request(index);
    spent.push(performance.now() - startedAt);
  }
  spent.sort((one, other) => one - other);
  return { value: spent[Math.ceil(times * 0.95) - 1] ?? Number.NaN, unit: 'ms' };
}

/** A row whose sides ask the same of the product over the small ledger and over the large one. */
function readingRow(row: Omit<Row, 'open'>, ask: (server: ServerProcess, ledger: Ledger) => Promise<Measure>): Row {
  return {
    ...row,
    async open(ground): Promise<Sides> {
      const [small, large] = [await ledgerOf(ground, 'small'), await ledgerOf(ground, 'large')];
      const servers = [await startServer(small.databaseUrl), await startServer(large.databaseUrl)] as const;
      return {
        baseline: () => ask(servers[0], small),
        ours: () => ask(servers[1], large),
        close: async () => void (await Promise.all(servers.map((server) => server.stop()))),
      };
    },
  };
}

const SUMMARY = `query ($filter: UsageSummaryFilter!, $groupBy: [UsageGroup!]!) {
  usageSummary(filter: $filter, groupBy: $groupBy) { rows { quantity recordCount start } } }`;

const summaryRow = readingRow(
  {
    name: 'summary',
    what: 'p95 of usageSummary (a week by account, by day, a day by hour), 10 M records',
    baseline: 'the same, 100 k records',
    aim: { atMost: 1.2 },
  },
  (server, { world }) => {
    const at = (hours: number): string => new Date(world.until - hours * HOUR_MS).toISOString();
    const { service } = world;
    const questions = [
      { filter: { service, from: at(168), to: at(0) }, groupBy: ['ACCOUNT'] },
      { filter: { service, from: at(168), to: at(0), metrics: ['metric_3'] }, groupBy: ['ACCOUNT', 'DAY'] },
      { filter: { service, from: at(48), to: at(24), account: 'acct_7' }, groupBy: ['HOUR'] },
    ];
    return p95(60, (index) => server.ask(SUMMARY, questions[index % questions.length]));
  },
);

const CURRENT_USAGE = `query ($account: String!) {
  currentUsage(account: $account) { amount lines { units amount } } }`;

const currentUsageRow = readingRow(
  {
    name: 'current-usage',
    what: 'p95 of currentUsage of a contract with 10 charges and 2,000 records, 10 M records in the ledger',
    baseline: 'the same, 100 k records in the ledger',
    aim: { atMost: 1.2 },
  },
  (server) => p95(40, () => server.ask(CURRENT_USAGE, { account: 'acct_1' })),
);

const BATCH = { document: COMPACT, expected: RECORDED, connections: 4, count: 50_000, size: 1_000 };

const batchRow: Row = {
  name: 'batch-large',
  what: 'recordUsageBatch of 1,000 by 4 connections into a ledger of 10 M records',
  baseline: 'the same into an empty one',
  aim: { atLeast: 0.8 },
  async open(ground): Promise<Sides> {
    const { world, databaseUrl: large } = await ledgerOf(ground, 'large');
    const empty = await ground.database((await emptyLedger(ground)).databaseUrl);
    const servers = [await startServer(empty), await startServer(large)] as const;
    const sender = startChild<SendOrder, Spent>('send');
    const intoEmpty = await recorder(servers[0], world, sender);
    const intoLarge = await recorder(servers[1], world, sender);
    let [baseFrom, ourFrom] = [-BATCH.count, -BATCH.count];
    return {
      baseline: () => intoEmpty({ ...BATCH, from: (baseFrom += BATCH.count) }),
      ours: () => intoLarge({ ...BATCH, from: (ourFrom += BATCH.count) }),
      async close() {
        await sender.stop();
        for (const server of servers) await server.stop();
        await ground.drop(empty);
      },
    };
  },
};

export const largeLedgerRows: readonly Row[] = [summaryRow, currentUsageRow, batchRow];
