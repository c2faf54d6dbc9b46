/**
 * Billing periods as days and instants: the first one, how the open one follows Odoo's next invoice date, and the instants
 * at which one is written and closed. Days are "YYYY-MM-DD"; boundaries are the first instants of days in the billing zone.
 */
import { DateTime, type DurationLikeObject } from 'luxon';
import { BoundedMap } from './bounded-map';

/** A plan's interval: `count` weeks, months or years. */
export interface PlanInterval {
  count: number;
  unit: 'week' | 'month' | 'year';
}

/** What `dayStart` found, in milliseconds: contracts share their days, and finding one takes a tenth of a millisecond. */
const dayStarts = new BoundedMap<string, number>();

/** First instant of `day` in `zone`: usually midnight; where a clock change skips it the moment after, where one repeats it the first. */
export function dayStart(day: string, zone: string): Date {
  const name = `${zone} ${day}`;
  const known = dayStarts.get(name);
  if (known !== undefined) return new Date(known);
  const midnight = DateTime.fromISO(day, { zone }).startOf('day');
  const start = midnight.getPossibleOffsets().at(0) ?? midnight;
  dayStarts.set(name, start.toMillis());
  return start.toJSDate();
}

/** The day in `zone` that `instant` belongs to. */
export function dayOf(instant: Date, zone: string): string {
  return DateTime.fromJSDate(instant, { zone }).toFormat('yyyy-MM-dd');
}

/** The day after `day`. */
export function dayAfter(day: string): string {
  return DateTime.fromISO(day, { zone: 'utc' }).plus({ days: 1 }).toFormat('yyyy-MM-dd');
}

/** `day` moved by `steps` plan intervals (negative: back), month ends clipped as Odoo does: 31 January + 1 month = 28 February. */
export function addInterval(day: string, plan: PlanInterval, steps: number): string {
  const units: Record<PlanInterval['unit'], keyof DurationLikeObject> = {
    week: 'weeks',
    month: 'months',
    year: 'years',
  };
  const moved = calendarDay(day).plus({ [units[plan.unit]]: plan.count * steps });
  return moved.toJSDate().toISOString().slice(0, 'yyyy-mm-dd'.length);
}

export interface FirstPeriod {
  startOn: string;
  /** Null while Odoo has not named the next date. */
  endOn: string | null;
  /** The order was first seen running: a person confirms the start before anything is written. */
  derived: boolean;
}

/**
 * The first period of an order (docs/domain.md). `startOn` null counts as an order first seen running.
 * Not invoiced yet (next = start): `[start, ?)`. Within its first interval: `[start, next)`. Running: `[next - interval, next)`.
 */
export function firstPeriod(startOn: string | null, nextInvoiceOn: string, plan: PlanInterval): FirstPeriod {
  if (startOn !== null && startOn <= nextInvoiceOn && nextInvoiceOn <= addInterval(startOn, plan, 1)) {
    return { startOn, endOn: startOn === nextInvoiceOn ? null : nextInvoiceOn, derived: false };
  }
  return { startOn: addInterval(nextInvoiceOn, plan, -1), endOn: nextInvoiceOn, derived: true };
}

/** Where the period after one that ends on `startOn` is expected to end: one interval on, or earlier if Odoo invoices earlier. */
export function nextEnd(startOn: string, nextInvoiceOn: string | null, plan: PlanInterval): string {
  const step = addInterval(startOn, plan, 1);
  const next = nextInvoiceOn ?? step;
  return startOn < next && next < step ? next : step;
}

/**
 * Whole days of a period, and of the plan's interval that ends with it: a shorter first or last period is a part of one.
 * Never more than the interval.
 */
export function shareOfInterval(
  period: { startOn: string; endOn: string },
  plan: PlanInterval,
): { used: number; full: number } {
  const full = daysBetween(addInterval(period.endOn, plan, -1), period.endOn);
  return { used: Math.min(daysBetween(period.startOn, period.endOn), full), full };
}

const DAY_MS = 86_400_000;

function daysBetween(from: string, to: string): number {
  return (calendarDay(to).toMillis() - calendarDay(from).toMillis()) / DAY_MS;
}

/** Where every day is 24 hours long. */
function calendarDay(day: string): DateTime {
  return DateTime.fromISO(day, { zone: 'utc' });
}

export interface DateChange {
  /** Odoo's date as the open period last saw it. */
  seenOn: string;
  nextInvoiceOn: string;
  /** A posted invoice of the order that was not there when the date was last seen. */
  newInvoice: boolean;
  /** Odoo's run of the day on which the open period ends can have come by now. */
  runCanHaveCome: boolean;
}

export type Advance = { kind: 'KEEP' } | { kind: 'END_MOVES'; endOn: string } | { kind: 'MOVED_BACK' };

/**
 * What a changed next invoice date does to the open period (docs/domain.md). Invoiced, or old enough to have been: the boundary
 * stays, what follows is cut from it. Moved by hand while the date was still ahead: the end moves along. Moved back to or
 * before the period's start, over a closed boundary: a person must look.
 */
export function advance(
  open: { startOn: string; endOn: string | null },
  change: DateChange,
  plan: PlanInterval,
): Advance {
  const { nextInvoiceOn } = change;
  if (nextInvoiceOn <= open.startOn) return nextInvoiceOn < change.seenOn ? { kind: 'MOVED_BACK' } : { kind: 'KEEP' };
  if (open.endOn === null) return { kind: 'END_MOVES', endOn: nextEnd(open.startOn, nextInvoiceOn, plan) };
  if (nextInvoiceOn === open.endOn || nextInvoiceOn === change.seenOn) return { kind: 'KEEP' };
  // A date seen beyond the end already is that of a later invoice: moving it does not move this boundary.
  const endIsPast = change.newInvoice || change.runCanHaveCome || change.seenOn > open.endOn;
  if (nextInvoiceOn > open.endOn && endIsPast) return { kind: 'KEEP' };
  return { kind: 'END_MOVES', endOn: nextInvoiceOn };
}

/** When Odoo's invoicing run can come at the earliest for an order due on `day`: `minutes` after midnight UTC of that date. */
export function earliestRunAt(day: string, minutes: number): Date {
  return calendarDay(day).plus({ minutes }).toJSDate();
}

/** Between a close and its quantity standing in Odoo: a few jobs, and a retry or two. */
const WRITTEN_WITHIN_MS = 10 * 60_000;

export interface WriteTimes {
  /** When the period closes for good. */
  closeAt: Date;
  /** When the provisional quantity is written; null when Odoo's run cannot come before the close. */
  provisionalAt: Date | null;
}

/** The instants of the final close and of the provisional write of a period that ends on `endOn`. */
export function writeTimes(
  endOn: string,
  settings: { zone: string; graceMs: number; leadTimeMs: number; invoiceRunAtMinutes: number },
): WriteTimes {
  const closeAt = new Date(dayStart(endOn, settings.zone).getTime() + settings.graceMs);
  const runAt = earliestRunAt(endOn, settings.invoiceRunAtMinutes);
  const runMayComeFirst = runAt.getTime() < closeAt.getTime() + WRITTEN_WITHIN_MS;
  return { closeAt, provisionalAt: runMayComeFirst ? new Date(runAt.getTime() - settings.leadTimeMs) : null };
}
