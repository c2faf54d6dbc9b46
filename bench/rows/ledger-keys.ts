/** What each index of the ledger costs those who write: the raw script over a ledger as it is, and over one that is changed. */
import { Client } from 'pg';
import { type Spent, startChild } from '../child';
import type { RawBatchOrder } from '../processes/raw-batch';
import type { Measure, Row, Sides } from '../row';
import { measureOf } from '../usage/ground';
import { layUsageWorld } from '../usage/world';

const ACCOUNTS = 5_000;
const BATCH = { connections: 4, count: 100_000, size: 1_000 };

const CHANGES = {
  'without-transaction': 'drop index usage_record_transaction_idx',
  'without-contract': 'drop index usage_record_contract_idx',
  'without-counted': 'drop index usage_record_counted_idx',
  'without-link': 'drop index usage_record_link_idx',
  'brin-counted':
    'drop index usage_record_counted_idx; create index usage_record_counted_idx on usage_record using brin (counted_at)',
  'keys-only':
    'drop index usage_record_transaction_idx, usage_record_contract_idx, usage_record_counted_idx, usage_record_link_idx',
} as const;

/** For `--only`: they decide what the ledger looks like and say nothing of the product. */
export const ledgerKeyRows: readonly Row[] = Object.entries(CHANGES).map(([name, change]) => ({
  name: `ledger-${name}`,
  what: `raw inserts into the ledger, ${name.replaceAll('-', ' ')}`,
  baseline: 'the same with all indexes',
  aim: null,
  async open(ground): Promise<Sides> {
    const asItIs = await ground.database();
    const world = await layUsageWorld(asItIs, ACCOUNTS);
    const changed = await ground.database(asItIs);
    await run(changed, change);
    const raw = startChild<RawBatchOrder, Spent>('raw-batch');
    const inserted = new Map([asItIs, changed].map((url) => [url, 0]));
    const insert = async (databaseUrl: string): Promise<Measure> => {
      const from = inserted.get(databaseUrl) ?? 0;
      inserted.set(databaseUrl, from + BATCH.count);
      return measureOf(await raw.ask({ ...BATCH, world, databaseUrl, from }), BATCH);
    };
    return {
      baseline: () => insert(asItIs),
      ours: () => insert(changed),
      async close() {
        await raw.stop();
        await ground.drop(asItIs);
        await ground.drop(changed);
      },
    };
  },
}));

async function run(databaseUrl: string, statements: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(statements);
  } finally {
    await client.end();
  }
}
