import { Client } from 'pg';
import type { Ctx } from '../../src/ctx';
import { checkRollup } from '../../src/services/rollup-check';
import { MAX_WAITING } from '../../src/services/usage-queue';
import { lockLaneExclusive } from '../../src/services/usage-lanes';
import { recordUsage, recordUsageBatch } from '../../src/services/usage-records';
import { startTestApp, type TestApp } from '../support/app';
import { barrierAt } from '../support/cut';
import { rerunsOf } from '../support/metrics';
import { counter, seedUsageWorld, type UsageWorld } from '../support/usage-world';

let test: TestApp;
let world: UsageWorld;
let ctx: Ctx;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
});
afterAll(() => test.close());
beforeEach(async () => {
  world = await seedUsageWorld(test.app.db);
  ctx = test.ctx({ serviceId: world.service.id, name: 'key:usage' });
});
afterEach(async () => {
  jest.restoreAllMocks();
  expect(await checkRollup(test.ctx())).toMatchObject({ differenceCount: 0 });
});

interface Sent {
  status: string;
  id?: string;
}

/** Records the n-th counter, whose quantity is n, and tells what came back: a status, or the code of an error. */
async function send(n: number, { as = ctx, ...change }: { as?: Ctx; account?: string } = {}): Promise<Sent> {
  const input = counter({ idempotencyKey: `n/${n}`, quantity: String(n), ...change });
  return recordUsage(as, input).then(
    ({ status, record }) => ({ status, id: record.id }),
    ({ code }: { code: string }) => ({ status: code }),
  );
}

const sendAll = (numbers: readonly number[], as: Ctx = ctx): Promise<Sent[]> =>
  Promise.all(numbers.map((n) => send(n, { as })));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);
const statuses = (sent: readonly Sent[]): string[] => sent.map(({ status }) => status);

/** What the ledger holds of a service: its records and their sum, and in how many transactions they came. */
async function ledger({ service } = world): Promise<unknown> {
  const [row] = await test.app.db.query<object[]>(
    `select count(*)::integer as records, sum(quantity)::integer as sum, count(distinct transaction)::integer as transactions
       from usage_record where service_id = $1`,
    [service.id],
  );
  return row;
}

async function asOwner(statement: string): Promise<void> {
  const owner = new Client({ connectionString: test.databaseUrl });
  await owner.connect();
  await owner.query(statement).finally(() => owner.end());
}

/** Nobody records for the world's contract until the returned function is called. */
async function holdLane(): Promise<() => Promise<void>> {
  const holder = test.app.db.createQueryRunner();
  await holder.startTransaction();
  await lockLaneExclusive(holder.manager, world.subscription.contractId);
  return async () => {
    await holder.commitTransaction();
    await holder.release();
  };
}

async function counted(): Promise<Record<string, number>> {
  const page = await test.app.metrics.registry.getSingleMetricAsString('fusion_billing_usage_records_total');
  const lines = page.split('\n').filter((line) => line.includes(`service="${world.service.code}"`));
  return Object.fromEntries(
    lines.map((line) => [/outcome="(\w+)"/.exec(line)?.[1] ?? '', Number(line.split(' ').at(-1))]),
  );
}

it('the first of many goes at once and alone; what came meanwhile shares one transaction', async () => {
  expect(new Set(statuses(await sendAll(upTo(30))))).toEqual(new Set(['RECORDED']));
  expect(await ledger()).toEqual({ records: 30, sum: 465, transactions: 2 });
});

it('how many wait is told: neither who is recorded, nor who was', async () => {
  const waiting = async (): Promise<string> =>
    test.app.metrics.registry.getSingleMetricAsString('fusion_billing_usage_sends_waiting');
  const release = await holdLane();
  const sent = sendAll(upTo(7));
  expect(await waiting()).toMatch(/^fusion_billing_usage_sends_waiting 6$/m);
  await release();
  await sent;
  expect(await waiting()).toMatch(/^fusion_billing_usage_sends_waiting 0$/m);
});

it('one that waits after another waits for nobody: each has a transaction of its own', async () => {
  for (const n of upTo(3)) expect((await send(n)).status).toBe('RECORDED');
  expect(await ledger()).toEqual({ records: 3, sum: 6, transactions: 3 });
});

it('who is refused in a group is refused alone, with his own reason', async () => {
  const sent = await Promise.all([
    send(1),
    send(2, { account: 'nobody' }),
    send(3),
    recordUsage(ctx, counter({ idempotencyKey: 'n/1', quantity: '7' })).catch((error: unknown) => error),
    recordUsage(ctx, counter({ idempotencyKey: 'n/4', quantity: 'ten' })).catch((error: unknown) => error),
  ]);
  expect(sent).toMatchObject([
    { status: 'RECORDED' },
    { status: 'NOT_FOUND' },
    { status: 'RECORDED' },
    { code: 'IDEMPOTENCY_CONFLICT', details: { field: 'quantity' } },
    { code: 'VALIDATION_FAILED', details: { field: 'quantity' } },
  ]);
  expect(await ledger()).toMatchObject({ records: 2, sum: 4 });
});

it('one record at which the database fails, fails alone: its neighbours are recorded once, and counted once', async () => {
  await asOwner(`
    create function poison() returns trigger language plpgsql as $$ begin
      if new.quantity = 13 then raise exception 'poisoned'; end if; return new; end $$;
    create trigger poison before insert on usage_record for each row execute function poison()`);
  try {
    const sent = statuses(await sendAll(upTo(20)));
    expect(sent[12]).toBe('P0001');
    expect(sent.filter((status) => status === 'RECORDED')).toHaveLength(19);
    expect(await ledger()).toMatchObject({ records: 19, sum: 210 - 13 });
  } finally {
    await asOwner('drop trigger poison on usage_record; drop function poison()');
  }
  expect((await send(13)).status).toBe('RECORDED');
  test.app.metrics.nameServices(new Map([[world.service.id, world.service.code]]));
  expect(await counted()).toEqual({ recorded: 20, duplicate: 0, conflicting: 0, rejected: 0 });
});

it('a connection cut in the middle: the group is sent again, each member recorded once', async () => {
  const barrier = await barrierAt(test.databaseUrl, 'usage_rollup');
  // The first one goes alone and is refused before the table: the barrier meets those who came meanwhile.
  const sent = Promise.all([send(99, { account: 'nobody' }), sendAll(upTo(20))]);
  await barrier.cut();
  const [refused, others] = await sent;
  expect(refused.status).toBe('NOT_FOUND');
  expect(new Set(statuses(others))).toEqual(new Set(['RECORDED']));
  expect(await ledger()).toEqual({ records: 20, sum: 210, transactions: 1 });
});

it('a connection cut before the answer to a commit: sent again, all are duplicates of themselves', async () => {
  const transaction = test.app.db.transaction.bind(test.app.db) as (work: unknown) => Promise<unknown>;
  jest.spyOn(test.app.db, 'transaction').mockImplementationOnce(async (work: unknown) => {
    await transaction(work);
    throw new Error('Connection terminated unexpectedly');
  });
  expect(statuses(await sendAll(upTo(5)))).toEqual(['DUPLICATE', 'RECORDED', 'RECORDED', 'RECORDED', 'RECORDED']);
  expect(await ledger()).toEqual({ records: 5, sum: 15, transactions: 2 });
});

it('a database that cannot be reached is told to all members at once: nobody tries alone', async () => {
  const transaction = jest
    .spyOn(test.app.db, 'transaction')
    .mockRejectedValue(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
  expect(new Set(statuses(await sendAll(upTo(20))))).toEqual(new Set(['UNAVAILABLE']));
  expect(transaction).toHaveBeenCalledTimes(2);
});

it('a lane that is not free in time is the trouble of those who need it', async () => {
  const transaction = jest.spyOn(test.app.db, 'transaction');
  transaction.mockRejectedValueOnce(Object.assign(new Error('lock timeout'), { code: '55P03' }));
  expect(statuses(await sendAll([1]))).toEqual(['UNAVAILABLE']);
  const release = await holdLane();
  const first = send(2);
  const others = sendAll([3, 4]);
  transaction.mockRejectedValueOnce(Object.assign(new Error('lock timeout'), { code: '55P03' }));
  await release();
  expect(statuses([await first, ...(await others)])).toEqual(['RECORDED', 'RECORDED', 'RECORDED']);
  expect(await ledger()).toMatchObject({ records: 3, sum: 9, transactions: 3 });
});

it('a full queue refuses what comes beyond, over HTTP with the time to wait; sent again, nothing is lost', async () => {
  const caller = test.ctx({ name: 'env', serviceId: null });
  const input = (n: number): ReturnType<typeof counter> & { service: string } => ({
    ...counter({ idempotencyKey: `n/${n}`, quantity: String(n) }),
    service: world.service.code,
  });
  const overHttp = () =>
    test.gql(test.adminKey, 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status } }', {
      input: input(MAX_WAITING + 2),
    });
  const release = await holdLane();
  const waiting = upTo(MAX_WAITING + 1).map((n) => recordUsage(caller, input(n)));
  const refused = await overHttp();
  expect((await test.app.metrics.usageSendsWaiting.get()).values).toMatchObject([{ value: MAX_WAITING }]);
  expect(refused).toMatchObject({
    status: 200,
    headers: { 'retry-after': '1' },
    data: { recordUsage: null },
    errors: [
      {
        message: '1,000 records of this key wait already; send this one again.',
        extensions: { code: 'UNAVAILABLE', retryable: true, details: { retryAfterMs: 1_000 } },
      },
    ],
  });
  // A caller with a queue of its own is not concerned.
  const other = await seedUsageWorld(test.app.db);
  expect((await send(1, { as: test.ctx({ serviceId: other.service.id, name: 'key:other' }) })).status).toBe('RECORDED');
  await release();
  expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(new Set(['RECORDED']));
  expect(await overHttp()).toMatchObject({ data: { recordUsage: { status: 'RECORDED' } }, errors: undefined });
  expect(await ledger()).toMatchObject({ records: MAX_WAITING + 2 });
});

it('callers of two services share no transaction and see nothing of each other, whatever their keys', async () => {
  const otherWorld = await seedUsageWorld(test.app.db);
  const other = test.ctx({ serviceId: otherWorld.service.id, name: 'key:other' });
  const both = upTo(10).map((n) => Promise.all([send(n), send(n, { as: other })]));
  const sent = (await Promise.all(both)).flat();
  expect(new Set(statuses(sent))).toEqual(new Set(['RECORDED']));
  expect(new Set(sent.map(({ id }) => id)).size).toBe(20);
  const rows = await test.app.db.query<{ services: number; actors: number }[]>(
    `select count(distinct service_id)::integer as services, count(distinct actor)::integer as actors from usage_record
      where service_id = any($1) group by transaction`,
    [[world.service.id, otherWorld.service.id]],
  );
  expect(rows).toEqual(Array.from({ length: 4 }, () => ({ services: 1, actors: 1 })));
  expect(await ledger(otherWorld)).toMatchObject({ records: 10, sum: 55 });
});

it('two keys of one service share no transaction: each record bears the key it was sent with', async () => {
  const second = { ...ctx, actor: { ...ctx.actor, name: 'key:second' } };
  await Promise.all([sendAll([1, 2, 3]), sendAll([4, 5, 6], second)]);
  expect(
    await test.app.db.query(
      `select actor, string_agg(idempotency_key, ' ' order by idempotency_key) as keys from usage_record
        where service_id = $1 group by actor order by actor`,
      [world.service.id],
    ),
  ).toEqual([
    { actor: 'key:second', keys: 'n/4 n/5 n/6' },
    { actor: 'key:usage', keys: 'n/1 n/2 n/3' },
  ]);
});

it('of forty equal ones at once exactly one is recorded, and all others are given its record', async () => {
  const sent = await Promise.all(upTo(40).map(() => send(5)));
  expect(statuses(sent).filter((status) => status === 'RECORDED')).toHaveLength(1);
  expect(statuses(sent).filter((status) => status === 'DUPLICATE')).toHaveLength(39);
  expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
});

it('singles and batches of the same keys in parallel: each recorded once, and no transaction runs again', async () => {
  const before = await rerunsOf(test.app);
  const second = { ...ctx, actor: { ...ctx.actor, name: 'key:second' } };
  const backwards = upTo(200)
    .reverse()
    .map((n) => counter({ idempotencyKey: `n/${n}`, quantity: String(n) }));
  const [singles, others, ...batches] = await Promise.all([
    sendAll(upTo(200)),
    sendAll(upTo(200).reverse(), second),
    ...upTo(4).map(() => recordUsageBatch(ctx, backwards, { withResults: false })),
  ]);
  const recorded = statuses([...singles, ...others]).filter((status) => status === 'RECORDED').length;
  expect(recorded + batches.reduce((sum, { recordedCount }) => sum + recordedCount, 0)).toBe(200);
  expect(batches.map(({ rejectedCount }) => rejectedCount)).toEqual([0, 0, 0, 0]);
  expect(await ledger()).toMatchObject({ records: 200, sum: 20_100 });
  expect(await rerunsOf(test.app)).toBe(before);
});
