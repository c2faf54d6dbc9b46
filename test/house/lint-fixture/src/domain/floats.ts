import Decimal from 'decimal.js';

const text = '1.1';
export const cast = Number(text); // expect: no-restricted-syntax
export const parsed = parseFloat(text); // expect: no-restricted-syntax
export const parsedToo = Number.parseFloat(text); // expect: no-restricted-syntax
export const plus = +text; // expect: no-restricted-syntax
export const unwrapped = new Decimal(text).toNumber(); // expect: no-restricted-syntax
export const whole = Number.isInteger(3);
