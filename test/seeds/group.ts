/**
 * Ten seeds on one clock, one application and one Odoo, each with a customer of its own: what happens to a customer its seed
 * draws, when jobs run and how Odoo bills the group draws. The same group is the same story for ever.
 */
import pino from 'pino';
import { MINUTE } from '../../src/jobs/player';
import { startTestApp, type TestApp } from '../support/app';
import { expectProven, expectSettled, expectTrue } from './judge';
import { Random } from './random';
import { endDraft, playStep } from './steps';
import { World } from './world';

export const GROUP = 10;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BEGIN = Date.UTC(2026, 2, 20, 8);
/** Hours since the end of a month: a quantity is written ahead where Odoo's run may come before the close. */
const BOUNDARIES = { '00:30': [-5.4, 2.1, 12.1], '12:00': [2.1, 12.1] } as const;

/** The seeds that are played with `seed`: always the same ten. */
export function groupOf(seed: number): number[] {
  const first = Math.floor((seed - 1) / GROUP) * GROUP + 1;
  return Array.from({ length: GROUP }, (_, index) => first + index);
}

/** A seed that failed, or the group of it as a whole, with its story and how to play it again. */
export class SeedFailure extends Error {
  constructor({ seed, story }: Pick<World, 'seed' | 'story'>, cause: unknown) {
    const what = cause instanceof Error ? cause.message : String(cause);
    const again = `Again: npm run test:seeds -- --seed ${seed}`;
    super([`Seed ${seed}: ${what}`, again, 'The story so far:', ...story, again].join('\n'), { cause });
  }

  /** The same with what the application has logged as an error. */
  with(logged: readonly string[]): this {
    if (logged.length > 0) this.message = [this.message, 'Logged:', ...logged].join('\n');
    return this;
  }
}

/** Plays the seeds from their first record to the end, when Odoo has billed what it would. @throws SeedFailure */
export async function playGroup(seeds: readonly number[]): Promise<void> {
  const random = new Random(-(seeds[0] ?? 0));
  const [mode, runAt] = [random.pick(['reset', 'keep'] as const), random.pick(['00:30', '12:00'] as const)];
  const now = new Date(BEGIN);
  const logged: string[] = [];
  const test = await startTestApp({
    now,
    log: pino({ level: 'error' }, { write: (line) => logged.push(line) }),
    sandbox: { load: 'empty', now, mode, runAt },
    config: { invoiceRunAtMinutes: runAt === '12:00' ? 720 : 30, rateLimit: 0 },
  });
  try {
    const worlds = seeds.map((seed) => new World(test, seed));
    await new Group(test, random, { worlds, boundary: BOUNDARIES[runAt] }).play();
    expect(logged).toEqual([]);
  } catch (error) {
    const failure = error instanceof SeedFailure ? error : new SeedFailure({ seed: seeds[0] ?? 0, story: [] }, error);
    throw failure.with(logged);
  } finally {
    await test.discard();
  }
}

class Group {
  private readonly worlds: readonly World[];
  private readonly boundary: readonly number[];

  constructor(
    private readonly test: TestApp,
    private readonly random: Random,
    { worlds, boundary }: { worlds: readonly World[]; boundary: readonly number[] },
  ) {
    this.worlds = worlds;
    this.boundary = boundary;
  }

  async play(): Promise<void> {
    // Sandbox ids are given in turn.
    for (const world of this.worlds) await world.makeOrder();
    await this.minute();
    await this.each((world) => world.makeCatalogue());
    await this.minute();
    const months = this.random.pick([3, 3, 4, 5]);
    for (let month = 2; month < 2 + months; month += 1) await this.month(month);
    await this.settleDown(2 + months);
  }

  /** A month in which things happen between jobs, and around its end, when it closes and Odoo's run comes. */
  private async month(month: number): Promise<void> {
    const { random } = this;
    const [start, end] = [Math.max(Date.UTC(2026, month, 1), BEGIN), Date.UTC(2026, month + 1, 1)];
    const moments = Array.from({ length: 3 }, () => random.int(start + 13 * HOUR_MS, end - 7 * HOUR_MS)).sort(
      (one, other) => one - other,
    );
    for (const moment of moments) await this.moment(moment, { busy: 0.9, jobs: 0.6, judged: 0.5 });
    for (const hours of this.boundary) await this.moment(end + hours * HOUR_MS, { busy: 0.3, jobs: 0.8, judged: 0.1 });
  }

  /** Moves the clocks, Odoo's runs on the way included; then each world does something or nothing, and jobs run or do not. */
  private async moment(instant: number, likely: { busy: number; jobs: number; judged: number }): Promise<void> {
    await this.moveTo(instant);
    await this.each(async (world) => {
      while (world.random.chance(likely.busy)) {
        await playStep(world);
        if (world.random.chance(0.5)) break;
      }
    });
    if (!this.random.chance(likely.jobs)) return;
    await this.minute();
    if (this.random.chance(likely.judged)) await this.each(expectTrue);
  }

  /** Odoo catches up with what it left out, one step a day; then clean months, until what is due has been billed. */
  private async settleDown(month: number): Promise<void> {
    for (const world of this.worlds) world.isSkipped = false;
    await this.each(endDraft);
    let end = Date.UTC(2026, month, 1);
    for (let day = 1; day === 1 || (await this.nextInvoice((dates) => Math.min(...dates))) <= end; day += 1) {
      await this.moveTo(end + day * DAY_MS + 14 * HOUR_MS);
      await this.minute();
    }
    // The second run in time: a slot that still held an earlier month when Odoo's date moved on is one month behind.
    for (let inTime = 0; inTime < 2; month += 1) {
      end = Date.UTC(2026, month + 1, 1);
      if ((await this.nextInvoice((dates) => Math.max(...dates))) === end) inTime += 1;
      for (const hours of this.boundary) {
        await this.moveTo(end + hours * HOUR_MS);
        await this.minute();
      }
    }
    await this.minute();
    await this.each(expectTrue);
    await this.each(expectSettled);
    await expectProven(this.test);
  }

  /** The earliest or the latest of the days on which Odoo bills next, as an instant. */
  private async nextInvoice(choose: (dates: number[]) => number): Promise<number> {
    const { control } = this.test.sandbox;
    const orders = await Promise.all(this.worlds.map(({ order }) => control.record('sale.order', order.orderId)));
    return choose(orders.map(({ next_invoice_date: day }) => Date.parse(String(day))));
  }

  private async moveTo(instant: number): Promise<void> {
    const { control } = this.test.sandbox;
    await control.clearSkips();
    await control.skipRuns(this.worlds.filter(({ isSkipped }) => isSkipped).map(({ order }) => order.orderId));
    await this.test.clock.set(new Date(instant));
  }

  private async minute(): Promise<void> {
    await this.test.runJobs(...MINUTE);
    for (const world of this.worlds) world.tell('jobs');
  }

  /** All worlds at once: what one does is nothing to the others. */
  private async each(play: (world: World) => Promise<void>): Promise<void> {
    const outcomes = await Promise.allSettled(this.worlds.map((world) => play(world)));
    outcomes.forEach((outcome, index) => {
      const world = this.worlds[index];
      if (outcome.status === 'rejected' && world !== undefined) throw new SeedFailure(world, outcome.reason);
    });
  }
}
