/**
 * What stands beside a record in its series, and whether the record fits: readings of a meter never fall undeclared, windows
 * that are told whole never overlap.
 */
import { countedMicros } from './aggregate';
import { type Decimal, printDecimal } from './decimal';
import { BillingError } from './errors';
import type { Semantics } from './metric';

/** A record of a series as far as its neighbours care. */
export interface SeriesRecord {
  windowStart: Date;
  windowEnd: Date;
  quantity: Decimal;
  opening: Decimal | null;
  reset: boolean;
  idempotencyKey: string;
}

/** Why `record` does not fit among `others`, those that stand of its series; null when it does. */
export function seriesRefusal(
  semantics: Semantics,
  record: SeriesRecord,
  others: readonly SeriesRecord[],
): BillingError | null {
  switch (semantics) {
    case 'DELTA':
      return null;
    case 'WINDOW_TOTAL':
      return overlapRefusal(record, others);
    case 'CUMULATIVE':
      return readingRefusal(record, neighboursOf(record, others));
  }
}

/** Why a reading cannot be taken out from among `others`: what follows it would fall undeclared; null when it can. */
export function removalRefusal(record: SeriesRecord, others: readonly SeriesRecord[]): BillingError | null {
  const { before, after } = neighboursOf(record, others);
  if (before === null || after === null || !falls(before, after)) return null;
  const message = `Without the reading the meter would fall from ${printDecimal(before.quantity)} to ${printDecimal(after.quantity)}.`;
  return conflict('voids', message, { before: printed(before), after: printed(after) });
}

interface Neighbours {
  before: SeriesRecord | null;
  after: SeriesRecord | null;
}

/** A reading of the same instant that stands already comes before. */
function neighboursOf(record: SeriesRecord, others: readonly SeriesRecord[]): Neighbours {
  const at = countedMicros(record);
  let [before, after]: [SeriesRecord | null, SeriesRecord | null] = [null, null];
  for (const other of others) {
    const otherAt = countedMicros(other);
    if (otherAt <= at) {
      if (before === null || otherAt >= countedMicros(before)) before = other;
    } else if (after === null || otherAt < countedMicros(after)) after = other;
  }
  return { before, after };
}

function falls(earlier: SeriesRecord, later: SeriesRecord): boolean {
  return !later.reset && later.quantity.lt(earlier.quantity);
}

function readingRefusal(record: SeriesRecord, { before, after }: Neighbours): BillingError | null {
  const { quantity, opening, reset } = record;
  if (opening !== null && opening.gt(quantity)) {
    const message = `The opening of the reading is ${printDecimal(opening)}: ${printDecimal(quantity)} is less.`;
    return conflict('quantity', message, { opening: printDecimal(opening) });
  }
  if (before !== null && falls(before, record)) {
    const message = `The meter read ${printDecimal(before.quantity)} before: ${printDecimal(quantity)} is less. Send reset if it began anew.`;
    return conflict('quantity', message, { before: printed(before) });
  }
  if (after !== null && falls(record, after)) {
    const message = `The meter read ${printDecimal(after.quantity)} later: ${printDecimal(quantity)} is more.`;
    return conflict('quantity', message, { after: printed(after) });
  }
  if (before !== null && opening !== null && !reset) {
    const message = 'opening belongs to the first reading of a series, or to one with reset.';
    return conflict('opening', message, { before: printed(before) });
  }
  if (before === null && opening === null && after !== null && after.opening !== null && !after.reset) {
    const message = `The series begins with an opening of ${printDecimal(after.opening)}: a reading before it needs its own.`;
    return conflict('opening', message, { after: printed(after) });
  }
  return null;
}

function overlapRefusal(record: SeriesRecord, others: readonly SeriesRecord[]): BillingError | null {
  const other = others.find((candidate) => overlaps(record, candidate) && !isSameWindow(record, candidate));
  if (other === undefined) return null;
  const window = `${other.windowStart.toISOString()} to ${other.windowEnd.toISOString()}`;
  return conflict('windowStart', `The window overlaps another one of the series, ${window}.`, {
    other: printed(other),
  });
}

function isSameWindow(one: SeriesRecord, other: SeriesRecord): boolean {
  return (
    one.windowStart.getTime() === other.windowStart.getTime() && one.windowEnd.getTime() === other.windowEnd.getTime()
  );
}

/** Half-open windows; an instant lies in a window that begins with it. */
function overlaps(one: SeriesRecord, other: SeriesRecord): boolean {
  const [first, second] = one.windowStart.getTime() <= other.windowStart.getTime() ? [one, other] : [other, one];
  return (
    second.windowStart.getTime() < first.windowEnd.getTime() ||
    second.windowStart.getTime() === first.windowStart.getTime()
  );
}

function printed({ idempotencyKey, windowStart, windowEnd, quantity }: SeriesRecord): Record<string, string> {
  return {
    idempotencyKey,
    windowStart: windowStart.toISOString(),
    windowEnd: windowEnd.toISOString(),
    quantity: printDecimal(quantity),
  };
}

function conflict(field: string, message: string, details: Record<string, unknown>): BillingError {
  return new BillingError('CONFLICT', message, { field, ...details });
}
