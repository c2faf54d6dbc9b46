/**
 * Each reason why a slot is not written: it is shown with its sentence, nothing wrong is written meanwhile, and once the
 * cause is mended the block is lifted and what was due is written.
 */
import { addSubscription } from '../../sandbox/world';
import { PLAIN_LINES, Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const AMOUNT_LINES = [...PLAIN_LINES.slice(0, 1), { code: 'USD', name: 'Amount', price: 1 }];
const TWO_METERED = [...PLAIN_LINES, { code: 'OTHER', name: 'Other calls', price: 2 }];

interface Case {
  reason: string;
  message: RegExp;
  breaks(): Promise<unknown>;
  mends(): Promise<unknown>;
  lines?: typeof PLAIN_LINES;
  isAmount?: boolean;
}

const control = (): Story['test']['sandbox']['control'] => story.test.sandbox.control;
let added = 0;

/** A product that no charge names, for a line that is to carry another one. */
async function freeProduct(): Promise<number> {
  const world = await addSubscription(control(), {
    partner: { name: 'Somebody else' },
    startDate: '2026-03-01',
    nextInvoiceDate: '2030-01-01',
    lines: [{ code: 'FREE', price: 1 }],
  });
  return world.productIds[0] ?? 0;
}

const CASES: Case[] = [
  {
    reason: 'CURRENCY_MISMATCH',
    message: /currency/,
    isAmount: true,
    breaks: () => story.editOrder({ currency_id: 3 }),
    mends: () => story.editOrder({ currency_id: 1 }),
  },
  {
    reason: 'PRICE_NOT_ONE',
    message: /cost 1\.00/,
    isAmount: true,
    breaks: () => story.editLine({ price_unit: 2 }),
    mends: () => story.editLine({ price_unit: 1 }),
  },
  {
    reason: 'PRICE_NOT_ONE',
    message: /discount/,
    isAmount: true,
    breaks: () => story.editLine({ discount: 10 }),
    mends: () => story.editLine({ discount: 0 }),
  },
  {
    reason: 'AMBIGUOUS_LINE',
    message: /Two lines/,
    breaks: async () => {
      const line = { order_id: story.order.orderId, product_id: story.product(1), product_uom_qty: 0 };
      added = await control().create('sale.order.line', line);
    },
    mends: async () => {
      await control().remove('sale.order.line', added);
      await story.night();
    },
  },
  {
    reason: 'AMBIGUOUS_CHARGE',
    message: /Two charges/,
    lines: TWO_METERED,
    breaks: () => story.charge({ metric: 'calls', productOdooId: story.product(2) }),
    mends: async () => story.editLine({ product_id: await freeProduct() }, 2),
  },
  {
    reason: 'LINE_MISSING',
    message: /no line/,
    breaks: async () => story.editLine({ product_id: await freeProduct() }),
    mends: () => story.editLine({ product_id: story.product(1) }),
  },
  {
    reason: 'ORDER_CANCELLED',
    message: /cancelled/,
    breaks: () => story.editOrder({ state: 'cancel' }),
    mends: () => story.editOrder({ state: 'sale' }),
  },
  {
    reason: 'CONTRACT_ENDED',
    message: /churned/,
    breaks: () => story.editOrder({ subscription_state: '6_churn' }),
    mends: () => story.editOrder({ subscription_state: '3_progress' }),
  },
  {
    reason: 'CONTRACT_ENDED',
    message: /renewed/,
    breaks: () => story.editOrder({ subscription_state: '5_renewed' }),
    mends: () => story.editOrder({ subscription_state: '3_progress' }),
  },
];

it.each(CASES)('$reason ($message) holds the close back, and lifted lets it through', async (one) => {
  story = await Story.open({ ...MARCH, lines: one.lines ?? (one.isAmount ? AMOUNT_LINES : PLAIN_LINES) });
  await story.begin(one.isAmount ? { mode: 'AMOUNT', unitPrice: '0.5' } : {});
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await one.breaks();
  await story.minute();
  await story.at('2026-04-01T02:00:00Z');
  const blocks = await story.blocks();
  expect(blocks.map((block) => block.reason)).toContain(one.reason);
  expect(blocks.find((block) => block.reason === one.reason)?.message).toMatch(one.message);
  expect(await story.slot()).toBe(0);
  expect(await story.writes()).toEqual([]);
  await one.mends();
  await story.minute();
  expect(await story.blocks()).toEqual([]);
  const due = one.isAmount ? 50 : 100;
  expect(await story.slot()).toBe(due);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([due]);
  expect(await story.writes()).toEqual([due]);
  expect(await story.balance()).toMatchObject({ truth: String(due), billed: String(due), due: '0' });
});

it('a line that is removed and added again is written on the new line, once', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  const [, calls = 0] = story.order.lineIds;
  await control().remove('sale.order.line', calls);
  await story.night();
  expect(await story.reasons()).toEqual(['LINE_MISSING']);
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.reasons()).toEqual(['LINE_MISSING']);
  expect(await story.writes()).toEqual([]);
  await story.addLine();
  expect(await story.slot(2)).toBe(100);
  expect(await story.reasons()).toEqual([]);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced(2)).toEqual([100]);
  await story.usedBy('2026-04-20T10:00:00Z', 7);
  await story.at('2026-05-01T02:00:00Z');
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced(2)).toEqual([100, 7]);
});

it('a line removed just before its write blocks the write, and the new line gets it', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  const [, calls = 0] = story.order.lineIds;
  await control().remove('sale.order.line', calls);
  await story.at('2026-04-01T02:00:00Z');
  expect((await story.writeBacks())[0]).toMatchObject({ kind: 'FINAL', state: 'BLOCKED', blockReason: 'LINE_MISSING' });
  expect(await story.reasons()).toEqual(['LINE_MISSING']);
  await story.night();
  expect(await story.reasons()).toEqual(['LINE_MISSING']);
  await story.addLine();
  expect(await story.slot(2)).toBe(100);
  expect(await story.reasons()).toEqual([]);
});

describe('a price that is changed between the mirror and the write', () => {
  it('is seen by the write: the slot stays empty, and is written once the price is 1 again', async () => {
    story = await Story.open({ ...MARCH, lines: AMOUNT_LINES });
    await story.begin({ mode: 'AMOUNT', unitPrice: '0.5' });
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.test.clock.set(new Date('2026-04-01T02:00:00Z'));
    await story.test.runJobs('sync-odoo', 'advance-contracts');
    await story.editLine({ price_unit: 3 });
    await story.test.runJobs('close-due-periods');
    expect(await story.reasons()).toEqual(['PRICE_NOT_ONE']);
    expect(await story.writes()).toEqual([]);
    await story.minute();
    expect(await story.reasons()).toEqual(['PRICE_NOT_ONE']);
    await story.test.clock.set(new Date('2026-04-01T03:00:00Z'));
    await story.editLine({ price_unit: 1 });
    await story.minute();
    expect(await story.reasons()).toEqual([]);
    expect(await story.slot()).toBe(50);
    expect(await story.writes()).toEqual([50]);
  });

  it('and is changed back before the mirror looks again, is written as well', async () => {
    story = await Story.open({ ...MARCH, lines: AMOUNT_LINES });
    await story.begin({ mode: 'AMOUNT', unitPrice: '0.5' });
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.test.clock.set(new Date('2026-04-01T02:00:00Z'));
    await story.test.runJobs('sync-odoo', 'advance-contracts');
    await story.editLine({ price_unit: 3 });
    await story.test.runJobs('close-due-periods');
    await story.editLine({ price_unit: 1 });
    await story.minute();
    expect(await story.slot()).toBe(50);
    expect(await story.reasons()).toEqual([]);
  });

  it('after the write takes the quantity out of the slot: at another price it is another amount', async () => {
    story = await Story.open({ ...MARCH, lines: AMOUNT_LINES });
    await story.begin({ mode: 'AMOUNT', unitPrice: '0.5' });
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.at('2026-04-01T02:00:00Z');
    expect(await story.slot()).toBe(50);
    await story.editLine({ price_unit: 3 });
    await story.minute();
    expect(await story.reasons()).toEqual(['PRICE_NOT_ONE']);
    expect(await story.slot()).toBe(0);
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([]);
    await story.editLine({ price_unit: 1 });
    await story.at('2026-05-01T02:00:00Z');
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([50]);
    expect(await story.balance()).toMatchObject({ due: '0' });
  });
});

it('an order cancelled just before the write is not written, and is once it is confirmed again', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.test.clock.set(new Date('2026-04-01T02:00:00Z'));
  await story.test.runJobs('sync-odoo', 'advance-contracts');
  await story.editOrder({ state: 'cancel' });
  await story.test.runJobs('close-due-periods');
  expect(await story.writes()).toEqual([]);
  await story.minute();
  expect(await story.reasons()).toEqual(['ORDER_CANCELLED']);
  await story.editOrder({ state: 'sale' });
  await story.minute();
  expect(await story.reasons()).toEqual([]);
  expect(await story.writes()).toEqual([100]);
});

it('READ_BACK_DIFFERS: a quantity Odoo keeps otherwise is taken out again, and a person can have it sent again', async () => {
  // Odoo keeps two digits; three are sent.
  story = await Story.open({ ...MARCH, config: { quantityPlaces: 3 } });
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', '1.234');
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.slot()).toBe(0);
  expect(await story.writes()).toEqual([1.234, 0]);
  const [blocked] = await story.writeBacks();
  expect(blocked).toMatchObject({ state: 'BLOCKED', blockReason: 'READ_BACK_DIFFERS', target: '1.234', readBack: '0' });
  expect(await story.blocks()).toEqual([
    { reason: 'READ_BACK_DIFFERS', message: 'Odoo kept another quantity than the one written.' },
  ]);
  await story.minute();
  expect(await story.writes()).toEqual([1.234, 0]);
  await story.use('0.006', '2026-03-20T09:00:00Z');
  await story.minute();
  expect(await story.slot()).toBe(1.24);
  expect(await story.blocks()).toEqual([]);
});

it('REFUSED_BY_ODOO: a refusal stands until a person has the write sent again', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.failWrite('refused');
  await story.at('2026-04-01T02:00:00Z');
  const [blocked] = await story.writeBacks();
  expect(blocked).toMatchObject({
    state: 'BLOCKED',
    blockReason: 'REFUSED_BY_ODOO',
    problem: { code: 'UPSTREAM_REJECTED' },
  });
  expect(await story.blocks()).toEqual([{ reason: 'REFUSED_BY_ODOO', message: 'Odoo refused the write.' }]);
  await story.at('2026-04-01T03:00:00Z');
  expect(await story.writes()).toEqual([]);
  const RETRY = `mutation ($i: RetryWriteBackInput!) { retryWriteBack(input: $i) { writeBack { state blockReason } } }`;
  const { retryWriteBack } = await story.run(RETRY, { id: blocked?.id });
  expect(retryWriteBack).toEqual({ writeBack: { state: 'PENDING', blockReason: null } });
  await story.minute();
  expect(await story.slot()).toBe(100);
  expect(await story.blocks()).toEqual([]);
});

it('a refusal that nobody looks at costs one invoice, not the months after it', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.failWrite('refused');
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([]);
  await story.usedBy('2026-04-20T10:00:00Z', 7);
  await story.at('2026-05-01T02:00:00Z');
  expect(await story.slot()).toBe(107);
  expect(await story.blocks()).toEqual([]);
});

it('a quantity with more digits than Odoo can hold is refused before it is sent', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  const key = await story.usedBy('2026-03-20T10:00:00Z', '12345678901234567.25');
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.reasons()).toEqual(['REFUSED_BY_ODOO']);
  expect(await story.writes()).toEqual([]);
  await story.void(key);
  await story.use(3, '2026-03-20T09:00:00Z');
  await story.minute();
  expect(await story.reasons()).toEqual([]);
  expect(await story.writes()).toEqual([3]);
});
