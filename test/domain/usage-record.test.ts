import { BillingError } from '../../src/domain/errors';
import type { MetricRules } from '../../src/domain/metric';
import {
  countsWithin,
  parseUsage,
  type UsageDraft,
  type UsageInput,
  usageRefusal,
} from '../../src/domain/usage-record';
import { counter } from '../support/counter';

const HOUR = { windowStart: '2026-03-10T09:00:00Z', windowEnd: '2026-03-10T10:00:00Z' };

function draft(change: Parameters<typeof counter>[0] = {}): UsageDraft {
  const parsed = parseUsage(counter(change));
  if (parsed instanceof BillingError) throw parsed;
  return parsed;
}

describe('parsing a counter', () => {
  it('gives its normal form', () => {
    const parsed = draft({ quantity: '010.500', dimensions: { tier: 1, trial: true, note: '' }, subscriptionId: null });
    expect(parsed).toMatchObject({
      account: 'acme',
      subscriptionId: null,
      dimensions: { tier: '1', trial: 'true', note: '' },
      meter: null,
      source: null,
      service: null,
    });
    expect(parsed.quantity.toFixed()).toBe('10.5');
    expect(parsed.contentHash).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['no dimensions', { dimensions: null }, { dimensions: {} }],
    ['a source', {}, { source: 'cron' }],
    ['labels that are numbers', { dimensions: { tier: '1' } }, { dimensions: { tier: 1 } }],
    ['trailing zeros', { quantity: '1.5' }, { quantity: '1.50' }],
    ['an offset', {}, { windowStart: '2026-03-10T04:00:00-05:00' }],
    [
      'an id in capitals',
      { subscriptionId: 'AAAAAAAA-0000-7000-8000-00000000000A' },
      { subscriptionId: 'aaaaaaaa-0000-7000-8000-00000000000a' },
    ],
  ])('makes %s the same content', (_, one, other) => {
    expect(draft(one).contentHash).toBe(draft(other).contentHash);
  });

  it.each<[string, string, Parameters<typeof counter>[0]]>([
    ['idempotencyKey', 'an empty key', { idempotencyKey: '' }],
    ['idempotencyKey', 'a key of 201 characters', { idempotencyKey: 'k'.repeat(201) }],
    ['idempotencyKey', 'a key with a NUL', { idempotencyKey: 'a\0b' }],
    ['idempotencyKey', 'half of a surrogate pair', { idempotencyKey: 'a\ud800b' }],
    ['account', 'neither account nor subscription', { account: null }],
    ['account', 'an account with half of a surrogate pair', { account: '\udfff' }],
    ['metric', 'an empty metric', { metric: '' }],
    ['windowStart', 'an instant without an offset', { windowStart: '2026-03-10T09:00:00' }],
    ['windowEnd', 'a day that is not in the calendar', { windowEnd: '2026-02-30T09:00:00Z' }],
    ['windowEnd', 'microseconds', { windowEnd: '2026-03-10T10:00:00.000001Z' }],
    ['windowEnd', 'an end before the start', { windowEnd: '2026-03-10T08:59:59.999Z' }],
    ['windowEnd', 'a window of 32 days and a millisecond', { windowEnd: '2026-04-11T09:00:00.001Z' }],
    ['quantity', '13 digits after the point', { quantity: '0.1234567890123' }],
    ['quantity', '31 digits', { quantity: '1'.repeat(31) }],
    ['quantity', 'an exponent', { quantity: '1e3' }],
    ['quantity', 'no number', { quantity: 'ten' }],
    ['dimensions', '21 labels', { dimensions: Object.fromEntries([...Array(21).keys()].map((n) => [`l${n}`, n])) }],
    ['dimensions', 'a label that is a list', { dimensions: { tags: ['a'] } }],
    ['dimensions', 'a label of 201 characters', { dimensions: { tag: 'x'.repeat(201) } }],
    ['dimensions', 'a label without a name', { dimensions: { '': 'x' } }],
    ['dimensions', 'a label with a NUL', { dimensions: { tag: '\0' } }],
    ['meter', 'an empty meter', { meter: '' }],
    ['source', 'a source of 201 characters', { source: 's'.repeat(201) }],
  ])('refuses for %s: %s', (field, _, change) => {
    expect(parseUsage(counter(change))).toMatchObject({ code: 'VALIDATION_FAILED', details: { field } });
  });

  it('says of an id we never made that there is no such subscription', () => {
    expect(parseUsage(counter({ subscriptionId: 'S00042' }))).toMatchObject({
      code: 'NOT_FOUND',
      details: { field: 'subscriptionId' },
    });
  });

  it.each([
    ['an instant', { windowStart: HOUR.windowEnd }],
    ['exactly 32 days', { windowEnd: '2026-04-11T09:00:00Z' }],
    ['30 digits', { quantity: `${'9'.repeat(18)}.${'9'.repeat(12)}` }],
    ['a negative quantity, which the metric decides on', { quantity: '-1' }],
    ['a key of 200 characters', { idempotencyKey: 'k'.repeat(200) }],
    ['20 labels', { dimensions: Object.fromEntries([...Array(20).keys()].map((n) => [`l${n}`, n])) }],
  ])('takes %s', (_, change) => {
    expect(parseUsage(counter(change))).not.toBeInstanceOf(BillingError);
  });
});

const SUM: MetricRules = {
  aggregation: 'SUM',
  semantics: 'DELTA',
  signed: false,
  perEvent: false,
  recurring: false,
  uniqueBy: null,
  rounding: null,
};

describe('what depends on metric and clock', () => {
  const sum = SUM;
  const count = { ...sum, aggregation: 'COUNT' } as const;
  const end = new Date(HOUR.windowEnd).getTime();
  const start = new Date(HOUR.windowStart).getTime();
  const UNIQUE = { aggregation: 'UNIQUE_COUNT', uniqueBy: 'user' } as const;

  it.each([
    ['ends 5 minutes ahead', end - 300_000, null],
    ['ends 5 minutes and a millisecond ahead', end - 300_001, 'windowEnd'],
    ['ended a year ago', end + 31_536_000_000, null],
  ])('a window that %s', (_, now, field) => {
    expect(usageRefusal(draft(), sum, new Date(now))?.details.field ?? null).toBe(field);
  });

  it.each([
    ['starts 5 minutes ahead', start - 300_000, null],
    ['starts 5 minutes and a millisecond ahead', start - 300_001, 'windowStart'],
  ])('of a WINDOW_TOTAL a window that %s', (_, now, field) => {
    const metric = { ...sum, semantics: 'WINDOW_TOTAL' } as const;
    expect(usageRefusal(draft(), metric, new Date(now))?.details.field ?? null).toBe(field);
  });

  it.each<[Partial<UsageInput>, Partial<MetricRules>, string | null]>([
    [{ revision: 1 }, {}, 'revision belongs to WINDOW_TOTAL metrics: leave it out.'],
    [{ revision: 1 }, { semantics: 'WINDOW_TOTAL' }, null],
    [{ opening: '1' }, {}, 'opening belongs to CUMULATIVE metrics: leave it out.'],
    [{ opening: '10' }, { semantics: 'CUMULATIVE' }, null],
    [{ opening: '-1' }, { semantics: 'CUMULATIVE' }, 'opening must be 0 or more.'],
    [{ opening: '-0' }, { semantics: 'CUMULATIVE' }, null],
    [
      { opening: '11' },
      { semantics: 'CUMULATIVE' },
      'The meter cannot have stood higher before, at 11, than it reads.',
    ],
    [{ reset: true }, { semantics: 'WINDOW_TOTAL' }, 'reset belongs to CUMULATIVE metrics: leave it out.'],
    [{ reset: false }, {}, null],
    [{ reset: true }, { semantics: 'CUMULATIVE' }, null],
    [{ operation: 'REMOVE' }, {}, 'operation belongs to UNIQUE_COUNT metrics: leave it out.'],
    [{ operation: 'REMOVE', quantity: '1', dimensions: { user: 'u1' } }, UNIQUE, null],
    [
      { quantity: '2', dimensions: { user: 'u1' } },
      UNIQUE,
      'The metric counts different things, one a record: send 1.',
    ],
    [{ quantity: '1' }, UNIQUE, 'The metric counts the values of the dimension "user": send one.'],
    [
      { quantity: '1', dimensions: { user: '' } },
      UNIQUE,
      'The metric counts the values of the dimension "user": send one.',
    ],
    [
      { quantity: '1', dimensions: { other: 'u' } },
      UNIQUE,
      'The metric counts the values of the dimension "user": send one.',
    ],
  ])('%o for %o: %s', (change, rules, message) => {
    const input = draft({ quantity: '10', ...change });
    expect(usageRefusal(input, { ...sum, ...rules }, new Date(end))?.message ?? null).toBe(message);
  });

  it.each([-1, 0.5, 2_147_483_648])('a revision is a whole number, not %d', (revision) => {
    expect(parseUsage(counter({ revision }))).toMatchObject({ details: { field: 'revision' } });
  });

  it.each([
    ['-1', sum, 'quantity'],
    ['-0', sum, null],
    ['-1', { ...sum, signed: true }, null],
    ['0.5', sum, null],
    ['0.5', count, 'quantity'],
    ['3.000', count, null],
    ['0', count, null],
  ])('quantity %s for %o', (quantity, metric, field) => {
    expect(usageRefusal(draft({ quantity }), metric, new Date(end))?.details.field ?? null).toBe(field);
  });
});

describe('events behind a quantity', () => {
  const sum = SUM;
  const now = new Date(HOUR.windowEnd);

  it.each([0, 1, 2_147_483_647])('may be %i where the metric counts them', (events) => {
    expect(usageRefusal(draft({ events }), { ...sum, perEvent: true }, now)).toBeNull();
  });

  it.each([-1, 0.5, 2_147_483_648, NaN])('are a whole number, not %d', (events) => {
    expect(parseUsage(counter({ events }))).toMatchObject({ code: 'VALIDATION_FAILED', details: { field: 'events' } });
  });

  it('are refused where the metric counts none', () => {
    expect(usageRefusal(draft({ events: 1 }), { ...sum, perEvent: false }, now)).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'The metric counts no events: leave `events` out.',
      details: { field: 'events' },
    });
  });
});

describe('the last instant of a window', () => {
  const validity = { from: new Date('2026-03-10T09:00:00Z'), to: new Date('2026-03-10T10:00:00Z') };
  const window = (start: string, end: string): { windowStart: Date; windowEnd: Date } => ({
    windowStart: new Date(start),
    windowEnd: new Date(end),
  });

  it.each([
    ['begins before and ends in it', '2026-03-10T08:00:00Z', '2026-03-10T09:00:00.001Z', true],
    ['ends where it begins', '2026-03-10T08:00:00Z', '2026-03-10T09:00:00Z', false],
    ['ends where it ends', '2026-03-10T09:00:00Z', '2026-03-10T10:00:00Z', true],
    ['ends after it', '2026-03-10T09:00:00Z', '2026-03-10T10:00:00.001Z', false],
    ['is the instant where it begins', '2026-03-10T09:00:00Z', '2026-03-10T09:00:00Z', true],
    ['is the instant where it ends', '2026-03-10T10:00:00Z', '2026-03-10T10:00:00Z', false],
    ['is the instant before it', '2026-03-10T08:59:59.999Z', '2026-03-10T08:59:59.999Z', false],
  ])('of one that %s', (_, start, end, expected) => {
    expect(countsWithin(window(start, end), validity)).toBe(expected);
  });

  it('has no end to stay before where validity is without end', () => {
    expect(countsWithin(window('2030-01-01T00:00:00Z', '2030-01-02T00:00:00Z'), { ...validity, to: null })).toBe(true);
  });
});
