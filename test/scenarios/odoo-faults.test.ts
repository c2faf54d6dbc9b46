/**
 * Faults of Odoo that pass, in the middle of every scenario, at places that a seed draws: at the writes, at the readings before
 * them, in the mirror's passes and in those that a person asked for. The story goes on once a minute was calm again, still
 * before Odoo's run. Then nothing may show that anything was amiss: every step finds what it finds in a plain run, and the
 * ends are equal in all that a snapshot holds but the intents that gave way.
 */
import { casesOf, tallyOf } from './odoo-cases';
import {
  PASSING_KINDS,
  type PassingKind,
  SLOT_WRITE,
  comparable,
  expectOwnPeriods,
  hitsOf,
  openImpatient,
  placesOf,
  playPlain,
  remembered,
  throwInto,
} from './odoo-trouble';
import { play } from './scenario';
import { expectOnlyTargets } from './slot-history';
import { snapshotOf } from './snapshot';

const cases = casesOf(PASSING_KINDS, { perKind: 1, after: 0 });
const tally = tallyOf('passing faults', cases.length);
const plainOf = remembered(playPlain);
afterAll(() => tally.print());

/** A write that Odoo did and did not answer is not sent again; only one that lands late finds that it was. */
const SENT_TWICE: PassingKind = 'time-out that commits late';

it.each(cases)(
  '$name: the end is that of the plain run, and so is the number of writes',
  async (one) => {
    await tally.play(one, async (note) => {
      const plain = await plainOf(one.scenario);
      const faults = placesOf(one, plain);
      note(JSON.stringify(faults.map(({ match, after, times }) => `${times} x ${match?.method} ${after}`)));
      const story = await openImpatient(one.scenario.opening);
      try {
        await throwInto(story, one, faults);
        await play(story, one.scenario);
        expect(await hitsOf(story)).toBeGreaterThan(0);
        expect(comparable(await snapshotOf(story))).toEqual(comparable(plain.end));
        await expectOwnPeriods(story);
        const { taken } = await expectOnlyTargets(story);
        if (one.kind !== SENT_TWICE) expect(taken).toBe(plain.count.taken);
        else expect(taken).toBeLessThanOrEqual(plain.count.taken + (await hitsOf(story, SLOT_WRITE)));
      } finally {
        await story.close();
      }
    });
  },
  120_000,
);
