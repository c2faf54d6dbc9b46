/** What a caller is told whose metric cannot be made, changed or archived. */
import { startTestApp, type TestApp } from '../../support/app';
import { type RefusedInput, refused } from '../../support/refusals';
import { makeKey, makeMetric, makeService, mutate, seedService } from '../../support/seed';

let test: TestApp;
let key: string;

beforeAll(async () => {
  test = await startTestApp();
  await makeService(test, 'maps');
  key = (await makeKey(test, 'maps')).secret;
  await makeMetric(test, key, { code: 'tiles' });
});
afterAll(() => test.close());

const GOOD = { code: 'good', name: 'Good', unit: 'unit', aggregation: 'SUM' };

it.each<RefusedInput>([
  [
    'a code with a blank',
    { code: 'a b' },
    'VALIDATION_FAILED',
    'code',
    'code must be 1 to 100 letters, digits, `_`, `.` and `-`, with a letter or digit first.',
  ],
  ['a code that is taken', { code: 'tiles' }, 'CONFLICT', 'code', 'The service has a metric with this code already.'],
  [
    'no name',
    { name: '' },
    'VALIDATION_FAILED',
    'name',
    'name must be a text of 1 to 200 characters without control characters, not "".',
  ],
  [
    'a unit without end',
    { unit: 'u'.repeat(51) },
    'VALIDATION_FAILED',
    'unit',
    `unit must be a text of 1 to 50 characters without control characters, not "${'u'.repeat(51)}".`,
  ],
  [
    'the highest of a meter',
    { aggregation: 'MAX', semantics: 'CUMULATIVE' },
    'VALIDATION_FAILED',
    'semantics',
    'MAX goes with DELTA, WINDOW_TOTAL, not with CUMULATIVE.',
  ],
  [
    'a signed meter',
    { semantics: 'CUMULATIVE', signed: true },
    'VALIDATION_FAILED',
    'signed',
    'A meter that only rises takes no signed readings.',
  ],
  [
    'different things with a sign',
    { aggregation: 'UNIQUE_COUNT', uniqueBy: 'user', signed: true },
    'VALIDATION_FAILED',
    'signed',
    'UNIQUE_COUNT takes no signed quantities: send the operation REMOVE.',
  ],
  [
    'a maximum that recurs',
    { aggregation: 'MAX', recurring: true },
    'VALIDATION_FAILED',
    'recurring',
    'MAX cannot recur: SUM, UNIQUE_COUNT, WEIGHTED_SUM can.',
  ],
  [
    'different things of no dimension',
    { aggregation: 'UNIQUE_COUNT' },
    'VALIDATION_FAILED',
    'uniqueBy',
    'UNIQUE_COUNT needs the dimension whose values are counted.',
  ],
  [
    'a sum of different things',
    { uniqueBy: 'user' },
    'VALIDATION_FAILED',
    'uniqueBy',
    'uniqueBy belongs to UNIQUE_COUNT, not to SUM.',
  ],
  [
    'a rounding finer than decimals are',
    { rounding: { mode: 'CEIL', places: 13 } },
    'VALIDATION_FAILED',
    'rounding.places',
    'rounding.places must be a whole number from -12 to 12, not 13.',
  ],
  ['a service that is not there', { service: 'nobodys' }, 'NOT_FOUND', 'service', 'No such service.'],
])('createMetric refuses %s', async (_, change, code, field, message) => {
  expect(await refused({ test, key }, 'createMetric', { ...GOOD, ...change })).toEqual({ code, field, message });
});

it('createMetric asks a key of the whole installation for the service', async () => {
  expect(await refused({ test, key: test.adminKey }, 'createMetric', GOOD)).toEqual({
    code: 'VALIDATION_FAILED',
    field: 'service',
    message: 'Name the service: this key is for the whole installation.',
  });
});

it.each<RefusedInput>([
  ['a metric that is not there', { metric: 'nothing' }, 'NOT_FOUND', 'metric', 'No such metric.'],
  [
    'no name any more',
    { name: null },
    'VALIDATION_FAILED',
    'name',
    'name cannot be cleared: leave it out, or send a value.',
  ],
  [
    'an aggregation that wants another semantics',
    { aggregation: 'LATEST', semantics: 'CUMULATIVE' },
    'VALIDATION_FAILED',
    'semantics',
    'LATEST goes with DELTA, WINDOW_TOTAL, not with CUMULATIVE.',
  ],
])('updateMetric refuses %s', async (_, change, code, field, message) => {
  expect(await refused({ test, key }, 'updateMetric', { metric: 'tiles', ...change })).toEqual({
    code,
    field,
    message,
  });
});

describe('of a metric that is charged', () => {
  it('neither the archive takes it, nor a change after its first record', async () => {
    const { key, metric, account } = await seedService(test, { code: 'sold' });
    expect(await refused({ test, key }, 'archiveMetric', { metric })).toEqual({
      code: 'CONFLICT',
      field: 'metric',
      message: 'The metric "sold-metric" has charges in use: archive them first.',
    });
    const at = '2026-03-10T11:00:00Z';
    const record = { idempotencyKey: 'k', account, metric, windowStart: at, windowEnd: at, quantity: '1' };
    await mutate(test, key, { name: 'recordUsage', input: record, selection: 'status' });
    expect(await refused({ test, key }, 'updateMetric', { metric, signed: true })).toEqual({
      code: 'CONFLICT',
      field: 'signed',
      message: 'The metric "sold-metric" has usage: its signed is fixed. Make another metric.',
    });
  });

  it('an archived one carries no new charge, is watched by no new alert, and is changed no more', async () => {
    const { key, odoo } = await seedService(test, { code: 'gone' });
    await makeMetric(test, key, { code: 'old' });
    await mutate(test, key, { name: 'archiveMetric', input: { metric: 'old' }, selection: 'metric { id }' });
    const calls = {
      updateMetric: { name: 'Older' },
      createCharge: { productOdooId: odoo.productIds[0], mode: 'QUANTITY' },
      createUsageAlert: { account: 'gone-account', kind: 'UNITS', thresholds: ['1'], name: 'One' },
    };
    for (const [name, input] of Object.entries(calls)) {
      expect(await refused({ test, key }, name, { metric: 'old', ...input })).toEqual({
        code: 'CONFLICT',
        field: 'metric',
        message: 'The metric "old" is archived since 2026-03-10T12:00:00.000Z.',
      });
    }
  });
});
