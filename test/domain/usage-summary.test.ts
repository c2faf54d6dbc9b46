import { contributions } from '../../src/domain/aggregate';
import { Decimal } from '../../src/domain/decimal';
import type { MetricRules } from '../../src/domain/metric';
import { carriesOn, type OwnedRecord, summarized, type SummarySpan } from '../../src/domain/usage-summary';

const RULES: MetricRules = {
  aggregation: 'SUM',
  semantics: 'DELTA',
  signed: true,
  perEvent: false,
  recurring: false,
  uniqueBy: null,
  rounding: null,
};

/** 11 March 2026, of a summary that goes back to February. */
const DAY: SummarySpan = {
  start: new Date('2026-03-11T00:00Z'),
  end: new Date('2026-03-12T00:00Z'),
  since: new Date('2026-02-01T00:00Z'),
  isPeriod: false,
  fullMicros: null,
};
const BEFORE = '2026-03-10T12:00';
const NOON = '2026-03-11T12:00';
const EVENING = '2026-03-11T20:00';
const AFTER = '2026-03-12T00:00';

let position = 0n;
function of(owner: string, instant: string, quantity: string, given: Partial<OwnedRecord> = {}): OwnedRecord {
  position += 1n;
  const at = new Date(`${instant}Z`);
  return {
    owner,
    position,
    windowStart: at,
    windowEnd: at,
    quantity: new Decimal(quantity),
    events: new Decimal(1),
    series: owner,
    revision: null,
    opening: null,
    reset: false,
    value: null,
    operation: null,
    ...given,
  };
}

/** "quantity of records", or "no row". */
function row(changed: Partial<MetricRules>, records: OwnedRecord[], span: Partial<SummarySpan> = {}): string {
  const rules = { ...RULES, ...changed };
  const units = summarized(rules, contributions(rules, records), { ...DAY, ...span });
  return units === null ? 'no row' : `${units.quantity.toFixed()} of ${units.recordCount}`;
}

describe('a row of a summary', () => {
  it('has what lies in its span, from its first instant to before its last', () => {
    const records = [of('a', BEFORE, '1'), of('a', '2026-03-11T00:00', '2'), of('a', NOON, '4'), of('a', AFTER, '8')];
    expect(row({}, records)).toBe('6 of 2');
  });

  it('is missing where nothing was counted', () => {
    expect(row({}, [of('a', BEFORE, '1'), of('a', AFTER, '8')])).toBe('no row');
  });

  it.each<[MetricRules['aggregation'], string]>([
    ['SUM', '16 of 3'],
    ['COUNT', '16 of 3'],
    // The largest of both.
    ['MAX', '9 of 3'],
    // The newest of each, added up: 4 of one and 9 of the other.
    ['LATEST', '13 of 3'],
  ])('counts two contracts by %s as %s', (aggregation, expected) => {
    const records = [of('a', NOON, '3'), of('a', EVENING, '4'), of('b', NOON, '9')];
    expect(row({ aggregation }, records)).toBe(expected);
  });

  it('counts what two contracts share once', () => {
    const things = { aggregation: 'UNIQUE_COUNT', uniqueBy: 'seat' } as const;
    const records = [
      of('a', NOON, '1', { value: 'ann' }),
      of('a', EVENING, '1', { value: 'bob' }),
      of('b', NOON, '1', { value: 'ann' }),
      of('b', EVENING, '1', { value: 'cid' }),
    ];
    expect(row(things, records)).toBe('3 of 4');
  });

  it('adds the levels of two contracts up, as they stand at its end', () => {
    const records = [of('a', BEFORE, '5'), of('a', NOON, '2'), of('b', EVENING, '4'), of('b', AFTER, '100')];
    expect(row({ aggregation: 'WEIGHTED_SUM', recurring: true }, records)).toBe('11 of 2');
  });

  it('weighs a level over a whole billing period', () => {
    // 10 for all of a day, and 4 more for its second half, of a period of two days: (10 + 2) / 2.
    const period = { isPeriod: true, fullMicros: new Decimal('172800000000') };
    const records = [of('a', '2026-03-11T00:00', '10'), of('a', NOON, '4')];
    expect(row({ aggregation: 'WEIGHTED_SUM' }, records, period)).toBe('6 of 2');
  });
});

describe('what carries on', () => {
  it.each<[MetricRules['aggregation'], boolean, boolean, boolean]>([
    ['SUM', true, true, true],
    // Elsewhere than in a period a recurring total has what was added.
    ['SUM', true, false, false],
    ['WEIGHTED_SUM', true, false, true],
    ['UNIQUE_COUNT', true, false, true],
    ['UNIQUE_COUNT', false, true, false],
    ['SUM', false, true, false],
  ])('%s, recurring %s, of a period %s: %s', (aggregation, recurring, isPeriod, expected) => {
    expect(carriesOn({ aggregation, recurring }, { isPeriod })).toBe(expected);
  });

  it('begins where the summary does', () => {
    const records = [of('a', '2026-01-31T23:59', '100'), of('a', BEFORE, '5'), of('a', NOON, '2')];
    expect(row({ recurring: true }, records, { isPeriod: true })).toBe('7 of 1');
    expect(row({ recurring: true }, records)).toBe('2 of 1');
  });

  it('makes a row where nothing was added', () => {
    expect(row({ aggregation: 'UNIQUE_COUNT', recurring: true }, [of('a', BEFORE, '1', { value: 'ann' })])).toBe(
      '1 of 0',
    );
  });
});
