/** The real thing: a process that kills itself with SIGKILL at a message, and another one that goes on: the end is the same. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { MINUTE } from '../../src/jobs/player';
import { enqueue } from '../../src/queue';
import { plainMonth } from '../scenarios/catalogue/whole-months';
import { play } from '../scenarios/scenario';
import { expectOnlyTargets } from '../scenarios/slot-history';
import { type Snapshot, snapshotOf } from '../scenarios/snapshot';
import { post } from '../support/graphql-http';
import { launchMember, type Member } from '../support/members';
import { killHard, REGISTER } from '../support/owner-process';
import { Story } from '../support/story';
import type { WorkerOrder } from '../support/worker-process';
import { at } from './run';
import type { Death } from './wire';

const KILL_AT = require.resolve('./kill-at.ts');
const JOBS_LIMIT_MS = 60_000;
const POLL_MS = 20;

let story: Story;
beforeEach(async () => {
  story = await Story.open(plainMonth.opening);
});
afterEach(() => story.close());

let plainEnd: Snapshot;
beforeAll(async () => {
  const plain = await Story.open(plainMonth.opening);
  await play(plain, plainMonth);
  plainEnd = await snapshotOf(plain);
  await plain.close();
}, 60_000);

it.each<{ step: number; instant: string; death: Death }>([
  { step: 5, instant: '2026-04-01T02:00:00Z', death: { at: 131, position: 'after' } },
  { step: 6, instant: '2026-04-01T12:01:00Z', death: { at: 97, position: 'before' } },
])(
  'kill -9 of a worker $death.position its message $death.at at $instant',
  async ({ step, instant, death }) => {
    await play(story, { ...plainMonth, steps: plainMonth.steps.slice(0, step) });
    await story.test.clock.set(new Date(instant));
    for (const task of MINUTE) await queue(task);
    const killed = forkWorker();
    killed.send({ death });
    expect(await once(killed, 'exit')).toEqual([null, 'SIGKILL']);
    expect(await jobs('locked_at is not null')).toBeGreaterThan(0);
    await story.retryJobsNow();
    const next = forkWorker();
    await jobsDone();
    for (const task of MINUTE) {
      await queue(task);
      await jobsDone();
    }
    await killHard(next);
    await at(plainMonth.steps, step).check?.(story);
    await play(story, plainMonth, step + 1);
    await expectPlainEnd();
  },
  180_000,
);

it('kill -9 of the whole product before its message 12 while usage is sent: sent again, it counts once', async () => {
  const step = 3;
  await play(story, { ...plainMonth, steps: plainMonth.steps.slice(0, step) });
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  const { gql } = story.test;
  const killed = await launchAll();
  const exit = once(killed.process, 'exit');
  const told = once(killed.process, 'message');
  killed.process.send({ now: story.test.clock.now().toISOString(), death: { at: 12, position: 'before' } });
  await told;
  await expect(at(plainMonth.steps, step).act(story)).rejects.toThrow('fetch failed');
  expect(await exit).toEqual([null, 'SIGKILL']);
  await story.retryJobsNow();
  const next = await launchAll();
  await at(plainMonth.steps, step).act(story);
  expect(await next.stop()).toBe(0);
  Object.assign(story.test, { gql });
  await play(story, plainMonth, step + 1);
  await expectPlainEnd();
}, 180_000);

async function expectPlainEnd(): Promise<void> {
  expect(await snapshotOf(story)).toEqual(plainEnd);
  await expectOnlyTargets(story);
}

function forkWorker(): ChildProcess {
  const { url, database, apiKey } = story.test.sandbox;
  const order: WorkerOrder = {
    databaseUrl: story.test.databaseUrl,
    odoo: { url, database, apiKey },
    now: story.test.clock.now().toISOString(),
  };
  return fork(join(__dirname, '../support/worker-process.ts'), [JSON.stringify(order)], {
    execArgv: ['-r', REGISTER, '-r', KILL_AT],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** The product in one process, which answers the story from now on. */
async function launchAll(): Promise<Member> {
  const { databaseUrl, clock, app } = story.test;
  const { odoo } = app.config;
  const member = await launchMember({ role: 'all', databaseUrl, odoo, now: clock.now(), preload: [KILL_AT] });
  const gql: Story['test']['gql'] = (key, query, variables) => post(member.url, { key, query, variables });
  Object.assign(story.test, { gql });
  return member;
}

function queue(task: (typeof MINUTE)[number]): Promise<void> {
  return story.test.app.db.transaction((tx) => enqueue(tx, task, {}));
}

async function jobsDone(): Promise<void> {
  for (const deadline = performance.now() + JOBS_LIMIT_MS; performance.now() < deadline; await sleep(POLL_MS)) {
    if ((await jobs('attempts < max_attempts')) === 0) return;
  }
  throw new Error('Jobs are left.');
}

async function jobs(condition: string): Promise<number> {
  // The queue's tables are closed to the App's role.
  const owner = new Client({ connectionString: story.test.databaseUrl });
  await owner.connect();
  const { rowCount } = await owner.query(`select from graphile_worker.jobs where ${condition}`);
  await owner.end();
  return rowCount ?? 0;
}
