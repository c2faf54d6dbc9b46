/** The comparison itself: it sees every row and every reference, and not the ids and instants that two runs never share. */
import { Client } from 'pg';
import { twoChargesAndAShadow } from '../scenarios/catalogue/whole-months';
import { play } from '../scenarios/scenario';
import { Story } from '../support/story';
import { OBSERVER } from './wire';
import { differences, LEFT_OUT, readWorld, type World } from './world';

interface Watched {
  story: Story;
  observer: Client;
  world(): Promise<World>;
}

const watched: Watched[] = [];

async function played(): Promise<Watched> {
  const story = await Story.open(twoChargesAndAShadow.opening);
  const observer = new Client({ connectionString: story.test.databaseUrl, application_name: OBSERVER });
  const one = {
    story,
    observer,
    world: async () => readWorld(observer, await story.test.sandbox.control.saveState()),
  };
  watched.push(one);
  await observer.connect();
  await play(story, twoChargesAndAShadow);
  return one;
}

let one: Watched;
let plain: World;
beforeAll(async () => {
  one = await played();
  plain = await one.world();
}, 60_000);
afterAll(async () => {
  for (const { story, observer } of watched) {
    await observer.end();
    await story.close();
  }
});

/** What a change to the database makes of the world; the change is taken back. */
async function changedBy(statement: string): Promise<string[]> {
  const { observer } = one;
  await observer.query('begin');
  try {
    // Without the triggers that keep the ledger, and without foreign keys.
    await observer.query('set local session_replication_role = replica');
    const { rowCount } = await observer.query(statement);
    expect(rowCount).toBe(1);
    return differences(plain, await one.world());
  } finally {
    await observer.query('rollback');
  }
}

it('a scenario played twice, in two databases, ends in one world; only the random API key differs', async () => {
  const other = await (await played()).world();
  expect(plain.length).toBeGreaterThan(80);
  const different = differences(plain, other);
  expect(different.filter((line) => !/ public\.api_key |"api_key\.installed"/.test(line))).toEqual([]);
  expect(different).toHaveLength(4);
}, 60_000);

it('a row that is missing in any table shows, unless the table is left out with a reason', async () => {
  const { rows } = await one.observer.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'graphile_worker')`,
  );
  const judged: string[] = [];
  for (const { name } of rows) {
    const { rowCount } = await one.observer.query(`select from ${name} limit 1`);
    if (rowCount === 0 || LEFT_OUT[name]?.rows !== undefined) continue;
    const lines = await changedBy(`delete from ${name} where ctid = (select ctid from ${name} limit 1)`);
    expect({ name, shows: lines.some((line) => line.startsWith(`- ${name} `)) }).toEqual({ name, shows: true });
    judged.push(name);
  }
  expect(judged).toEqual(
    expect.arrayContaining(['public.usage_record', 'public.billing_period', 'public.write_back', 'public.sync_state']),
  );
  expect(judged.length).toBeGreaterThan(20);
});

it.each([
  [
    'a quantity',
    `update usage_rollup set quantity = quantity + 1 where ctid = (select ctid from usage_rollup limit 1)`,
  ],
  [
    'a reference to another row of the same table',
    `update usage_record set metric_id = (select id from metric m where m.id <> metric_id limit 1)
      where id = (select min(id) from usage_record)`,
  ],
  [
    'a job in the queue',
    `insert into graphile_worker._private_jobs (task_id) select min(id) from graphile_worker._private_tasks`,
  ],
  ['a plan that is due', 'update contract set planned_as_of = null'],
  [
    'a run that nobody has taken up',
    `insert into sync_run (model, is_full, requested_by, requested_at) values ('PLAN', false, 'test', now())`,
  ],
])('%s that differs shows', async (_, statement) => {
  expect(await changedBy(statement)).not.toEqual([]);
});

it('a slot of Odoo that differs shows', async () => {
  const { story } = one;
  const slot = await story.slot();
  await story.editLine({ qty_delivered: 7 });
  expect(differences(plain, await one.world())).not.toEqual([]);
  await story.editLine({ qty_delivered: slot });
});
