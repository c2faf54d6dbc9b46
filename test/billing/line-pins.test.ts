/** Lines that people pin: of several lines with one product the pinned one is written, the others hold nothing. */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
/** Odoo's run comes before the close, so that a provisional quantity is written on the evening before. */
const EARLY_RUN = { ...MARCH, runAt: '00:30' };

const control = (): Story['test']['sandbox']['control'] => story.test.sandbox.control;

async function decide(name: 'pinLine' | 'unpinLine', line: number): Promise<void> {
  const { subscriptions } = await story.run('{ subscriptions { nodes { lines { id odooId } } } }');
  const lines = subscriptions.nodes[0].lines as { id: string; odooId: number }[];
  const lineId = lines.find(({ odooId }) => odooId === story.order.lineIds[line])?.id;
  const type = name === 'pinLine' ? 'PinLineInput' : 'UnpinLineInput';
  const i = { contractId: await story.contractId(), lineId, reason: 'as agreed' };
  await story.run(`mutation ($i: ${type}!) { ${name}(input: $i) { pin { reason } } }`, i);
}

async function pin(line: number): Promise<void> {
  await decide('pinLine', line);
  await story.minute();
}

/** An order whose second line with the product, added after the first sight, is the pinned one. */
async function openPinned(): Promise<void> {
  story = await Story.open(MARCH);
  await story.begin();
  await story.addLine();
  await pin(2);
}

/** A month of 100 calls whose provisional quantity is on the only line when a second one comes. */
async function openProvisional(): Promise<void> {
  story = await Story.open(EARLY_RUN);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-03-31T20:00:00Z');
  await story.addLine();
}

/** What the lines of the product hold, or were billed. */
const slots = async (): Promise<number[]> => [await story.slot(1), await story.slot(2)];
const bills = async (): Promise<number[][]> => [await story.invoiced(1), await story.invoiced(2)];

it('two lines from the start wait until one is pinned, which is written and billed once', async () => {
  story = await Story.open(MARCH);
  await story.minute();
  await story.addLine();
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T03:00:00Z');
  const message =
    'Two lines of the order carry the product: pin one of them, and the other is emptied, or remove one in Odoo.';
  expect(await story.blocks()).toEqual([
    { reason: 'AMBIGUOUS_LINE', message },
    { reason: 'AMBIGUOUS_LINE', message },
  ]);
  expect(await slots()).toEqual([0, 0]);
  await pin(2);
  expect(await story.blocks()).toEqual([]);
  expect(await slots()).toEqual([0, 100]);
  await story.at('2026-04-01T12:01:00Z');
  await story.usedBy('2026-04-20T10:00:00Z', 7);
  await story.bill('2026-05-01');
  expect(await bills()).toEqual([[], [100, 7]]);
  expect(await story.balance()).toMatchObject({ truth: '107', billed: '107', due: '0' });
  await story.expectIdentities();
});

it('the line that holds a provisional quantity is emptied before the pinned one is written', async () => {
  await openProvisional();
  expect(await slots()).toEqual([100, 0]);
  expect(await story.reasons()).toEqual(['AMBIGUOUS_LINE', 'AMBIGUOUS_LINE']);
  await pin(2);
  expect(await story.reasons()).toEqual([]);
  expect(await slots()).toEqual([0, 100]);
  const { lineIds } = story.order;
  const writes = (await control().writes()).filter(({ model }) => model === 'sale.order.line');
  expect(
    writes.map(({ ids, vals }) => [lineIds.indexOf(ids[0] ?? 0), (vals as { qty_delivered?: number }).qty_delivered]),
  ).toEqual([
    [1, 100],
    [1, 0],
    [2, 100],
  ]);
  await story.at('2026-04-01T03:00:00Z');
  expect(await bills()).toEqual([[], [100]]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '100', due: '0' });
  await story.expectIdentities();
});

it('while Odoo refuses to empty the other line, the pinned one is not written', async () => {
  await openProvisional();
  await story.failWrite('refused');
  await pin(2);
  expect(await slots()).toEqual([100, 0]);
  expect(new Set(await story.reasons())).toEqual(new Set(['REFUSED_BY_ODOO', 'AMBIGUOUS_LINE']));
  // Odoo does not wait: what the first line held is billed there, and on the pinned one no more than the rest.
  await story.usedBy('2026-03-31T23:30:00Z', 5);
  await story.at('2026-04-01T03:00:00Z');
  expect(await bills()).toEqual([[100], []]);
  const refused = (await story.writeBacks()).find(({ state }) => state === 'BLOCKED');
  await story.run('mutation ($i: RetryWriteBackInput!) { retryWriteBack(input: $i) { writeBack { state } } }', {
    id: refused?.id,
  });
  await story.at('2026-04-30T20:00:00Z');
  expect(await story.reasons()).toEqual([]);
  expect(await slots()).toEqual([0, 5]);
  await story.at('2026-05-01T03:00:00Z');
  expect(await bills()).toEqual([[100], [5]]);
  expect(await story.balance()).toMatchObject({ truth: '105', billed: '105', due: '0' });
  await story.expectIdentities();
});

it('what the first line billed in a month of its own is not billed again on the pinned one', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.bill('2026-04-01');
  await story.usedBy('2026-04-10T10:00:00Z', 30);
  await story.addLine();
  await pin(2);
  await story.test.clock.set(new Date('2026-04-20T10:00:00Z'));
  await story.use(4, '2026-03-25T10:00:00Z');
  await story.bill('2026-05-01');
  expect(await bills()).toEqual([[100], [34]]);
  expect(await story.balance()).toMatchObject({ truth: '134', billed: '134', due: '0' });
  await story.expectIdentities();
});

it('what the first line billed early in the month is not billed again for it on the pinned one', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-10T10:00:00Z', 30);
  await story.editLine({ qty_delivered: 20 });
  await control().invoiceOrder(story.order.orderId);
  // The person who made the invoice puts the date back.
  await story.editOrder({ next_invoice_date: '2026-04-01' });
  await story.addLine();
  await pin(2);
  await story.usedBy('2026-03-20T10:00:00Z', 70);
  await story.bill('2026-04-01');
  expect(await bills()).toEqual([[20], [80]]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '100', due: '0' });
  await story.expectIdentities();
});

it('a quantity that somebody types into the other line is taken out again, and the pinned one stays as it is', async () => {
  await openPinned();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T03:00:00Z');
  await story.editLine({ qty_delivered: 40 }, 1);
  await story.minute();
  expect(await slots()).toEqual([0, 100]);
  expect(await story.reasons()).toEqual([]);
  expect([await story.writes(1), await story.writes(2)]).toEqual([[0], [100]]);
});

it('a draft invoice on the other line is waited for', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.editLine({ qty_delivered: 25 });
  const draft = (await control().invoiceOrder(story.order.orderId, { post: false })) ?? 0;
  await story.addLine();
  await pin(2);
  await story.at('2026-04-01T03:00:00Z');
  expect(new Set(await story.reasons())).toEqual(new Set(['HELD_BY_DRAFT', 'AMBIGUOUS_LINE']));
  expect(await story.writes(2)).toEqual([]);
  await control().postInvoice(draft);
  await story.editOrder({ next_invoice_date: '2026-04-01' });
  await story.minute();
  expect(await story.reasons()).toEqual([]);
  expect(await slots()).toEqual([0, 75]);
});

it('a first period that was derived is confirmed before either line is touched', async () => {
  story = await Story.open({ ...MARCH, startOn: '2025-06-01' });
  await story.begin();
  await story.addLine();
  await story.editLine({ qty_delivered: 3 }, 1);
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await pin(2);
  expect(new Set(await story.reasons())).toEqual(new Set(['PERIOD_UNCONFIRMED', 'AMBIGUOUS_LINE']));
  expect(await slots()).toEqual([3, 0]);
  await story.confirmPeriods();
  await story.at('2026-04-01T03:00:00Z');
  expect(await story.reasons()).toEqual([]);
  expect(await slots()).toEqual([0, 100]);
});

it('a pin goes with its line: the one that is left is written, and of two none', async () => {
  await openPinned();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  const [, , pinned = 0] = story.order.lineIds;
  await control().remove('sale.order.line', pinned);
  await story.night();
  expect(
    await story.run('query ($i: ID!) { contract(id: $i) { linePins { reason } } }', await story.contractId()),
  ).toEqual({
    contract: { linePins: [] },
  });
  await story.at('2026-04-01T03:00:00Z');
  expect(await story.reasons()).toEqual([]);
  expect(await story.slot(1)).toBe(100);
  story.order.lineIds.pop();
  await story.addLine();
  expect(await story.reasons()).toEqual(['AMBIGUOUS_LINE', 'AMBIGUOUS_LINE']);
  // What the line held for the period whose turn it is stays, and is billed once.
  expect(await slots()).toEqual([100, 0]);
  await story.at('2026-04-01T12:01:00Z');
  expect(await bills()).toEqual([[100], []]);
  await story.expectIdentities();
});

it('unpinned, both lines wait again, and the other one may be pinned', async () => {
  await openPinned();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T03:00:00Z');
  expect(await slots()).toEqual([0, 100]);
  await decide('unpinLine', 2);
  await story.minute();
  expect(await story.reasons()).toEqual(['AMBIGUOUS_LINE', 'AMBIGUOUS_LINE']);
  expect(await slots()).toEqual([0, 100]);
  await pin(1);
  expect(await story.reasons()).toEqual([]);
  expect(await slots()).toEqual([100, 0]);
  await story.at('2026-04-01T12:01:00Z');
  expect(await bills()).toEqual([[100], []]);
  await story.expectIdentities();
});

it('the price of the pinned line is the one that a preview counts with', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.addLine();
  await story.editLine({ price_unit: 3 }, 2);
  await pin(2);
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  const data = await story.run(
    'query ($i: ID!) { currentUsage(contractId: $i) { lines { amount } } }',
    await story.contractId(),
  );
  expect(data.currentUsage.lines).toEqual([{ amount: '300' }]);
});
