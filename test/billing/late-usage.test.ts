/** Usage and voids that come after the close or after the invoice, under plans of a week, a month and a year; and missed passes. */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

interface Plan {
  name: string;
  opening: Parameters<typeof Story.open>[0];
  /** A day in the first period, the instants of its close and run, and those of the period after it. */
  inFirst: string;
  afterClose: string;
  close: string;
  ran: string;
  nextClose: string;
  nextRan: string;
}

const PLANS: Plan[] = [
  {
    name: 'week',
    opening: {
      now: '2026-03-02T08:00:00Z',
      startOn: '2026-03-02',
      nextInvoiceOn: '2026-03-09',
      plan: { value: 1, unit: 'week' },
    },
    inFirst: '2026-03-05T10:00:00Z',
    close: '2026-03-09T02:00:00Z',
    afterClose: '2026-03-09T03:00:00Z',
    ran: '2026-03-09T12:01:00Z',
    nextClose: '2026-03-16T02:00:00Z',
    nextRan: '2026-03-16T12:01:00Z',
  },
  {
    name: 'month',
    opening: { now: '2026-01-31T08:00:00Z', startOn: '2026-01-31', nextInvoiceOn: '2026-02-28' },
    inFirst: '2026-02-20T10:00:00Z',
    close: '2026-02-28T02:00:00Z',
    afterClose: '2026-02-28T03:00:00Z',
    ran: '2026-02-28T12:01:00Z',
    nextClose: '2026-03-28T02:00:00Z',
    nextRan: '2026-03-28T12:01:00Z',
  },
  {
    name: 'year',
    opening: {
      now: '2025-07-01T08:00:00Z',
      startOn: '2025-07-01',
      nextInvoiceOn: '2026-07-01',
      plan: { value: 1, unit: 'year' },
    },
    inFirst: '2026-06-20T10:00:00Z',
    close: '2026-07-01T02:00:00Z',
    afterClose: '2026-07-01T03:00:00Z',
    ran: '2026-07-01T12:01:00Z',
    nextClose: '2027-07-01T02:00:00Z',
    nextRan: '2027-07-01T12:01:00Z',
  },
];

describe.each(PLANS)('a plan of a $name', (plan) => {
  it('usage and a void between close and invoice are written again; after the invoice they go to the next', async () => {
    story = await Story.open(plan.opening);
    await story.begin();
    const key = await story.usedBy(plan.inFirst, 100);
    const counted = new Date(Date.parse(plan.inFirst) - 3_600_000).toISOString();
    await story.at(plan.close);
    expect(await story.slot()).toBe(100);
    await story.test.clock.set(new Date(plan.afterClose));
    await story.use(11, counted);
    await story.minute();
    expect(await story.slot()).toBe(111);
    await story.void(key);
    await story.minute();
    expect(await story.slot()).toBe(11);
    expect(await story.writes()).toEqual([100, 111, 11]);
    expect((await story.periods())[0]).toMatchObject({
      dirty: false,
      lines: [{ units: '11', revision: 3, adjustments: [{ value: '-100' }] }],
    });
    await story.at(plan.ran);
    expect(await story.invoiced()).toEqual([11]);
    await story.use(5, counted);
    await story.minute();
    expect(await story.slot()).toBe(0);
    expect(await story.balance()).toMatchObject({ truth: '16', billed: '11', due: '5' });
    await story.at(plan.nextClose);
    expect(await story.slot()).toBe(5);
    await story.at(plan.nextRan);
    expect(await story.invoiced()).toEqual([11, 5]);
    expect(await story.writes()).toEqual([100, 111, 11, 5]);
    expect(await story.balance()).toMatchObject({ truth: '16', billed: '16', due: '0' });
  });
});

it('usage between a provisional write and the run waits for the close, and is due in the next period', async () => {
  story = await Story.open({
    now: '2026-03-01T08:00:00Z',
    timeZone: 'America/Toronto',
    runAt: '00:30',
    startOn: '2026-03-01',
    nextInvoiceOn: '2026-04-01',
  });
  await story.begin();
  const key = await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-03-31T18:30:00Z');
  await story.use(11, '2026-03-20T09:00:00Z');
  await story.void(key);
  await story.minute();
  expect(await story.writes()).toEqual([100]);
  await story.at('2026-04-01T00:31:00Z');
  expect(await story.invoiced()).toEqual([100]);
  await story.at('2026-04-01T06:00:00Z');
  expect(await story.balance()).toMatchObject({ truth: '11', billed: '100', due: '-89', target: '0' });
  await story.usedBy('2026-04-20T10:00:00Z', 90);
  await story.at('2026-04-30T18:30:00Z');
  expect(await story.slot()).toBe(1);
  await story.at('2026-05-01T00:31:00Z');
  await story.at('2026-05-01T06:00:00Z');
  expect(await story.invoiced()).toEqual([100, 1]);
  expect(await story.balance()).toMatchObject({ due: '0' });
});

it('an order whose runs catch up between two passes of the mirror goes on: what was not billed is due', async () => {
  story = await Story.open({ now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' });
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.test.sandbox.control.skipRuns([story.order.orderId]);
  await story.at('2026-04-01T02:00:00Z');
  await story.usedBy('2026-04-20T10:00:00Z', 7);
  await story.at('2026-05-01T02:00:00Z');
  await story.test.sandbox.control.clearSkips();
  // Two runs: the first bills March, the second finds an empty slot.
  await story.at('2026-05-02T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
  expect(await story.nextInvoiceOn()).toBe('2026-06-01');
  expect(await story.blocks()).toEqual([]);
  expect(await story.balance()).toMatchObject({ truth: '107', billed: '100', due: '7' });
  await story.at('2026-06-01T02:00:00Z');
  await story.at('2026-06-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100, 7]);
});

describe('three months without a pass of the mirror', () => {
  async function away(mode: 'reset' | 'keep'): Promise<void> {
    story = await Story.open({
      now: '2026-03-01T08:00:00Z',
      startOn: '2026-03-01',
      nextInvoiceOn: '2026-04-01',
      mode,
    });
    await story.begin();
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.usedBy('2026-04-20T10:00:00Z', 10);
    await story.usedBy('2026-05-20T10:00:00Z', 1);
    await story.test.clock.set(new Date('2026-06-10T10:00:00Z'));
    for (let minutes = 0; minutes < 5; minutes += 1) await story.minute();
  }

  it.each(['reset', 'keep'] as const)('(%s) the periods tile, and every unit is billed once', async (mode) => {
    await away(mode);
    const periods = await story.periods();
    expect(periods.map(({ startOn, endOn, state }) => [startOn, endOn, state])).toEqual([
      ['2026-03-01', '2026-04-01', 'CLOSED'],
      ['2026-04-01', '2026-05-01', 'CLOSED'],
      ['2026-05-01', '2026-06-01', 'CLOSED'],
      ['2026-06-01', '2026-07-01', 'OPEN'],
    ]);
    expect(periods.map((period) => period.lines[0]?.units)).toEqual(['100', '10', '1', undefined]);
    expect(await story.blocks()).toEqual([]);
    expect(await story.balance()).toMatchObject({ truth: '111', billed: '0', due: '111' });
    await story.usedBy('2026-06-20T10:00:00Z', 5);
    await story.at('2026-07-01T02:00:00Z');
    await story.at('2026-07-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([116]);
    expect(await story.slot()).toBe(0);
    expect(await story.balance()).toMatchObject({ due: '0' });
  });

  it('(keep) with a quantity in the slot: Odoo billed it three times, and the months after take it back', async () => {
    story = await Story.open({
      now: '2026-03-01T08:00:00Z',
      startOn: '2026-03-01',
      nextInvoiceOn: '2026-04-01',
      mode: 'keep',
    });
    await story.begin();
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.at('2026-04-01T02:00:00Z');
    await story.usedBy('2026-04-20T10:00:00Z', 150);
    await story.test.clock.set(new Date('2026-06-10T10:00:00Z'));
    for (let minutes = 0; minutes < 5; minutes += 1) await story.minute();
    expect(await story.invoiced()).toEqual([100, 100, 100]);
    expect(await story.slot()).toBe(0);
    expect(await story.blocks()).toEqual([]);
    await story.usedBy('2026-06-20T10:00:00Z', 70);
    await story.at('2026-07-01T02:00:00Z');
    await story.at('2026-07-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([100, 100, 100, 20]);
    expect(await story.balance()).toMatchObject({ truth: '320', billed: '320', due: '0' });
  });
});
