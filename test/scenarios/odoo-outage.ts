/**
 * Odoo away for a day of the story: the clock stops at both ends of the day and every few hours in it, and what the scenario
 * does in between meets an Odoo that does not answer. Also what such a day may cost: which write comes too late for its run.
 */
import type { Row } from '../../sandbox/schema';
import { Story } from '../support/story';
import { type Case, draw } from './odoo-cases';
import { askForReading, minuteUntilCalm, minuteWorked } from './odoo-trouble';
import { type Scenario, play } from './scenario';
import { type WriteCount, expectOnlyTargets } from './slot-history';
import { type Snapshot, snapshotOf } from './snapshot';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const STOP_EVERY_MS = 4 * HOUR_MS;
/** Hours before a step's instant at which the day begins. */
const LEADS = [0, 1, 6, 12, 23];
/** In a day of a billing date: before a run at midnight, after the closes in UTC and in Toronto, after a run at noon. */
const CODA_HOURS = [-5.5, 2, 6, 12 + 1 / 60];

/** `down`: nobody reaches Odoo, whose runs go on. `off`: Odoo stands still, and makes up for a missed run when it is back. */
export type OutageKind = 'down' | 'off';

export interface Outage {
  kind: OutageKind;
  from: Date;
  until: Date;
}

/** A scenario played without trouble, and its next two invoices. */
export interface PlainWithCoda {
  end: Snapshot;
  endCount: WriteCount;
  /** After two more invoices. */
  later: Snapshot;
  laterCount: WriteCount;
  /** The day up to which the coda bills. */
  codaOn: string;
  /** The instants at which steps stand. */
  stops: Date[];
  /** When a quantity other than 0 was written to a slot. */
  writtenAt: Date[];
  /** When the next invoice date moved: by a run, or by hand. */
  dateMovedAt: Date[];
}

export async function playWithCoda(scenario: Scenario): Promise<PlainWithCoda> {
  const story = await Story.open(scenario.opening);
  try {
    const stops = [story.test.clock.now()];
    const dateMovedAt: Date[] = [];
    for (const step of scenario.steps) {
      const before = await story.nextInvoiceOn();
      await play(story, { ...scenario, steps: [step] });
      const now = story.test.clock.now();
      if (now > (stops.at(-1) ?? now)) stops.push(now);
      if ((await story.nextInvoiceOn()) !== before) dateMovedAt.push(now);
    }
    const [end, endCount, writtenAt] = [await snapshotOf(story), await expectOnlyTargets(story), await writesOf(story)];
    const moves = await story.test.sandbox.control.records('account.move');
    dateMovedAt.push(...moves.map((move: Row) => instantOf(String(move.create_date))));
    await billThrough(story, await story.nextInvoiceOn());
    const codaOn = await story.nextInvoiceOn();
    await billThrough(story, codaOn);
    const [later, laterCount] = [await snapshotOf(story), await expectOnlyTargets(story)];
    return { end, endCount, later, laterCount, codaOn, stops, writtenAt, dateMovedAt };
  } finally {
    await story.close();
  }
}

async function writesOf(story: Story): Promise<Date[]> {
  const writes = await story.test.sandbox.control.writes();
  return writes
    .filter(({ vals }) => ((vals as { qty_delivered?: number }).qty_delivered ?? 0) !== 0)
    .map(({ at }) => instantOf(at));
}

/** "2026-04-01 12:00:00.000000", in UTC. */
function instantOf(stamp: string): Date {
  return new Date(`${stamp.slice(0, 23).replace(' ', 'T')}Z`);
}

/** Goes on until every billing date up to and with `day` is invoiced; fails when Odoo leaves one out. */
export async function billThrough(story: Story, day: string): Promise<void> {
  let before = '';
  for (let on = await story.nextInvoiceOn(); on <= day; on = await story.nextInvoiceOn()) {
    if (on === before) throw new Error(`Nothing was invoiced on ${on}.`);
    before = on;
    for (const hours of CODA_HOURS) {
      const instant = new Date(Date.parse(`${on}T00:00:00Z`) + hours * HOUR_MS);
      if (instant > story.test.clock.now()) await story.at(instant.toISOString());
    }
  }
}

/** The day without Odoo that a seed draws: around an instant at which a step stands, the steps of the close and the run too. */
export function drawOutage({ name, kind, seed }: Case<OutageKind>, { stops }: PlainWithCoda): Outage {
  const next = draw(seed, name);
  const around = stops[next(stops.length)] ?? new Date(0);
  const from = new Date(around.getTime() - (LEADS[next(LEADS.length)] ?? 0) * HOUR_MS);
  return { kind, from, until: new Date(from.getTime() + DAY_MS) };
}

/**
 * Whether money must move to a later invoice: in the plain run a quantity was written within the day, and the next invoice
 * date moved within the day after that. Odoo bills while it cannot be written to, or at once when it is back.
 */
export function isMissed({ from, until }: Outage, { writtenAt, dateMovedAt }: PlainWithCoda): boolean {
  const missed = writtenAt.filter((at) => at >= from && at < until);
  return missed.some((at) => dateMovedAt.some((moved) => moved >= at && moved <= until));
}

/** What was seen while Odoo was away. */
export interface Absence {
  /** Whether the circuit opened. */
  opened: boolean;
  /** Minutes in which nothing reached Odoo. */
  minutes: number;
  /** Steps that a person had to repeat when it was back. */
  repeated: string[];
  /** What became of usage sent meanwhile. */
  sent: string[];
}

/** Plays the steps, without their checks, through the day, and to its end if that comes later. */
export async function playThrough(story: Story, scenario: Scenario, outage: Outage): Promise<Absence> {
  const absence: Absence = { opened: false, minutes: 0, repeated: [], sent: [] };
  const day = dayWithout(story, outage, absence);
  await day.begin();
  for (const step of scenario.steps) {
    try {
      await step.act(story);
    } catch (error) {
      // Nothing but what needs a record of Odoo that was never read: whoever asked for it comes again.
      if (!day.isOn() || !String(error).includes('"UPSTREAM_UNAVAILABLE"')) throw error;
      absence.repeated.push(step.name);
      await day.end();
      await step.act(story);
    }
  }
  await day.end();
  return absence;
}

interface Day {
  /** Begins at once if the story stands in it already. */
  begin(): Promise<void>;
  isOn(): boolean;
  /** Moves on to its end, unless it is over. */
  end(): Promise<void>;
}

/** From here on the story's clock stops for the day, and its minutes in it find Odoo away. */
function dayWithout(story: Story, { kind, from, until }: Outage, absence: Absence): Day {
  const { control } = story.test.sandbox;
  const { clock } = story.test;
  const setClock = clock.set;
  const sendUsage = story.send.bind(story);
  let state: 'ahead' | 'on' | 'over' = 'ahead';
  const isAhead = (): boolean => state === 'ahead';

  const leave = async (): Promise<void> => {
    state = 'on';
    await control.addFault({ fault: kind });
    await minuteAway();
    await askForReading(story, true);
  };
  const comeBack = async (): Promise<void> => {
    state = 'over';
    await control.clearFaults();
    await minuteUntilCalm(story);
    expect(await readinessOf(story)).toMatchObject({ code: 200, odoo: 'ok', mirror: 'ok' });
  };
  const minuteAway = async (): Promise<void> => {
    await minuteWorked(story);
    absence.minutes += 1;
    absence.opened ||= story.test.app.odoo.status().circuitOpen;
    expect(await readinessOf(story)).toMatchObject({ code: 200, odoo: 'degraded' });
  };
  const set = async (instant: Date): Promise<void> => {
    if (isAhead() && instant >= from) {
      await setClock(from);
      await leave();
    }
    while (state === 'on') {
      const stop = new Date(Math.min(clock.now().getTime() + STOP_EVERY_MS, until.getTime()));
      if (stop > instant) break;
      await setClock(stop);
      await (stop < until ? minuteAway() : comeBack());
    }
    // What had to wait for the end of the day is done then, and what comes after it does not turn the clock back.
    if (instant > clock.now()) await setClock(instant);
  };
  const send: Story['send'] = async (...usage) => {
    const status = await sendUsage(...usage);
    if (state === 'on') absence.sent.push(status);
    return status;
  };
  Object.assign(clock, { set });
  Object.assign(story, { send, minute: () => (state === 'on' ? minuteAway() : minuteUntilCalm(story)) });
  return {
    begin: async () => {
      if (clock.now() >= from) await leave();
    },
    isOn: () => state === 'on',
    end: () => set(new Date(Math.max(until.getTime(), clock.now().getTime()))),
  };
}

export async function readinessOf(story: Story): Promise<{ code: number; odoo: string; mirror: string }> {
  const answer = await story.test.server.inject('/readyz');
  return { ...answer.json<{ odoo: string; mirror: string }>(), code: answer.statusCode };
}

/** What is equal again two invoices later, on whichever of them each quantity stands: all but the way there. */
export function settledView(snapshot: Snapshot): unknown {
  const { nextInvoiceOn, slots, invoiced, periods, billers, balances, ledger, identities } = snapshot;
  return {
    nextInvoiceOn,
    slots,
    billed: billedOf(invoiced),
    periods: periods.map(newestLines),
    billers,
    balances,
    ledger,
    identities,
  };
}

/** Quantities by product, over all invoices, to the digits that Odoo keeps. */
export function billedOf(invoiced: readonly { product: string; quantity: number }[]): Record<string, string> {
  const sums = new Map<string, number>();
  for (const { product, quantity } of invoiced) sums.set(product, (sums.get(product) ?? 0) + quantity);
  return Object.fromEntries([...sums].sort().map(([product, sum]) => [product, sum.toFixed(2)]));
}

interface LineView {
  service: string;
  metric: string;
  product: string;
  bucket: string;
  units: string;
  value: string;
  amount: string;
}

/** A period with the newest revision of each line. */
function newestLines({ lines, ...period }: Snapshot['periods'][number]): unknown {
  const newest = (lines as LineView[]).map(({ service, metric, product, bucket, units, value, amount }) => [
    `${service} ${metric} ${product} ${bucket}`,
    { units, value, amount },
  ]);
  return { ...period, lines: Object.fromEntries(newest) as unknown };
}
