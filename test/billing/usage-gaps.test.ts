/**
 * Holes in expected usage at the close: with BILL_KNOWN what is known is billed and the block tells of the rest, with HOLD
 * nothing is until the hole is filled or waived; and what is no hole at all.
 */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const WEEK = {
  now: '2026-03-02T08:00:00Z',
  startOn: '2026-03-02',
  nextInvoiceOn: '2026-03-09',
  plan: { value: 1, unit: 'week' },
} as const;
const CLOSE = '2026-03-09T02:00:00Z';
const RUN = '2026-03-09T12:01:00Z';

async function begin(
  onGap: 'BILL_KNOWN' | 'HOLD',
  opening: Partial<Parameters<typeof Story.open>[0]> = {},
): Promise<void> {
  story = await Story.open({ ...WEEK, ...opening });
  await story.begin({ onGap });
  await expectWindows('DAY');
}

async function expectWindows(expects: 'HOUR' | 'DAY' | null): Promise<void> {
  await story.run('mutation ($i: UpdateMetricInput!) { updateMetric(input: $i) { metric { expects } } }', {
    service: 'cloud',
    metric: 'calls',
    expects,
  });
}

/** One record of 10 for each of these days of March. */
async function useDays(...days: number[]): Promise<string[]> {
  const keys = [];
  for (const day of days) keys.push(await useDay(day, 10));
  return keys;
}

const iso = (day: number): string => new Date(Date.UTC(2026, 2, day)).toISOString();

function useDay(day: number, quantity: number): Promise<string> {
  return story.use(quantity, [iso(day), iso(day + 1)]);
}

async function waive(from: string, to: string, more: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
  const [period] = await story.periods();
  const data = await story.run(
    'mutation ($i: WaiveGapInput!) { waiveGap(input: $i) { waiver { id from to name reason actor } } }',
    { service: 'cloud', periodId: period?.id, metric: 'calls', from, to, reason: 'the collector was down', ...more },
  );
  return data.waiveGap.waiver as Record<string, unknown>;
}

it('BILL_KNOWN bills what is known, and the block stands after the invoice until a zero fills the hole', async () => {
  await begin('BILL_KNOWN');
  await story.at('2026-03-09T00:30:00Z');
  await useDays(2, 3, 4, 6, 7, 8);
  await story.at(CLOSE);
  expect(await story.blocks()).toEqual([
    { reason: 'USAGE_GAP', message: expect.stringMatching(/missing that the metric expects/) as string },
  ]);
  expect(await story.slot()).toBe(60);
  await story.at(RUN);
  expect(await story.invoiced()).toEqual([60]);
  expect(await story.reasons()).toEqual(['USAGE_GAP']);
  await useDay(5, 0);
  await story.minute();
  expect(await story.reasons()).toEqual([]);
  expect(await story.balance()).toMatchObject({ truth: '60', billed: '60', due: '0' });
});

it('HOLD bills nothing, nor does a later slot, until the hole is filled; then all of it is billed', async () => {
  await begin('HOLD');
  await story.at('2026-03-09T00:30:00Z');
  await useDays(2, 3, 4, 6, 7, 8);
  await story.at(CLOSE);
  expect(await story.reasons()).toEqual(['USAGE_GAP']);
  expect(await story.slot()).toBe(0);
  await story.at(RUN);
  expect(await story.nextInvoiceOn()).toBe('2026-03-16');
  await story.at('2026-03-16T00:30:00Z');
  await useDays(9, 10, 11, 12, 13, 14, 15);
  await story.at('2026-03-16T02:00:00Z');
  expect(await story.reasons()).toEqual(['USAGE_GAP']);
  expect(await story.slot()).toBe(70);
  await useDay(5, 5);
  await story.minute();
  expect(await story.reasons()).toEqual([]);
  expect(await story.slot()).toBe(135);
  await story.at('2026-03-16T12:01:00Z');
  expect((await story.invoiced()).filter((quantity) => quantity !== 0)).toEqual([135]);
  expect(await story.balance()).toMatchObject({ truth: '135', billed: '135', due: '0' });
});

it('a waiver lets go what HOLD held back, and is printed on the line; a part of the hole is not enough', async () => {
  await begin('HOLD');
  await story.at('2026-03-09T00:30:00Z');
  await useDays(2, 3, 4, 6, 7, 8);
  await story.at(CLOSE);
  expect(await story.slot()).toBe(0);
  await waive('2026-03-05T00:00:00Z', '2026-03-05T23:00:00Z', { name: 'Ada Lovelace' });
  await story.minute();
  expect([await story.slot(), await story.reasons()]).toEqual([0, ['USAGE_GAP']]);
  const rest = { from: '2026-03-05T23:00:00.000Z', to: '2026-03-06T00:00:00.000Z', name: null };
  const waiver = await waive(rest.from, rest.to);
  expect(waiver).toMatchObject({ ...rest, reason: 'the collector was down', actor: expect.any(String) as string });
  expect(await waive(rest.from, rest.to)).toEqual(waiver);
  await story.minute();
  expect([await story.slot(), await story.reasons()]).toEqual([60, []]);
  const { billableLines } = await story.run('{ billableLines { nodes { gapWaivers { name reason } } } }');
  expect(billableLines.nodes).toEqual([
    {
      gapWaivers: [
        { name: 'Ada Lovelace', reason: 'the collector was down' },
        { name: null, reason: 'the collector was down' },
      ],
    },
  ]);
});

it('a void before the invoice opens a hole again', async () => {
  await begin('HOLD');
  await story.at('2026-03-09T00:30:00Z');
  const [, , key = ''] = await useDays(2, 3, 4, 5, 6, 7, 8);
  await story.at(CLOSE);
  expect([await story.slot(), await story.reasons()]).toEqual([70, []]);
  await story.void(key);
  await story.minute();
  expect([await story.slot(), await story.reasons()]).toEqual([0, ['USAGE_GAP']]);
});

it.each([
  { onGap: 'BILL_KNOWN', slot: 50 },
  { onGap: 'HOLD', slot: 0 },
] as const)(
  'before the end the provisional quantity of a period with a hole is $slot with $onGap',
  async ({ onGap, slot }) => {
    await begin(onGap, { runAt: '00:00' });
    await story.at('2026-03-08T17:00:00Z');
    await useDays(2, 3, 4, 6, 7);
    expect(await story.reasons()).toEqual([]);
    await story.at('2026-03-08T18:00:00Z');
    expect([await story.slot(), await story.reasons()]).toEqual([slot, ['USAGE_GAP']]);
    await useDay(5, 10);
    await story.at('2026-03-08T18:01:00Z');
    if (onGap === 'HOLD') expect([await story.slot(), await story.reasons()]).toEqual([60, []]);
  },
);

it('nothing is missing while the order is paused, nor after its end', async () => {
  await begin('HOLD');
  await story.at('2026-03-04T00:00:00Z');
  await story.editOrder({ subscription_state: '4_paused' });
  await story.minute();
  await story.at('2026-03-06T00:00:00Z');
  await story.editOrder({ subscription_state: '3_progress', end_date: '2026-03-07' });
  await story.minute();
  await story.at('2026-03-09T00:30:00Z');
  await useDays(2, 3, 6);
  await story.at(CLOSE);
  expect(await story.reasons()).toEqual(['USAGE_GAP']);
  await useDay(7, 10);
  await story.minute();
  expect(await story.reasons()).toEqual([]);
});

it('an account that sent nothing at all has a hole, and what the metric expects holds for open periods only', async () => {
  await begin('BILL_KNOWN');
  await story.at(CLOSE);
  expect(await story.reasons()).toEqual(['USAGE_GAP']);
  await expectWindows(null);
  await story.at('2026-03-16T02:00:00Z');
  const [first, second] = await story.periods();
  expect(first?.blocks).toEqual([{ reason: 'USAGE_GAP' }]);
  expect(second?.blocks.map(({ reason }) => reason)).not.toContain('USAGE_GAP');
});
