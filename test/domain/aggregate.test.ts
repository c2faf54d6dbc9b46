import fc from 'fast-check';
import { type CountedRecord, type MeteredRange, meteredBuckets } from '../../src/domain/aggregate';
import { Decimal } from '../../src/domain/decimal';
import type { MetricRules } from '../../src/domain/metric';

const RULES: MetricRules = {
  aggregation: 'SUM',
  semantics: 'DELTA',
  signed: true,
  perEvent: true,
  recurring: false,
  uniqueBy: null,
  rounding: null,
};

const day = (text: string): Date => new Date(`${text}Z`);
const MARCH: MeteredRange = {
  start: day('2026-03-01T00:00'),
  end: day('2026-04-01T00:00'),
  since: day('2026-02-01T00:00'),
  // 31 days.
  fullMicros: new Decimal('2678400000000'),
};

interface Given extends Partial<Omit<CountedRecord, 'quantity' | 'windowStart' | 'windowEnd' | 'opening'>> {
  opening?: string;
}

let position = 0n;
/** A record at an instant, or in a window "from/to". */
function at(window: string, quantity: string, { opening, ...given }: Given = {}): CountedRecord {
  const [start = '', end = start] = window.split('/');
  position += 1n;
  return {
    position,
    windowStart: day(start),
    windowEnd: day(end),
    quantity: new Decimal(quantity),
    events: new Decimal(1),
    series: '',
    revision: null,
    opening: opening === undefined ? null : new Decimal(opening),
    reset: false,
    value: null,
    operation: null,
    ...given,
  };
}

function units(rules: Partial<MetricRules>, records: readonly CountedRecord[], range = MARCH): string {
  const metered = meteredBuckets({ ...RULES, ...rules }, { records, bucketOf: () => '' }, range);
  return metered.get('')?.units.toFixed() ?? 'none';
}

describe('the total', () => {
  it.each([
    [['1.5', '2.25', '0.25'], '4'],
    [['0.1', '0.2'], '0.3'],
    [['5', '-7.5'], '-2.5'],
    [['100000000000000000', '0.000000000001'], '100000000000000000.000000000001'],
  ])('of %j is %s', (quantities, total) => {
    const records = quantities.map((quantity) => at('2026-03-10T09:00', quantity));
    expect(units({}, records)).toBe(total);
    expect(units({ aggregation: 'COUNT' }, records)).toBe(total);
  });

  it('takes what counts in the period, its first instant included, its end not', () => {
    const edges = [
      at('2026-02-28T23:00/2026-03-01T00:00', '1'),
      at('2026-03-01T00:00', '2'),
      at('2026-02-28T23:00/2026-03-01T00:00:00.001', '4'),
      at('2026-03-31T23:00/2026-04-01T00:00', '8'),
      at('2026-04-01T00:00', '16'),
    ];
    expect(units({}, edges)).toBe('14');
    expect(units({}, edges, { ...MARCH, end: null })).toBe('30');
  });

  it('of a recurring metric is all there was since the contract began, with the events of the period only', () => {
    const records = [
      at('2026-01-31T23:59', '1'),
      at('2026-02-01T00:00', '2'),
      at('2026-03-02T00:00', '4'),
      at('2026-04-02T00:00', '8'),
    ];
    const metered = meteredBuckets({ ...RULES, recurring: true }, { records, bucketOf: () => '' }, MARCH).get('');
    expect([metered?.units.toFixed(), metered?.events.toFixed(), metered?.recordCount]).toEqual(['6', '1', 1]);
  });
});

describe('MAX and LATEST', () => {
  const records = [
    at('2026-03-10T09:00', '3'),
    at('2026-03-12T09:00', '9'),
    at('2026-03-11T00:00/2026-03-11T12:00', '5'),
    at('2026-02-10T00:00', '100'),
  ];
  it('the largest of the period', () => {
    expect(units({ aggregation: 'MAX' }, records)).toBe('9');
    expect(units({ aggregation: 'MAX' }, [at('2026-03-10T09:00', '-3'), at('2026-03-10T09:00', '-5')])).toBe('-3');
    expect(units({ aggregation: 'MAX' }, [at('2026-02-10T09:00', '3')])).toBe('0');
  });

  it('the one that counts last; of one instant the one recorded last; not below 0', () => {
    expect(units({ aggregation: 'LATEST' }, records)).toBe('9');
    expect(units({ aggregation: 'LATEST' }, [at('2026-03-12T09:00', '1'), at('2026-03-12T09:00', '2')])).toBe('2');
    // A window to 9:00 counts a microsecond before it.
    expect(
      units({ aggregation: 'LATEST' }, [at('2026-03-12T09:00', '1'), at('2026-03-12T08:00/2026-03-12T09:00', '2')]),
    ).toBe('1');
    expect(units({ aggregation: 'LATEST' }, [at('2026-03-12T09:00', '-1')])).toBe('0');
    expect(units({ aggregation: 'LATEST' }, [at('2026-02-12T09:00', '7')])).toBe('0');
  });
});

describe('UNIQUE_COUNT', () => {
  const unique = { aggregation: 'UNIQUE_COUNT', uniqueBy: 'user' } as const;
  const user = (when: string, value: string, operation: 'ADD' | 'REMOVE' | null = null): CountedRecord =>
    at(when, '1', { value, operation });

  it('counts different values whose last operation was not REMOVE', () => {
    const records = [
      user('2026-03-01T00:00', 'a'),
      user('2026-03-02T00:00', 'a', 'ADD'),
      user('2026-03-03T00:00', 'b'),
      user('2026-03-05T00:00', 'b', 'REMOVE'),
      // Came later, counts earlier: b is gone all the same.
      user('2026-03-04T00:00', 'b', 'ADD'),
      user('2026-03-06T00:00', 'c', 'REMOVE'),
    ];
    expect(units(unique, records)).toBe('1');
  });

  it('begins from nothing each period, or with who is there when it recurs', () => {
    const records = [
      user('2026-02-02T00:00', 'a'),
      user('2026-02-03T00:00', 'b'),
      user('2026-03-03T00:00', 'b', 'REMOVE'),
      user('2026-03-04T00:00', 'c'),
      user('2026-01-04T00:00', 'before the contract'),
    ];
    expect(units(unique, records)).toBe('1');
    expect(units({ ...unique, recurring: true }, records)).toBe('2');
  });
});

describe('WINDOW_TOTAL', () => {
  const rules = { semantics: 'WINDOW_TOTAL' } as const;
  const hour = '2026-03-10T09:00/2026-03-10T10:00';

  it('counts the last send for a window, and every window of every series', () => {
    expect(units(rules, [at(hour, '5'), at(hour, '7')])).toBe('7');
    expect(units(rules, [at(hour, '5'), at(hour, '7', { series: 'other' })])).toBe('12');
    expect(units(rules, [at(hour, '5'), at('2026-03-10T10:00/2026-03-10T11:00', '7')])).toBe('12');
  });

  it('goes by revision where one is sent: a delayed retry never takes the place of a newer send', () => {
    expect(units(rules, [at(hour, '5', { revision: 2 }), at(hour, '7', { revision: 1 })])).toBe('5');
    expect(units(rules, [at(hour, '5', { revision: 0 }), at(hour, '7')])).toBe('5');
    expect(units(rules, [at(hour, '5', { revision: 3 }), at(hour, '7', { revision: 3 })])).toBe('7');
  });

  it('is the largest or the latest of the windows that stand', () => {
    const records = [at(hour, '9', { revision: 1 }), at(hour, '4', { revision: 2 }), at('2026-03-09T09:00', '6')];
    expect(units({ ...rules, aggregation: 'MAX' }, records)).toBe('6');
    expect(units({ ...rules, aggregation: 'LATEST' }, records)).toBe('4');
  });
});

describe('CUMULATIVE', () => {
  const rules = { semantics: 'CUMULATIVE', signed: false } as const;

  it('counts what the meter rose since the reading before, also one of an earlier period', () => {
    const records = [at('2026-02-20T00:00', '100'), at('2026-03-05T00:00', '130'), at('2026-03-20T00:00', '131.5')];
    expect(units(rules, records)).toBe('31.5');
    const february = { ...MARCH, start: day('2026-02-01T00:00'), end: day('2026-03-01T00:00') };
    expect(units(rules, records, february)).toBe('0');
  });

  it('counts nothing of a first reading, unless it declares an opening', () => {
    expect(units(rules, [at('2026-03-05T00:00', '130')])).toBe('0');
    expect(units(rules, [at('2026-03-05T00:00', '130', { opening: '100' })])).toBe('30');
    // An opening says nothing where a reading stands before it.
    expect(units(rules, [at('2026-03-04T00:00', '125'), at('2026-03-05T00:00', '130', { opening: '100' })])).toBe('5');
  });

  it('counts from 0, or from its opening, after a reset', () => {
    const before = at('2026-03-04T00:00', '900');
    expect(units(rules, [before, at('2026-03-05T00:00', '12', { reset: true })])).toBe('12');
    expect(units(rules, [before, at('2026-03-05T00:00', '12', { reset: true, opening: '10' })])).toBe('2');
    expect(units(rules, [before, at('2026-03-05T00:00', '12', { reset: true }), at('2026-03-06T00:00', '15')])).toBe(
      '15',
    );
  });

  it('keeps series apart', () => {
    const records = [
      at('2026-03-04T00:00', '100'),
      at('2026-03-05T00:00', '5', { series: 'b' }),
      at('2026-03-06T00:00', '110'),
    ];
    expect(units(rules, records)).toBe('10');
  });

  it('a late reading between two others splits the difference, across a period boundary too', () => {
    const february = { ...MARCH, start: day('2026-02-01T00:00'), end: day('2026-03-01T00:00') };
    const readings = [at('2026-02-10T00:00', '0'), at('2026-03-10T00:00', '100')];
    expect([units(rules, readings, february), units(rules, readings)]).toEqual(['0', '100']);
    readings.push(at('2026-02-28T00:00', '60'));
    expect([units(rules, readings, february), units(rules, readings)]).toEqual(['60', '40']);
  });

  it('a fall that nobody declared counts nothing', () => {
    expect(
      units(rules, [at('2026-03-04T00:00', '100'), at('2026-03-05T00:00', '40'), at('2026-03-06T00:00', '45')]),
    ).toBe('5');
  });
});

describe('WEIGHTED_SUM', () => {
  const rules = { aggregation: 'WEIGHTED_SUM', recurring: true } as const;

  it.each([
    // Held all of March.
    [[at('2026-02-10T00:00', '10')], '10'],
    [[at('2026-03-01T00:00', '10')], '10'],
    // 10 for 31 days and 5 more for the last of them: 10 + 5/31.
    [[at('2026-02-10T00:00', '10'), at('2026-03-31T00:00', '5')], '10.161290322581'],
    // 31 for one second: 31 / 2,678,400.
    [[at('2026-03-01T00:00', '31'), at('2026-03-01T00:00:01', '-31')], '0.000011574074'],
    // A change holds from the end of its window on: 15.5 of 31 days.
    [[at('2026-03-10T00:00/2026-03-16T12:00', '4')], '2'],
    // One that ends with the period counts in it for no time, and stays.
    [[at('2026-03-31T00:00/2026-04-01T00:00', '4')], '0'],
    [[at('2026-04-02T00:00', '4')], '0'],
    // Before the contract began it is not billed: the level at its start is sent as a record of that instant.
    [[at('2026-01-31T23:59', '4'), at('2026-02-01T00:00', '6')], '6'],
  ])('of changes %#: %s', (records, expected) => {
    expect(units(rules, records)).toBe(expected);
  });

  it('of levels: each holds from the end of its window until the next of its series; series add up', () => {
    const levels = { ...rules, semantics: 'WINDOW_TOTAL' } as const;
    // 8 from the start, 4 from the 16th at noon: 8 x 15.5 + 4 x 15.5 = 6 x 31.
    const records = [at('2026-02-01T00:00', '8'), at('2026-03-16T12:00', '4')];
    expect(units(levels, records)).toBe('6');
    expect(units(levels, [...records, at('2026-02-02T00:00', '1', { series: 'b' })])).toBe('7');
    // Sent again with another level: 8 x 15.5 + 10 x 15.5.
    expect(units(levels, [...records, at('2026-03-16T12:00', '10')])).toBe('9');
  });

  it('begins each period from nothing when it does not recur', () => {
    const records = [at('2026-02-10T00:00', '10'), at('2026-03-16T12:00', '4')];
    expect(units({ ...rules, recurring: false }, records)).toBe('2');
    expect(units({ ...rules, recurring: false, semantics: 'WINDOW_TOTAL' }, records)).toBe('2');
  });

  it('weighs a first partial period against the full one', () => {
    // From the 21st: 11 of 31 days at 31.
    const partial = { ...MARCH, start: day('2026-03-21T00:00'), since: day('2026-03-21T00:00') };
    expect(units(rules, [at('2026-03-21T00:00', '31')], partial)).toBe('11');
  });

  it('is the level at the end while nobody knows how long the period is', () => {
    const open = { ...MARCH, end: null, fullMicros: null };
    expect(units(rules, [at('2026-02-10T00:00', '10'), at('2026-03-16T12:00', '-4')], open)).toBe('6');
  });
});

describe('rounding', () => {
  it.each([
    ['ROUND', 0, '2.5', '3'],
    ['ROUND', 0, '-2.5', '-3'],
    ['CEIL', 0, '2.000001', '3'],
    ['CEIL', 0, '-2.5', '-2'],
    ['FLOOR', 0, '2.999', '2'],
    ['FLOOR', 0, '-2.5', '-3'],
    ['ROUND', 2, '1.005', '1.01'],
    ['CEIL', -2, '101', '200'],
    ['ROUND', -3, '1500', '2000'],
    ['FLOOR', -1, '19.9', '10'],
  ] as const)('%s to %i places makes of %s: %s', (mode, places, quantity, expected) => {
    expect(units({ rounding: { mode, places } }, [at('2026-03-10T09:00', quantity)])).toBe(expected);
  });

  it('comes once for each bucket, after the aggregation', () => {
    const records = [
      at('2026-03-10T09:00', '0.4'),
      at('2026-03-10T09:00', '0.4'),
      at('2026-03-10T09:00', '0.4', { series: 'b' }),
    ];
    const rules = { ...RULES, rounding: { mode: 'CEIL' as const, places: 0 } };
    const metered = meteredBuckets(rules, { records, bucketOf: ({ series }) => series }, MARCH);
    expect([...metered].map(([key, { units: of }]) => [key, of.toFixed()])).toEqual([
      ['', '1'],
      ['b', '1'],
    ]);
  });
});

it('events and records of the period stand beside the units', () => {
  const records = [
    at('2026-03-10T09:00', '5', { events: new Decimal(3) }),
    at('2026-03-11T09:00', '5'),
    at('2026-02-11T09:00', '5'),
  ];
  const metered = meteredBuckets(RULES, { records, bucketOf: () => '' }, MARCH).get('');
  expect([metered?.events.toFixed(), metered?.recordCount]).toEqual(['4', 2]);
});

it('neither the order of deltas nor how they are split changes SUM and COUNT', () => {
  const quantities = fc.array(
    fc.bigInt({ min: -(10n ** 29n), max: 10n ** 29n }).map((value) => value.toString()),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(quantities, (all) => {
      const records = all.map((quantity) => at('2026-03-10T09:00', quantity));
      const halves = records.flatMap((record) => {
        const part = record.quantity.div(2).floor();
        return [
          { ...record, quantity: part },
          { ...record, quantity: record.quantity.minus(part) },
        ];
      });
      expect(units({}, records.toReversed())).toBe(units({}, records));
      expect(units({ aggregation: 'COUNT' }, halves)).toBe(units({ aggregation: 'COUNT' }, records));
    }),
  );
});
