/** What an alert watches, and which of its thresholds a value has reached. */
import { type Decimal, printDecimal, sum, ZERO } from './decimal';
import { invalid, parseDecimal } from './parse';

/** Thresholds of one alert at most. */
export const MAX_THRESHOLDS = 20;

/**
 * Thresholds as they are sent: 1 to 20 decimals, each above the one before, the first above 0.
 * @throws BillingError VALIDATION_FAILED naming `thresholds` or one of them: "thresholds.2".
 */
export function parseThresholds(texts: readonly string[]): Decimal[] {
  if (texts.length === 0 || texts.length > MAX_THRESHOLDS) {
    throw invalid('thresholds', `thresholds must be 1 to ${MAX_THRESHOLDS} values, not ${texts.length}.`);
  }
  const thresholds = texts.map((text, index) => parseDecimal(text, `thresholds.${index}`));
  thresholds.forEach((threshold, index) => {
    const before = thresholds[index - 1] ?? ZERO;
    if (threshold.gt(before)) return;
    const field = `thresholds.${index}`;
    const message = `${field} must be above ${printDecimal(before)}, not ${printDecimal(threshold)}: thresholds rise from above 0.`;
    throw invalid(field, message);
  });
  return thresholds;
}

/** What an alert reads of a rated period. */
export interface WatchedRating {
  lines: readonly { charge: { metricId: string }; units: Decimal; amount: Decimal; currency: string }[];
  unpriced: readonly { metricId: string; units: Decimal }[];
}

/** What an alert watches of its metric: units, priced or not, or money with its currency. Nothing counted is 0. */
export function watchedValue(
  alert: { kind: 'UNITS' | 'AMOUNT'; metricId: string },
  rating: WatchedRating,
): { value: Decimal; currency: string | null } {
  const lines = rating.lines.filter((line) => line.charge.metricId === alert.metricId);
  switch (alert.kind) {
    case 'AMOUNT':
      return { value: sum(lines.map((line) => line.amount)), currency: lines[0]?.currency ?? null };
    case 'UNITS': {
      const unpriced = rating.unpriced.filter(({ metricId }) => metricId === alert.metricId);
      return { value: sum([...lines, ...unpriced].map(({ units }) => units)), currency: null };
    }
  }
}

/** Those that `value` has reached, be it exactly. */
export function reachedThresholds(thresholds: readonly Decimal[], value: Decimal): Decimal[] {
  return thresholds.filter((threshold) => threshold.lte(value));
}
