/**
 * Values as callers write them, parsed exactly: decimals, instants, calendar days. GraphQL passes the text on as it came, so
 * that wrong content of one item of a batch is that item's own refusal.
 */
import { Decimal } from './decimal';
import { BillingError, clip } from './errors';
import { isDay, readInstant } from './instant';

const DECIMAL = /^[+-]?\d{1,30}(?:\.\d{1,12})?$/;
const MAX_DIGITS = 30;

/**
 * "1234.5", "-3", "+0.10": at most 30 digits as written, 12 of them after the point; no exponent.
 * @throws BillingError VALIDATION_FAILED with `field`.
 */
export function parseDecimal(text: string, field: string): Decimal {
  // A text that is not longer cannot have more digits.
  if (!DECIMAL.test(text) || (text.length > MAX_DIGITS && text.replace(/\D/g, '').length > MAX_DIGITS)) {
    throw refused(text, field, 'a decimal of at most 30 digits, 12 of them after the point, without an exponent');
  }
  return new Decimal(text);
}

/**
 * RFC 3339 with an offset, at most to the millisecond: "2026-03-01T00:00:00-05:00". Years 1970 to 9999 in UTC.
 * @throws BillingError VALIDATION_FAILED with `field`.
 */
export function parseInstant(text: string, field: string): Date {
  const instant = readInstant(text);
  if (instant !== null) return instant;
  throw refused(text, field, 'an instant with an offset, at most to the millisecond, like "2026-03-01T05:00:00.000Z"');
}

/**
 * A calendar day, "2026-03-01", years 1970 to 9999; returned as it came.
 * @throws BillingError VALIDATION_FAILED with `field`.
 */
export function parseDay(text: string, field: string): string {
  // Years of more than four digits have a sign, and a sign comes before any digit.
  if (!isDay(text) || text < '1970-01-01') {
    throw refused(text, field, 'a day like "2026-03-01"');
  }
  return text;
}

/** What nearly all texts are made of: they need no look at every class of Unicode. */
const PLAIN = /^[ -~]+$/;
const CONTROL_OR_HALF = /[\p{Cc}\p{Cs}]/u;

/**
 * A text of 1 to `longest` characters without control characters and halves of a surrogate pair, which PostgreSQL does not
 * store; returned as it came.
 * @throws BillingError VALIDATION_FAILED with `field`.
 */
export function parseText(text: string, field: string, longest: number): string {
  if (text.length === 0 || text.length > longest || (!PLAIN.test(text) && CONTROL_OR_HALF.test(text))) {
    throw refused(text, field, `a text of 1 to ${longest} characters without control characters`);
  }
  return text;
}

/** Of what a person gives as the reason of a decision, a correction or a move. */
export const MAX_REASON_LENGTH = 500;

/**
 * Why a person did something, in 1 to 500 characters, blanks around it left out.
 * @throws BillingError VALIDATION_FAILED naming `reason`.
 */
export function parseReason(text: string): string {
  const reason = text.trim();
  if (reason === '') throw invalid('reason', 'reason must say why.');
  return parseText(reason, 'reason', MAX_REASON_LENGTH);
}

/** A value that breaks a rule: VALIDATION_FAILED naming `field`. */
export function invalid(field: string, message: string): BillingError {
  return new BillingError('VALIDATION_FAILED', message, { field });
}

function refused(text: string, field: string, expected: string): BillingError {
  return invalid(field, `${field} must be ${expected}, not "${clip(text, 60)}".`);
}
