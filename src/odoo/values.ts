/** Odoo's JSON values in our words: `false` for empty, floats with binary noise, datetimes without a zone. */
import { z } from 'zod';
import { Decimal, printDecimal } from '../domain/decimal';
import { OdooFault } from './fault';

/** Odoo's ids are PostgreSQL integers. */
export const odooId = z.int().positive().max(2_147_483_647);

/** Digits that survive the way through a double for every number. */
const DOUBLE_DIGITS = 15;

/**
 * A quantity or price of Odoo as what was meant: a double keeps every decimal number of up to 15 significant digits, and
 * what stands behind them is binary noise (134.64000000000001 is 134.64). `String` of a JSON number prints the shortest
 * text that names this double, which is what Odoo sent; the noise is then rounded off, so that a quantity read back
 * equals the one written.
 */
export function decimalOf(value: number): Decimal {
  return new Decimal(String(value)).toSignificantDigits(DOUBLE_DIGITS);
}

/** `decimalOf`, printed. Nearly every number is short enough to hold no noise: its own text is the answer then. */
function printNumber(value: number): string {
  const digits = String(value);
  const isPlain = digits.length <= DOUBLE_DIGITS && !digits.includes('e');
  return isPlain ? digits : printDecimal(decimalOf(value));
}

/** A quantity as the JSON number Odoo wants. @throws OdooFault when no double holds it, as Odoo stores doubles. */
export function numberOf(quantity: Decimal): number {
  if (quantity.precision() <= DOUBLE_DIGITS) return Number(printDecimal(quantity));
  throw new OdooFault(`Odoo cannot hold ${printDecimal(quantity)}: it has more than ${DOUBLE_DIGITS} digits.`, {
    kind: 'permanent',
    outcome: 'not-sent',
    serverTrouble: false,
    status: null,
    odooName: null,
  });
}

const DATETIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** An instant in the only form Odoo takes everywhere: UTC, a space, no zone, whole seconds (rounded down). */
export function printDatetime(instant: Date): string {
  return instant.toISOString().slice(0, 19).replace('T', ' ');
}

/** Whatever is empty in Odoo is `false`. The value's own type comes first: most fields hold one. */
const emptyAsNull = <T extends z.ZodType>(type: T): z.ZodType<z.output<T> | null> =>
  z.union([type, z.literal(false).transform(() => null)]);

export const text = z.string().refine((value) => !value.includes('\0'), 'contains a NUL character');
export const optionalText = emptyAsNull(text);
export const optionalId = emptyAsNull(odooId);
export const optionalDay = emptyAsNull(z.string().regex(DAY));
/** Exact text of a quantity, price or amount. */
export const decimalText = z.number().transform(printNumber);
/** "2026-11-22 08:43:20", in UTC, as "2026-11-22T08:43:20Z". */
export const datetime = z
  .string()
  .regex(DATETIME)
  .transform((value) => `${value.replace(' ', 'T')}Z`);
/** Ids in ascending order, so that equal sets are equal lists. */
export const idList = z.array(odooId).transform((ids) => [...ids].sort((left, right) => left - right));

/** Odoo's subscription_state as the mirror has it. */
const SUBSCRIPTION_STATES = {
  '1_draft': 'DRAFT',
  '2_renewal': 'RENEWAL_DRAFT',
  '3_progress': 'IN_PROGRESS',
  '4_paused': 'PAUSED',
  '5_renewed': 'RENEWED',
  '6_churn': 'CHURNED',
  '7_upsell': 'UPSELL',
} as const;

export const subscriptionStateOf = z.union([
  z.literal(false).transform(() => null),
  z
    .enum(Object.keys(SUBSCRIPTION_STATES) as (keyof typeof SUBSCRIPTION_STATES)[])
    .transform((state) => SUBSCRIPTION_STATES[state]),
]);
