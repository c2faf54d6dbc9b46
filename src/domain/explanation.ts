/** How an amount came about, in one sentence for an accountant. The same as the steps, in words; nothing is worked out here. */
import { type Decimal, printDecimal } from './decimal';
import type { PriceStep, Rating } from './price';

export interface ExplanationTerms {
  /** Of the metric: "request". */
  unit: string;
  mode: 'QUANTITY' | 'AMOUNT';
  currency: string;
  unitsPerProductUnit: Decimal;
}

/**
 * "150.5 request, of them 50.5 billable: 50.5 × 0.1 = 5.05. Amount: 5.05 USD." Decimals are exact, except for the amount, which is
 * rounded to the currency's decimals.
 */
export function explainRating(
  rating: Pick<Rating, 'units' | 'billableUnits' | 'value' | 'amount' | 'steps'>,
  terms: ExplanationTerms,
): string {
  const { units, billableUnits, value, amount, steps } = rating;
  const counted = units.eq(billableUnits)
    ? `${printDecimal(units)} ${terms.unit}`
    : `${printDecimal(units)} ${terms.unit}, of them ${printDecimal(billableUnits)} billable`;
  if (terms.mode === 'QUANTITY') {
    const factor = terms.unitsPerProductUnit.eq(1)
      ? ''
      : `, ${printDecimal(terms.unitsPerProductUnit)} to a product unit`;
    return `${counted}${factor}: quantity ${printDecimal(value)}. At the price of the line about ${printDecimal(amount)} ${terms.currency}.`;
  }
  const worth = steps.length === 0 ? 'nothing due' : steps.map(explainStep).join('; ');
  return `${counted}: ${worth}. Amount: ${printDecimal(amount)} ${terms.currency}.`;
}

function explainStep(step: PriceStep): string {
  const { kind, units, unitPrice, flatPrice, amount } = step;
  const flat = flatPrice.isZero() ? '' : ` + ${printDecimal(flatPrice)}`;
  const result = ` = ${printDecimal(amount)}`;
  switch (kind) {
    case 'UNITS':
      return `${printDecimal(units)} × ${printDecimal(unitPrice)}${flat}${result}`;
    case 'PACKAGES':
      return `${printDecimal(units)} packages × ${printDecimal(unitPrice)}${result}`;
    case 'PERCENTAGE':
      return `${printDecimal(unitPrice.times(100))} % of ${printDecimal(units)}${flat}${result}`;
    case 'EVENTS':
      return `${printDecimal(units)} events × ${printDecimal(unitPrice)}${result}`;
    case 'MINIMUM':
      return `${printDecimal(amount)} more up to the minimum`;
  }
}
