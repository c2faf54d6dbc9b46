/** Thresholds as they are sent, what an alert watches, and what is reached. */
import { Decimal } from '../../src/domain/decimal';
import { parseThresholds, reachedThresholds, watchedValue } from '../../src/domain/usage-alert';

const d = (text: string): Decimal => new Decimal(text);

describe('thresholds', () => {
  it('are taken as decimals, from one to twenty of them', () => {
    expect(parseThresholds(['0.5', '10']).map(String)).toEqual(['0.5', '10']);
    expect(parseThresholds(Array.from({ length: 20 }, (_, index) => String(index + 1)))).toHaveLength(20);
  });

  it.each([
    [[], 'thresholds', 'thresholds must be 1 to 20 values, not 0.'],
    [
      Array.from({ length: 21 }, (_, index) => String(index + 1)),
      'thresholds',
      'thresholds must be 1 to 20 values, not 21.',
    ],
    [['0'], 'thresholds.0', 'thresholds.0 must be above 0, not 0: thresholds rise from above 0.'],
    [['-1', '5'], 'thresholds.0', 'thresholds.0 must be above 0, not -1: thresholds rise from above 0.'],
    [['5', '5.0'], 'thresholds.1', 'thresholds.1 must be above 5, not 5: thresholds rise from above 0.'],
    [['5', '7', '6'], 'thresholds.2', 'thresholds.2 must be above 7, not 6: thresholds rise from above 0.'],
  ])('%j are refused', (texts, field, message) => {
    expect(() => parseThresholds(texts)).toThrow(
      expect.objectContaining({ code: 'VALIDATION_FAILED', message, details: { field } }),
    );
  });

  it('that are no decimals are refused by their place', () => {
    expect(() => parseThresholds(['1', '1e3'])).toThrow(
      expect.objectContaining({ details: { field: 'thresholds.1' } }),
    );
  });

  it('are reached by exactly as much, and all at once by more', () => {
    const thresholds = ['10', '20', '30.5'].map(d);
    const reached = (value: string): string[] => reachedThresholds(thresholds, d(value)).map(String);
    expect(reached('9.999999999999')).toEqual([]);
    expect(reached('10')).toEqual(['10']);
    expect(reached('30.4')).toEqual(['10', '20']);
    expect(reached('30.50')).toEqual(['10', '20', '30.5']);
    expect(reached('-100')).toEqual([]);
  });
});

describe('what is watched', () => {
  const line = (metricId: string, units: string, amount: string) => ({
    charge: { metricId },
    units: d(units),
    amount: d(amount),
    currency: 'USD',
  });
  const rating = {
    lines: [line('calls', '3', '1.50'), line('calls', '4', '2.25'), line('storage', '100', '7')],
    unpriced: [{ metricId: 'mails', units: d('12') }],
  };

  it.each([
    ['UNITS', 'calls', '7', null],
    ['AMOUNT', 'calls', '3.75', 'USD'],
    ['UNITS', 'mails', '12', null],
    ['AMOUNT', 'mails', '0', null],
    ['UNITS', 'nothing', '0', null],
  ] as const)('%s of %s are %s', (kind, metricId, value, currency) => {
    const watched = watchedValue({ kind, metricId }, rating);
    expect([watched.value.toFixed(), watched.currency]).toEqual([value, currency]);
  });
});
