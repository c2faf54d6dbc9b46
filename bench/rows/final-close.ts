/** How fast a night's periods close: every contract at once, each with its charges, beside the aggregation they all need. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { isHead } from '../../src/services/ledger-sql';
import { type Ground, startServer } from '../ground';
import { fillLedger } from '../ledger/fill';
import type { Measure, Row, Sides } from '../row';
import { layUsageWorld } from '../usage/world';

const CONTRACTS = 1_000;
const METRICS = Array.from({ length: 10 }, (_, index) => `metric_${index}`);
const RECORDS = 1_000_000;
const DAY_MS = 86_400_000;
const POLL_MS = 20;

export const finalCloseRow: Row = {
  name: 'final-close',
  what: 'final close of 1,000 contracts with 10 charges each, 1 M records',
  baseline: 'their sums and counts as one statement',
  aim: { atMost: 3 },
  rounds: 3,
  async open(ground): Promise<Sides> {
    const template = await layNight(ground);
    const baseline = await ground.database(template);
    return {
      baseline: () => aggregate(baseline),
      ours: () => closeAll(ground, template),
      async close() {
        await ground.drop(baseline);
        await ground.drop(template);
      },
    };
  },
};

/** A database with usage in open periods whose end is not known yet; nobody is connected to it. */
async function layNight(ground: Ground): Promise<string> {
  const databaseUrl = await ground.database();
  const world = await layUsageWorld(databaseUrl, CONTRACTS, METRICS);
  // All usage lies before the end of the period.
  const ended = { ...world, until: world.until - 3 * DAY_MS };
  await fillLedger(databaseUrl, ended, { records: RECORDS, ofFirst: 0 });
  return databaseUrl;
}

const END_PERIODS = `
  with ended as (update billing_period set end_on = $1::date, end_at = $1::date)
  update subscription set next_invoice_on = $1::date`;

async function aggregate(databaseUrl: string): Promise<Measure> {
  return run(databaseUrl, async (client) => {
    const startedAt = performance.now();
    await client.query(AGGREGATION);
    return seconds(startedAt);
  });
}

const AGGREGATION = `
  select u.contract_id, u.metric_id, sum(u.quantity), sum(coalesce(u.events, 1)), count(*)
    from usage_record u join billing_period p
      on p.contract_id = u.contract_id and p.start_at <= u.counted_at and (p.end_at is null or u.counted_at < p.end_at)
   where ${isHead('u')} group by u.contract_id, u.metric_id`;

/** From the moment at which a worker is told that periods are due until the last one is closed. */
async function closeAll(ground: Ground, template: string): Promise<Measure> {
  const databaseUrl = await ground.database(template);
  const server = await startServer(databaseUrl, { variables: { ROLE: 'all' } });
  try {
    return await run(databaseUrl, async (client) => {
      await client.query(END_PERIODS, [new Date(Date.now() - 2 * DAY_MS).toISOString().slice(0, 10)]);
      const [startedAt, cpuBefore] = [performance.now(), server.cpuSeconds()];
      await client.query(`select graphile_worker.add_job('close-due-periods')`);
      for (let closed = 0; closed < CONTRACTS; await sleep(POLL_MS)) {
        const { rows } = await client.query<{ closed: number }>(
          `select count(*)::integer as closed from billing_period where state = 'CLOSED'`,
        );
        closed = rows[0]?.closed ?? 0;
      }
      const spent = seconds(startedAt);
      return { ...spent, also: { 'node ms/contract': ((server.cpuSeconds() - cpuBefore) * 1_000) / CONTRACTS } };
    });
  } finally {
    await server.stop();
    await ground.drop(databaseUrl);
  }
}

function seconds(startedAt: number): Measure {
  return { value: (performance.now() - startedAt) / 1_000, unit: 's' };
}

async function run<T>(databaseUrl: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
