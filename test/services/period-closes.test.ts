/** Periods of one lane that close together: each as if alone, and none for the sake of another one. */
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import type { ContractState } from '../../src/services/contract-state';
import { closePeriods, enqueueDueCloses } from '../../src/services/period-closes';
import { usedMetrics } from '../../src/services/used-metrics';
import { recordUsageBatch } from '../../src/services/usage-records';
import { startTestApp, type TestApp } from '../support/app';
import {
  counter,
  seedCharge,
  seedLink,
  seedMetric,
  seedPartner,
  seedPeriods,
  seedSubscription,
  seedUsageWorld,
  type UsageWorld,
} from '../support/usage-world';

let test: TestApp;
let world: UsageWorld;
let seats: Awaited<ReturnType<typeof seedCharge>>;
beforeEach(async () => {
  test = await startTestApp({ sandbox: false, now: new Date('2026-04-02T12:00:00Z') });
  const { db } = test.app;
  world = await seedUsageWorld(db);
  const recurring = await seedMetric(db, world.service.id, { code: 'seats', recurring: true });
  seats = await seedCharge(db, world.service.id, recurring);
  await db.query(`insert into plan (odoo_id, name, period_count, period_unit, active, write_date, synced_at)
    values (1, 'Monthly', 1, 'month', true, '2026-01-01', '2026-01-01')`);
});
afterEach(() => test.close());

/** A contract of lane 1 whose March ended, and an account of that name whose usage is its; gives the period's id. */
async function contract(account: string, { hasPlan = true } = {}): Promise<string> {
  const { db } = test.app;
  const partner = await seedPartner(db);
  const contractId = `${randomUUID().slice(0, -2)}01`;
  const products = [world.product, seats];
  const subscription = await seedSubscription(db, { partner, products, contractId });
  if (hasPlan) await db.query('update subscription set plan_odoo_id = 1 where id = $1', [subscription.id]);
  await seedLink(db, { serviceId: world.service.id, account, partner, contractId });
  await seedPeriods(db, contractId, ['2026-02-01', '2026-03-01']);
  const open = `contract_id = $1 and state = 'OPEN'`;
  await db.query(`update billing_period set end_on = '2026-04-01', end_at = '2026-04-01' where ${open}`, [contractId]);
  const [period] = await db.query<{ id: string }[]>(`select id from billing_period where ${open}`, [contractId]);
  return period?.id ?? '';
}

let sent = 0;
async function use(account: string, metric: string, ...counted: [at: string, quantity: string][]): Promise<void> {
  const records = counted.map(([at, quantity]) =>
    counter({ account, metric, quantity, windowStart: at, windowEnd: at, idempotencyKey: `u${(sent += 1)}` }),
  );
  const ctx = test.ctx({ serviceId: world.service.id });
  expect(await recordUsageBatch(ctx, records, { withResults: false })).toMatchObject({ rejectedCount: 0 });
}

/** Replaces the records of a quantity, or voids them. */
async function correct(quantity: string, by: string | null): Promise<void> {
  const copied = 'service_id, account_link_id, contract_id, metric_id, window_start, window_end, counted_at, late';
  await test.app.db.query(
    `insert into usage_record (${copied}, quantity, kind, corrects, root, reason, actor, idempotency_key, content_hash, received_at)
     select ${copied}, coalesce($2::numeric, quantity), case when $2::numeric is null then 'VOID' else 'REPLACEMENT' end, id, id,
            'wrong', 'test', 'corrects ' || id, sha256('x'), received_at
       from usage_record where quantity = $1 and kind = 'USAGE'`,
    [quantity, by],
  );
}

/** State of the periods, and what their lines say of calls and seats: units, records, rows and assignments that were there. */
async function closed(...periodIds: string[]): Promise<string[]> {
  const rows = await test.app.db.query<{ id: string; told: string }[]>(
    `select p.id, p.state || coalesce(' ' || string_agg(trim_scale(l.units) || ' ' || m.code || ' of ' || l.record_count
              || ' marked ' || split_part(l.ledger_mark, ' ', 2) || '/' || split_part(l.ledger_mark, ' ', 4), ', ' order by m.code), '') as told
       from billing_period p left join billable_line l on l.period_id = p.id left join charge c on c.id = l.charge_id
       left join metric m on m.id = c.metric_id
      where p.id = any ($1) group by p.id`,
    [periodIds],
  );
  return periodIds.map((id) => rows.find((row) => row.id === id)?.told ?? 'unknown');
}

it('each with its own usage in its own time, and what recurs from the time before', async () => {
  const [one, two, three] = [await contract('one'), await contract('two'), await contract('three')];
  await use(
    'one',
    'calls',
    ['2026-03-01T00:00:00Z', '10'],
    ['2026-03-31T23:59:59Z', '5'],
    ['2026-04-01T00:00:00Z', '900'],
  );
  await use('one', 'seats', ['2026-03-10T00:00:00Z', '2']);
  await use('two', 'seats', ['2026-02-10T00:00:00Z', '4']);
  await use('three', 'calls', ['2026-03-15T00:00:00Z', '7'], ['2026-02-28T00:00:00Z', '900']);
  await closePeriods(test.ctx(), [one, two, three]);
  expect(await closed(one, two, three)).toEqual([
    'CLOSED 15 calls of 2 marked 2/0, 2 seats of 1 marked 1/0',
    'CLOSED 0 calls of 0 marked 0/0, 4 seats of 0 marked 1/0',
    'CLOSED 7 calls of 1 marked 1/0, 0 seats of 0 marked 0/0',
  ]);
  const next = await test.app.db.query(
    `select n.state, n.start_on::text, count(a.id)::integer as audits
       from billing_period p join billing_period n on n.contract_id = p.contract_id and n.start_on = p.end_on
       left join audit_entry a on a.subject_id = p.id::text and a.action = 'billing_period.closed'
      where p.id = any ($1) group by n.id`,
    [[one, two, three]],
  );
  expect(next).toEqual([1, 2, 3].map(() => ({ state: 'OPEN', start_on: '2026-04-01', audits: 1 })));
});

it('one that cannot be closed stays open alone, and its failure is told', async () => {
  const [one, broken, three] = [
    await contract('one'),
    await contract('two', { hasPlan: false }),
    await contract('three'),
  ];
  await use('one', 'calls', ['2026-03-15T00:00:00Z', '10']);
  await expect(closePeriods(test.ctx(), [one, broken, three])).rejects.toThrow('its order a plan');
  expect((await closed(one, broken, three)).map((told) => told.slice(0, 14))).toEqual([
    'CLOSED 10 call',
    'OPEN',
    'CLOSED 0 calls',
  ]);
});

it('closing them again changes nothing', async () => {
  const periods = [await contract('one'), await contract('two')];
  await closePeriods(test.ctx(), periods);
  const before = await closed(...periods);
  await closePeriods(test.ctx(), periods);
  expect(await closed(...periods)).toEqual(before);
});

it('each without what was corrected or went to another one, and with what came from it', async () => {
  const [one, two] = [await contract('one'), await contract('two')];
  await use(
    'one',
    'calls',
    ['2026-03-05T00:00:00Z', '1'],
    ['2026-03-06T00:00:00Z', '20'],
    ['2026-03-07T00:00:00Z', '300'],
  );
  await use('two', 'calls', ['2026-03-08T00:00:00Z', '4000']);
  await correct('1', '5');
  await correct('20', null);
  await test.app.db.query(
    `insert into usage_assignment (record_id, contract_id, assigned_at, actor, reason, late)
     select u.id, p.contract_id, now(), 'test', 'moved', false from usage_record u, billing_period p
      where u.quantity = 300 and p.id = $1`,
    [two],
  );
  await closePeriods(test.ctx(), [one, two]);
  expect(await closed(one, two)).toEqual([
    'CLOSED 5 calls of 1 marked 5/1, 0 seats of 0 marked 0/0',
    'CLOSED 4300 calls of 2 marked 2/1, 0 seats of 0 marked 0/0',
  ]);
});

it('a metric is used by what stands of it, and one that recurs by what stood before', async () => {
  const { db } = test.app;
  const other = await seedUsageWorld(db);
  await seedMetric(db, other.service.id, { code: 'desks', recurring: true });
  await contract('one');
  await use('one', 'seats', ['2026-02-10T00:00:00Z', '4']);
  await use('one', 'calls', ['2026-02-10T00:00:00Z', '4']);
  const [{ contractId } = { contractId: '' }] = await db.query<{ contractId: string }[]>(
    `select contract_id as "contractId" from billing_period where state = 'OPEN'`,
  );
  const range = {
    start: new Date('2026-03-01'),
    end: new Date('2026-04-01'),
    since: new Date('2026-02-01'),
    fullMicros: null,
  };
  const usedOf = async (serviceId: string): Promise<[string, boolean][]> => {
    const state = { id: contractId, charges: [{ serviceId }] } as Pick<ContractState, 'id' | 'charges'>;
    const [found] = await usedMetrics(db.manager, [{ state, range }]);
    return [...(found ?? [])].map(([, { rowsMark, isUsed }]) => [rowsMark.slice(0, 1), isUsed]);
  };
  expect(await usedOf(world.service.id)).toEqual([['1', true]]);
  expect(await usedOf(other.service.id)).toEqual([['1', false]]);
  await correct('4', null);
  expect(await usedOf(world.service.id)).toEqual([['2', false]]);
});

it('are queued by sixteen, and not twice', async () => {
  for (let index = 0; index < 18; index += 1) await contract(`account-${index}`);
  const queued = async (): Promise<number[]> => {
    expect(await enqueueDueCloses(test.ctx())).toBe(18);
    const { rows } = await owner.query<{ periods: number }>(
      `select json_array_length(j.payload -> 'periodIds') as periods from graphile_worker._private_jobs j
         join graphile_worker._private_tasks t on t.id = j.task_id where t.identifier = 'close-periods' order by j.id`,
    );
    return rows.map(({ periods }) => periods);
  };
  const owner = new Client({ connectionString: test.databaseUrl });
  await owner.connect();
  expect(await queued()).toEqual([16, 2]);
  expect(await queued()).toEqual([16, 2]);
  await owner.end();
});
