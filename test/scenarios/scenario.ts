/**
 * A scenario as data: an opening and steps, so that the same months can be played plainly, with a crash at any message, or
 * with Odoo in trouble. Everything a step needs is in its text or in the records, never in the memory of a step before.
 */
import type { SandboxControl } from '../../sandbox/sandbox';
import type { SubscriptionIds } from '../../sandbox/world';
import type { ChargeSetup, Opening, Story, Usage } from '../support/story';

export interface Step {
  name: string;
  /**
   * May be repeated from its beginning after our process died in the middle of it, and then leads to the same end. So it
   * stands at one instant at most: a second one would turn the clock back when it is repeated.
   */
  act(story: Story): Promise<void>;
  /** Reads and asserts, no more. */
  check?: Check | undefined;
}

export type Check = (story: Story) => Promise<void>;

export interface Scenario {
  /** Unique, a claim. */
  name: string;
  opening: Opening;
  steps: readonly Step[];
}

/** Plays the steps from the given one on, each with its check. */
export async function play(story: Story, { steps }: Scenario, from = 0): Promise<void> {
  for (const step of steps.slice(from)) {
    await step.act(story);
    await step.check?.(story);
  }
}

/** The usual beginning in steps: `Story.begin`. The check stands after the last one. */
export function begin(charge: Partial<ChargeSetup> = {}, check?: Check): Step[] {
  return [
    minute('the order is seen'),
    { name: 'the catalogue is made', act: (story) => story.catalogue(charge) },
    minute('the first period opens', check),
  ];
}

/** A minute's jobs where the clock stands. */
export function minute(name: string, check?: Check): Step {
  return { name, act: (story) => story.minute(), check };
}

/** Moves the clocks to an instant, Odoo's runs on the way included, and lets a minute's jobs run. */
export function at(instant: string, check?: Check): Step {
  return { name: `at ${instant}`, act: (story) => story.at(instant), check };
}

/** Moves the clocks to an instant, no more: nobody of ours looks. */
export function clockAt(instant: string, check?: Check): Step {
  return { name: `the clock at ${instant}`, act: (story) => story.test.clock.set(new Date(instant)), check };
}

/** Moves the clocks to an instant and sends usage: calls counted an hour before, or what is listed. */
export function used(instant: string, usage: number | string | readonly Usage[]): Step {
  return {
    name: `usage by ${instant}`,
    act: async (story) => {
      await story.test.clock.set(new Date(instant));
      for (const item of typeof usage === 'object' ? usage : [calls(instant, usage)]) await story.send(item);
    },
  };
}

function calls(sentAt: string, quantity: number | string): Usage {
  return { quantity, counted: new Date(Date.parse(sentAt) - 3_600_000).toISOString() };
}

/** What a person does in Odoo; nothing of ours hears of it before the next step. */
export function inOdoo(
  name: string,
  act: (odoo: SandboxControl, order: SubscriptionIds) => Promise<void>,
  check?: Check,
): Step {
  return { name, act: (story) => act(story.test.sandbox.control, story.order), check };
}
