/** Exact arithmetic of the sandbox: half away from zero, values leave as JSON numbers, as Odoo answers them. */
import { Decimal } from 'decimal.js';

const Exact = Decimal.clone({ precision: 60, rounding: Decimal.ROUND_HALF_UP });

export function roundTo(value: number, digits: number): number {
  const rounded = new Exact(value).toDecimalPlaces(digits);
  return rounded.isZero() ? 0 : rounded.toNumber();
}

/**
 * A value as Odoo rounds it on its way into a field: in binary floats, so that above 1e14 noise of units comes in. Far
 * below that it is half away from zero.
 */
export function roundAsStored(value: number, digits: number): number {
  if (value === 0) return 0;
  const scaled = Math.abs(value) * 10 ** digits;
  const tie = 2 ** (Math.log2(scaled) - 50);
  return (Math.sign(value) * Math.round(scaled + tie)) / 10 ** digits || 0;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total.plus(value), new Exact(0)).toNumber();
}

export function minus(left: number, right: number): number {
  return new Exact(left).minus(right).toNumber();
}

/** The amount of a line: quantity times price less discount (in percent), rounded to the currency. */
export function amountOf(line: { quantity: number; price: number; discount: number }, digits: number): number {
  const rate = new Exact(100).minus(line.discount).div(100);
  return new Exact(line.quantity).times(line.price).times(rate).toDecimalPlaces(digits).toNumber();
}

export function divided(value: number, by: number, digits: number): number {
  return new Exact(value).div(by).toDecimalPlaces(digits).toNumber();
}
