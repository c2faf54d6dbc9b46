/**
 * Four months of anything: usage in time and late, voids, waivers, passes that are missed, runs that leave the order out, quantities
 * typed by hand, answers that get lost. At the end every unit is billed or due, and a clean month bills all that is due.
 */
import fc from 'fast-check';
import { Decimal, ZERO, sum } from '../../src/domain/decimal';
import { Story } from '../support/story';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BEGIN = Date.UTC(2026, 2, 1, 8);

type Action =
  | { kind: 'use'; cents: number; daysLate: number }
  | { kind: 'void'; pick: number }
  | { kind: 'waive'; share: number }
  | { kind: 'type'; quantity: number }
  | { kind: 'skip'; isSkipped: boolean }
  | { kind: 'lose'; fault: 'reset-before' | 'reset-after' | 'serialization' };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('use' as const),
      cents: fc.integer({ min: 1, max: 50_000 }),
      daysLate: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 50 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('void' as const), pick: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('waive' as const), share: fc.integer({ min: 1, max: 100 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('type' as const), quantity: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('skip' as const), isSkipped: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lose' as const),
      fault: fc.constantFrom('reset-before' as const, 'reset-after' as const, 'serialization' as const),
    }),
  },
);

const month = fc.record({
  actions: fc.array(fc.record({ action, isSeen: fc.boolean() }), { minLength: 1, maxLength: 5 }),
  /** Whether a minute passes after the provisional write's time, the close's, and the run's. */
  boundaries: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
});

type Month = typeof month extends fc.Arbitrary<infer T> ? T : never;

const world = fc.record({
  mode: fc.constantFrom('reset' as const, 'keep' as const),
  runAt: fc.constantFrom('00:30', '12:00'),
  months: fc.tuple(month, month, month, month),
});

/** Usage as it was sent, and which of it still counts. */
class Ledger {
  private readonly records: { key: string; quantity: Decimal }[] = [];

  /** What was let go. */
  waived = ZERO;

  constructor(private readonly story: Story) {}

  async play(one: Action): Promise<void> {
    const { story } = this;
    if (one.kind === 'use') await this.use(new Decimal(one.cents).div(100), one.daysLate);
    else if (one.kind === 'void') await this.void(one.pick);
    else if (one.kind === 'waive') await this.waive(new Decimal(one.share).div(100));
    else if (one.kind === 'type') await story.editLine({ qty_delivered: one.quantity });
    else if (one.kind === 'lose') await story.failWrite(one.fault);
    else if (one.isSkipped) await story.test.sandbox.control.skipRuns([story.order.orderId]);
    else await story.test.sandbox.control.clearSkips();
  }

  async use(quantity: Decimal, daysLate = 0): Promise<void> {
    const now = this.story.test.clock.now().getTime();
    const counted = new Date(Math.max(now - daysLate * DAY_MS, BEGIN));
    const key = await this.story.use(quantity.toFixed(), counted.toISOString());
    this.records.push({ key, quantity });
  }

  private async void(pick: number): Promise<void> {
    const [record] = this.records.splice(pick % Math.max(this.records.length, 1), 1);
    if (record !== undefined) await this.story.void(record.key);
  }

  /** Lets a share of what is due go, be it negative, while there are two digits of it. */
  private async waive(share: Decimal): Promise<void> {
    const value = new Decimal((await this.story.balance()).due).times(share).toDecimalPlaces(2, Decimal.ROUND_DOWN);
    if (value.isZero()) return;
    await this.story.run('mutation ($i: WaiveBalanceInput!) { waiveBalance(input: $i) { isDuplicate } }', {
      contractId: await this.story.contractId(),
      productOdooId: this.story.product(1),
      value: value.toFixed(),
      reason: 'goodwill',
    });
    this.waived = this.waived.plus(value);
  }

  get truth(): Decimal {
    return sum(this.records.map((record) => record.quantity));
  }
}

async function playMonth(story: Story, ledger: Ledger, play: { index: number; month: Month }) {
  const start = Date.UTC(2026, 2 + play.index, 1);
  const end = Date.UTC(2026, 3 + play.index, 1);
  const { actions, boundaries } = play.month;
  for (const [step, { action: one, isSeen }] of actions.entries()) {
    await story.test.clock.set(new Date(start + (2 + step * 5) * DAY_MS + 10 * HOUR_MS));
    await ledger.play(one);
    if (isSeen) await story.minuteInTrouble();
  }
  const instants = [end - 5.5 * HOUR_MS, end + 2 * HOUR_MS, end + 12 * HOUR_MS + 60_000];
  for (const [index, instant] of instants.entries()) {
    if (boundaries[index]) await story.atInTrouble(new Date(instant).toISOString());
  }
}

/** Odoo catches up with what it left out, one step a day; then a month in which nothing goes wrong. */
async function settleDown(story: Story, ledger: Ledger): Promise<void> {
  const { control } = story.test.sandbox;
  await control.clearSkips();
  await control.clearFaults();
  const from = Date.UTC(2026, 6, 2, 14);
  for (let day = 0; day < 6; day += 1) await story.atInTrouble(new Date(from + day * DAY_MS).toISOString());
  await story.test.clock.set(new Date('2026-07-20T10:00:00Z'));
  await ledger.use(new Decimal(1));
  for (const instant of ['2026-07-31T18:30:00Z', '2026-08-01T02:00:00Z', '2026-08-01T12:01:00Z'])
    await story.at(instant);
}

it('whatever happens in four months, every unit is billed, waived or due, and a clean month bills what is due', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ mode, runAt, months }) => {
      const story = await Story.open({
        now: new Date(BEGIN).toISOString(),
        startOn: '2026-03-01',
        nextInvoiceOn: '2026-04-01',
        mode,
        runAt,
      });
      try {
        await story.begin();
        const ledger = new Ledger(story);
        for (const [index, one] of months.entries()) await playMonth(story, ledger, { index, month: one });
        await settleDown(story, ledger);
        const { truth, billed, due } = await story.balance();
        const invoiced = await story.invoiced();
        expect(truth).toBe(ledger.truth.toFixed());
        expect(billed).toBe(sum(invoiced.map((quantity) => new Decimal(quantity))).toFixed());
        expect(new Decimal(billed).plus(due).plus(ledger.waived).toFixed()).toBe(ledger.truth.toFixed());
        expect((await story.run('{ identities { holds } }')).identities.holds).toBe(true);
        expect(new Decimal(due).lte(ZERO)).toBe(true);
        expect((await story.writes()).filter((value) => value < 0)).toEqual([]);
        expect(await story.slot()).toBe(0);
        expect(await story.blocks()).toEqual([]);
        const periods = await story.periods();
        expect(periods.slice(1).map((period) => period.startOn)).toEqual(periods.slice(0, -1).map((one) => one.endOn));
      } finally {
        await story.close();
      }
    }),
    { numRuns: 5, seed: 20_260_301, endOnFailure: true },
  );
}, 140_000);
