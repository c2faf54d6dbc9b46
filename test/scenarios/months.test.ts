/** Months as customers and Odoo live them, told through the public faces. Every number is written by hand. */
import { PLAIN_LINES, Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };

it('1: a plain month is written at the close, invoiced, and the slot is empty again', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  expect(await story.periods()).toMatchObject([
    { startOn: '2026-03-01', endOn: '2026-04-01', state: 'OPEN', derived: false },
  ]);
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(100, '2026-03-10T09:00:00Z');
  await story.use('50.5', '2026-03-20T09:00:00Z');
  await story.at('2026-04-01T01:59:00Z');
  expect(await story.periods()).toHaveLength(1);
  expect(await story.slot()).toBe(0);
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.periods()).toMatchObject([
    { state: 'CLOSED', lines: [{ units: '150.5', value: '150.5', amount: '75.25' }], blocks: [] },
    { startOn: '2026-04-01', endOn: '2026-05-01', state: 'OPEN' },
  ]);
  expect(await story.slot()).toBe(150.5);
  expect(await story.balance()).toEqual({ truth: '150.5', billed: '0', due: '150.5', target: '150.5', remainder: '0' });
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([150.5]);
  expect(await story.slot()).toBe(0);
  expect(await story.balance()).toEqual({ truth: '150.5', billed: '150.5', due: '0', target: '0', remainder: '0' });
  expect(await story.nextInvoiceOn()).toBe('2026-05-01');
});

it("2: Odoo's run comes before the period's end: 90 by then are invoiced, 10 more in the next target, 0 in between", async () => {
  story = await Story.open({ ...MARCH, timeZone: 'America/Toronto', runAt: '00:30' });
  await story.begin();
  await story.test.clock.set(new Date('2026-03-31T18:00:00Z'));
  await story.use(90, '2026-03-15T12:00:00Z');
  await story.at('2026-03-31T18:29:00Z');
  expect(await story.slot()).toBe(0);
  await story.at('2026-03-31T18:30:00Z');
  expect(await story.slot()).toBe(90);
  await story.test.clock.set(new Date('2026-03-31T23:30:00Z'));
  await story.use(10, '2026-03-31T23:00:00Z');
  await story.minute();
  expect(await story.slot()).toBe(90);
  await story.at('2026-04-01T00:31:00Z');
  expect(await story.invoiced()).toEqual([90]);
  expect(await story.slot()).toBe(0);
  expect(await story.periods()).toMatchObject([{ endOn: '2026-04-01', state: 'OPEN' }]);
  await story.at('2026-04-01T06:00:00Z');
  expect(await story.periods()).toMatchObject([
    { state: 'CLOSED', lines: [{ units: '100' }] },
    { endOn: '2026-05-01' },
  ]);
  expect(await story.slot()).toBe(0);
  expect(await story.balance()).toEqual({ truth: '100', billed: '90', due: '10', target: '10', remainder: '0' });
  await story.test.clock.set(new Date('2026-04-20T12:00:00Z'));
  await story.use(5, '2026-04-20T11:00:00Z');
  await story.at('2026-04-30T18:30:00Z');
  expect(await story.slot()).toBe(15);
  await story.at('2026-05-01T00:31:00Z');
  expect(await story.invoiced()).toEqual([90, 15]);
});

it('3: the run comes before any write: nothing is invoiced, and the next period carries it', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(150, '2026-03-20T09:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([]);
  expect(await story.invoiced(0)).toEqual([1]);
  expect(await story.periods()).toMatchObject([
    { state: 'CLOSED', lines: [{ units: '150' }] },
    { endOn: '2026-05-01' },
  ]);
  expect(await story.slot()).toBe(0);
  expect(await story.balance()).toMatchObject({ truth: '150', billed: '0', due: '150' });
  await story.test.clock.set(new Date('2026-04-10T10:00:00Z'));
  await story.use(7, '2026-04-10T09:00:00Z');
  await story.at('2026-05-01T02:00:00Z');
  expect(await story.slot()).toBe(157);
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([157]);
  expect(await story.balance()).toMatchObject({ due: '0' });
});

it('4: the run skips the order for a month: the second month is not written before the first is invoiced', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(100, '2026-03-20T09:00:00Z');
  await story.test.sandbox.control.skipRuns([story.order.orderId]);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([]);
  expect(await story.slot()).toBe(100);
  await story.test.clock.set(new Date('2026-04-20T10:00:00Z'));
  await story.use(40, '2026-04-20T09:00:00Z');
  await story.at('2026-05-01T02:00:00Z');
  expect(await story.slot()).toBe(100);
  expect(await story.periods()).toMatchObject([
    { state: 'CLOSED', blocks: [] },
    { state: 'CLOSED', lines: [{ units: '40' }], blocks: [{ reason: 'PREVIOUS_NOT_INVOICED' }] },
    { state: 'OPEN' },
  ]);
  await story.test.sandbox.control.clearSkips();
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
  expect(await story.slot()).toBe(40);
  expect((await story.periods()).flatMap((period) => period.blocks)).toEqual([]);
  await story.at('2026-05-02T12:01:00Z');
  expect(await story.invoiced()).toEqual([100, 40]);
  expect(await story.balance()).toMatchObject({ truth: '140', billed: '140', due: '0' });
  expect(await story.slot()).toBe(0);
});

it('5: where Odoo keeps the quantity, a missed write bills nothing twice: the slot holds 0, the month after bills both', async () => {
  story = await Story.open({ ...MARCH, mode: 'keep' });
  await story.begin();
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(100, '2026-03-20T09:00:00Z');
  await story.at('2026-04-01T02:00:00Z');
  await story.test.clock.set(new Date('2026-04-01T12:01:00Z'));
  expect(await story.slot()).toBe(100);
  await story.minute();
  expect(await story.slot()).toBe(0);
  await story.test.clock.set(new Date('2026-04-20T10:00:00Z'));
  await story.use(30, '2026-04-20T09:00:00Z');
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
  expect(await story.slot()).toBe(0);
  await story.test.clock.set(new Date('2026-05-20T10:00:00Z'));
  await story.use(12, '2026-05-20T09:00:00Z');
  await story.at('2026-06-01T02:00:00Z');
  expect(await story.slot()).toBe(42);
  await story.at('2026-06-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100, 42]);
  expect(await story.balance()).toMatchObject({ truth: '142', billed: '142', due: '0' });
});

it('6: an order first seen running since January has one derived period, written once a person has confirmed it', async () => {
  story = await Story.open({ now: '2026-03-10T08:00:00Z', startOn: '2026-01-01', nextInvoiceOn: '2026-04-01' });
  await story.begin();
  await story.use(999, '2026-02-27T10:00:00Z');
  await story.use(8, '2026-03-05T10:00:00Z');
  expect(await story.periods()).toMatchObject([{ startOn: '2026-03-01', endOn: '2026-04-01', derived: true }]);
  await story.at('2026-04-01T02:00:00Z');
  const [first, second] = await story.periods();
  expect(first).toMatchObject({
    state: 'CLOSED',
    lines: [{ units: '8' }],
    blocks: [{ reason: 'PERIOD_UNCONFIRMED' }],
  });
  expect(second).toMatchObject({ startOn: '2026-04-01', derived: false });
  expect(await story.writes()).toEqual([]);
  await story.run('mutation ($i: ConfirmPeriodInput!) { confirmPeriod(input: $i) { period { derived } } }', {
    id: first?.id,
  });
  await story.minute();
  expect(await story.slot()).toBe(8);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([8]);
  const { records } = (await story.run('{ identities { records { accepted inPeriod beforeBilling } } }')).identities;
  expect(records).toEqual([{ accepted: 2, inPeriod: 1, beforeBilling: 1 }]);
});

describe('7: a next invoice date moved by hand is no invoice', () => {
  it('before the end: the end of the open period moves along', async () => {
    story = await Story.open(MARCH);
    await story.begin();
    await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
    await story.use(100, '2026-03-20T09:00:00Z');
    await story.test.sandbox.control.update('sale.order', story.order.orderId, { next_invoice_date: '2026-04-15' });
    await story.minute();
    expect(await story.periods()).toMatchObject([{ startOn: '2026-03-01', endOn: '2026-04-15', state: 'OPEN' }]);
    await story.test.clock.set(new Date('2026-04-10T10:00:00Z'));
    await story.use(11, '2026-04-10T09:00:00Z');
    await story.at('2026-04-15T02:00:00Z');
    expect(await story.slot()).toBe(111);
    await story.at('2026-04-15T12:01:00Z');
    expect(await story.invoiced()).toEqual([111]);
    expect(await story.periods()).toMatchObject([{}, { startOn: '2026-04-15', endOn: '2026-05-15' }]);
  });

  it('after the write: the slot keeps its period until the invoice comes', async () => {
    story = await Story.open(MARCH);
    await story.begin();
    await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
    await story.use(100, '2026-03-20T09:00:00Z');
    await story.at('2026-04-01T02:00:00Z');
    expect(await story.slot()).toBe(100);
    await story.test.sandbox.control.update('sale.order', story.order.orderId, { next_invoice_date: '2026-04-10' });
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([]);
    expect(await story.balance()).toMatchObject({ due: '100', billed: '0' });
    await story.at('2026-04-10T12:01:00Z');
    expect(await story.invoiced()).toEqual([100]);
    expect(await story.balance()).toMatchObject({ due: '0', billed: '100' });
    expect(await story.slot()).toBe(0);
  });
});

it('9: two charges on one product add up, and a SHADOW service on the same order is rated and never written', async () => {
  story = await Story.open({
    ...MARCH,
    lines: [...PLAIN_LINES, { code: 'SHADE', name: 'Shade', price: 3 }],
  });
  await story.begin();
  await story.metric('cloud', 'bytes');
  await story.charge({ metric: 'bytes', productOdooId: story.product(1), freeUnits: '5' });
  await story.service('shade', 'SHADOW');
  await story.metric('shade', 'hours');
  await story.charge({ service: 'shade', metric: 'hours', productOdooId: story.product(2) });
  await story.link('shade', 'acme');
  await story.minute();
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(100, '2026-03-20T09:00:00Z');
  await story.use(25, '2026-03-20T09:00:00Z', 'bytes');
  await story.use(77, '2026-03-20T09:00:00Z', 'hours', 'shade');
  await story.at('2026-04-01T02:00:00Z');
  const [march] = await story.periods();
  const units = Object.fromEntries(march?.lines.map((line) => [line.charge.metric.code, line.value]) ?? []);
  expect(units).toEqual({ calls: '100', bytes: '20', hours: '77' });
  expect(await story.slot(1)).toBe(120);
  expect(await story.slot(2)).toBe(0);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced(1)).toEqual([120]);
  expect(await story.invoiced(2)).toEqual([]);
  expect(await story.writes(2)).toEqual([]);
});

it('10: 1,234 calls on "API calls (1k)" are written as 1.23, and 0.004 stay in the balance', async () => {
  story = await Story.open(MARCH);
  await story.begin({ unitsPerProductUnit: '1000' });
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(1234, '2026-03-20T09:00:00Z');
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.slot()).toBe(1.23);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.balance()).toEqual({
    truth: '1.234',
    billed: '1.23',
    due: '0.004',
    target: '0',
    remainder: '0.004',
  });
  await story.test.clock.set(new Date('2026-04-20T10:00:00Z'));
  await story.use(1001, '2026-04-20T09:00:00Z');
  await story.at('2026-05-01T02:00:00Z');
  // 0.004 + 1.001 = 1.005: the half rounds away from zero, as Odoo does.
  expect(await story.slot()).toBe(1.01);
});

it('10b: in mode AMOUNT the quantity is the money, to the cent', async () => {
  story = await Story.open({
    ...MARCH,
    lines: [...PLAIN_LINES.slice(0, 1), { code: 'USD', name: 'Amount', price: 1 }],
  });
  await story.begin({ mode: 'AMOUNT', unitPrice: '0.0125', freeUnits: '100' });
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(1234, '2026-03-20T09:00:00Z');
  await story.at('2026-04-01T02:00:00Z');
  // (1234 - 100) x 0.0125 = 14.175
  expect((await story.periods())[0]?.lines).toMatchObject([{ units: '1234', value: '14.18', amount: '14.18' }]);
  expect(await story.slot()).toBe(14.18);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.balance()).toMatchObject({ billed: '14.18', due: '0' });
});

it("11: a void beyond the next month's usage gives target 0, the rest a month later, never a negative write", async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  const key = await story.use(100, '2026-03-20T09:00:00Z');
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
  await story.test.clock.set(new Date('2026-04-20T10:00:00Z'));
  await story.void(key);
  await story.use(30, '2026-04-20T09:00:00Z');
  await story.at('2026-05-01T02:00:00Z');
  expect(await story.balance()).toEqual({ truth: '30', billed: '100', due: '-70', target: '0', remainder: '-70' });
  expect(await story.slot()).toBe(0);
  const [march] = await story.periods();
  expect(march?.lines).toMatchObject([{ revision: 2, value: '0', adjustments: [{ value: '-100' }] }]);
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
  await story.test.clock.set(new Date('2026-05-20T10:00:00Z'));
  await story.use(90, '2026-05-20T09:00:00Z');
  await story.at('2026-06-01T02:00:00Z');
  expect(await story.slot()).toBe(20);
  await story.at('2026-06-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100, 20]);
  expect((await story.writes()).every((value) => value >= 0)).toBe(true);
});
