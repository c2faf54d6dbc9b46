/**
 * Odoo away for a day of the story, around any step of every scenario: the network is down while Odoo bills on (`down`), or
 * Odoo stands still and bills late (`off`). Everything that needs no Odoo goes on. Of the two ends that such a day can have,
 * the plain run and the day say beforehand which one it must be.
 *
 * - No quantity was to be written that the day's run had to find: the end is that of the plain run in all that a snapshot
 *   holds; for `off` but for the dates of invoices that came late.
 * - One was: Odoo billed the empty slot, and the balance carries it. The worth of the usage is that of the plain run, every
 *   quantity that Odoo billed is given to a period, bills and balance together are the worth, and two invoices later
 *   everything is equal again but which of them each quantity stands on.
 */
import { startSandbox } from '../../sandbox/sandbox';
import { addSubscription } from '../../sandbox/world';
import { PLAIN_LINES, type Story } from '../support/story';
import { plainMonth } from './catalogue/whole-months';
import { casesOf, tallyOf } from './odoo-cases';
import {
  type Absence,
  type Outage,
  type OutageKind,
  type PlainWithCoda,
  billThrough,
  billedOf,
  drawOutage,
  isMissed,
  playThrough,
  playWithCoda,
  readinessOf,
  settledView,
} from './odoo-outage';
import { PASSING_KINDS, comparable, expectOwnPeriods, openImpatient, remembered } from './odoo-trouble';
import { expectOnlyTargets } from './slot-history';
import { type Snapshot, snapshotOf } from './snapshot';

const KINDS: OutageKind[] = ['down', 'off'];
// With the passing faults the sample has every scenario.
const cases = casesOf(KINDS, { perKind: 3, after: PASSING_KINDS.length });
const tally = tallyOf('days without Odoo', cases.length);
const plainOf = remembered(playWithCoda);
afterAll(() => tally.print());

/** Failures in a row that open the circuit; a minute has one at least. */
const CIRCUIT_FAILURES = 5;

it.each(cases)(
  '$name: the end is that of the plain run, or is so two invoices later',
  async (one) => {
    await tally.play(one, async (note) => {
      const { scenario } = one;
      const plain = await plainOf(scenario);
      const outage = drawOutage(one, plain);
      const missed = isMissed(outage, plain);
      note(`away from ${outage.from.toISOString()}, ${missed ? 'a write is missed' : 'no write is missed'}`);
      const story = await openImpatient(scenario.opening);
      try {
        const absence = await playThrough(story, scenario, outage);
        note(`${absence.minutes} minutes away, repeated: ${absence.repeated.join()}`);
        expect(absence.opened || absence.minutes < CIRCUIT_FAILURES).toBe(true);
        expect(absence.sent.filter((status) => status !== 'RECORDED')).toEqual([]);
        const claim = missed ? expectCarried : expectSame;
        await claim(story, { plain, outage, absence });
      } finally {
        await story.close();
      }
    });
  },
  120_000,
);

interface Played {
  plain: PlainWithCoda;
  outage: Outage;
  absence: Absence;
}

/** The day may end after the scenario; then the two are compared after the coda. */
async function expectSame(story: Story, { plain, outage, absence }: Played): Promise<void> {
  const isLonger = outage.until > (plain.stops.at(-1) ?? outage.until);
  if (isLonger) await billThrough(story, plain.codaOn);
  const shown = (snapshot: Snapshot): unknown => shownAfter(snapshot, outage.kind, absence.repeated.length > 0);
  expect(shown(await snapshotOf(story))).toEqual(shown(isLonger ? plain.later : plain.end));
  expect(await writesOf(story)).toBe((isLonger ? plain.laterCount : plain.endCount).taken);
}

/** What such a day may touch is left out: when an invoice came, when we looked, what a person did again. */
function shownAfter(snapshot: Snapshot, kind: OutageKind, wasRepeated: boolean): unknown {
  const { audit, billers, invoiced, writeBacks, ...end } = comparable(snapshot);
  // An order that is first seen when its service is LIVE was never another's.
  const present = billers.filter(({ endsAt }) => endsAt === null).map((span) => ({ ...span, startsAt: null }));
  return {
    ...end,
    invoiced: kind === 'off' ? invoiced.map((line) => ({ ...line, on: null })) : invoiced,
    // We look every few hours of the day, the plain run does not: of a slot that is empty there may be more on record.
    writeBacks: writeBacks.filter((intent) => intent.kind !== 'EMPTY'),
    ...(wasRepeated ? { billers: present } : { billers, audit }),
  };
}

async function expectCarried(story: Story, { plain, outage }: Played): Promise<void> {
  const end = await snapshotOf(story);
  expect(end.identities.holds).toBe(true);
  if (outage.until <= (plain.stops.at(-1) ?? outage.until)) {
    const truth = ({ balances }: Snapshot): unknown => balances.map(({ product, truth }) => ({ product, truth }));
    expect(truth(end)).toEqual(truth(plain.end));
  }
  const billed = billedOf(end.invoiced);
  const settled = billedOf(
    end.settlements.map((one) => ({ product: String(one.product), quantity: Number(one.billed) })),
  );
  for (const { product } of end.balances) {
    const { name } = product as { name: string };
    expect({ name, settled: settled[name] ?? '0.00' }).toEqual({ name, settled: billed[name] ?? '0.00' });
  }
  await billThrough(story, plain.codaOn);
  const later = await snapshotOf(story);
  expect(settledView(later)).toEqual(settledView(plain.later));
  expect(await writesOf(story)).toBeLessThanOrEqual(plain.laterCount.taken);
}

async function writesOf(story: Story): Promise<number> {
  await expectOwnPeriods(story);
  return (await expectOnlyTargets(story)).taken;
}

it('usage sent on a day without Odoo is recorded, readiness tells of Odoo and the mirror, the circuit opens and closes', async () => {
  const story = await openImpatient(plainMonth.opening);
  try {
    const outage = {
      kind: 'down',
      from: new Date('2026-03-20T06:00:00Z'),
      until: new Date('2026-03-21T06:00:00Z'),
    } as const;
    const seen: unknown[] = [];
    const looking = {
      name: 'somebody looks',
      act: async () => void seen.push(await readinessOf(story), circuitOpen(story)),
    };
    const steps = plainMonth.steps.flatMap((step) => [step, looking]);
    const absence = await playThrough(story, { ...plainMonth, steps: steps.slice(0, 8) }, outage);
    expect(absence).toMatchObject({ sent: ['RECORDED', 'RECORDED'], repeated: [], minutes: 6, opened: true });
    // After the fourth step, the usage: two minutes in, and the mirror is four hours old.
    expect(seen.slice(6)).toMatchObject([{ code: 200, odoo: 'degraded', mirror: 'degraded' }, false]);
    expect([await readinessOf(story), circuitOpen(story)]).toMatchObject([
      { code: 200, odoo: 'ok', mirror: 'ok' },
      false,
    ]);
    expect(await story.balance()).toMatchObject({ truth: '0' });
    await story.at('2026-04-01T02:00:00Z');
    expect(await story.slot()).toBe(150.5);
  } finally {
    await story.close();
  }
});

function circuitOpen(story: Story): boolean {
  return story.test.app.odoo.status().circuitOpen;
}

it('an Odoo that stood still for three days bills once when it is back, and goes on as usual', async () => {
  const sandbox = await startSandbox({ load: 'empty', now: new Date('2026-03-31T00:00:00Z'), runAt: '12:00' });
  const { control } = sandbox;
  try {
    const billing = { startDate: '2026-03-01', nextInvoiceDate: '2026-04-01', lines: PLAIN_LINES };
    await addSubscription(control, { partner: { name: 'Acme' }, ...billing });
    await control.addFault({ fault: 'off' });
    await control.setNow(new Date('2026-04-03T13:00:00Z'));
    expect(await control.records('account.move')).toEqual([]);
    await control.clearFaults();
    expect(await control.records('account.move')).toMatchObject([{ invoice_date: '2026-04-03', state: 'posted' }]);
    await control.setNow(new Date('2026-05-01T12:00:00Z'));
    const dates = (await control.records('account.move')).map((move) => move.invoice_date);
    expect(dates).toEqual(['2026-04-03', '2026-05-01']);
  } finally {
    await sandbox.close();
  }
});
