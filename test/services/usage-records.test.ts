import type { Ctx } from '../../src/ctx';
import type { UsageInput } from '../../src/domain/usage-record';
import { bumpCatalogVersion } from '../../src/services/catalog-version';
import { identities } from '../../src/services/identities';
import { checkRollup } from '../../src/services/rollup-check';
import { laneOf, lockLaneExclusive } from '../../src/services/usage-lanes';
import { recordUsage, recordUsageBatch } from '../../src/services/usage-records';
import { startTestApp, type TestApp } from '../support/app';
import { waitForLocks } from '../support/locks';
import { rerunsOf } from '../support/metrics';
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
let ctx: Ctx;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false, config: { databasePoolSize: 24 } });
});
afterAll(() => test.close());
beforeEach(async () => {
  world = await seedUsageWorld(test.app.db);
  ctx = test.ctx({ serviceId: world.service.id, name: 'key:usage' });
});
afterEach(async () => {
  expect(await checkRollup(test.ctx())).toMatchObject({ differenceCount: 0 });
  expect(await identities(ctx)).toMatchObject({ holds: true });
});

/** What of the ledger belongs to this test's service. */
async function ledger(): Promise<{ records: number; quantity: string }> {
  const [row] = await test.app.db.query<[{ records: number; quantity: string }]>(
    `select count(*)::integer as records, coalesce(sum(quantity), 0)::text as quantity from usage_record where service_id = $1`,
    [world.service.id],
  );
  return row;
}

async function stored(idempotencyKey: string): Promise<Record<string, unknown>> {
  const [row] = await test.app.db.query<Record<string, unknown>[]>(
    `select *, counted_at::text as counted, encode(content_hash, 'hex') as hash from usage_record
      where service_id = $1 and idempotency_key = $2`,
    [world.service.id, idempotencyKey],
  );
  return row ?? {};
}

async function batch(inputs: UsageInput[]): Promise<{ statuses: string; problems: unknown[] }> {
  const { results } = await recordUsageBatch(ctx, inputs, { withResults: true });
  return {
    statuses: results.map(({ status }) => status[0]).join(''),
    problems: results.flatMap(({ problem }) => (problem === null ? [] : { code: problem.code, field: problem.field })),
  };
}

const refusal = (code: string, field: string): unknown =>
  expect.objectContaining({ code, details: expect.objectContaining({ field }) as unknown });

describe('one counter', () => {
  it('is in the ledger with what was sent, what was resolved and who sent it', async () => {
    const { status, record } = await recordUsage(
      ctx,
      counter({ quantity: '10.50', dimensions: { tier: 1 }, meter: 'm1', source: 'cron' }),
    );
    expect(status).toBe('RECORDED');
    expect(record).toMatchObject({
      accountLinkId: world.linkId,
      contractId: world.subscription.contractId,
      metricId: world.metricId,
      windowEnd: new Date('2026-03-10T10:00:00Z'),
      countedAt: new Date('2026-03-10T09:59:59.999Z'),
      receivedAt: ctx.now,
      meter: 'm1',
      source: 'cron',
      dimensions: { tier: '1' },
      unassignedReason: null,
    });
    expect(await stored(record.idempotencyKey)).toMatchObject({
      quantity: '10.5',
      counted: '2026-03-10 09:59:59.999999+00',
      actor: 'key:usage',
      kind: 'USAGE',
      late: false,
      account: 'acme',
      subscription_id: null,
      hash: record.contentHash,
    });
  });

  it('of an instant counts at it', async () => {
    await recordUsage(ctx, counter({ windowStart: '2026-03-10T10:00:00Z' }));
    expect(await stored(counter().idempotencyKey)).toMatchObject({ counted: '2026-03-10 10:00:00+00' });
  });

  it('that ends on the full hour is rolled up into the hour before it', async () => {
    await recordUsage(ctx, counter());
    const rows = await test.app.db.query(
      'select hour, quantity, records, contract_id from usage_rollup where account_link_id = $1',
      [world.linkId],
    );
    expect(rows).toEqual([
      {
        hour: new Date('2026-03-10T09:00:00Z'),
        quantity: '10',
        records: '1',
        contract_id: world.subscription.contractId,
      },
    ]);
  });

  it('sent again is the first record, whatever its source and notation', async () => {
    const first = await recordUsage(ctx, counter());
    const later = { ...ctx, now: new Date(ctx.now.getTime() + 1000) };
    const again = await recordUsage(later, counter({ quantity: '10.0', source: 'retry', dimensions: {} }));
    expect(again.status).toBe('DUPLICATE');
    expect(again.record).toEqual(first.record);
    expect(await ledger()).toEqual({ records: 1, quantity: '10' });
  });

  it('sent 20 times in parallel is recorded once', async () => {
    const reruns = await rerunsOf(test.app);
    const answers = await Promise.all(Array.from({ length: 20 }, () => recordUsage(ctx, counter())));
    expect(answers.filter(({ status }) => status === 'RECORDED')).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 'DUPLICATE')).toHaveLength(19);
    expect(new Set(answers.map(({ record }) => record.id)).size).toBe(1);
    expect(await ledger()).toEqual({ records: 1, quantity: '10' });
    expect(await rerunsOf(test.app)).toBe(reruns);
  });
});

describe('a key used with other content', () => {
  const first = { quantity: '10', dimensions: { region: 'eu' }, meter: 'm1' };
  beforeEach(async () => {
    await seedMetric(test.app.db, world.service.id, { code: 'storage' });
    await seedLink(test.app.db, { serviceId: world.service.id, account: 'other', partner: world.partner });
    await recordUsage(ctx, counter(first));
  });

  it.each<[string, Partial<UsageInput>, unknown, unknown]>([
    ['account', { account: 'other' }, 'acme', 'other'],
    ['metric', { metric: 'storage' }, 'calls', 'storage'],
    ['windowStart', { windowStart: '2026-03-10T09:30:00Z' }, '2026-03-10T09:00:00.000Z', '2026-03-10T09:30:00.000Z'],
    ['windowEnd', { windowEnd: '2026-03-10T09:30:00Z' }, '2026-03-10T10:00:00.000Z', '2026-03-10T09:30:00.000Z'],
    ['quantity', { quantity: '11' }, '10', '11'],
    ['dimensions', { dimensions: null }, { region: 'eu' }, null],
    ['meter', { meter: 'm2' }, 'm1', 'm2'],
  ])('is refused by its %s with both values, and nothing changes', async (field, change, recorded, sent) => {
    await expect(recordUsage(ctx, counter({ ...first, ...change }))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      details: { field, recorded, sent },
    });
    expect(await ledger()).toEqual({ records: 1, quantity: '10' });
  });

  it('is refused by its subscription too, even one that means the same contract', async () => {
    await expect(recordUsage(ctx, counter({ ...first, subscriptionId: world.subscription.id }))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      details: { field: 'subscriptionId', recorded: null, sent: world.subscription.id },
    });
  });

  it('is another key for another service', async () => {
    const other = await seedUsageWorld(test.app.db);
    const answer = await recordUsage(test.ctx({ serviceId: other.service.id }), counter({ quantity: '99' }));
    expect(answer.status).toBe('RECORDED');
  });
});

describe('a batch', () => {
  const hours = (count: number): UsageInput[] =>
    Array.from({ length: count }, (_, hour) =>
      counter({
        idempotencyKey: `h${hour}`,
        windowStart: new Date(Date.UTC(2026, 0, 1, hour)).toISOString(),
        windowEnd: new Date(Date.UTC(2026, 0, 1, hour + 1)).toISOString(),
        quantity: `${hour + 1}`,
      }),
    );

  it('records the good, refuses the bad and finds the known, each for itself and in its order', async () => {
    await recordUsage(ctx, counter({ idempotencyKey: 'known' }));
    const answer = await recordUsageBatch(
      ctx,
      [
        counter({ idempotencyKey: 'new' }),
        counter({ idempotencyKey: 'known' }),
        counter({ idempotencyKey: 'known', quantity: '11' }),
        counter({ idempotencyKey: 'bad-quantity', quantity: 'ten' }),
        counter({ idempotencyKey: 'bad-metric', metric: 'nothing' }),
        counter({ idempotencyKey: 'bad-account', account: 'nobody' }),
      ],
      { withResults: true },
    );
    expect(answer).toMatchObject({ recordedCount: 1, duplicateCount: 1, rejectedCount: 4 });
    expect(answer.results.map(({ index, status }) => [index, status])).toEqual([
      [0, 'RECORDED'],
      [1, 'DUPLICATE'],
      [2, 'REJECTED'],
      [3, 'REJECTED'],
      [4, 'REJECTED'],
      [5, 'REJECTED'],
    ]);
    for (const [index, key] of ['new', 'known'].entries()) {
      expect(answer.results[index]?.recordId).toBe((await stored(key)).id);
    }
    expect(answer.rejections.map(({ index, problem }) => [index, problem?.code, problem?.field])).toEqual([
      [2, 'IDEMPOTENCY_CONFLICT', 'quantity'],
      [3, 'VALIDATION_FAILED', 'quantity'],
      [4, 'NOT_FOUND', 'metric'],
      [5, 'NOT_FOUND', 'account'],
    ]);
    expect(await ledger()).toEqual({ records: 2, quantity: '20' });
  });

  it('sent again after its answer was lost changes nothing', async () => {
    const first = await recordUsageBatch(ctx, hours(1000), { withResults: false });
    const again = await recordUsageBatch(ctx, hours(1000), { withResults: false });
    expect([first.recordedCount, first.results]).toEqual([1000, []]);
    expect([again.recordedCount, again.duplicateCount, again.rejectedCount]).toEqual([0, 1000, 0]);
    // 1 + 2 + … + 1000
    expect(await ledger()).toEqual({ records: 1000, quantity: '500500' });
  });

  it('with one key twice follows the rule of two calls', async () => {
    const same = counter({ idempotencyKey: 'twice' });
    expect(await batch([same, same, { ...same, quantity: '11' }])).toEqual({
      statuses: 'RDR',
      problems: [{ code: 'IDEMPOTENCY_CONFLICT', field: 'quantity' }],
    });
    expect(await ledger()).toEqual({ records: 1, quantity: '10' });
  });

  it('refuses a key for its own reason before a later item takes it, and as a conflict after', async () => {
    const good = counter({ idempotencyKey: 'k' });
    const bad = { ...good, metric: 'nothing' };
    expect(await batch([bad, good, bad])).toEqual({
      statuses: 'RRR',
      problems: [
        { code: 'NOT_FOUND', field: 'metric' },
        { code: 'IDEMPOTENCY_CONFLICT', field: 'metric' },
      ],
    });
    expect(await ledger()).toEqual({ records: 1, quantity: '10' });
  });

  it('of 1,001 records is refused, of none is not', async () => {
    await expect(recordUsageBatch(ctx, hours(1001), { withResults: false })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'A batch has at most 1000 records, not 1001.',
      details: { field: 'records' },
    });
    expect(await batch([])).toEqual({ statuses: '', problems: [] });
  });

  /** Sends `batches` at once while another session holds a row in their middle, and lets it go when all wait. */
  async function sendAgainst(hold: string, parameters: unknown[], batches: UsageInput[][]): Promise<number[]> {
    const holder = test.app.db.createQueryRunner();
    await holder.startTransaction();
    await holder.query(hold, parameters);
    const sent = batches.map((inputs) => recordUsageBatch(ctx, inputs, { withResults: false }));
    await waitForLocks(test.app.db, batches.length);
    await holder.rollbackTransaction();
    await holder.release();
    return (await Promise.all(sent)).map(({ recordedCount }) => recordedCount);
  }

  const orders = (inputs: UsageInput[], count: number): UsageInput[][] =>
    Array.from({ length: count }, (_, index) => (index % 2 === 0 ? inputs : [...inputs].reverse()));

  it('runs in parallel with others of the same keys in the other order, without a deadlock', async () => {
    const reruns = await rerunsOf(test.app);
    const inputs = hours(300);
    const recorded = await sendAgainst(
      `insert into usage_record (service_id, account_link_id, unassigned_reason, metric_id, window_start, window_end, counted_at,
         quantity, actor, late, idempotency_key, content_hash, received_at)
       values ($1, $2, 'NO_CHARGE', $3, now(), now(), now(), 1, 'test', false, 'h150', decode(repeat('00', 32), 'hex'), now())`,
      [world.service.id, world.linkId, world.metricId],
      orders(inputs, 18),
    );
    expect(recorded.sort((one, other) => other - one)).toEqual([300, ...Array<number>(17).fill(0)]);
    // 1 + 2 + … + 300
    expect(await ledger()).toEqual({ records: 300, quantity: '45150' });
    expect(await rerunsOf(test.app)).toBe(reruns);
  });

  it('runs in parallel with others of other keys in the same hours, without a deadlock', async () => {
    await recordUsageBatch(ctx, hours(100), { withResults: false });
    const reruns = await rerunsOf(test.app);
    const recorded = await sendAgainst(
      'select 1 from usage_rollup where account_link_id = $1 order by hour limit 1 offset 50 for update',
      [world.linkId],
      orders(hours(100), 10).map((inputs, batchIndex) =>
        inputs.map((input) => ({ ...input, idempotencyKey: `${batchIndex}-${input.idempotencyKey}` })),
      ),
    );
    expect(recorded).toEqual(Array<number>(10).fill(100));
    // 11 times 1 + 2 + … + 100
    expect(await ledger()).toEqual({ records: 1100, quantity: '55550' });
    expect(await rerunsOf(test.app)).toBe(reruns);
  });

  it('asks the database as often for 1,000 records as for two', async () => {
    const logged = jest.spyOn(test.app.db.logger, 'logQuery');
    const statements = async (inputs: UsageInput[]): Promise<number> => {
      logged.mockClear();
      await recordUsageBatch(ctx, inputs, { withResults: true });
      return logged.mock.calls.length;
    };
    // Remembers the catalogue, and makes one record of each batch a duplicate.
    await statements(hours(1));
    const few = await statements(hours(2));
    const many = await statements(hours(1000));
    logged.mockRestore();
    // begin, lanes with versions, insert with rollup, stored keys, commit
    expect([few, many]).toEqual([5, 5]);
  });
});

describe('what the world refuses', () => {
  it.each<[string, string, Partial<UsageInput>]>([
    ['NOT_FOUND', 'account', { account: 'nobody' }],
    ['NOT_FOUND', 'metric', { metric: 'nothing' }],
    ['NOT_FOUND', 'subscriptionId', { subscriptionId: '01900000-0000-7000-8000-000000000000' }],
    ['NOT_FOUND', 'service', { service: 'nobodys' }],
    ['VALIDATION_FAILED', 'quantity', { quantity: '-1' }],
    ['VALIDATION_FAILED', 'windowEnd', { windowEnd: '2026-03-10T12:05:00.001Z' }],
    ['VALIDATION_FAILED', 'windowEnd', { windowStart: '2025-12-31T00:00:00Z', windowEnd: '2026-01-01T00:00:00Z' }],
  ])('%s naming %s', async (code, field, change) => {
    await expect(recordUsage(ctx, counter(change))).rejects.toThrow(refusal(code, field) as Error);
    expect(await ledger()).toEqual({ records: 0, quantity: '0' });
  });

  it('answers for another service as for none', async () => {
    const other = await seedUsageWorld(test.app.db);
    const answer = (change: Partial<UsageInput>): Promise<unknown> =>
      recordUsage(ctx, counter(change)).catch(({ code, message, details }: Record<string, unknown>) => ({
        code,
        message,
        details,
      }));
    expect(await answer({ service: other.service.code })).toEqual(await answer({ service: 'nobodys' }));
    expect(await answer({ account: null, subscriptionId: other.subscription.id })).toEqual(
      await answer({ account: null, subscriptionId: '01900000-0000-7000-8000-000000000000' }),
    );
    expect(await answer({ subscriptionId: other.subscription.id })).toEqual(
      await answer({ subscriptionId: '01900000-0000-7000-8000-000000000000' }),
    );
  });

  it('is a fraction for a COUNT metric', async () => {
    await seedMetric(test.app.db, world.service.id, { code: 'jobs', aggregation: 'COUNT' });
    await expect(recordUsage(ctx, counter({ metric: 'jobs', quantity: '1.5' }))).rejects.toThrow(
      refusal('VALIDATION_FAILED', 'quantity') as Error,
    );
    await recordUsage(ctx, counter({ metric: 'jobs', quantity: '3' }));
    expect(await ledger()).toEqual({ records: 1, quantity: '3' });
  });

  it('is not a negative quantity for a signed metric', async () => {
    await seedMetric(test.app.db, world.service.id, { code: 'seats', signed: true });
    await recordUsage(ctx, counter({ metric: 'seats', quantity: '-2' }));
    expect(await ledger()).toEqual({ records: 1, quantity: '-2' });
  });

  it('takes a window that begins before the link and ends in it', async () => {
    await recordUsage(ctx, counter({ windowStart: '2025-12-31T00:00:00Z', windowEnd: '2026-01-01T00:00:00.001Z' }));
    expect(await ledger()).toEqual({ records: 1, quantity: '10' });
  });

  it('is a missing service for a key of the whole installation', async () => {
    const everything = test.ctx();
    await expect(recordUsage(everything, counter())).rejects.toThrow(refusal('VALIDATION_FAILED', 'service') as Error);
    const { status } = await recordUsage(everything, counter({ service: world.service.code }));
    expect(status).toBe('RECORDED');
  });

  it('does not keep a batch of a whole installation from reaching several services', async () => {
    const other = await seedUsageWorld(test.app.db);
    const { recordedCount, rejections } = await recordUsageBatch(
      test.ctx(),
      [
        counter({ service: world.service.code }),
        counter({ service: other.service.code }),
        counter({ service: 'none' }),
      ],
      { withResults: false },
    );
    expect(recordedCount).toBe(2);
    expect(rejections.map(({ index, problem }) => [index, problem?.code])).toEqual([[2, 'NOT_FOUND']]);
  });
});

describe('a re-send', () => {
  beforeEach(async () => {
    await recordUsage(ctx, counter());
  });

  /** As operators will archive: in a transaction that raises the catalogue's version. */
  async function change(statement: string): Promise<void> {
    await test.app.db.transaction(async (tx) => {
      await tx.query(statement, [world.linkId]);
      await bumpCatalogVersion(tx, [world.service.id]);
    });
  }

  it.each([
    ['its link is archived', 'update account_link set archived_at = now() where id = $1'],
    ['its link has ended before it', `update account_link set valid_to = '2026-02-01T00:00:00Z' where id = $1`],
    [
      'its metric is archived',
      `update metric set archived_at = '2026-03-10T09:59:59Z' where service_id = (select service_id from account_link where id = $1)`,
    ],
    [
      'its service is archived',
      `update service set archived_at = '2026-03-10T09:59:59Z' where id = (select service_id from account_link where id = $1)`,
    ],
  ])('is a duplicate when %s, while a new key is refused', async (_, statement) => {
    await change(statement);
    expect((await recordUsage(ctx, counter())).status).toBe('DUPLICATE');
    await expect(recordUsage(ctx, counter({ quantity: '11' }))).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' });
    await expect(recordUsage(ctx, counter({ idempotencyKey: 'new' }))).rejects.toMatchObject({
      code: expect.stringMatching(/NOT_FOUND|VALIDATION_FAILED|CONFLICT/) as unknown,
    });
    expect(await ledger()).toEqual({ records: 1, quantity: '10' });
  });

  it('is refused for its syntax before its key is looked at', async () => {
    await expect(recordUsage(ctx, counter({ quantity: 'ten' }))).rejects.toThrow(
      refusal('VALIDATION_FAILED', 'quantity') as Error,
    );
  });

  it('is a duplicate for a clock that runs behind', async () => {
    const behind = { ...ctx, now: new Date('2026-03-10T09:00:00Z') };
    expect((await recordUsage(behind, counter())).status).toBe('DUPLICATE');
  });
});

describe('the catalogue', () => {
  it('is found as soon as it is there, and forgotten with the transaction that changes it', async () => {
    await expect(recordUsage(ctx, counter({ account: 'newcomer' }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    // Not even a raised version is needed for what was never there.
    await test.app.db.query(
      `insert into account_link (service_id, account, partner_id, valid_from, created_at) values ($1, 'newcomer', $2, $3, $3)`,
      [world.service.id, world.partner.id, '2026-01-01T00:00:00Z'],
    );
    expect((await recordUsage(ctx, counter({ account: 'newcomer' }))).status).toBe('RECORDED');
    await test.app.db.transaction(async (tx) => {
      await tx.query(`update account_link set archived_at = now() where account = 'newcomer' and service_id = $1`, [
        world.service.id,
      ]);
      await bumpCatalogVersion(tx, [world.service.id]);
    });
    await expect(recordUsage(ctx, counter({ account: 'newcomer', idempotencyKey: 'later' }))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('that changes while a record waits for its lane is read again', async () => {
    const pinned = await seedSubscription(test.app.db, { partner: world.partner });
    const blocker = test.app.db.createQueryRunner();
    await blocker.startTransaction();
    await lockLaneExclusive(blocker.manager, world.subscription.contractId);
    const waiting = recordUsage(ctx, counter());
    await waitForLocks(test.app.db);
    await test.app.db.transaction(async (tx) => {
      await tx.query('update account_link set contract_id = $2 where id = $1', [world.linkId, pinned.contractId]);
      await bumpCatalogVersion(tx, [world.service.id]);
    });
    await blocker.commitTransaction();
    await blocker.release();
    expect((await waiting).record.contractId).toBe(pinned.contractId);
  });
});

/** Until `count` sessions of this database wait for locks. */

describe('which contract', () => {
  it('is the named subscription, whose company must be the account', async () => {
    const second = await seedSubscription(test.app.db, { partner: world.partner, products: [world.product] });
    const { record } = await recordUsage(ctx, counter({ subscriptionId: second.id }));
    expect(record.contractId).toBe(second.contractId);
    const stranger = await seedSubscription(test.app.db, { partner: await seedPartner(test.app.db) });
    await expect(recordUsage(ctx, counter({ idempotencyKey: 'other', subscriptionId: stranger.id }))).rejects.toThrow(
      refusal('NOT_FOUND', 'subscriptionId') as Error,
    );
  });

  it('is the named subscription of an employee of the same company', async () => {
    const employee = await seedPartner(test.app.db, world.partner);
    const order = await seedSubscription(test.app.db, { partner: employee });
    const { record } = await recordUsage(ctx, counter({ account: null, subscriptionId: order.id }));
    expect(record).toMatchObject({ contractId: order.contractId, accountLinkId: world.linkId, account: null });
  });

  it('of a subscription alone needs exactly one account that could be meant', async () => {
    await seedLink(test.app.db, { serviceId: world.service.id, account: 'second', partner: world.partner });
    await expect(recordUsage(ctx, counter({ account: null, subscriptionId: world.subscription.id }))).rejects.toThrow(
      refusal('VALIDATION_FAILED', 'account') as Error,
    );
    const { record } = await recordUsage(ctx, counter({ account: 'second', subscriptionId: world.subscription.id }));
    expect(record.contractId).toBe(world.subscription.contractId);
  });

  it('of a subscription alone takes the one account whose link is valid at the time', async () => {
    await seedLink(test.app.db, {
      serviceId: world.service.id,
      account: 'later',
      partner: world.partner,
      from: '2026-03-10T10:00:00Z',
    });
    const { record } = await recordUsage(ctx, counter({ account: null, subscriptionId: world.subscription.id }));
    expect(record.accountLinkId).toBe(world.linkId);
  });

  it('is the pinned one of the link, charged or not', async () => {
    const plain = await seedSubscription(test.app.db, { partner: world.partner });
    await seedLink(test.app.db, {
      serviceId: world.service.id,
      account: 'pinned',
      partner: world.partner,
      contractId: plain.contractId,
    });
    const { record } = await recordUsage(ctx, counter({ account: 'pinned' }));
    expect(record.contractId).toBe(plain.contractId);
  });

  it('is open while several carry a product of the metric, and quotations do not count', async () => {
    const order = { partner: world.partner, products: [world.product] };
    await seedSubscription(test.app.db, { ...order, orderState: 'draft', state: 'RENEWAL_DRAFT' });
    await seedSubscription(test.app.db, { ...order, state: 'UPSELL' });
    await seedSubscription(test.app.db, { partner: world.partner });
    const one = await recordUsage(ctx, counter());
    expect(one.record.contractId).toBe(world.subscription.contractId);
    await seedSubscription(test.app.db, order);
    const several = await recordUsage(ctx, counter({ idempotencyKey: 'several' }));
    expect(several.record).toMatchObject({ contractId: null, unassignedReason: 'SEVERAL_CONTRACTS' });
  });

  it('is missing with a reason where none fits', async () => {
    const partner = await seedPartner(test.app.db);
    await seedLink(test.app.db, { serviceId: world.service.id, account: 'empty', partner });
    const none = await recordUsage(ctx, counter({ account: 'empty' }));
    expect(none.record).toMatchObject({ contractId: null, unassignedReason: 'NO_CONTRACT' });
    await seedMetric(test.app.db, world.service.id, { code: 'free' });
    const uncharged = await recordUsage(ctx, counter({ metric: 'free', idempotencyKey: 'free' }));
    expect(uncharged.record).toMatchObject({ contractId: null, unassignedReason: 'NO_CHARGE' });
  });

  it('is asked of the charges of this metric only', async () => {
    const storage = await seedMetric(test.app.db, world.service.id, { code: 'storage' });
    const product = await seedCharge(test.app.db, world.service.id, storage);
    const order = await seedSubscription(test.app.db, { partner: world.partner, products: [product] });
    const { record } = await recordUsage(ctx, counter({ metric: 'storage' }));
    expect(record.contractId).toBe(order.contractId);
  });
});

describe('late usage', () => {
  const dirty = async (): Promise<boolean[]> => {
    const rows = await test.app.db.query<{ dirty: boolean }[]>(
      'select dirty from billing_period where contract_id = $1 order by start_at',
      [world.subscription.contractId],
    );
    return rows.map((row) => row.dirty);
  };
  beforeEach(() => seedPeriods(test.app.db, world.subscription.contractId, ['2026-01-01', '2026-02-01', '2026-03-01']));

  it('marks the closed period it counts in, and no other', async () => {
    const { record } = await recordUsage(
      ctx,
      counter({ windowStart: '2026-01-31T23:00:00Z', windowEnd: '2026-02-01T00:00:00Z' }),
    );
    expect(record.late).toBe(true);
    expect(await dirty()).toEqual([true, false, false]);
  });

  it('is not what counts in the open period, even when its window begins before', async () => {
    const { record } = await recordUsage(
      ctx,
      counter({ windowStart: '2026-02-28T23:00:00Z', windowEnd: '2026-03-01T00:00:00.001Z' }),
    );
    expect(record.late).toBe(false);
    expect(await dirty()).toEqual([false, false, false]);
  });

  it('sent again marks nothing', async () => {
    const late = counter({ windowStart: '2026-02-05T00:00:00Z', windowEnd: '2026-02-06T00:00:00Z' });
    await recordUsage(ctx, late);
    await test.app.db.query('update billing_period set dirty = false where contract_id = $1', [
      world.subscription.contractId,
    ]);
    expect((await recordUsage(ctx, late)).status).toBe('DUPLICATE');
    expect(await dirty()).toEqual([false, false, false]);
    // Nobody rated in between: put back what the record did.
    await test.app.db.query(
      `update billing_period set dirty = true where contract_id = $1 and start_on = '2026-02-01'`,
      [world.subscription.contractId],
    );
  });

  it('waits for a close that holds the lane, and knows of it', async () => {
    const blocker = test.app.db.createQueryRunner();
    await blocker.startTransaction();
    await lockLaneExclusive(blocker.manager, world.subscription.contractId);
    const waiting = recordUsage(ctx, counter());
    await waitForLocks(test.app.db);
    expect(await ledger()).toEqual({ records: 0, quantity: '0' });
    await blocker.query(
      `update billing_period set state = 'CLOSED', end_on = '2026-03-10', end_at = '2026-03-10T11:00:00Z', closed_at = now()
        where contract_id = $1 and state = 'OPEN'`,
      [world.subscription.contractId],
    );
    await blocker.commitTransaction();
    await blocker.release();
    expect((await waiting).record.late).toBe(true);
    expect(await dirty()).toEqual([false, false, true]);
  });
});

describe('lanes', () => {
  it('are 64, and the same for an id everywhere', () => {
    expect(laneOf('01900000-0000-7000-8000-000000000000')).toBe(0);
    expect(laneOf('01900000-0000-7000-8000-0000000000ff')).toBe(63);
    expect(laneOf('01900000-0000-7000-8000-0000000000a5')).toBe(37);
  });

  it('of two contracts do not wait for each other', async () => {
    const lanes = test.app.db.createQueryRunner();
    await lanes.startTransaction();
    const other = [...Array(64).keys()]
      .map((lane) => `01900000-0000-7000-8000-0000000000${lane.toString(16).padStart(2, '0')}`)
      .find((id) => laneOf(id) !== laneOf(world.subscription.contractId));
    await lockLaneExclusive(lanes.manager, other ?? '');
    expect((await recordUsage(ctx, counter())).status).toBe('RECORDED');
    await lanes.rollbackTransaction();
    await lanes.release();
  });
});
