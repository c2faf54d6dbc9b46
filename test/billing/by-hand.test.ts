/** What people do by hand in Odoo: quantities typed, invoices made early, drafts deleted, writes switched off. */
import { PLAIN_LINES, Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const control = (): Story['test']['sandbox']['control'] => story.test.sandbox.control;

async function begun(opening: Partial<Parameters<typeof Story.open>[0]> = {}): Promise<void> {
  story = await Story.open({ ...MARCH, ...opening });
  await story.begin();
}

it('a quantity typed during the month is set back to 0 at once', async () => {
  await begun();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.editLine({ qty_delivered: 55 });
  await story.minute();
  expect(await story.slot()).toBe(0);
  expect(await story.writes()).toEqual([0]);
});

it('a quantity that stood in the slot at first sight gives way to 0', async () => {
  story = await Story.open(MARCH);
  await story.editLine({ qty_delivered: 55 });
  await story.begin();
  expect(await story.slot()).toBe(0);
  expect(await story.writes()).toEqual([0]);
});

it.each([
  ['QUANTITY', PLAIN_LINES, {}, 100],
  [
    'AMOUNT',
    [...PLAIN_LINES.slice(0, 1), { code: 'USD', price: 1 }],
    { mode: 'AMOUNT', unitPrice: '0.25' } as const,
    25,
  ],
])('mode %s: a quantity typed over ours before the run is set again', async (_, lines, charge, due) => {
  story = await Story.open({ ...MARCH, lines });
  await story.begin(charge);
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.slot()).toBe(due);
  await story.editLine({ qty_delivered: 999 });
  await story.at('2026-04-01T02:01:00Z');
  expect(await story.slot()).toBe(due);
  expect(await story.writes()).toEqual([due, due]);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([due]);
});

it('a quantity typed over ours and billed before we look is what Odoo billed; the difference is due', async () => {
  await begun();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await story.editLine({ qty_delivered: 60 });
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([60]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '60', due: '40' });
  await story.at('2026-05-01T02:00:00Z');
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([60, 40]);
});

it('a quantity typed to 0 just before the run is billed at 0, and is due in the next month', async () => {
  await begun();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await story.editLine({ qty_delivered: 0 });
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '0', due: '100' });
  await story.at('2026-05-01T02:00:00Z');
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
});

describe('an invoice by hand early in the month', () => {
  it('leaves the boundary where it was, and the rest in the balance', async () => {
    await begun();
    await story.usedBy('2026-03-10T10:00:00Z', 30);
    await story.editLine({ qty_delivered: 20 });
    await control().invoiceOrder(story.order.orderId);
    await story.minute();
    expect(await story.nextInvoiceOn()).toBe('2026-05-01');
    expect(await story.periods()).toMatchObject([{ startOn: '2026-03-01', endOn: '2026-04-01', state: 'OPEN' }]);
    await story.usedBy('2026-03-20T10:00:00Z', 70);
    await story.at('2026-04-01T02:00:00Z');
    expect(await story.periods()).toMatchObject([{ lines: [{ units: '100' }] }, { endOn: '2026-05-01' }]);
    expect(await story.balance()).toMatchObject({ truth: '100', billed: '20', due: '80' });
    expect(await story.slot()).toBe(0);
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([20]);
    await story.usedBy('2026-04-20T10:00:00Z', 7);
    await story.at('2026-05-01T02:00:00Z');
    expect(await story.slot()).toBe(87);
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([20, 87]);
    expect(await story.writes()).toEqual([87]);
  });

  it('leaves it there also when the mirror sees the invoice before the date it moved', async () => {
    await begun();
    await story.usedBy('2026-03-10T10:00:00Z', 30);
    await control().invoiceOrder(story.order.orderId);
    await story.run('mutation ($i: SyncNowInput!) { syncNow(input: $i) { runs { id } } }', {
      models: ['INVOICE', 'INVOICE_LINE'],
    });
    await story.test.runJobs();
    await story.test.clock.advance(60_000);
    await story.minute();
    expect(await story.nextInvoiceOn()).toBe('2026-05-01');
    expect(await story.periods()).toMatchObject([{ startOn: '2026-03-01', endOn: '2026-04-01', state: 'OPEN' }]);
  });

  it('and a second one: both belong to the period, and every unit is billed once', async () => {
    await begun();
    await story.usedBy('2026-03-10T10:00:00Z', 30);
    for (const quantity of [20, 15]) {
      await story.editLine({ qty_delivered: quantity });
      await control().invoiceOrder(story.order.orderId);
      await story.minute();
    }
    expect(await story.nextInvoiceOn()).toBe('2026-06-01');
    expect(await story.invoiced()).toEqual([20, 15]);
    await story.usedBy('2026-03-20T10:00:00Z', 70);
    await story.at('2026-04-01T02:00:00Z');
    expect(await story.balance()).toMatchObject({ truth: '100', billed: '35', due: '65' });
    await story.usedBy('2026-04-20T10:00:00Z', 7);
    await story.at('2026-05-01T02:00:00Z');
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.slot()).toBe(0);
    await story.at('2026-06-01T02:00:00Z');
    expect(await story.slot()).toBe(72);
    await story.at('2026-06-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([20, 15, 72]);
    const periods = await story.periods();
    expect(periods.map((period) => period.endOn)).toEqual(['2026-04-01', '2026-05-01', '2026-06-01', '2026-07-01']);
    expect(await story.blocks()).toEqual([]);
  });
});

it('two invoices after the close: the first is the period, the second counts for the next', async () => {
  await begun();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await control().invoiceOrder(story.order.orderId);
  await story.editLine({ qty_delivered: 3 });
  await control().invoiceOrder(story.order.orderId);
  await story.minute();
  expect(await story.invoiced()).toEqual([100, 3]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '100', due: '0' });
  await story.usedBy('2026-04-20T10:00:00Z', 7);
  await story.at('2026-05-01T02:00:00Z');
  expect(await story.balance()).toMatchObject({ truth: '107', billed: '103', due: '4' });
  await story.at('2026-06-01T02:00:00Z');
  expect(await story.slot()).toBe(4);
  await story.at('2026-06-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100, 3, 4]);
});

it('a provisional quantity whose date is moved on gives way to 0, and comes again before the new date', async () => {
  await begun({ timeZone: 'America/Toronto', runAt: '00:30' });
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-03-31T18:30:00Z');
  expect(await story.slot()).toBe(100);
  await story.editOrder({ next_invoice_date: '2026-04-10' });
  await story.minute();
  expect(await story.slot()).toBe(0);
  await story.usedBy('2026-04-05T10:00:00Z', 11);
  await story.at('2026-04-09T18:29:00Z');
  expect(await story.slot()).toBe(0);
  await story.at('2026-04-09T18:30:00Z');
  expect(await story.slot()).toBe(111);
  await story.at('2026-04-10T00:31:00Z');
  expect(await story.invoiced()).toEqual([111]);
});

describe('ODOO_WRITES=off', () => {
  it('shows what would be written, sends nothing, and written it is once switched on', async () => {
    await begun({ config: { odooWrites: false } });
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.at('2026-04-01T02:00:00Z');
    expect((await story.writeBacks())[0]).toMatchObject({
      kind: 'FINAL',
      target: '100',
      state: 'PENDING',
      attempts: 0,
      readBack: null,
    });
    expect(await story.writes()).toEqual([]);
    const { 'sale.order.line/web_read': reads = 0 } = await control().calls();
    expect(reads).toBe(0);
    Object.assign(story.test.app.config, { odooWrites: true });
    await story.at('2026-04-01T02:11:00Z');
    expect(await story.slot()).toBe(100);
    expect(await story.writes()).toEqual([100]);
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([100]);
  });

  it('for a whole month: the run bills what people typed, the difference is due in the first month with writes', async () => {
    await begun({ config: { odooWrites: false } });
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.at('2026-04-01T02:00:00Z');
    await story.editLine({ qty_delivered: 90 });
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([90]);
    expect(await story.balance()).toMatchObject({ truth: '100', billed: '90', due: '10' });
    Object.assign(story.test.app.config, { odooWrites: true });
    await story.usedBy('2026-04-20T10:00:00Z', 7);
    await story.at('2026-05-01T02:00:00Z');
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([90, 17]);
  });

  it('for a month in which the run bills nothing of the line: the period does not stay open for ever', async () => {
    await begun({ config: { odooWrites: false } });
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.at('2026-04-01T02:00:00Z');
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([]);
    Object.assign(story.test.app.config, { odooWrites: true });
    await story.at('2026-04-02T12:01:00Z');
    await story.usedBy('2026-04-20T10:00:00Z', 7);
    await story.at('2026-05-01T02:00:00Z');
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([107]);
    expect(await story.blocks()).toEqual([]);
  });
});
