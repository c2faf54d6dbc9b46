/**
 * What each kind of metric makes of its records in a period: the definition that the fast SQL of services/metered-usage.ts is
 * held against. First what every record contributes, by the metric's semantics, then the aggregation of the contributions.
 */
import { Decimal, ZERO, sum } from './decimal';
import { type MetricRules, roundUnits } from './metric';

export type UniqueOperation = 'ADD' | 'REMOVE';

/** A usage record as it stands now: with the quantity of its newest replacement, and not voided. */
export interface CountedRecord {
  /** Its place in the ledger; a replacement has that of what it replaced. */
  position: bigint;
  windowStart: Date;
  windowEnd: Date;
  quantity: Decimal;
  /** How many events stand behind it; 1 where nobody said. */
  events: Decimal;
  /** What it is one of a series with: equal exactly for equal dimensions and meter. */
  series: string;
  revision: number | null;
  opening: Decimal | null;
  reset: boolean;
  /** Of a UNIQUE_COUNT what is counted, and whether it came or went. */
  value: string | null;
  operation: UniqueOperation | null;
}

export interface MeteredRange {
  start: Date;
  /** Null: without end. */
  end: Date | null;
  /** First instant of the contract's first period: nothing before it is ever billed. */
  since: Date;
  /**
   * Of the full period that a weighted sum is divided by, in microseconds; null while nobody knows: the level at the end
   * is taken then.
   */
  fullMicros: Decimal | null;
}

/** What a metric counted: its units, and what stands behind them. */
export interface MeteredUnits {
  /** After the metric's rounding. */
  units: Decimal;
  /** Events and records of the period itself, also where units come from earlier ones. */
  events: Decimal;
  recordCount: number;
}

/** What one record adds to its metric. */
export interface Contribution<R extends CountedRecord = CountedRecord> {
  record: R;
  quantity: Decimal;
}

/** What a record of all records of a metric and contract contributes; those that count nothing on their own are left out. */
export function contributions<R extends CountedRecord>(
  { semantics }: MetricRules,
  records: Iterable<R>,
): Contribution<R>[] {
  switch (semantics) {
    case 'DELTA':
      return [...records].map((record) => ({ record, quantity: record.quantity }));
    case 'WINDOW_TOTAL':
      return effectiveSends(records).map((record) => ({ record, quantity: record.quantity }));
    case 'CUMULATIVE':
      return increases(records);
  }
}

/** Of the sends for one window of a series the one with the highest revision, else the one that came last. */
export function effectiveSends<R extends CountedRecord>(records: Iterable<R>): R[] {
  const newest = new Map<string, R>();
  for (const record of records) {
    const window = JSON.stringify([record.series, record.windowStart.getTime(), record.windowEnd.getTime()]);
    const known = newest.get(window);
    if (known === undefined || isNewer(record, known)) newest.set(window, record);
  }
  return [...newest.values()];
}

/** A send without a revision is older than any that has one. */
function isNewer(one: CountedRecord, other: CountedRecord): boolean {
  const revisions = [one.revision ?? -1, other.revision ?? -1] as const;
  return revisions[0] === revisions[1] ? one.position > other.position : revisions[0] > revisions[1];
}

/**
 * Each reading less the one before it in its series. The first one counts from its opening, or nothing; one after a reset
 * from its opening, or 0. A fall that nobody declared counts nothing: recording refuses it, and only two series that became
 * one with their contract can show one.
 */
function increases<R extends CountedRecord>(records: Iterable<R>): Contribution<R>[] {
  const last = new Map<string, Decimal>();
  return inOrder(records).map((record) => {
    const before = last.get(record.series);
    last.set(record.series, record.quantity);
    return { record, quantity: increaseSince(before, record) };
  });
}

function increaseSince(before: Decimal | undefined, { quantity, opening, reset }: CountedRecord): Decimal {
  if (reset) return quantity.minus(opening ?? ZERO);
  return Decimal.max(ZERO, quantity.minus(before ?? opening ?? quantity));
}

/** By the instant at which they count, then as they were recorded. */
function inOrder<R extends CountedRecord>(records: Iterable<R>): R[] {
  return [...records].sort(
    (one, other) => countedMicros(one) - countedMicros(other) || (one.position < other.position ? -1 : 1),
  );
}

/** Microseconds since 1970, a whole number that is exact until 2255. */
export function countedMicros({ windowStart, windowEnd }: Pick<CountedRecord, 'windowStart' | 'windowEnd'>): number {
  return windowEnd.getTime() * 1000 - (windowEnd > windowStart ? 1 : 0);
}

/**
 * Units of one bucket in a period. `contributed` are those of the bucket's records, of all times: which count is decided here.
 * No records: 0.
 */
export function meteredUnits(
  rules: MetricRules,
  contributed: Iterable<Contribution>,
  range: MeteredRange,
): MeteredUnits {
  const counted = [...contributed].filter(({ record }) =>
    countsWithin(record, rules.recurring ? range.since : range.start, range.end),
  );
  const inPeriod = counted.filter(({ record }) => countsWithin(record, range.start, range.end));
  return {
    units: roundUnits(unitsOf(rules, counted, range), rules.rounding),
    events: sum(inPeriod.map(({ record }) => record.events)),
    recordCount: inPeriod.length,
  };
}

/** The same for each bucket of all `records` of a metric and contract; `bucketOf` names the bucket of a record. */
export function meteredBuckets<R extends CountedRecord>(
  rules: MetricRules,
  { records, bucketOf }: { records: Iterable<R>; bucketOf: (record: R) => string },
  range: MeteredRange,
): Map<string, MeteredUnits> {
  const buckets = new Map<string, Contribution[]>();
  for (const contribution of contributions(rules, records)) {
    const key = bucketOf(contribution.record);
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [contribution]);
    else bucket.push(contribution);
  }
  return new Map([...buckets].map(([key, contributed]) => [key, meteredUnits(rules, contributed, range)]));
}

/** The values whose last record came and did not go. */
export function presentValues(records: Iterable<CountedRecord>): Set<string> {
  const present = new Set<string>();
  for (const { value, operation } of inOrder(records)) {
    if (value === null) continue;
    if (operation === 'REMOVE') present.delete(value);
    else present.add(value);
  }
  return present;
}

/** Whether the record counts in `[start, end)`; `end` null: without end. */
export function countsWithin(record: CountedRecord, start: Date, end: Date | null): boolean {
  const at = countedMicros(record);
  return at >= start.getTime() * 1000 && (end === null || at < end.getTime() * 1000);
}

function unitsOf(rules: MetricRules, counted: readonly Contribution[], range: MeteredRange): Decimal {
  const quantities = counted.map(({ quantity }) => quantity);
  switch (rules.aggregation) {
    case 'SUM':
    case 'COUNT':
      return sum(quantities);
    case 'MAX':
      return quantities.length === 0 ? ZERO : quantities.reduce((one, other) => Decimal.max(one, other));
    case 'LATEST': {
      const latest = inOrder(counted.map(({ record }) => record)).at(-1);
      return latest === undefined ? ZERO : Decimal.max(ZERO, latest.quantity);
    }
    case 'UNIQUE_COUNT':
      return new Decimal(presentValues(counted.map(({ record }) => record)).size);
    case 'WEIGHTED_SUM':
      return weightedLevel(levelChanges(rules, counted), range);
  }
}

/** What each record changes of the level: itself, or what is new in the level it states. The levels of several series add up. */
function levelChanges({ semantics }: MetricRules, counted: readonly Contribution[]): Contribution[] {
  if (semantics === 'DELTA') return [...counted];
  const last = new Map<string, Decimal>();
  return inOrder(counted.map(({ record }) => record)).map((record) => {
    const before = last.get(record.series) ?? ZERO;
    last.set(record.series, record.quantity);
    return { record, quantity: record.quantity.minus(before) };
  });
}

/** A change holds from the end of its window to the end of the period; one from before the period, for all of it. */
function weightedLevel(changes: readonly Contribution[], { start, end, fullMicros }: MeteredRange): Decimal {
  if (end === null || fullMicros === null) return sum(changes.map(({ quantity }) => quantity));
  const weighted = changes.map(({ record, quantity }) => {
    const from = Math.max(record.windowEnd.getTime(), start.getTime());
    return quantity.times(end.getTime() - from).times(1000);
  });
  return weightedAverage(sum(weighted), fullMicros);
}

/** Digits after the point of a weighted sum: as many as a quantity may have. */
const WEIGHTED_PLACES = 12;

/** The sum of levels times the microseconds they held, by those of the full period; rounded half away from zero to 12 digits. */
export function weightedAverage(levelMicros: Decimal, fullMicros: Decimal): Decimal {
  return levelMicros.div(fullMicros).toDecimalPlaces(WEIGHTED_PLACES, Decimal.ROUND_HALF_UP);
}
