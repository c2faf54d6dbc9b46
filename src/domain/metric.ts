/** How a metric counts: which aggregations go with which semantics, what else a metric may ask for, and its rounding. */
import { Decimal } from './decimal';
import type { BillingError } from './errors';
import { invalid } from './parse';

export type Aggregation = 'SUM' | 'COUNT' | 'MAX' | 'LATEST' | 'UNIQUE_COUNT' | 'WEIGHTED_SUM';
export type Semantics = 'DELTA' | 'WINDOW_TOTAL' | 'CUMULATIVE';

export type RoundingMode = 'ROUND' | 'CEIL' | 'FLOOR';

/** What becomes of a bucket's units before they are priced: `places` digits after the point, negative ones before it. */
export interface MetricRounding {
  mode: RoundingMode;
  places: number;
}

/** Everything of a metric that decides what its records count. */
export interface MetricRules {
  aggregation: Aggregation;
  semantics: Semantics;
  /** Whether negative quantities are allowed. */
  signed: boolean;
  /** Whether records tell how many events stand behind them. */
  perEvent: boolean;
  /** Whether each period goes on from where the one before ended, instead of from nothing. */
  recurring: boolean;
  /** Of a UNIQUE_COUNT the dimension whose different values are counted; null exactly for the others. */
  uniqueBy: string | null;
  rounding: MetricRounding | null;
}

/** The semantics that each aggregation can be made of. */
export const SEMANTICS_OF: Readonly<Record<Aggregation, readonly Semantics[]>> = {
  SUM: ['DELTA', 'WINDOW_TOTAL', 'CUMULATIVE'],
  COUNT: ['DELTA', 'WINDOW_TOTAL', 'CUMULATIVE'],
  MAX: ['DELTA', 'WINDOW_TOTAL'],
  LATEST: ['DELTA', 'WINDOW_TOTAL'],
  UNIQUE_COUNT: ['DELTA'],
  WEIGHTED_SUM: ['DELTA', 'WINDOW_TOTAL'],
};

const CAN_RECUR: ReadonlySet<Aggregation> = new Set(['SUM', 'UNIQUE_COUNT', 'WEIGHTED_SUM']);
/** A metric's rounding keeps or clears at most so many digits. */
const MAX_ROUNDING_PLACES = 12;

/** Why no metric can count by `rules`; null when one can. */
export function metricRefusal(rules: MetricRules): BillingError | null {
  const { aggregation, semantics, signed, recurring, uniqueBy, rounding } = rules;
  const allowed = SEMANTICS_OF[aggregation];
  if (!allowed.includes(semantics)) {
    return invalid('semantics', `${aggregation} goes with ${allowed.join(', ')}, not with ${semantics}.`);
  }
  if (signed && semantics === 'CUMULATIVE')
    return invalid('signed', 'A meter that only rises takes no signed readings.');
  if (signed && aggregation === 'UNIQUE_COUNT') {
    return invalid('signed', 'UNIQUE_COUNT takes no signed quantities: send the operation REMOVE.');
  }
  if (recurring && !CAN_RECUR.has(aggregation)) {
    return invalid('recurring', `${aggregation} cannot recur: ${[...CAN_RECUR].join(', ')} can.`);
  }
  if (aggregation === 'UNIQUE_COUNT' && uniqueBy === null) {
    return invalid('uniqueBy', 'UNIQUE_COUNT needs the dimension whose values are counted.');
  }
  if (aggregation !== 'UNIQUE_COUNT' && uniqueBy !== null) {
    return invalid('uniqueBy', `uniqueBy belongs to UNIQUE_COUNT, not to ${aggregation}.`);
  }
  if (rounding !== null && (!Number.isInteger(rounding.places) || Math.abs(rounding.places) > MAX_ROUNDING_PLACES)) {
    const range = `from -${MAX_ROUNDING_PLACES} to ${MAX_ROUNDING_PLACES}`;
    return invalid('rounding.places', `rounding.places must be a whole number ${range}, not ${rounding.places}.`);
  }
  return null;
}

/**
 * Whether a record can change what later periods count: of a recurring metric it stays in all of them, of a meter it is what
 * the next reading is compared with.
 */
export function reachesLaterPeriods({ recurring, semantics }: Pick<MetricRules, 'recurring' | 'semantics'>): boolean {
  return recurring || semantics === 'CUMULATIVE';
}

/** Whether records simply add up, hour by hour, whatever else was counted: what hourly totals can answer for. */
export function addsUp({ aggregation, semantics, recurring }: MetricRules): boolean {
  return (aggregation === 'SUM' || aggregation === 'COUNT') && semantics === 'DELTA' && !recurring;
}

const DECIMAL_ROUNDING = {
  ROUND: Decimal.ROUND_HALF_UP,
  CEIL: Decimal.ROUND_CEIL,
  FLOOR: Decimal.ROUND_FLOOR,
} as const;

/** ROUND: half away from zero; CEIL: towards +∞; FLOOR: towards -∞. */
export function roundUnits(units: Decimal, rounding: MetricRounding | null): Decimal {
  if (rounding === null) return units;
  const { mode, places } = rounding;
  // decimal.js rounds to digits after the point only.
  const shift = new Decimal(10).pow(Math.max(0, -places));
  return units.div(shift).toDecimalPlaces(Math.max(0, places), DECIMAL_ROUNDING[mode]).times(shift);
}
