/** Jobs of a worker that was killed run again within a minute; those of a living one are left alone. */
import { Client } from 'pg';
import { forgetWorkers, recordWorkers } from '../../src/services/workers';
import { type TestApp, startTestApp } from '../support/app';

let test: TestApp;
let owner: Client;
beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  owner = new Client(test.databaseUrl);
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await test.close();
});

/** A job that `worker` has locked for `seconds`. */
async function lockedJob(worker: string, seconds: number): Promise<string> {
  const added = await owner.query(`select id from graphile_worker.add_job('assign-usage', '{}')`);
  const id = String(added.rows[0].id);
  await owner.query(
    `update graphile_worker._private_jobs set locked_by = $2, locked_at = now() - make_interval(secs => $3) where id = $1`,
    [id, worker, seconds],
  );
  return id;
}

async function lockOf(id: string): Promise<string | null> {
  const found = await owner.query('select locked_by from graphile_worker.jobs where id = $1', [id]);
  return found.rows[0].locked_by as string | null;
}

it('frees a job whose worker never showed a sign of life, once it has been locked for half a minute', async () => {
  const old = await lockedJob('worker_dead', 31);
  const young = await lockedJob('worker_starting', 5);
  await recordWorkers(test.app, ['worker_other']);
  expect(await lockOf(old)).toBeNull();
  expect(await lockOf(young)).toBe('worker_starting');
});

it('leaves the jobs of a living worker alone however long they take, and frees them once it is silent', async () => {
  const id = await lockedJob('worker_busy', 3_000);
  await recordWorkers(test.app, ['worker_busy']);
  expect(await lockOf(id)).toBe('worker_busy');
  await owner.query(`update worker set seen_at = now() - interval '31 seconds' where id = 'worker_busy'`);
  await recordWorkers(test.app, ['worker_other']);
  expect(await lockOf(id)).toBeNull();
});

it('forgets a worker that ends in order', async () => {
  await recordWorkers(test.app, ['worker_leaving']);
  await forgetWorkers(test.app, ['worker_leaving']);
  expect((await owner.query(`select 1 from worker where id = 'worker_leaving'`)).rowCount).toBe(0);
});
