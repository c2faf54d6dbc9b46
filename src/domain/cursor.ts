/**
 * Cursors: the values by which a row stands in its list, as the database prints them. They come back from strangers, so each
 * value is one that the database can read, whatever a caller wrote.
 */
import { BillingError } from './errors';
import { isDay } from './instant';

const MAX_LENGTH = 2_000;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const WHOLE_NUMBER = /^-?\d{1,18}$/;
/** All sessions are in UTC; what is kept lies in years of four digits. */
const INSTANT = /^(\d{4}-\d\d-\d\d) (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?\+00$/;

const FITS = {
  uuid: (value: string) => UUID.test(value),
  bigint: (value: string) => WHOLE_NUMBER.test(value),
  timestamptz: (value: string) => isKeptDay(INSTANT.exec(value)?.[1] ?? ''),
  date: isKeptDay,
  text: (value: string) => !value.includes('\0'),
} as const;

/** Types of the columns by which lists are ordered, by PostgreSQL's names. */
export type CursorType = keyof typeof FITS;

/** A day of the calendar. The year 0000 is not one: PostgreSQL has no such year. */
function isKeptDay(text: string): boolean {
  return isDay(text) && text >= '0001';
}

/** The cursor of a row: opaque to callers. */
export function writeCursor(values: readonly string[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/** The values of a cursor, one for each of `types`. @throws BillingError VALIDATION_FAILED naming `after`. */
export function readCursor(cursor: string, types: readonly CursorType[]): string[] {
  const values = cursor.length <= MAX_LENGTH ? parse(cursor) : undefined;
  const fits = values?.length === types.length && types.every((type, index) => FITS[type](values[index] ?? ''));
  if (values !== undefined && fits) return values;
  throw new BillingError('VALIDATION_FAILED', 'after is no cursor of this list.', { field: 'after' });
}

function parse(cursor: string): string[] | undefined {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(values) && values.every((value) => typeof value === 'string') ? values : undefined;
  } catch {
    return undefined;
  }
}
