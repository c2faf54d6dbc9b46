/**
 * The process dies at a message and is started again: the end is the same. Here forty deaths, one in each step of a few
 * scenarios, chosen by CRASH_SEED; with CRASH_SCENARIO every message of one, as `npm run test:crash` does for all.
 */
import { createHash } from 'node:crypto';
import { SCENARIOS } from '../scenarios/catalogue/all';
import type { Scenario } from '../scenarios/scenario';
import { expectOnlyTargets } from '../scenarios/slot-history';
import { snapshotOf } from '../scenarios/snapshot';
import { at, crashStep, playPlain, tell } from './run';
import { openStage } from './stage';
import type { Death, Position } from './wire';

const { CRASH_SCENARIO, CRASH_STEP, CRASH_N, CRASH_POSITION, CRASH_EVERY = '1' } = process.env;
const SEED = process.env.CRASH_SEED ?? '20260310';
const SAMPLE = 40;
const HOURS = 3_600_000;

if (CRASH_SCENARIO === undefined) {
  it(`forty deaths, one in a step, each repeated by another process: the end is the plain one (seed ${SEED})`, async () => {
    let deaths = 0;
    for (const scenario of shuffled(SCENARIOS)) {
      if (deaths < SAMPLE) deaths += await dieInEachStep(scenario, SAMPLE - deaths);
    }
    expect(deaths).toBe(SAMPLE);
  }, 300_000);
} else {
  const scenario = SCENARIOS.find(({ name }) => name.startsWith(`${CRASH_SCENARIO}:`));
  if (scenario === undefined) throw new Error(`There is no scenario ${CRASH_SCENARIO}.`);
  it(`${scenario.name}: the same end after a death at any message`, () => dieAtEachMessage(scenario), 6 * HOURS);
}

/** Plays the scenario with a death in each step that sends anything, to its very end; how many deaths that were. */
async function dieInEachStep(scenario: Scenario, most: number): Promise<number> {
  const plain = await playPlain(scenario, { keep: false });
  const stage = await openStage(scenario.opening);
  const told: string[] = [];
  try {
    for (const [place, step] of scenario.steps.entries()) {
      const { messages } = at(plain.steps, place);
      if (messages.length > 0 && told.length < most) {
        const death = chosenDeath(messages, `${scenario.name}/${place}`);
        const message = await stage.actUntil(step, death);
        told.push(`${tell({ plain, step: place }, death)}: ${message}`);
        await stage.revive();
      }
      await step.act(stage.story);
      await step.check?.(stage.story);
    }
    expect(await snapshotOf(stage.story)).toEqual(plain.end);
    await expectOnlyTargets(stage.story);
    return told.length;
  } catch (error) {
    throw new Error(`One of these deaths, seed ${SEED}:\n${told.join('\n')}\n${String(error)}`, { cause: error });
  } finally {
    await stage.discard();
  }
}

function chosenDeath(messages: readonly string[], what: string): Death {
  const position: Position = drawn(`${what}/position`) % 2 === 0 ? 'before' : 'after';
  return { at: 1 + (drawn(what) % messages.length), position };
}

async function dieAtEachMessage(scenario: Scenario): Promise<void> {
  const plain = await playPlain(scenario, { keep: true });
  try {
    const deaths = plain.steps.map(({ messages }, step) => deathsOf(messages, step));
    report({ scenario: scenario.name, total: deaths.flat().length });
    for (const [step, list] of deaths.entries()) {
      if (list.length === 0) continue;
      const { messages } = at(plain.steps, step);
      const result = await crashStep({ plain, step }, list, () => report({ done: 1 }));
      report({ step, name: at(scenario.steps, step).name, messages: messages.length, ...result });
    }
  } finally {
    await plain.drop();
  }
}

/**
 * Before every message, and after the last one. After message n is the same as before n + 1 to all but the process that
 * dies; it is tried where the other side has done something for good: a commit, a call to Odoo.
 */
function deathsOf(messages: readonly string[], step: number): Death[] {
  if (CRASH_STEP !== undefined && Number(CRASH_STEP) !== step) return [];
  const all = [...messages, 'the end'].flatMap((message, index): Death[] => {
    const isForGood = message === 'COMMIT' || message.startsWith('POST');
    const before: Death = { at: index + 1, position: 'before' };
    return isForGood || CRASH_POSITION === 'after' ? [before, { ...before, position: 'after' }] : [before];
  });
  if (messages.length === 0) return [];
  return all.filter(
    (death) =>
      (CRASH_N === undefined || death.at === Number(CRASH_N)) &&
      (CRASH_POSITION === undefined || death.position === CRASH_POSITION) &&
      death.at % Number(CRASH_EVERY) === 0,
  );
}

/** For whoever started this run: one line of JSON. */
function report(line: object): void {
  process.stdout.write(`@crash ${JSON.stringify(line)}\n`);
}

function shuffled(scenarios: readonly Scenario[]): Scenario[] {
  return [...scenarios].sort((one, other) => drawn(one.name) - drawn(other.name));
}

/** A number that hangs on the seed and on what it is for, and on nothing else. */
function drawn(what: string): number {
  return createHash('sha256').update(`${SEED}/${what}`).digest().readUInt32BE();
}
