/** The database server is stopped and killed under load: nothing is lost or counted twice, and all goes on by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestApp, type TestApp } from '../support/app';
import { post } from '../support/graphql-http';
import { launchMember, type Member } from '../support/members';
import { startOwnPostgres, type Ending, type OwnPostgres } from '../support/own-postgres';
import { startLoad, UNAVAILABLE } from '../support/usage-load';
import { seedUsageWorld } from '../support/usage-world';

const READY_POLL_MS = 50;
const RECOVERY_LIMIT_MS = 30_000;
const JOBS = 200;

let server: OwnPostgres;
let test: TestApp;
let member: Member;
let database: string;

beforeAll(async () => {
  server = await startOwnPostgres();
  test = await startTestApp({ sandbox: false });
  database = new URL(test.databaseUrl).pathname.slice(1);
  const { databaseUrl, odoo } = test.app.config;
  member = await launchMember({ role: 'all', databaseUrl, odoo, now: test.clock.now() });
}, 120_000);
afterAll(async () => {
  await member?.stop();
  await test?.close();
  await server?.remove();
}, 60_000);

async function readiness(): Promise<number> {
  const answer = await fetch(`${member.url}/readyz`);
  await answer.text();
  return answer.status;
}

async function waitForReadiness(status: number): Promise<void> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  while ((await readiness()) !== status) {
    if (performance.now() > deadline) throw new Error(`Readiness did not become ${status}.`);
    await sleep(READY_POLL_MS);
  }
}

/** Jobs that wait or run, but for those that nobody will try again. */
async function jobsLeft(): Promise<number> {
  const [row] = await server.run(
    'select count(*)::int as left from graphile_worker.jobs where attempts < max_attempts or locked_at is not null',
    database,
  );
  return row?.left as number;
}

async function waitForJobs(): Promise<void> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  while ((await jobsLeft()) > 0) {
    if (performance.now() > deadline) {
      throw new Error(
        `Jobs are left: ${JSON.stringify(await server.run('select * from graphile_worker.jobs', database))}`,
      );
    }
    await sleep(READY_POLL_MS);
  }
}

it('two restarts under load: every record once, each answer a success or UNAVAILABLE, the worker goes on', async () => {
  const { service } = await seedUsageWorld(test.app.db);
  const load = startLoad({
    service: service.code,
    now: test.clock.now(),
    send: (call) => post(member.url, { key: test.adminKey, ...call }),
    sizes: [1, 1, 50, 200],
  });
  for (const how of ['SIGINT', 'SIGKILL'] satisfies Ending[]) {
    await waitForReadiness(200);
    await server.run(`select graphile_worker.add_job('assign-usage', '{}') from generate_series(1, ${JOBS})`, database);
    await server.end(how);
    await waitForReadiness(503);
    await sleep(1_000);
    await server.start();
    await waitForReadiness(200);
  }
  const { records, outcomes, rejected, slowestMs } = await load.stop();
  expect(Object.keys(outcomes).sort()).toEqual(['OK', UNAVAILABLE]);
  expect(rejected).toBe(0);
  expect(slowestMs).toBeLessThan(30_000);
  const [counted] = await server.run(
    `select (select count(*)::int from usage_record) as records, (select sum(quantity)::text from usage_record) as units,
            (select sum(quantity)::text from usage_rollup) as rollup`,
    database,
  );
  const units = String((records * (records + 1)) / 2);
  expect(counted).toEqual({ records, units, rollup: units });
  // What was in hand when the server went away is free half a minute later; not waited for.
  await server.run(`update graphile_worker._private_jobs set locked_at = locked_at - interval '1 minute'`, database);
  await server.run('delete from worker', database);
  await waitForJobs();
  expect(member.process.exitCode).toBeNull();
  await test.checkIdentities();
}, 120_000);
