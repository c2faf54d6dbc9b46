import fc from 'fast-check';
import {
  completenessOf,
  type ExpectedStep,
  expectedSpans,
  intersectionOf,
  overlapsOf,
  type Span,
  stepStart,
  unionOf,
  without,
} from '../../src/domain/completeness';
import { heldBack } from '../../src/domain/balance';
import { Decimal } from '../../src/domain/decimal';

const at = (hours: number): Date => new Date(Date.UTC(2026, 2, 10) + hours * 3_600_000);
/** Spans of hours of one day: "1-3 5-6.5"; an instant is "4-4". */
const spans = (text: string): Span[] =>
  text
    .split(' ')
    .filter((word) => word !== '')
    .map((word) => word.split('-').map(Number))
    .map(([start = 0, end = 0]) => ({ start: at(start), end: at(end) }));
const hours = (list: readonly Span[]): string =>
  list
    .map(({ start, end }) => [start, end].map((one) => (one.getTime() - at(0).getTime()) / 3_600_000).join('-'))
    .join(' ');

describe('spans', () => {
  it.each([
    ['', ''],
    ['1-2 2-3', '1-3'],
    ['5-6 1-2', '1-2 5-6'],
    ['1-4 2-3', '1-4'],
    ['1-3 2-4 4-4 6-6', '1-4'],
  ])('%p together are %p', (given, expected) => {
    expect(hours(unionOf(spans(given)))).toBe(expected);
  });

  it.each([
    ['0-4', '1-2', '1-2', '0-1 2-4'],
    ['0-4', '0-4', '0-4', ''],
    ['0-4', '', '', '0-4'],
    ['0-2 3-5', '1-4', '1-2 3-4', '0-1 4-5'],
    ['1-2', '0-1 2-3', '', '1-2'],
    ['0-6', '1-2 1-3 5-9', '1-3 5-6', '0-1 3-5'],
    ['0-6', '2-2', '', '0-6'],
  ])('of %p, %p shares %p and leaves %p', (one, other, shared, rest) => {
    expect(hours(intersectionOf(spans(one), spans(other)))).toBe(shared);
    expect(hours(without(spans(one), spans(other)))).toBe(rest);
  });

  it.each([
    ['1-2 2-3', ''],
    ['1-3 2-4', '2-3'],
    ['1-9 2-3 4-5', '2-3 4-5'],
    ['1-5 1-5', '1-5'],
    ['1-5 2-4 3-6', '2-5'],
    ['1-5 3-3', ''],
  ])('windows %p overlap in %p', (given, expected) => {
    expect(hours(overlapsOf(spans(given)))).toBe(expected);
  });

  it('none are changed', () => {
    const given = spans('1-3 2-4');
    unionOf(given);
    expect(hours(given)).toBe('1-3 2-4');
  });
});

describe('a step', () => {
  it.each<[ExpectedStep, string, string, string]>([
    ['HOUR', 'UTC', '2026-03-10T10:59:59.999Z', '2026-03-10T10:00:00.000Z'],
    ['HOUR', 'UTC', '2026-03-10T10:00:00.000Z', '2026-03-10T10:00:00.000Z'],
    ['HOUR', 'America/Toronto', '2026-03-08T07:30:00.000Z', '2026-03-08T07:00:00.000Z'],
    ['DAY', 'America/Toronto', '2026-03-08T04:59:59.000Z', '2026-03-07T05:00:00.000Z'],
    // The day on which the clock goes forward begins at five and ends at four.
    ['DAY', 'America/Toronto', '2026-03-09T03:59:59.999Z', '2026-03-08T05:00:00.000Z'],
    ['DAY', 'America/Toronto', '2026-03-09T04:00:00.000Z', '2026-03-09T04:00:00.000Z'],
  ])('%s in %s of %s begins at %s', (step, zone, instant, start) => {
    expect(stepStart(new Date(instant), step, zone).toISOString()).toBe(start);
  });

  it('is expected where its last instant lies: a first one may be a part, a last one never is', () => {
    expect(hours(expectedSpans(spans('1.5-4.5'), 'HOUR', 'UTC'))).toBe('1.5-4');
    expect(hours(expectedSpans(spans('1.25-1.75'), 'HOUR', 'UTC'))).toBe('');
    expect(hours(expectedSpans(spans('1-2.5 3.5-5'), 'HOUR', 'UTC'))).toBe('1-2 3.5-5');
    expect(hours(expectedSpans(spans('0-2.5 2.5-5'), 'HOUR', 'UTC'))).toBe('0-5');
  });

  it('a day of 23 hours is covered by its 23 hours', () => {
    const expected = expectedSpans(
      [{ start: new Date('2026-03-08T05:00:00Z'), end: new Date('2026-03-09T12:00:00Z') }],
      'DAY',
      'America/Toronto',
    );
    expect(expected).toEqual([{ start: new Date('2026-03-08T05:00:00Z'), end: new Date('2026-03-09T04:00:00Z') }]);
  });
});

describe('a series', () => {
  it.each<[string, string, string, string, string, string]>([
    // expected, windows, waived: covered, waived of it, gaps
    ['0-4', '0-1 1-2 2-3 3-4', '', '0-4', '', ''],
    ['0-4', '', '', '', '', '0-4'],
    ['0-4', '0-1 3-4', '', '0-1 3-4', '', '1-3'],
    ['0-4', '0-24', '', '0-4', '', ''],
    ['0-4', '0-1.5 2-4', '', '0-1.5 2-4', '', '1.5-2'],
    ['0-4', '1-1 2-2', '', '', '', '0-4'],
    ['0-4', '0-2', '1-3', '0-2', '2-3', '3-4'],
    ['0-1 3-4', '0.5-3.5', '', '0.5-1 3-3.5', '', '0-0.5 3.5-4'],
    ['', '0-4', '0-4', '', '', ''],
  ])(
    'expected %p, told of %p, with %p let go: covered %p, waived %p, missing %p',
    (expected, windows, waived, ...told) => {
      const result = completenessOf(spans(expected), { windows: spans(windows), waived: spans(waived), overlaps: [] });
      expect([result.covered, result.waived, result.gaps].map(hours)).toEqual(told);
    },
  );

  it('overlaps count as far as they are expected', () => {
    const series = { windows: [], waived: [], overlaps: spans('0-2 5-6') };
    expect(hours(completenessOf(spans('1-4'), series).overlaps)).toBe('1-2');
  });
});

describe('whatever is expected and told', () => {
  const some = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 8 })), { maxLength: 12 })
    .map((pairs) => pairs.map(([start, length]) => ({ start: at(start / 2), end: at((start + length) / 2) })));
  /** How often each half hour is covered. */
  const counts = (list: readonly Span[]): number[] =>
    Array.from({ length: 48 }, (_, index) => at(index / 2)).map(
      (instant) => list.filter(({ start, end }) => start <= instant && instant < end).length,
    );

  it('covered, waived and missing make up what is expected, and nothing twice', () => {
    fc.assert(
      fc.property(some, some, some, (expected, windows, waived) => {
        const result = completenessOf(expected, { windows, waived, overlaps: [] });
        const parts = counts([...result.covered, ...result.waived, ...result.gaps]);
        expect(parts).toEqual(counts(expected).map((count) => Math.min(1, count)));
        const [isTold, isWaived, wanted] = [windows, waived, expected].map(counts);
        const missing = wanted?.map((count, index) =>
          count > 0 && isTold?.[index] === 0 && isWaived?.[index] === 0 ? 1 : 0,
        );
        expect(counts(result.gaps)).toEqual(missing);
      }),
    );
  });

  it('overlaps are what two windows or more cover', () => {
    fc.assert(
      fc.property(some, (windows) => {
        expect(counts(overlapsOf(windows))).toEqual(counts(windows).map((count) => (count > 1 ? 1 : 0)));
      }),
    );
  });
});

describe('what is held back of a balance', () => {
  const value = (periodId: string, truth: number, billed: number) => ({
    periodId,
    truth: new Decimal(truth),
    billed: new Decimal(billed),
  });
  it.each([
    ['nothing was billed: nothing counts', value('a', 40, 0), '0'],
    ['a part was billed: that part counts', value('a', 40, 30), '30'],
    ['more was billed, of earlier debts: all of it counts', value('a', 40, 50), '40'],
    ['another period counts as it is', value('b', 40, 0), '40'],
  ])('%s', (_, given, truth) => {
    const [held] = heldBack([given], new Set(['a']));
    expect(held?.truth.toFixed()).toBe(truth);
    expect(held?.billed).toBe(given.billed);
  });
});
