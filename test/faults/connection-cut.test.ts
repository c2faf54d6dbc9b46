/** A connection to the database is cut in the middle of each kind of transaction: nothing is half-done, done again it is the same. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Pool } from 'pg';
import { startWorker } from '../../src/jobs/worker';
import { enqueue } from '../../src/queue';
import { barrierAt, contentOf, cutAt } from '../support/cut';
import { outcomeOf } from '../support/graphql-http';
import { Story } from '../support/story';
import { UNAVAILABLE } from '../support/usage-load';

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const LEDGER = ['usage_record', 'usage_rollup', 'usage_assignment'];
const BILLING = ['billing_period', 'billable_line', 'adjustment', 'slot_settlement', 'billing_block', 'write_back'];
const MIRROR = ['subscription', 'subscription_line', 'partner', 'contract', 'sync_state'];
const ATTEMPTS = ['write_back_attempt'];

let story: Story;
let url: string;
beforeAll(async () => {
  story = await Story.open(MARCH);
  url = story.test.databaseUrl;
  await story.begin();
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(100, '2026-03-20T09:00:00Z');
});
afterAll(() => story.close());

const content = (): Promise<Record<string, string>> => contentOf(url, [...LEDGER, ...BILLING, ...MIRROR, ...ATTEMPTS]);

/** Runs the queue while a connection is cut, and shows why jobs failed; those are due again at once. */
async function cutJobs(table: string, work: () => Promise<void>): Promise<string> {
  const result = await cutAt(url, table, work);
  return result.status === 'rejected' ? String(result.reason) : 'nothing failed';
}

it('1: a batch of usage', async () => {
  const before = await content();
  const records = [1, 2, 3].map((n) => ({
    ...{ service: 'cloud', account: 'acme', metric: 'calls', quantity: String(n), idempotencyKey: `cut/${n}` },
    ...{ windowStart: '2026-03-20T08:00:00Z', windowEnd: '2026-03-20T09:00:00Z' },
  }));
  const send = () =>
    story.test.gql(
      story.test.adminKey,
      `mutation ($i: RecordUsageBatchInput!) { recordUsageBatch(input: $i) { recordedCount duplicateCount rejectedCount } }`,
      { i: { records } },
    );
  const cut = await cutAt(url, 'usage_rollup', send);
  expect(cut.status === 'fulfilled' && outcomeOf(cut.value)).toBe(UNAVAILABLE);
  expect(await content()).toEqual(before);
  expect((await send()).data.recordUsageBatch).toEqual({ recordedCount: 3, duplicateCount: 0, rejectedCount: 0 });
  await story.test.checkIdentities();
});

it('2: a page of the mirror', async () => {
  await story.test.clock.advance(60_000);
  await story.editLine({ price_unit: 0.75 });
  const before = await content();
  // The pass tells of it on its run, and the next one reads what this one could not store.
  await cutJobs('subscription_line', () => story.test.runJobs('sync-odoo'));
  const after = await content();
  for (const table of ['subscription', 'subscription_line', 'contract']) expect(after[table]).toBe(before[table]);
  const { syncRuns } = await story.run('{ syncRuns(first: 50) { nodes { error } } }');
  const errors = (syncRuns.nodes as { error: string | null }[]).flatMap(({ error }) => error ?? []);
  expect(errors).toEqual([expect.stringMatching(/^UNAVAILABLE: /)]);
  await story.minute();
  expect(await priceOfLine()).toBe('0.75');
});

async function priceOfLine(): Promise<string> {
  const [row] = await story.test.app.db.query<{ price: string }[]>(
    'select trim_scale(unit_price)::text as price from subscription_line where odoo_id = $1',
    [story.order.lineIds[1]],
  );
  return row?.price ?? '';
}

it('3: the close of a period', async () => {
  await story.test.clock.set(new Date('2026-04-01T02:00:00Z'));
  await story.test.runJobs('sync-odoo', 'advance-contracts');
  const before = await content();
  expect(await cutJobs('billable_line', () => story.test.runJobs('close-due-periods'))).toContain('cannot serve');
  expect(await content()).toEqual(before);
  // The plan that follows is the next to be cut.
  await story.retryJobsNow();
  expect(await cutJobs('write_back', () => story.test.runJobs())).toContain('cannot serve');
  const closed = await content();
  for (const table of ['write_back', 'billing_block', ...ATTEMPTS]) expect(closed[table]).toBe(before[table]);
  expect(await story.periods()).toMatchObject([{ state: 'CLOSED', lines: [{ units: '106' }] }, { state: 'OPEN' }]);
  expect(await story.writes()).toEqual([]);
});

it('4: what is stored of a write once Odoo has answered', async () => {
  await story.retryJobsNow();
  await story.failWrite('timeout-commits', { delayMs: 1_000 });
  const working = Promise.allSettled([story.test.runJobs()]);
  while ((await story.writes()).length === 0) await sleep(10);
  const barrier = await barrierAt(url, 'write_back_attempt');
  await barrier.cut();
  expect(await working).toMatchObject([{ status: 'rejected' }]);
  expect((await story.writeBacks())[0]).toMatchObject({ state: 'UNKNOWN', target: '106', attempts: 1, readBack: null });
  await story.retryJobsNow();
  await story.minute();
  expect((await story.writeBacks())[0]).toMatchObject({ state: 'WRITTEN', target: '106', readBack: '106' });
  expect(await story.writes()).toEqual([106]);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([106]);
  expect(await story.balance()).toMatchObject({ truth: '106', billed: '106', due: '0' });
});

it("5: the queue's own: its worker starts again by itself, and the job that it could not put away runs again", async () => {
  const owner = new Client({ connectionString: url });
  await owner.connect();
  const left = async (): Promise<number> => (await owner.query('select id from graphile_worker.jobs')).rowCount ?? 0;
  const workers = async (): Promise<string[]> =>
    (await owner.query<{ id: string }>('select id from worker')).rows.map(({ id }) => id);
  const worker = await startWorker(story.test.app, { crontab: false });
  try {
    const hold = new Client({ connectionString: url });
    await hold.connect();
    await hold.query('begin');
    await hold.query('lock table sync_run in access exclusive mode');
    await story.test.app.db.transaction((tx) => enqueue(tx, 'sync-odoo', {}));
    while (
      (await hold.query('select 1 from pg_locks where relation = $1::regclass and not granted', ['sync_run']))
        .rowCount === 0
    )
      await sleep(10);
    const [before] = await workers();
    const barrier = await barrierAt(url, 'graphile_worker._private_jobs');
    await hold.end();
    await barrier.cut();
    await owner.query(`update graphile_worker._private_jobs set locked_at = locked_at - interval '1 minute'`);
    await owner.query('delete from worker');
    await story.test.app.db.transaction((tx) => enqueue(tx, 'check-rollup', {}));
    const deadline = performance.now() + 25_000;
    while ((await left()) > 0 && performance.now() < deadline) await sleep(50);
    expect((await owner.query('select * from graphile_worker.jobs')).rows).toEqual([]);
    expect(await workers()).toEqual([expect.not.stringMatching(before ?? 'nobody')]);
  } finally {
    await worker.stop();
    await owner.end();
  }
}, 60_000);

it('6: one that somebody holds who listens for nothing: the process lives on, and whoever asks it next is told', async () => {
  const { db } = story.test.app;
  const { master: pool } = db.driver as unknown as { master: Pool };
  const held = await pool.connect();
  const ended = new Promise((resolve) => held.once('end', resolve));
  const { rows } = await held.query<{ pid: number }>('select pg_backend_pid() as pid');
  const owner = new Client({ connectionString: url });
  await owner.connect();
  await owner.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
  await owner.end();
  // Without a listener of our own its error would be thrown here, at nobody.
  await ended;
  await expect(held.query('select 1')).rejects.toThrow(/not queryable|Connection terminated|connection error/);
  held.release(true);
  expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
});
