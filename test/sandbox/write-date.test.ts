import { startSandbox, type Sandbox } from '../../sandbox/sandbox';
import { addSubscription, type SubscriptionIds } from '../../sandbox/world';
import { callOdoo } from './call';

let sandbox: Sandbox;
let ids: SubscriptionIds;
let base: number;
let metered: number;

beforeEach(async () => {
  sandbox = await startSandbox({ load: 'empty', now: new Date('2026-01-05T09:00:00.250Z') });
  ids = await addSubscription(sandbox.control, {
    startDate: '2026-01-01',
    nextInvoiceDate: '2026-02-01',
    lines: [
      { code: 'BASE', price: 99, policy: 'order' },
      { code: 'CALLS', price: 0.25 },
    ],
  });
  [base = 0, metered = 0] = ids.lineIds;
});

afterEach(() => sandbox.close());

/** Which of the order, its base line and its metered line were written by `work`, an hour later. */
async function movedBy(work: () => Promise<unknown>): Promise<string[]> {
  await sandbox.control.advance({ hours: 1 });
  const now = (await sandbox.control.now()).toISOString().replace('T', ' ').slice(0, 23);
  await work();
  const records = {
    order: await sandbox.control.record('sale.order', ids.orderId),
    base: await sandbox.control.record('sale.order.line', base),
    metered: await sandbox.control.record('sale.order.line', metered),
  };
  return Object.entries(records).flatMap(([name, row]) => (row.write_date === `${now}000` ? [name] : []));
}

const write = (path: string, id: number, vals: object) => callOdoo(sandbox, { path, body: { ids: [id], vals } });

describe('write_date moves', () => {
  test('of the line alone when its delivered quantity is written', async () => {
    expect(await movedBy(() => write('sale.order.line/write', metered, { qty_delivered: 5 }))).toEqual(['metered']);
  });

  test('of line and order when the total changes, of the line alone when it does not', async () => {
    expect(await movedBy(() => write('sale.order.line/write', base, { product_uom_qty: 2 }))).toEqual([
      'order',
      'base',
    ]);
    expect(await movedBy(() => write('sale.order.line/write', base, { product_uom_qty: 2 }))).toEqual(['base']);
  });

  test('of the order with any write on it, even an empty one', async () => {
    expect(await movedBy(() => write('sale.order/write', ids.orderId, {}))).toEqual(['order']);
  });

  test('of nothing when the partner or the plan is renamed', async () => {
    expect(await movedBy(() => sandbox.control.update('res.partner', ids.partnerId, { name: 'New' }))).toEqual([]);
    expect(await movedBy(() => sandbox.control.update('sale.subscription.plan', ids.planId, { name: 'New' }))).toEqual(
      [],
    );
  });

  test('of the order and the billed lines when an invoice is made of it', async () => {
    expect(await movedBy(() => sandbox.control.invoiceOrder(ids.orderId, { post: false }))).toEqual(['order', 'base']);
  });

  test('of an invoice when it is posted, paid and credited', async () => {
    const stamps = async () => (await sandbox.control.record('account.move', 1)).write_date;
    await sandbox.control.invoiceOrder(ids.orderId, { post: false });
    const steps = [
      () => sandbox.control.postInvoice(1),
      () => sandbox.control.payInvoice(1, 10),
      () => sandbox.control.payInvoice(1),
      () => sandbox.control.creditNote(1, { post: false }),
    ];
    const seen = [await stamps()];
    for (const step of steps) {
      await sandbox.control.advance({ hours: 1 });
      await step();
      seen.push(await stamps());
    }
    expect(seen.map((stamp) => String(stamp).slice(11, 13))).toEqual(['09', '10', '11', '12', '13']);
  });

  test('of nothing when a call fails', async () => {
    expect(await movedBy(() => write('sale.order.line/write', metered, { qty_delivered: 'x' }))).toEqual([]);
  });
});

test('a transaction that began earlier shows up with an older write_date than what was read before', async () => {
  const seen = async () => {
    const body = { domain: [['write_date', '>=', '2026-01-05 10:00:00']], fields: ['write_date'], order: 'id' };
    return (await callOdoo(sandbox, { path: 'sale.order.line/search_read', body })).body;
  };
  await sandbox.control.advance({ hours: 2 });
  await write('sale.order.line/write', base, { discount: 0 });
  expect(await seen()).toEqual([{ id: base, write_date: '2026-01-05 11:00:00' }]);
  await sandbox.control.update('sale.order.line', metered, {
    qty_delivered: 4,
    write_date: '2026-01-05 10:59:57.500000',
  });
  expect(await seen()).toEqual([
    { id: base, write_date: '2026-01-05 11:00:00' },
    { id: metered, write_date: '2026-01-05 10:59:57' },
  ]);
});
