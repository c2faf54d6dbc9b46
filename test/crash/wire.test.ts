/** Dying at a message, by itself: what the others have seen of it, and that nothing comes after it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { saveDelivered } from '../../src/odoo/records';
import { Decimal } from '../../src/domain/decimal';
import { MARCH } from '../scenarios/catalogue/openings';
import type { Story } from '../support/story';
import { openStage } from './stage';
import { countFor, type Death, type Life, live, OBSERVER } from './wire';

let story: Story;
let observer: Client;
beforeEach(async () => {
  ({ story } = await openStage(MARCH));
  observer = new Client({ connectionString: story.test.databaseUrl, application_name: OBSERVER });
  await observer.connect();
});
afterEach(async () => {
  countFor();
  await observer.end();
  await story.test.discard();
});

/** Works until the process dies; what it was dying of. */
async function dead(death: Death, work: () => Promise<unknown>): Promise<Life> {
  const life: Life = { sent: [], death };
  const died = new Promise<void>((resolve) => (life.onDeath = resolve));
  void live(life, work);
  await died;
  story.test.abandon();
  return life;
}

async function count(statement: string): Promise<number> {
  const { rows } = await observer.query<{ count: number }>(`select count(*)::int as count from ${statement}`);
  return rows[0]?.count ?? -1;
}

async function sessions(): Promise<number> {
  // A session that ends takes a moment.
  await sleep(100);
  return count(`pg_stat_activity where datname = current_database() and backend_type = 'client backend'
    and application_name <> '${OBSERVER}'`);
}

const insertion = (app: Story['test']['app']): Promise<unknown> =>
  app.db.transaction((tx) => tx.query(`insert into worker values ('a worker', now())`));

it.each<[Death['position'], number]>([
  ['before', 0],
  ['after', 1],
])('dead %s its commit, a process leaves %i rows, no session, and hears nothing more', async (position, rows) => {
  const { app } = story.test;
  let heard = false;
  const life = await dead({ at: 3, position }, () => insertion(app).finally(() => (heard = true)));
  expect(life.sent).toEqual(['START TRANSACTION', `insert into worker values ('a worker', now())`, 'COMMIT']);
  expect(life.diedAt).toBe('COMMIT');
  expect(await sessions()).toBe(0);
  expect(await count('worker')).toBe(rows);
  expect(heard).toBe(false);
});

it('what a dead process tries later reaches nobody, by no connection, old or new, and not Odoo', async () => {
  const { app, sandbox } = story.test;
  const [, line = 0] = story.order.lineIds;
  const save = (value: number): Promise<unknown> => saveDelivered(app.odoo, line, new Decimal(value));
  let tried = 0;
  const life = await dead({ at: 2, position: 'before' }, async () => {
    const tries = [insertion(app), sleep(10).then(() => insertion(app)), sleep(20).then(() => save(50))];
    tried = tries.length;
    await Promise.all(tries);
  });
  countFor();
  await story.restartApp();
  await sleep(50);
  expect(tried).toBe(3);
  expect(await count('worker')).toBe(0);
  expect(await sandbox.control.writes()).toEqual([]);
  expect(life.sent).toHaveLength(2);
});

it.each<[Death['position'], number[]]>([
  ['before', []],
  ['after', [50]],
])('dead %s a write to Odoo, a process has written %j', async (position, written) => {
  const { app } = story.test;
  const [, line = 0] = story.order.lineIds;
  const life = await dead({ at: 1, position }, () => saveDelivered(app.odoo, line, new Decimal(50)));
  expect(life.diedAt).toBe('POST /json/2/sale.order.line/web_save');
  expect(await story.writes()).toEqual(written);
});

it('a lock of a session falls with its process', async () => {
  const { app } = story.test;
  await dead({ at: 2, position: 'before' }, async () => {
    const session = app.db.createQueryRunner();
    await session.query('select pg_advisory_lock(42, 7)');
    await session.query('select 1');
  });
  expect(await sessions()).toBe(0);
  expect(await count(`pg_locks where locktype = 'advisory' and classid = 42`)).toBe(0);
});
