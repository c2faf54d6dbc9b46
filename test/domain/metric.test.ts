import {
  type Aggregation,
  addsUp,
  metricRefusal,
  type MetricRules,
  reachesLaterPeriods,
  type Semantics,
} from '../../src/domain/metric';

const RULES: MetricRules = {
  aggregation: 'SUM',
  semantics: 'DELTA',
  signed: false,
  perEvent: false,
  recurring: false,
  uniqueBy: null,
  rounding: null,
};

const refusal = (change: Partial<MetricRules>): unknown[] | null => {
  const found = metricRefusal({ ...RULES, ...change });
  return found && [found.code, found.details.field, found.message];
};

it.each<[Aggregation, Semantics[]]>([
  ['SUM', ['DELTA', 'WINDOW_TOTAL', 'CUMULATIVE']],
  ['COUNT', ['DELTA', 'WINDOW_TOTAL', 'CUMULATIVE']],
  ['MAX', ['DELTA', 'WINDOW_TOTAL']],
  ['LATEST', ['DELTA', 'WINDOW_TOTAL']],
  ['WEIGHTED_SUM', ['DELTA', 'WINDOW_TOTAL']],
  ['UNIQUE_COUNT', ['DELTA']],
])('%s goes with %j and with nothing else', (aggregation, allowed) => {
  const uniqueBy = aggregation === 'UNIQUE_COUNT' ? 'user' : null;
  for (const semantics of ['DELTA', 'WINDOW_TOTAL', 'CUMULATIVE'] as const) {
    const expected = allowed.includes(semantics)
      ? null
      : ['VALIDATION_FAILED', 'semantics', `${aggregation} goes with ${allowed.join(', ')}, not with ${semantics}.`];
    expect(refusal({ aggregation, semantics, uniqueBy })).toEqual(expected);
  }
});

it.each<[Partial<MetricRules>, string, string]>([
  [{ semantics: 'CUMULATIVE', signed: true }, 'signed', 'A meter that only rises takes no signed readings.'],
  [
    { aggregation: 'UNIQUE_COUNT', uniqueBy: 'user', signed: true },
    'signed',
    'UNIQUE_COUNT takes no signed quantities: send the operation REMOVE.',
  ],
  [{ aggregation: 'MAX', recurring: true }, 'recurring', 'MAX cannot recur: SUM, UNIQUE_COUNT, WEIGHTED_SUM can.'],
  [{ aggregation: 'COUNT', recurring: true }, 'recurring', 'COUNT cannot recur: SUM, UNIQUE_COUNT, WEIGHTED_SUM can.'],
  [{ aggregation: 'UNIQUE_COUNT' }, 'uniqueBy', 'UNIQUE_COUNT needs the dimension whose values are counted.'],
  [{ uniqueBy: 'user' }, 'uniqueBy', 'uniqueBy belongs to UNIQUE_COUNT, not to SUM.'],
  [
    { rounding: { mode: 'CEIL', places: 13 } },
    'rounding.places',
    'rounding.places must be a whole number from -12 to 12, not 13.',
  ],
  [
    { rounding: { mode: 'CEIL', places: -13 } },
    'rounding.places',
    'rounding.places must be a whole number from -12 to 12, not -13.',
  ],
  [
    { rounding: { mode: 'CEIL', places: 0.5 } },
    'rounding.places',
    'rounding.places must be a whole number from -12 to 12, not 0.5.',
  ],
])('%o is refused', (rules, field, message) => {
  expect(refusal(rules)).toEqual(['VALIDATION_FAILED', field, message]);
});

it.each<Partial<MetricRules>>([
  { signed: true, semantics: 'WINDOW_TOTAL' },
  { recurring: true },
  { aggregation: 'WEIGHTED_SUM', recurring: true, signed: true },
  { aggregation: 'UNIQUE_COUNT', uniqueBy: 'user', recurring: true },
  { rounding: { mode: 'FLOOR', places: 12 } },
  { rounding: { mode: 'FLOOR', places: -12 } },
])('%o is fine', (rules) => {
  expect(refusal(rules)).toBeNull();
});

it.each<[Partial<MetricRules>, boolean, boolean]>([
  [{}, false, true],
  [{ aggregation: 'COUNT' }, false, true],
  [{ aggregation: 'MAX' }, false, false],
  [{ semantics: 'WINDOW_TOTAL' }, false, false],
  [{ semantics: 'CUMULATIVE' }, true, false],
  [{ recurring: true }, true, false],
])('%o: reaches later periods %s, adds up %s', (rules, reaches, adds) => {
  expect([reachesLaterPeriods({ ...RULES, ...rules }), addsUp({ ...RULES, ...rules })]).toEqual([reaches, adds]);
});
