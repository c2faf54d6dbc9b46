/** What a caller is told whose usage is not recorded: of its syntax, of its metric, of what stands in its series. */
import { createApiKey } from '../../../src/services/api-keys';
import type { UsageInput } from '../../../src/domain/usage-record';
import { startTestApp, type TestApp } from '../../support/app';
import { type Refusal, type RefusedInput, refused } from '../../support/refusals';
import { mutate } from '../../support/seed';
import {
  counter,
  seedLink,
  seedMetric,
  seedPartner,
  seedSubscription,
  seedUsageWorld,
} from '../../support/usage-world';

let test: TestApp;
let key: string;
let service: { id: string; code: string };
/** A subscription of somebody whom the service has no account of, and one of a customer with two accounts. */
const subscriptions = { foreign: '', shared: '' };

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  const { db } = test.app;
  const world = await seedUsageWorld(db);
  service = world.service;
  ({ secret: key } = await createApiKey(test.ctx(), { service: service.code, name: 'k', scopes: ['usage:write'] }));
  await seedMetric(db, service.id, { code: 'jobs', aggregation: 'COUNT' });
  await seedMetric(db, service.id, { code: 'users', aggregation: 'UNIQUE_COUNT', uniqueBy: 'user' });
  await seedMetric(db, service.id, { code: 'level', aggregation: 'MAX', semantics: 'WINDOW_TOTAL' });
  await seedMetric(db, service.id, { code: 'payments', perEvent: true });
  for (const code of ['meter', 'opened']) await seedMetric(db, service.id, { code, semantics: 'CUMULATIVE' });
  subscriptions.foreign = (await seedSubscription(db, { partner: await seedPartner(db) })).id;
  const partner = await seedPartner(db);
  for (const account of ['one', 'two']) await seedLink(db, { serviceId: service.id, account, partner });
  subscriptions.shared = (await seedSubscription(db, { partner })).id;
});
afterAll(() => test.close());

function record(change: Record<string, unknown>, by = key): Promise<Refusal | null> {
  return refused(
    { test, key: by },
    'recordUsage',
    counter({ idempotencyKey: 'refused', ...change }) as object as Record<string, unknown>,
  );
}

const NOBODY = '01900000-0000-7000-8000-000000000000';

describe('a record is refused', () => {
  it.each<RefusedInput>([
    [
      'without a key',
      { idempotencyKey: '' },
      'VALIDATION_FAILED',
      'idempotencyKey',
      'idempotencyKey must be a text of 1 to 200 characters without control characters, not "".',
    ],
    ['of nobody', { account: null }, 'VALIDATION_FAILED', 'account', 'Name the account, the subscription, or both.'],
    [
      'of a quantity that is no decimal',
      { quantity: '1,5' },
      'VALIDATION_FAILED',
      'quantity',
      'quantity must be a decimal of at most 30 digits, 12 of them after the point, without an exponent, not "1,5".',
    ],
    [
      'of a day, not an instant',
      { windowStart: '2026-03-10' },
      'VALIDATION_FAILED',
      'windowStart',
      'windowStart must be an instant with an offset, at most to the millisecond, like "2026-03-01T05:00:00.000Z", not "2026-03-10".',
    ],
    [
      'that ends before it begins',
      { windowEnd: '2026-03-10T08:59:59Z' },
      'VALIDATION_FAILED',
      'windowEnd',
      'windowEnd lies before windowStart.',
    ],
    [
      'of more than a month',
      { windowStart: '2026-02-06T09:59:59Z' },
      'VALIDATION_FAILED',
      'windowEnd',
      'A window is at most 32 days long.',
    ],
    [
      'of the time to come',
      { windowEnd: '2026-03-10T12:05:00.001Z' },
      'VALIDATION_FAILED',
      'windowEnd',
      'windowEnd lies more than 5 minutes ahead of our clock.',
    ],
    [
      'of a window that is still to begin',
      { metric: 'level', windowStart: '2026-03-10T12:05:00.001Z', windowEnd: '2026-03-10T13:00:00Z' },
      'VALIDATION_FAILED',
      'windowStart',
      'windowStart lies more than 5 minutes ahead of our clock.',
    ],
    [
      'with more labels than 20',
      { dimensions: Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`d${index}`, 'x'])) },
      'VALIDATION_FAILED',
      'dimensions',
      'dimensions must be at most 20, not 21.',
    ],
    [
      'with a label that is a list',
      { dimensions: { region: ['eu'] } },
      'VALIDATION_FAILED',
      'dimensions',
      'The dimension "region" must be text, a number or true or false.',
    ],
    ['below nothing', { quantity: '-1' }, 'VALIDATION_FAILED', 'quantity', 'The metric takes no negative quantity.'],
    [
      'of half a thing',
      { metric: 'jobs', quantity: '0.5' },
      'VALIDATION_FAILED',
      'quantity',
      'The metric counts things: whole numbers only.',
    ],
    [
      'of two different things at once',
      { metric: 'users', quantity: '2', dimensions: { user: 'u1' } },
      'VALIDATION_FAILED',
      'quantity',
      'The metric counts different things, one a record: send 1.',
    ],
    [
      'of a thing without a name',
      { metric: 'users', quantity: '1' },
      'VALIDATION_FAILED',
      'dimensions',
      'The metric counts the values of the dimension "user": send one.',
    ],
    [
      'with events that nobody counts',
      { events: 2 },
      'VALIDATION_FAILED',
      'events',
      'The metric counts no events: leave `events` out.',
    ],
    [
      'with less than no events',
      { metric: 'payments', events: -1 },
      'VALIDATION_FAILED',
      'events',
      'events must be a whole number from 0 to 2147483647, not -1.',
    ],
    [
      'with a revision of what adds up',
      { revision: 1 },
      'VALIDATION_FAILED',
      'revision',
      'revision belongs to WINDOW_TOTAL metrics: leave it out.',
    ],
    [
      'with a reset of what is no meter',
      { reset: true },
      'VALIDATION_FAILED',
      'reset',
      'reset belongs to CUMULATIVE metrics: leave it out.',
    ],
    [
      'with an opening of what is no meter',
      { opening: '1' },
      'VALIDATION_FAILED',
      'opening',
      'opening belongs to CUMULATIVE metrics: leave it out.',
    ],
    [
      'with an operation on what is no set',
      { operation: 'REMOVE' },
      'VALIDATION_FAILED',
      'operation',
      'operation belongs to UNIQUE_COUNT metrics: leave it out.',
    ],
    [
      'with an opening below zero',
      { metric: 'meter', opening: '-1' },
      'VALIDATION_FAILED',
      'opening',
      'opening must be 0 or more.',
    ],
    [
      'with an opening above the reading',
      { metric: 'meter', opening: '11' },
      'VALIDATION_FAILED',
      'opening',
      'The meter cannot have stood higher before, at 11, than it reads.',
    ],
    ['of a service that is not there', { service: 'nobodys' }, 'NOT_FOUND', 'service', 'No such service.'],
    ['of a metric that is not there', { metric: 'nothing' }, 'NOT_FOUND', 'metric', 'No such metric.'],
    ['of an account that is not there', { account: 'nobody' }, 'NOT_FOUND', 'account', 'No such account link.'],
    [
      'of a subscription that is not there',
      { subscriptionId: NOBODY },
      'NOT_FOUND',
      'subscriptionId',
      'No such subscription.',
    ],
    [
      'of a subscription whose id we never made',
      { subscriptionId: 'S00042' },
      'NOT_FOUND',
      'subscriptionId',
      'No such subscription.',
    ],
    [
      'of a time before its account was linked',
      { windowStart: '2025-12-31T00:00:00Z', windowEnd: '2026-01-01T00:00:00Z' },
      'VALIDATION_FAILED',
      'windowEnd',
      'The window counts at an instant at which no link of the account is valid.',
    ],
  ])('%s', async (_, change, code, field, message) => {
    expect(await record(change)).toEqual({ code, field, message });
  });

  it('of a subscription that the service cannot see, with its account or without', async () => {
    const refusal = { code: 'NOT_FOUND', field: 'subscriptionId', message: 'No such subscription.' };
    expect(await record({ subscriptionId: subscriptions.foreign })).toEqual(refusal);
    expect(await record({ subscriptionId: subscriptions.foreign, account: null })).toEqual(refusal);
  });

  it('of a subscription that two accounts share, unless one is named', async () => {
    expect(await record({ subscriptionId: subscriptions.shared, account: null })).toEqual({
      code: 'VALIDATION_FAILED',
      field: 'account',
      message: 'Several accounts could be meant: name one.',
    });
  });

  it('of no service, by a key of the whole installation', async () => {
    expect(await record({}, test.adminKey)).toEqual({
      code: 'VALIDATION_FAILED',
      field: 'service',
      message: 'Name the service: this key is for the whole installation.',
    });
  });
});

async function recorded(change: Partial<UsageInput>): Promise<void> {
  await mutate(test, key, { name: 'recordUsage', input: { ...counter(change) }, selection: 'status' });
}

describe('a key that is used again', () => {
  beforeAll(() => recorded({ idempotencyKey: 'used' }));

  it.each<RefusedInput>([
    [
      'quantity',
      { quantity: '11' },
      'IDEMPOTENCY_CONFLICT',
      'quantity',
      'The idempotency key was used with another quantity.',
    ],
    [
      'window',
      { windowEnd: '2026-03-10T09:30:00Z' },
      'IDEMPOTENCY_CONFLICT',
      'windowEnd',
      'The idempotency key was used with another windowEnd.',
    ],
    [
      'label',
      { dimensions: { region: 'eu' } },
      'IDEMPOTENCY_CONFLICT',
      'dimensions',
      'The idempotency key was used with another dimensions.',
    ],
  ])('with another %s is refused', async (_, change, code, field, message) => {
    expect(await record({ idempotencyKey: 'used', ...change })).toEqual({ code, field, message });
  });

  it('for a correction is refused', async () => {
    await recorded({ idempotencyKey: 'other' });
    const input = { idempotencyKey: 'used', voids: 'other', reason: 'wrong' };
    expect(await refused({ test, key }, 'voidUsage', input)).toEqual({
      code: 'IDEMPOTENCY_CONFLICT',
      field: 'idempotencyKey',
      message: 'The idempotency key was used for something else.',
    });
  });
});

describe('in its series', () => {
  /** A reading at the full hour. */
  const reading = (hour: string, quantity: string, more: Partial<UsageInput> = {}): Partial<UsageInput> => {
    const at = `2026-03-10T${hour}:00:00Z`;
    return {
      idempotencyKey: `${hour}=${quantity}`,
      metric: 'meter',
      windowStart: at,
      windowEnd: at,
      quantity,
      ...more,
    };
  };
  const window = (from: string, to: string): Partial<UsageInput> => ({
    idempotencyKey: `${from}-${to}`,
    metric: 'level',
    windowStart: `2026-03-10T${from}:00:00Z`,
    windowEnd: `2026-03-10T${to}:00:00Z`,
  });

  beforeAll(async () => {
    await recorded(reading('03', '100'));
    await recorded(reading('06', '160'));
    await recorded(reading('05', '50', { metric: 'opened', idempotencyKey: 'opened', opening: '40' }));
    await recorded(window('03', '05'));
  });

  it.each<[what: string, change: Partial<UsageInput>, field: string, message: string]>([
    [
      'a reading below the one before',
      reading('07', '159'),
      'quantity',
      'The meter read 160 before: 159 is less. Send reset if it began anew.',
    ],
    ['a reading above the one after', reading('04', '161'), 'quantity', 'The meter read 160 later: 161 is more.'],
    [
      'an opening amid the series',
      reading('07', '170', { opening: '165' }),
      'opening',
      'opening belongs to the first reading of a series, or to one with reset.',
    ],
    [
      'a reading before the one that opened it',
      reading('04', '45', { metric: 'opened' }),
      'opening',
      'The series begins with an opening of 40: a reading before it needs its own.',
    ],
    [
      'a window over the end of another',
      window('04', '06'),
      'windowStart',
      'The window overlaps another one of the series, 2026-03-10T03:00:00.000Z to 2026-03-10T05:00:00.000Z.',
    ],
  ])('%s is refused', async (_, change, field, message) => {
    expect(await record(change)).toEqual({ code: 'CONFLICT', field, message });
  });

  it('a replacement below the opening of its reading is refused', async () => {
    const input = { idempotencyKey: 'r', replaces: 'opened', quantity: '39', reason: 'wrong' };
    expect(await refused({ test, key }, 'replaceUsage', input)).toEqual({
      code: 'CONFLICT',
      field: 'quantity',
      message: 'The opening of the reading is 40: 39 is less.',
    });
  });

  it('the void of a reset that leaves a fall is refused', async () => {
    await recorded(reading('08', '7', { reset: true }));
    await recorded(reading('09', '20'));
    expect(await refused({ test, key }, 'voidUsage', { idempotencyKey: 'v', voids: '08=7', reason: 'wrong' })).toEqual({
      code: 'CONFLICT',
      field: 'voids',
      message: 'Without the reading the meter would fall from 160 to 20.',
    });
  });
});
