/** A scenario played plainly, as the measure, and again with a death at a message of a step. */
import { type Scenario, play } from '../scenarios/scenario';
import { expectOnlyTargets } from '../scenarios/slot-history';
import { type Snapshot, snapshotOf } from '../scenarios/snapshot';
import { type KeptStory, openStage, resumeStage, type Stage } from './stage';
import type { Death } from './wire';
import { differences, digest, withoutNames, type World } from './world';

/** A step as it went in the plain run. */
export interface PlainStep {
  /** The story as it stood before; null when nothing was kept. */
  before: KeptStory | null;
  messages: string[];
  /** Empty when nothing was kept. */
  after: World;
}

export interface PlainRun {
  scenario: Scenario;
  steps: PlainStep[];
  end: Snapshot;
  drop(): Promise<void>;
}

/** With `keep` each step's beginning is kept, to be played again. */
export async function playPlain(scenario: Scenario, { keep }: { keep: boolean }): Promise<PlainRun> {
  const steps: PlainStep[] = [];
  const drop = async (): Promise<void> => {
    for (const { before } of steps) await before?.drop();
  };
  const stage = await openStage(scenario.opening);
  try {
    for (const step of scenario.steps) {
      const before = keep ? await stage.save() : null;
      const messages = await stage.act(step);
      await step.check?.(stage.story);
      steps.push({ before, messages, after: keep ? await stage.world() : [] });
    }
    return { scenario, steps, end: await snapshotOf(stage.story), drop };
  } catch (error) {
    await drop();
    throw error;
  } finally {
    await stage.discard();
  }
}

/** What became of the deaths within one step. */
export interface StepResult {
  deaths: number;
  /** Different worlds that deaths left behind; from each a new process went on. */
  worlds: number;
  /** Different worlds after the repeated step, the plain one among them; each came to the plain run's end. */
  ends: number;
  longest: { ms: number; what: string };
}

/** A copy of a step's beginning is used again while deaths leave it as it was; but jobs count how often they were tried. */
const MAX_USES = 10;

/** A place in a scenario: the step counts from 0. */
interface Scene {
  plain: PlainRun;
  step: number;
}

/**
 * Lets the process die at each of `deaths` in one step. What it leaves behind is compared with what earlier ones have left:
 * from a world that is new a new process repeats the step, whose world must be the plain one, or lead to its end.
 * @throws an error that names the death, and what differs.
 */
export async function crashStep(scene: Scene, deaths: readonly Death[], onDeath?: () => void): Promise<StepResult> {
  const { before, after } = at(scene.plain.steps, scene.step);
  if (before === null) throw new Error('The beginning of the step was not kept.');
  const recovered = new Set<string>();
  const ends = new Set([digest(after)]);
  const result: StepResult = { deaths: 0, worlds: 0, ends: 1, longest: { ms: 0, what: '' } };
  let stage = await resumeStage(before);
  const begin = digest(await stage.world());
  let uses = 0;
  try {
    for (const death of deaths) {
      const startedAt = performance.now();
      const message = await stage.actUntil(at(scene.plain.scenario.steps, scene.step), death);
      const left = digest(await stage.world());
      const isNew = !recovered.has(left);
      if (isNew) {
        await recover(stage, scene, ends).catch((error: unknown) => {
          throw new Error(`${tell(scene, death)}: ${message}\n${String(error)}`, { cause: error });
        });
        recovered.add(left);
      }
      uses += 1;
      if (!isNew && left === begin && uses < MAX_USES) {
        await stage.revive();
      } else {
        await stage.discard();
        stage = await resumeStage(before);
        uses = 0;
      }
      result.deaths += 1;
      const ms = performance.now() - startedAt;
      if (ms > result.longest.ms) result.longest = { ms, what: `${tell(scene, death)}: ${message}` };
      onDeath?.();
    }
  } finally {
    await stage.discard();
  }
  return { ...result, worlds: recovered.size, ends: ends.size };
}

/** A new process repeats the step; unless the world is one of those that lead to the plain end, it plays on to the end. */
async function recover(stage: Stage, scene: Scene, ends: Set<string>): Promise<void> {
  const { scenario, steps, end } = scene.plain;
  const { story } = stage;
  const step = at(scenario.steps, scene.step);
  await stage.revive();
  await step.act(story);
  await expectOnlyTargets(story);
  const world = await stage.world();
  if (ends.has(digest(world))) return;
  try {
    await step.check?.(story);
    await play(story, scenario, scene.step + 1);
    expect(await snapshotOf(story)).toEqual(end);
    await expectOnlyTargets(story);
  } catch (error) {
    const lines = differences(withoutNames(at(steps, scene.step).after), withoutNames(world)).map((line) =>
      line.slice(0, 500),
    );
    throw new Error(`After the repeated step:\n${lines.join('\n')}\n${String(error)}`, { cause: error });
  }
  ends.add(digest(world));
}

/** The death in words, and how it is played again. */
export function tell({ plain, step }: Scene, { at: message, position }: Death): string {
  const { name, steps } = plain.scenario;
  const number = name.split(':')[0] ?? '';
  return `${name}
  step ${step} (${at(steps, step).name}), ${position} message ${message}
  npm run test:crash -- --scenario ${number} --step ${step} --n ${message} --position ${position}
  `;
}

export function at<T>(list: readonly T[], place: number): T {
  const item = list[place];
  if (item === undefined) throw new Error(`Nothing at ${place}.`);
  return item;
}
