/** Readings of meters and totals of windows, as they are recorded and corrected: what fits what stands, and what does not. */
import type { Ctx } from '../../src/ctx';
import { BillingError } from '../../src/domain/errors';
import type { UsageInput } from '../../src/domain/usage-record';
import { identities } from '../../src/services/identities';
import { checkRollup } from '../../src/services/rollup-check';
import { replaceUsage, voidUsage, voidUsageBatch } from '../../src/services/usage-corrections';
import { recordUsage, recordUsageBatch } from '../../src/services/usage-records';
import { startTestApp, type TestApp } from '../support/app';
import { rerunsOf } from '../support/metrics';
import { counter, seedMetric, seedPeriods, seedUsageWorld, type UsageWorld } from '../support/usage-world';

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
  await seedMetric(test.app.db, world.service.id, { code: 'meter', semantics: 'CUMULATIVE' });
  await seedMetric(test.app.db, world.service.id, { code: 'windows', semantics: 'WINDOW_TOTAL' });
  await seedMetric(test.app.db, world.service.id, { code: 'users', aggregation: 'UNIQUE_COUNT', uniqueBy: 'user' });
  await seedPeriods(test.app.db, world.subscription.contractId, ['2026-03-01']);
});
afterEach(async () => {
  expect(await checkRollup(test.ctx())).toMatchObject({ differenceCount: 0 });
  expect(await identities(ctx)).toMatchObject({ holds: true });
});

/** A reading at the full hour of 10 March; its key is its own. */
function reading(hour: number, quantity: string, change: Partial<UsageInput> = {}): UsageInput {
  const at = new Date(Date.UTC(2026, 2, 10, hour)).toISOString();
  return counter({
    idempotencyKey: `${hour}:${quantity}`,
    metric: 'meter',
    subscriptionId: world.subscription.id,
    windowStart: at,
    windowEnd: at,
    quantity,
    ...change,
  });
}

function window(from: number, to: number, quantity: string, change: Partial<UsageInput> = {}): UsageInput {
  const hour = (number: number): string => new Date(Date.UTC(2026, 2, 10, number)).toISOString();
  const when = { windowStart: hour(from), windowEnd: hour(to) };
  return reading(from, quantity, {
    idempotencyKey: `${from}-${to}:${quantity}`,
    metric: 'windows',
    ...when,
    ...change,
  });
}

async function refusalOf(work: Promise<unknown>): Promise<{ code: string; field: unknown }> {
  const error = await work.then(
    () => {
      throw new Error('was not refused');
    },
    (caught: unknown) => caught,
  );
  if (!(error instanceof BillingError)) throw error;
  return { code: error.code, field: error.details.field };
}

it('a fall is refused, by the reading before it or the one after, until it is declared', async () => {
  await recordUsage(ctx, reading(3, '100'));
  await recordUsage(ctx, reading(6, '160'));
  await expect(recordUsage(ctx, reading(7, '159'))).rejects.toMatchObject({
    code: 'CONFLICT',
    message: 'The meter read 160 before: 159 is less. Send reset if it began anew.',
    details: { field: 'quantity', before: { idempotencyKey: '6:160', quantity: '160' } },
  });
  expect(await refusalOf(recordUsage(ctx, reading(4, '161')))).toEqual({ code: 'CONFLICT', field: 'quantity' });
  await recordUsage(ctx, reading(7, '5', { reset: true }));
  await recordUsage(ctx, reading(4, '130'));
});

it('series are kept apart by dimensions, meter and contract', async () => {
  await recordUsage(ctx, reading(3, '100'));
  await recordUsage(ctx, reading(4, '50', { meter: 'b' }));
  await recordUsage(ctx, reading(5, '40', { dimensions: { region: 'eu' } }));
  await recordUsage(ctx, reading(6, '45', { dimensions: { region: 'eu', tier: '1' } }));
  expect(await refusalOf(recordUsage(ctx, reading(7, '44', { dimensions: { tier: '1', region: 'eu' } })))).toEqual({
    code: 'CONFLICT',
    field: 'quantity',
  });
  // Without a contract the series is the account's own.
  await recordUsage(ctx, reading(7, '1', { subscriptionId: null }));
  expect(await refusalOf(recordUsage(ctx, reading(8, '0', { subscriptionId: null })))).toMatchObject({
    code: 'CONFLICT',
  });
});

it('items of one batch are held against each other, in their order; what is refused is as if it had not been sent', async () => {
  const result = await recordUsageBatch(
    ctx,
    [
      reading(3, '100'),
      reading(5, '90', { idempotencyKey: 'falls' }),
      reading(5, '120'),
      reading(4, '110'),
      reading(4, '125', { idempotencyKey: 'too high' }),
      reading(3, '100'),
      // The key of an item that was refused is free.
      reading(6, '130', { idempotencyKey: 'falls' }),
    ],
    { withResults: true },
  );
  expect(result.results.map(({ status }) => status)).toEqual([
    'RECORDED',
    'REJECTED',
    'RECORDED',
    'RECORDED',
    'REJECTED',
    'DUPLICATE',
    'RECORDED',
  ]);
  expect(result.rejections.map(({ problem }) => [problem?.code, problem?.field])).toEqual([
    ['CONFLICT', 'quantity'],
    ['CONFLICT', 'quantity'],
  ]);
});

it('a re-send is a duplicate, whatever the series has come to since', async () => {
  await recordUsage(ctx, reading(3, '100'));
  await recordUsage(ctx, reading(5, '8', { reset: true }));
  await voidUsage(ctx, { idempotencyKey: 'void', voids: '3:100', reason: 'wrong' });
  expect(await recordUsage(ctx, reading(3, '100'))).toMatchObject({ status: 'DUPLICATE' });
  await recordUsage(ctx, window(3, 5, '1'));
  await recordUsage(ctx, window(3, 5, '2'));
  expect(await recordUsage(ctx, window(3, 5, '1'))).toMatchObject({ status: 'DUPLICATE' });
});

it('no correction leaves a fall that nobody declared', async () => {
  await recordUsageBatch(ctx, [reading(3, '100'), reading(5, '8', { reset: true }), reading(7, '20')], {
    withResults: false,
  });
  await expect(voidUsage(ctx, { idempotencyKey: 'v1', voids: '5:8', reason: 'wrong' })).rejects.toMatchObject({
    code: 'CONFLICT',
    message: 'Without the reading the meter would fall from 100 to 20.',
    details: { field: 'voids', before: { quantity: '100' }, after: { quantity: '20' } },
  });
  const replacement = { replaces: '7:20', reason: 'wrong' };
  await expect(replaceUsage(ctx, { ...replacement, idempotencyKey: 'r1', quantity: '7.9' })).rejects.toMatchObject({
    code: 'CONFLICT',
    details: { field: 'quantity' },
  });
  await replaceUsage(ctx, { ...replacement, idempotencyKey: 'r2', quantity: '8' });
  // Both at once: the second finds what the first left.
  const voids = await voidUsageBatch(
    ctx,
    [
      { idempotencyKey: 'v2', voids: '3:100', reason: 'wrong' },
      { idempotencyKey: 'v3', voids: '5:8', reason: 'wrong' },
    ],
    { withResults: true },
  );
  expect(voids.results.map(({ status }) => status)).toEqual(['RECORDED', 'RECORDED']);
});

it('windows of a series never overlap without being equal', async () => {
  await recordUsage(ctx, window(3, 5, '1'));
  await expect(recordUsage(ctx, window(4, 5, '1'))).rejects.toMatchObject({
    code: 'CONFLICT',
    message: 'The window overlaps another one of the series, 2026-03-10T03:00:00.000Z to 2026-03-10T05:00:00.000Z.',
    details: { field: 'windowStart', other: { idempotencyKey: '3-5:1' } },
  });
  expect(await refusalOf(recordUsage(ctx, window(1, 12, '1')))).toEqual({ code: 'CONFLICT', field: 'windowStart' });
  await recordUsage(ctx, window(5, 6, '1'));
  await recordUsage(ctx, window(3, 5, '7'));
  await recordUsage(ctx, window(4, 5, '1', { meter: 'b' }));
  // A window whose only send is voided is free for others.
  await voidUsage(ctx, { idempotencyKey: 'v', voids: '5-6:1', reason: 'wrong' });
  await recordUsage(ctx, window(5, 7, '1'));
});

it('of parallel sends to one meter none makes it fall: each is accepted or refused as if they came one by one', async () => {
  const values = ['10', '40', '20', '30', '50', '5', '45', '35'];
  const outcomes = await Promise.all(
    values.map((quantity, index) =>
      recordUsage(
        ctx,
        reading(9, quantity, { idempotencyKey: `parallel ${index}`, windowStart: '2026-03-10T09:00:00Z' }),
      ).then(
        () => quantity,
        (error: unknown) =>
          error instanceof BillingError && error.code === 'CONFLICT' ? null : Promise.reject(error as Error),
      ),
    ),
  );
  expect(outcomes.some((quantity) => quantity !== null)).toBe(true);
  // As they were numbered they rise.
  const stored = await test.app.db.query<{ quantity: string }[]>(
    `select u.quantity::text from usage_record u join metric m on m.id = u.metric_id
      where u.service_id = $1 and m.code = 'meter' order by u.id`,
    [world.service.id],
  );
  const numbers = stored.map(({ quantity }) => Number(quantity));
  expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
  expect(numbers).toHaveLength(outcomes.filter((quantity) => quantity !== null).length);
  expect(await rerunsOf(test.app)).toBe(0);
});

it('a thing is counted by the value of its dimension', async () => {
  const user = (key: string, change: Partial<UsageInput>): UsageInput =>
    reading(3, '1', { idempotencyKey: key, metric: 'users', ...change });
  expect(await refusalOf(recordUsage(ctx, user('none', {})))).toEqual({
    code: 'VALIDATION_FAILED',
    field: 'dimensions',
  });
  expect(await refusalOf(recordUsage(ctx, user('two', { quantity: '2', dimensions: { user: 'ann' } })))).toEqual({
    code: 'VALIDATION_FAILED',
    field: 'quantity',
  });
  await recordUsage(ctx, user('ann', { dimensions: { user: 'ann' } }));
  // The same key with another operation is other content.
  expect(await refusalOf(recordUsage(ctx, user('ann', { dimensions: { user: 'ann' }, operation: 'REMOVE' })))).toEqual({
    code: 'IDEMPOTENCY_CONFLICT',
    field: 'operation',
  });
});
