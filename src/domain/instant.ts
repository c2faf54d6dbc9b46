/**
 * Instants as callers write them and as we print them. A thousand counters name few instants, and reading or printing one costs
 * more than all else that is done with it: so the last of them are remembered.
 */
import { BoundedMap } from './bounded-map';

const INSTANT =
  /^(\d{4}-\d\d-\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,3})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/** Milliseconds since 1970 by text. A Date may be changed by whoever holds it, so each reader has its own. */
const read = new BoundedMap<string, number>();
/** The text by milliseconds since 1970. */
const printed = new BoundedMap<number, string>();

/** The instant of an RFC 3339 text with an offset, at most to the millisecond, of the years 1970 to 9999 in UTC; null for anything else. */
export function readInstant(text: string): Date | null {
  const known = read.get(text);
  if (known !== undefined) return new Date(known);
  const day = INSTANT.exec(text)?.[1];
  if (day === undefined || !isDay(day)) return null;
  const instant = new Date(text.toUpperCase());
  if (instant.getUTCFullYear() < 1970 || instant.getUTCFullYear() > 9999) return null;
  read.set(text, instant.getTime());
  return instant;
}

/** "2026-03-01T05:00:00.000Z". */
export function printInstant(instant: Date): string {
  const ms = instant.getTime();
  const known = printed.get(ms);
  if (known !== undefined) return known;
  const text = instant.toISOString();
  printed.set(ms, text);
  return text;
}

/** Days that every month has. */
const IN_EVERY_MONTH = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])$/;

/** Whether the calendar has it: "2026-02-30" would otherwise silently become a day in March. */
export function isDay(text: string): boolean {
  if (IN_EVERY_MONTH.test(text)) return true;
  const midnight = new Date(`${text}T00:00:00Z`);
  return !isNaN(midnight.getTime()) && midnight.toISOString().slice(0, 10) === text;
}
