/** Exact decimals: one configuration of decimal.js for every quantity and amount, and how they are printed and rounded. */
import DecimalJs from 'decimal.js';

/** 80 significant digits hold any product of two 30-digit numbers exactly; halves round away from zero, as Odoo and Lago do. */
export const Decimal = DecimalJs.clone({
  precision: 80,
  rounding: DecimalJs.ROUND_HALF_UP,
  toExpNeg: -1e9,
  toExpPos: 1e9,
});
export type Decimal = DecimalJs;

export const ZERO: Decimal = new Decimal(0);

/** Plain notation without an exponent and without trailing zeros: "1234.5", "0", "-0.004". */
export function printDecimal(value: Decimal): string {
  return value.isZero() ? '0' : value.toFixed();
}

/** Rounds to `places` digits after the point, half away from zero. */
export function roundTo(value: Decimal, places: number): Decimal {
  return value.toDecimalPlaces(places, DecimalJs.ROUND_HALF_UP);
}

/** Exact sum; 0 for none. */
export function sum(values: Iterable<Decimal>): Decimal {
  let total = ZERO;
  for (const value of values) total = total.plus(value);
  return total;
}
