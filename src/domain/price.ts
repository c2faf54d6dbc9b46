/** From units to money and to product units: one function a model, rounded once, with the steps that explain it. */
import { Decimal, ZERO, roundTo, sum } from './decimal';
import type { PriceModel } from './price-model';

/** One step of a price. The amounts of all steps add up to the unrounded amount. */
export interface PriceStep {
  fromUnits: Decimal;
  toUnits: Decimal;
  units: Decimal;
  unitPrice: Decimal;
  flatPrice: Decimal;
  amount: Decimal;
}

/** The steps that price `units` (0 or more) under `price`, in the price's currency, not rounded. */
export function priceSteps(price: PriceModel, units: Decimal): PriceStep[] {
  switch (price.model) {
    case 'STANDARD':
      return [
        {
          fromUnits: ZERO,
          toUnits: units,
          units,
          unitPrice: price.unitPrice,
          flatPrice: ZERO,
          amount: units.times(price.unitPrice),
        },
      ];
  }
}

/** What rating needs to know of a charge. */
export interface RatedCharge {
  mode: 'QUANTITY' | 'AMOUNT';
  /** Null exactly in mode QUANTITY. */
  price: PriceModel | null;
  freeUnits: Decimal;
  unitsPerProductUnit: Decimal;
}

export interface Rating {
  units: Decimal;
  /** After free units, never negative. */
  billableUnits: Decimal;
  /** What enters the balance: product units in mode QUANTITY (12 digits), money in mode AMOUNT (the currency's decimals). */
  value: Decimal;
  /** In money, rounded once to the currency's decimals; in mode QUANTITY an estimate at the line's price. */
  amount: Decimal;
  steps: PriceStep[];
}

/** Digits after the point of a value in product units: as many as a quantity may have. */
const QUANTITY_VALUE_PLACES = 12;

/**
 * Rates the aggregated `units` of one charge in one period. `linePrice` is the price of the subscription line, used for the
 * estimate in mode QUANTITY; `places` are the currency's decimals. Rounds half away from zero.
 */
export function rate(charge: RatedCharge, units: Decimal, line: { price: Decimal; places: number }): Rating {
  const billableUnits = Decimal.max(ZERO, units.minus(charge.freeUnits));
  if (charge.price === null) {
    const value = roundTo(billableUnits.div(charge.unitsPerProductUnit), QUANTITY_VALUE_PLACES);
    const steps = priceSteps({ model: 'STANDARD', unitPrice: line.price }, value);
    return { units, billableUnits, value, amount: roundTo(value.times(line.price), line.places), steps };
  }
  const steps = priceSteps(charge.price, billableUnits);
  const amount = roundTo(sum(steps.map((step) => step.amount)), line.places);
  return { units, billableUnits, value: amount, amount, steps };
}
