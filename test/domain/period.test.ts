import fc from 'fast-check';
import { Settings } from 'luxon';
import {
  type Advance,
  type DateChange,
  type PlanInterval,
  addInterval,
  advance,
  dayAfter,
  dayOf,
  dayStart,
  earliestRunAt,
  firstPeriod,
  nextEnd,
  shareOfInterval,
  writeTimes,
} from '../../src/domain/period';

// Nothing depends on the zone of the machine: here it is one that skips midnight once a year.
Settings.defaultZone = 'Asia/Beirut';

const WEEK: PlanInterval = { count: 1, unit: 'week' };
const MONTH: PlanInterval = { count: 1, unit: 'month' };
const QUARTER: PlanInterval = { count: 3, unit: 'month' };
const YEAR: PlanInterval = { count: 1, unit: 'year' };

const DAY_MS = 86_400_000;
const LONGEST_DAYS: Record<PlanInterval['unit'], number> = { week: 7, month: 31, year: 366 };
/** Zones whose clock changes skip midnight, repeat it, or leave it alone; and one without changes. */
const ZONES = ['America/Toronto', 'America/Havana', 'Atlantic/Azores', 'Asia/Beirut', 'Pacific/Auckland', 'UTC'];

/** Days of 2020 to 2031. */
const day = fc.integer({ min: 0, max: 4382 }).map((days) => isoDay(Date.UTC(2020, 0, 1) + days * DAY_MS));
const plan = fc.record({
  count: fc.integer({ min: 1, max: 24 }),
  unit: fc.constantFrom<PlanInterval['unit'][]>('week', 'month', 'year'),
});

function isoDay(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}

describe('the start of a day', () => {
  it.each([
    ['2026-03-01', 'America/Toronto', '2026-03-01T05:00:00.000Z'],
    ['2026-03-08', 'America/Toronto', '2026-03-08T05:00:00.000Z'],
    ['2026-03-09', 'America/Toronto', '2026-03-09T04:00:00.000Z'],
    ['2026-11-01', 'America/Toronto', '2026-11-01T04:00:00.000Z'],
    ['2026-11-02', 'America/Toronto', '2026-11-02T05:00:00.000Z'],
    ['2026-04-01', 'UTC', '2026-04-01T00:00:00.000Z'],
    ['2026-04-01', 'Asia/Tokyo', '2026-03-31T15:00:00.000Z'],
    // The clock goes from 24:00 to 01:00: there is no midnight.
    ['2022-03-27', 'Asia/Beirut', '2022-03-26T22:00:00.000Z'],
    // The clock goes from 01:00 back to 00:00: there are two.
    ['2026-11-01', 'America/Havana', '2026-11-01T04:00:00.000Z'],
    ['2026-10-25', 'Atlantic/Azores', '2026-10-25T00:00:00.000Z'],
  ])('of %s in %s is %s', (of, zone, instant) => {
    expect(dayStart(of, zone).toISOString()).toBe(instant);
  });

  it('days of 23 and of 25 hours are whole days', () => {
    const hours = (of: string): number =>
      (dayStart(dayAfter(of), 'America/Toronto').getTime() - dayStart(of, 'America/Toronto').getTime()) / 3_600_000;
    expect([hours('2026-03-07'), hours('2026-03-08'), hours('2026-11-01')]).toEqual([24, 23, 25]);
  });

  it.each([
    ['2026-03-01T04:59:59.999Z', '2026-02-28'],
    ['2026-03-01T05:00:00.000Z', '2026-03-01'],
    ['2026-07-01T04:00:00.000Z', '2026-07-01'],
  ])('the instant %s is on %s in Toronto', (instant, of) => {
    expect(dayOf(new Date(instant), 'America/Toronto')).toBe(of);
  });

  it('is its first instant: the one before belongs to the day before', () => {
    fc.assert(
      fc.property(day, fc.constantFrom(...ZONES), (of, zone) => {
        const start = dayStart(of, zone);
        expect(dayOf(start, zone)).toBe(of);
        expect(dayAfter(dayOf(new Date(start.getTime() - 1), zone))).toBe(of);
      }),
      { numRuns: 500, examples: ZONES.map((zone) => ['2026-11-01', zone]) },
    );
  });
});

describe('an interval further', () => {
  it.each<[string, PlanInterval, number, string]>([
    ['2026-01-31', MONTH, 1, '2026-02-28'],
    ['2028-01-31', MONTH, 1, '2028-02-29'],
    ['2026-01-31', MONTH, 2, '2026-03-31'],
    ['2026-05-31', MONTH, 1, '2026-06-30'],
    ['2026-02-28', MONTH, 1, '2026-03-28'],
    ['2026-12-31', MONTH, 2, '2027-02-28'],
    ['2026-03-31', MONTH, -1, '2026-02-28'],
    ['2025-11-30', QUARTER, 1, '2026-02-28'],
    ['2026-02-23', WEEK, 1, '2026-03-02'],
    ['2026-03-01', { count: 2, unit: 'week' }, -1, '2026-02-15'],
    ['2028-02-29', YEAR, 1, '2029-02-28'],
    ['2028-02-29', YEAR, 4, '2032-02-29'],
    ['2026-03-01', MONTH, 0, '2026-03-01'],
  ])('from %s by %j, %i times, is %s', (from, interval, steps, to) => {
    expect(addInterval(from, interval, steps)).toBe(to);
  });

  it('in months is the same day of the month, or its last one where that is earlier', () => {
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 24 }), fc.integer({ min: -12, max: 12 }), (from, count, steps) => {
        const [year = 0, month = 0, date = 0] = from.split('-').map(Number);
        const index = year * 12 + month - 1 + count * steps;
        const lastDate = new Date(Date.UTC(Math.floor(index / 12), (index % 12) + 1, 0)).getUTCDate();
        const to = isoDay(Date.UTC(Math.floor(index / 12), index % 12, Math.min(date, lastDate)));
        expect(addInterval(from, { count, unit: 'month' }, steps)).toBe(to);
      }),
    );
  });

  it('in weeks is as many times seven days, and in years as many times twelve months', () => {
    fc.assert(
      fc.property(day, fc.integer({ min: 1, max: 24 }), (from, count) => {
        expect(addInterval(from, { count, unit: 'week' }, 1)).toBe(isoDay(Date.parse(from) + count * 7 * DAY_MS));
        const months = addInterval(from, { count: count * 12, unit: 'month' }, 1);
        expect(addInterval(from, { count, unit: 'year' }, 1)).toBe(months);
      }),
    );
  });
});

describe('the first period', () => {
  it('of an order not invoiced yet starts with it and has no end', () => {
    expect(firstPeriod('2026-03-01', '2026-03-01', MONTH)).toEqual({
      startOn: '2026-03-01',
      endOn: null,
      derived: false,
    });
  });

  it.each<[string, string, PlanInterval]>([
    ['2026-03-01', '2026-04-01', MONTH],
    ['2026-03-10', '2026-04-01', MONTH],
    ['2026-01-31', '2026-02-28', MONTH],
    ['2026-03-31', '2026-04-01', MONTH],
    ['2026-03-02', '2026-03-09', WEEK],
    ['2026-03-01', '2027-03-01', YEAR],
    ['2026-03-01', '2026-06-01', QUARTER],
  ])('of an order that started on %s and is first invoiced on %s lies between both', (startOn, next, interval) => {
    expect(firstPeriod(startOn, next, interval)).toEqual({ startOn, endOn: next, derived: false });
  });

  it.each<[string, string | null, string, PlanInterval, string]>([
    ['has run since January', '2026-01-01', '2026-04-01', MONTH, '2026-03-01'],
    ['is a day older than its first interval', '2026-02-28', '2026-04-01', MONTH, '2026-03-01'],
    ['has run to the last of a short month', '2025-08-31', '2026-03-31', MONTH, '2026-02-28'],
    ['has run for years', '2020-02-29', '2026-02-28', YEAR, '2025-02-28'],
    ['has run for weeks', '2026-01-05', '2026-03-30', WEEK, '2026-03-23'],
    ['names no start', null, '2026-04-01', MONTH, '2026-03-01'],
    ['is to start after its next invoice', '2026-05-01', '2026-04-01', MONTH, '2026-03-01'],
  ])('of an order that %s is derived: one interval back', (_, startOn, next, interval, derivedOn) => {
    expect(firstPeriod(startOn, next, interval)).toEqual({ startOn: derivedOn, endOn: next, derived: true });
  });

  it('never begins after its end, nor more than an interval before it', () => {
    fc.assert(
      fc.property(fc.option(day), day, plan, (startOn, next, interval) => {
        const first = firstPeriod(startOn, next, interval);
        if (first.endOn === null) return expect([first.startOn, startOn]).toEqual([next, next]);
        expect(first.endOn).toBe(next);
        expect(first.derived || first.startOn === startOn).toBe(true);
        const days = (Date.parse(next) - Date.parse(first.startOn)) / DAY_MS;
        expect(days).toBeGreaterThan(0);
        expect(days).toBeLessThanOrEqual(interval.count * LONGEST_DAYS[interval.unit]);
      }),
    );
  });
});

describe('the end of the period that follows', () => {
  it.each<[string, string, string | null, PlanInterval, string]>([
    ['the next boundary while Odoo names it', '2026-04-01', '2026-05-01', MONTH, '2026-05-01'],
    ['one interval on while Odoo names no date', '2026-04-01', null, MONTH, '2026-05-01'],
    ['one interval on while Odoo has not invoiced yet', '2026-04-01', '2026-04-01', MONTH, '2026-05-01'],
    ['one interval on while Odoo is a month behind', '2026-04-01', '2026-03-01', MONTH, '2026-05-01'],
    ['earlier if Odoo invoices earlier', '2026-04-01', '2026-04-15', MONTH, '2026-04-15'],
    ['one interval on if Odoo is further', '2026-04-01', '2026-07-01', MONTH, '2026-05-01'],
    ['clipped to the month', '2026-01-31', '2026-02-28', MONTH, '2026-02-28'],
    ['a week on', '2026-04-01', null, WEEK, '2026-04-08'],
    ['a year on', '2028-02-29', null, YEAR, '2029-02-28'],
  ])('is %s', (_, startOn, next, interval, endOn) => {
    expect(nextEnd(startOn, next, interval)).toBe(endOn);
  });

  it('makes periods that tile the calendar: every instant from the start on lies in exactly one', () => {
    const dates = fc.array(fc.option(day), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(day, dates, plan, fc.constantFrom(...ZONES), fc.maxSafeNat(), (start, nexts, interval, zone, at) => {
        const boundaries = [start];
        for (const next of nexts) boundaries.push(nextEnd(boundaries.at(-1) ?? start, next, interval));
        const instants = boundaries.map((boundary) => dayStart(boundary, zone).getTime());
        const [first = 0, last = 0] = [instants[0], instants.at(-1)];
        const instant = first + (at % (last - first));
        const holding = instants.filter((from, n) => from <= instant && instant < (instants[n + 1] ?? from));
        expect(holding).toHaveLength(1);
        const index = instants.indexOf(holding[0] ?? 0);
        const on = dayOf(new Date(instant), zone);
        expect([on >= (boundaries[index] ?? ''), on < (boundaries[index + 1] ?? '')]).toEqual([true, true]);
        for (const [n, boundary] of boundaries.slice(1).entries()) {
          expect(boundary <= addInterval(boundaries[n] ?? '', interval, 1)).toBe(true);
        }
      }),
    );
  });
});

describe('the share of an interval', () => {
  it.each<[string, string, string, PlanInterval, [number, number]]>([
    ['a whole month', '2026-03-01', '2026-04-01', MONTH, [31, 31]],
    ['a whole February', '2026-02-01', '2026-03-01', MONTH, [28, 28]],
    ['a month begun on the 10th', '2026-03-10', '2026-04-01', MONTH, [22, 31]],
    ['a single day', '2026-03-31', '2026-04-01', MONTH, [1, 31]],
    ['a month from the last of January', '2026-01-31', '2026-02-28', MONTH, [28, 31]],
    ['more than the interval, which is all of it', '2026-02-15', '2026-04-01', MONTH, [31, 31]],
    ['half a week', '2026-03-05', '2026-03-09', WEEK, [4, 7]],
    ['a week from a day whose midnight some clocks skip', '2022-03-27', '2022-04-03', WEEK, [7, 7]],
    ['a month of a quarter', '2026-03-01', '2026-04-01', QUARTER, [31, 90]],
    ['a leap year from March on', '2028-03-01', '2029-01-01', YEAR, [306, 366]],
  ])('%s, in days: [%s, %s) of %j are %j', (_, startOn, endOn, interval, [used, full]) => {
    expect(shareOfInterval({ startOn, endOn }, interval)).toEqual({ used, full });
  });
});

describe('a changed next invoice date', () => {
  const OPEN = { startOn: '2026-03-01', endOn: '2026-04-01' };
  const KEEP: Advance = { kind: 'KEEP' };
  const MOVED_BACK: Advance = { kind: 'MOVED_BACK' };
  const endMoves = (endOn: string): Advance => ({ kind: 'END_MOVES', endOn });
  const change = (seenOn: string, nextInvoiceOn: string, more: Partial<DateChange> = {}): DateChange => ({
    seenOn,
    nextInvoiceOn,
    newInvoice: false,
    runCanHaveCome: false,
    ...more,
  });

  it.each<[string, DateChange, Advance]>([
    ['nothing when it did not change', change('2026-04-01', '2026-04-01'), KEEP],
    ['the boundary stays when Odoo invoiced early', change('2026-04-01', '2026-05-01', { newInvoice: true }), KEEP],
    [
      'the boundary stays when Odoo invoiced in time',
      change('2026-04-01', '2026-05-01', { newInvoice: true, runCanHaveCome: true }),
      KEEP,
    ],
    [
      'the boundary stays when the run can have come and billed nothing',
      change('2026-04-01', '2026-05-01', { runCanHaveCome: true }),
      KEEP,
    ],
    [
      'the boundary stays when it moved on by two intervals',
      change('2026-04-01', '2026-06-01', { runCanHaveCome: true }),
      KEEP,
    ],
    ['the end moves along when a person moved it on', change('2026-04-01', '2026-04-15'), endMoves('2026-04-15')],
    ['the end moves along even by more than an interval', change('2026-04-01', '2026-06-10'), endMoves('2026-06-10')],
    ['the end comes with it when it is brought forward', change('2026-04-01', '2026-03-20'), endMoves('2026-03-20')],
    [
      'the end comes with it, whatever was invoiced besides',
      change('2026-04-01', '2026-03-20', { newInvoice: true, runCanHaveCome: true }),
      endMoves('2026-03-20'),
    ],
    ['a person must look when it moves back to the start', change('2026-04-01', '2026-03-01'), MOVED_BACK],
    ['a person must look when it moves back beyond', change('2026-04-01', '2026-02-01'), MOVED_BACK],
    ['the boundary stays while it waits behind the start', change('2026-02-01', '2026-02-01'), KEEP],
    ['the boundary stays while it waits within', change('2026-03-15', '2026-03-15'), KEEP],
    ['the boundary stays when it catches up to the start', change('2026-02-01', '2026-03-01'), KEEP],
    ['the boundary stays when it catches up to the end', change('2026-03-01', '2026-04-01'), KEEP],
    [
      'the end comes with it when it catches up to a day within',
      change('2026-03-01', '2026-03-15', { newInvoice: true, runCanHaveCome: true }),
      endMoves('2026-03-15'),
    ],
    ['an invoiced boundary stays on the next look', change('2026-05-01', '2026-05-01'), KEEP],
    ['an invoiced boundary stays when a person moves the date after it', change('2026-05-01', '2026-05-15'), KEEP],
    ['an invoiced boundary stays when that date comes nearer', change('2026-05-15', '2026-05-01'), KEEP],
  ])('%s', (_, seen, outcome) => {
    expect(advance(OPEN, seen, MONTH)).toEqual(outcome);
  });

  const UNKNOWN = { startOn: '2026-03-01', endOn: null };
  it.each<[string, DateChange, PlanInterval, Advance]>([
    ['waits for the first date', change('2026-03-01', '2026-03-01'), MONTH, KEEP],
    ['ends at the first date', change('2026-03-01', '2026-04-01', { newInvoice: true }), MONTH, endMoves('2026-04-01')],
    ['ends at a first date within the interval', change('2026-03-01', '2026-03-20'), MONTH, endMoves('2026-03-20')],
    [
      'is cut at the first step when the date is further',
      change('2026-03-01', '2026-06-01'),
      MONTH,
      endMoves('2026-04-01'),
    ],
    ['ends a year on', change('2026-03-01', '2027-03-01'), YEAR, endMoves('2027-03-01')],
    ['is for a person when the date moves before its start', change('2026-03-01', '2026-02-15'), MONTH, MOVED_BACK],
  ])('a period without an end %s', (_, seen, interval, outcome) => {
    expect(advance(UNKNOWN, seen, interval)).toEqual(outcome);
  });

  it('leaves the open period an end after its start, and the same look again changes nothing', () => {
    const flags = fc.record({ newInvoice: fc.boolean(), runCanHaveCome: fc.boolean() });
    fc.assert(
      fc.property(day, fc.option(day), day, day, plan, flags, (startOn, end, seenOn, nextInvoiceOn, interval, seen) => {
        const endOn = end !== null && end > startOn ? end : null;
        const outcome = advance({ startOn, endOn }, { seenOn, nextInvoiceOn, ...seen }, interval);
        if (outcome.kind === 'MOVED_BACK')
          return expect([nextInvoiceOn <= startOn, nextInvoiceOn < seenOn]).toEqual([true, true]);
        const now = outcome.kind === 'END_MOVES' ? outcome.endOn : endOn;
        if (now !== null) expect(now > startOn).toBe(true);
        else expect(nextInvoiceOn <= startOn).toBe(true);
        const nothingNew = {
          seenOn: nextInvoiceOn,
          nextInvoiceOn,
          newInvoice: false,
          runCanHaveCome: seen.runCanHaveCome,
        };
        expect(advance({ startOn, endOn: now }, nothingNew, interval)).toEqual(KEEP);
      }),
    );
  });
});

describe('the instants of a period that ends', () => {
  const settings = { zone: 'UTC', graceMs: 2 * 3_600_000, leadTimeMs: 6 * 3_600_000, invoiceRunAtMinutes: 0 };

  it.each<[string, string, Partial<typeof settings>, string, string | null]>([
    ['by default', '2026-04-01', {}, '2026-04-01T02:00:00Z', '2026-03-31T18:00:00Z'],
    ['with a run at noon', '2026-04-01', { invoiceRunAtMinutes: 720 }, '2026-04-01T02:00:00Z', null],
    [
      'with a run right at the close, before the final write can stand in Odoo',
      '2026-04-01',
      { invoiceRunAtMinutes: 120 },
      '2026-04-01T02:00:00Z',
      '2026-03-31T20:00:00Z',
    ],
    [
      'with a run nine minutes after the close, while the final write may still be on its way',
      '2026-04-01',
      { invoiceRunAtMinutes: 129 },
      '2026-04-01T02:00:00Z',
      '2026-03-31T20:09:00Z',
    ],
    [
      'with a run ten minutes after the close',
      '2026-04-01',
      { invoiceRunAtMinutes: 130 },
      '2026-04-01T02:00:00Z',
      null,
    ],
    [
      'with a run a minute before the close',
      '2026-04-01',
      { invoiceRunAtMinutes: 119 },
      '2026-04-01T02:00:00Z',
      '2026-03-31T19:59:00Z',
    ],
    [
      'in Toronto in summer, run at 00:30',
      '2026-04-01',
      { zone: 'America/Toronto', invoiceRunAtMinutes: 30 },
      '2026-04-01T06:00:00Z',
      '2026-03-31T18:30:00Z',
    ],
    [
      'in Toronto in winter, run at 00:30',
      '2026-02-01',
      { zone: 'America/Toronto', invoiceRunAtMinutes: 30 },
      '2026-02-01T07:00:00Z',
      '2026-01-31T18:30:00Z',
    ],
    [
      'in Toronto, run at noon',
      '2026-04-01',
      { zone: 'America/Toronto', invoiceRunAtMinutes: 720 },
      '2026-04-01T06:00:00Z',
      null,
    ],
    ['in Tokyo, where the day ends before the run', '2026-04-01', { zone: 'Asia/Tokyo' }, '2026-03-31T17:00:00Z', null],
    ['without grace', '2026-04-01', { graceMs: 0 }, '2026-04-01T00:00:00Z', '2026-03-31T18:00:00Z'],
  ])('%s', (_, endOn, change, closeAt, provisionalAt) => {
    expect(writeTimes(endOn, { ...settings, ...change })).toEqual({
      closeAt: new Date(closeAt),
      provisionalAt: provisionalAt === null ? null : new Date(provisionalAt),
    });
  });

  it("Odoo's run is counted from midnight in UTC", () => {
    expect(earliestRunAt('2026-03-08', 30).toISOString()).toBe('2026-03-08T00:30:00.000Z');
    expect(earliestRunAt('2026-03-08', 23 * 60 + 59).toISOString()).toBe('2026-03-08T23:59:00.000Z');
  });
});

describe('the day after', () => {
  it.each([
    ['2026-03-01', '2026-03-02'],
    ['2026-02-28', '2026-03-01'],
    ['2028-02-28', '2028-02-29'],
    ['2026-12-31', '2027-01-01'],
  ])('%s is %s', (day, after) => {
    expect(dayAfter(day)).toBe(after);
  });
});
