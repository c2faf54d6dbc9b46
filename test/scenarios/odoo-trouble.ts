/**
 * A story whose Odoo is in trouble: its client gives up soon, a plain run says what there is to meet, and a minute with a
 * fault in it is followed by another one until a minute has none.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../../sandbox/faults';
import { MINUTE } from '../../src/jobs/player';
import { createOdooClient } from '../../src/odoo/client';
import { type TestApp, type TestAppOptions, startTestApp } from '../support/app';
import { type Opening, Story } from '../support/story';
import { type Case, draw } from './odoo-cases';
import { type Scenario, play } from './scenario';
import { type WriteCount, expectOnlyTargets } from './slot-history';
import { type Snapshot, snapshotOf } from './snapshot';

/** Long for a call that the sandbox answers, short for one that it does not. */
const TIMEOUT_MS = 1_500;
/** Beyond the time-out: the write lands when it was given up and, mostly, sent again. */
const LATE_MS = TIMEOUT_MS + 500;
const SLOW_MS = 300;
/** A fault hits at most three calls in a row; no trouble lasts so many minutes. */
const MOST_MINUTES = 40;

export const PASSING = {
  'time-out that commits': { fault: 'timeout-commits' },
  'time-out that commits late': { fault: 'timeout-commits', commitDelayMs: LATE_MS },
  'reset before': { fault: 'reset-before' },
  'reset after': { fault: 'reset-after' },
  'HTML 404': { fault: 'html-404' },
  'serialization failure': { fault: 'serialization' },
  slow: { fault: 'slow', delayMs: SLOW_MS },
} as const satisfies Record<string, Fault>;

export type PassingKind = keyof typeof PASSING;
export const PASSING_KINDS = Object.keys(PASSING) as PassingKind[];

/** Opens a story whose client of Odoo does not wait for long, and whose circuit opens for milliseconds. */
export async function openImpatient(opening: Opening): Promise<Story> {
  return Story.open(opening, startImpatient);
}

async function startImpatient(options?: TestAppOptions): Promise<TestApp> {
  const test = await startTestApp(options);
  const { app, close } = { app: test.app, close: test.close };
  const timeoutMs = { read: TIMEOUT_MS, page: TIMEOUT_MS, write: TIMEOUT_MS };
  const odoo = createOdooClient(app.config.odoo, { callsInFlight: 2, log: app.log, timeoutMs, circuitOpenMs: 1 });
  const patient = app.odoo;
  Object.assign(app, { odoo });
  return Object.assign(test, {
    close: async () => {
      await Promise.all([odoo.close(), patient.close()]);
      await close();
    },
  });
}

/** A scenario played without any trouble. */
export interface Plain {
  end: Snapshot;
  count: WriteCount;
  /** JSON-2 requests by "model/method". */
  calls: Record<string, number>;
}

export async function playPlain(scenario: Scenario): Promise<Plain> {
  const story = await Story.open(scenario.opening);
  try {
    await play(story, scenario);
    const calls = await story.test.sandbox.control.calls();
    return { end: await snapshotOf(story), count: await expectOnlyTargets(story), calls };
  } finally {
    await story.close();
  }
}

/** The last result is kept: cases come scenario by scenario. */
export function remembered<T>(work: (scenario: Scenario) => Promise<T>): (scenario: Scenario) => Promise<T> {
  let last: { scenario: Scenario; result: T } | undefined;
  return async (scenario) => {
    if (last?.scenario !== scenario) last = { scenario, result: await work(scenario) };
    return last.result;
  };
}

const SLOT_READ = 'sale.order.line/web_read';
export const SLOT_WRITE = 'sale.order.line/web_save';

/**
 * Where faults of the kind strike: at a write of a slot, at a reading of one, and at any call at all, each drawn among the
 * calls of the plain run; those that are not waited for strike up to three times in a row.
 */
export function placesOf({ name, kind, seed }: Case<PassingKind>, { calls }: Plain): Fault[] {
  const next = draw(seed, name);
  const most = PASSING[kind].fault === 'timeout-commits' ? 1 : 3;
  const targets = [SLOT_WRITE, SLOT_READ, anyCall(calls, next)].filter((call) => (calls[call] ?? 0) > 0);
  return targets.map((call) => {
    const [model = '', method = ''] = call.split('/');
    return { ...PASSING[kind], match: { model, method }, after: next(calls[call] ?? 1), times: 1 + next(most) };
  });
}

function anyCall(calls: Plain['calls'], next: (limit: number) => number): string {
  const all = Object.entries(calls).flatMap(([call, count]) => Array.from({ length: count }, () => call));
  return all[next(all.length)] ?? SLOT_READ;
}

/**
 * From here on a minute of the story goes on until Odoo has had none of its faults in it. Now and then, as the seed says, a
 * person asks for a reading of everything before it.
 */
export async function throwInto(
  story: Story,
  { name, seed }: Case<PassingKind>,
  faults: readonly Fault[],
): Promise<void> {
  const { control } = story.test.sandbox;
  const next = draw(seed, `${name}: a person`);
  for (const fault of faults) await control.addFault(fault);
  const minute = async (): Promise<void> => {
    if (next(4) === 0) await askForReading(story, next(2) === 0);
    await minuteUntilCalm(story);
  };
  Object.assign(story, { minute });
}

export async function askForReading(story: Story, full: boolean): Promise<void> {
  await story.run('mutation ($i: SyncNowInput!) { syncNow(input: $i) { runs { id } } }', { full });
}

/** Minutes at this instant, until one meets no fault, is not held back, and leaves nothing to be tried again. */
export async function minuteUntilCalm(story: Story): Promise<void> {
  for (let minutes = 0; minutes < MOST_MINUTES; minutes += 1) {
    const before = await hitsOf(story);
    const worked = await minuteWorked(story);
    const waited = await waitForWork(story);
    const { syncStatus } = await story.run('{ syncStatus { odooReachable } }');
    if (worked && !waited && syncStatus.odooReachable === true && (await hitsOf(story)) === before) return;
    if (story.test.app.odoo.status().circuitOpen) await sleep(10);
  }
  throw new Error(`No calm minute among ${MOST_MINUTES}.`);
}

/** A minute's jobs; false when one failed, as they may while Odoo is in trouble: it is due again at once. */
export async function minuteWorked(story: Story): Promise<boolean> {
  try {
    await story.test.runJobs(...MINUTE);
    return true;
  } catch (error) {
    if (!String(error).includes('Jobs failed:')) throw error;
    await story.retryJobsNow();
    return false;
  }
}

/** How many calls have met a fault, of all or of one method. */
export async function hitsOf(story: Story, call?: string): Promise<number> {
  const hits = await story.test.sandbox.control.hits();
  return Object.entries(hits).reduce(
    (sum, [name, count]) => (call === undefined || call === name ? sum + count : sum),
    0,
  );
}

/** Waits for what Odoo does for nobody any more; false when there was nothing. */
async function waitForWork(story: Story): Promise<boolean> {
  const { control } = story.test.sandbox;
  let waited = false;
  for (; (await control.inWork()) > 0; waited = true) await sleep(20);
  return waited;
}

/**
 * What is compared. Left out: a person's requests for a reading, and intents that gave way. A plan made on a mirror that
 * could not be read in time is among those: the reading of the slot before the write stopped it.
 */
export function comparable({ audit, writeBacks, ...end }: Snapshot): Snapshot {
  const actions = Object.entries(audit).filter(([action]) => action !== 'sync.requested');
  return {
    ...end,
    audit: Object.fromEntries(actions),
    writeBacks: writeBacks.filter((intent) => intent.state !== 'SUPERSEDED'),
  };
}

/** The part of what a write of a slot answers that says which period the slot is billed for next. */
type SavedSlot = { order_id: { next_invoice_date: string } }[];

/** Fails unless every quantity that a slot ever took is of the period whose end was Odoo's next invoice date right then. */
export async function expectOwnPeriods(story: Story): Promise<void> {
  const intents = await story.test.app.db.query<{ line: number; value: number; endOn: string }[]>(`
    select l.odoo_id as line, w.target::float8 as value, p.end_on::text as "endOn"
      from write_back w join billing_period p on p.id = w.period_id
      join subscription_line l on l.id = w.subscription_line_id`);
  for (const { method, ids, vals, result, at } of await story.test.sandbox.control.writes()) {
    const value = (vals as { qty_delivered?: number }).qty_delivered ?? 0;
    if (method !== 'web_save' || value === 0) continue;
    const [saved] = result as SavedSlot;
    const slot = { line: ids[0], value, endOn: saved?.order_id.next_invoice_date };
    const isOwn = intents.some((intent) => JSON.stringify(intent) === JSON.stringify(slot));
    if (!isOwn) throw new Error(`A quantity of another period: ${JSON.stringify({ slot, at, intents })}`);
  }
}
