import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox';
import { addSubscription, type SubscriptionIds } from '../../sandbox/world';
import { billed, callOdoo, deliver, readLine, readOrder } from './call';

let sandbox: Sandbox;
let ids: SubscriptionIds;
let baseLine: number;
let meteredLine: number;

/** A monthly subscription since January, billed on the first, with a base fee and metered calls. */
async function start(options: SandboxOptions = {}): Promise<void> {
  sandbox = await startSandbox({ load: 'empty', now: new Date('2026-01-05T09:00:00Z'), ...options });
  ids = await addSubscription(sandbox.control, {
    startDate: '2026-01-01',
    nextInvoiceDate: '2026-02-01',
    lines: [
      { code: 'BASE', price: 99, policy: 'order' },
      { code: 'CALLS', price: 0.25 },
    ],
  });
  [baseLine = 0, meteredLine = 0] = ids.lineIds;
}

const at = (instant: string) => sandbox.control.setNow(new Date(instant));

afterEach(() => sandbox.close());

describe('the daily run', () => {
  test('bills an order on its day at the hour of the run, posts the invoice and moves the date one step', async () => {
    await start({ runAt: '00:30' });
    await deliver(sandbox, meteredLine, 90);
    await at('2026-02-01T00:29:59Z');
    expect(await billed(sandbox, meteredLine)).toEqual([]);
    await at('2026-02-01T00:30:00Z');
    expect(await billed(sandbox, meteredLine)).toEqual(['2026-02-01 90']);
    expect(await billed(sandbox, baseLine)).toEqual(['2026-02-01 1']);
    const order = await readOrder(sandbox, ids.orderId);
    expect(order.next_invoice_date).toBe('2026-03-01');
    const fields = [
      'name',
      'state',
      'amount_total',
      'amount_residual',
      'payment_state',
      'invoice_date',
      'invoice_origin',
    ];
    const answer = await callOdoo(sandbox, { path: 'account.move/read', body: { ids: order.invoice_ids, fields } });
    // 1 x 99.00 + 90 x 0.25 = 121.50
    expect(answer.body).toEqual([
      {
        id: 1,
        name: 'INV/2026/00001',
        state: 'posted',
        amount_total: 121.5,
        amount_residual: 121.5,
        payment_state: 'not_paid',
        invoice_date: '2026-02-01',
        invoice_origin: 'S00001',
      },
    ]);
  });

  test('plays every run a clock moved by months has passed, each on its day', async () => {
    await start();
    await at('2026-05-15T00:00:00Z');
    expect(await billed(sandbox, baseLine)).toEqual(['2026-02-01 1', '2026-03-01 1', '2026-04-01 1', '2026-05-01 1']);
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-06-01');
  });

  test('bills an order that was late once a day until it has caught up', async () => {
    await start();
    await sandbox.control.update('sale.order', ids.orderId, { next_invoice_date: '2025-12-01' });
    await at('2026-01-07T12:00:00Z');
    expect(await billed(sandbox, baseLine)).toEqual(['2026-01-06 1', '2026-01-07 1']);
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-02-01');
  });

  test('leaves a line with nothing delivered off the invoice', async () => {
    await start();
    await at('2026-02-01T00:00:00Z');
    expect(await billed(sandbox, baseLine)).toEqual(['2026-02-01 1']);
    expect(await billed(sandbox, meteredLine)).toEqual([]);
  });

  test('makes no invoice of an order without a billable line, yet moves its date on', async () => {
    await start();
    await sandbox.control.remove('sale.order.line', baseLine);
    await at('2026-02-01T00:00:00Z');
    expect(await sandbox.control.records('account.move')).toEqual([]);
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-03-01');
  });

  test.each([
    ['paused', { subscription_state: '4_paused' }],
    ['churned', { subscription_state: '6_churn' }],
    ['cancelled', { state: 'cancel' }],
  ])('does not bill a %s order', async (_name, values) => {
    await start();
    await sandbox.control.update('sale.order', ids.orderId, values);
    await at('2026-02-02T00:00:00Z');
    expect(await sandbox.control.records('account.move')).toEqual([]);
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-02-01');
  });

  test('skips an order in exception until it is cleared, then bills it on the next day', async () => {
    await start();
    await sandbox.control.skipRuns([ids.orderId]);
    await at('2026-02-10T12:00:00Z');
    expect(await billed(sandbox, baseLine)).toEqual([]);
    await sandbox.control.clearSkips();
    await at('2026-02-11T12:00:00Z');
    expect(await billed(sandbox, baseLine)).toEqual(['2026-02-11 1']);
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-03-01');
  });

  test('can be told to bill now, only what is due and only the orders named', async () => {
    await start({ runAt: '23:59' });
    expect(await sandbox.control.runBilling()).toEqual([]);
    await at('2026-02-01T10:00:00Z');
    expect(await sandbox.control.runBilling({ orderIds: [ids.orderId + 1] })).toEqual([]);
    expect(await sandbox.control.runBilling({ orderIds: [ids.orderId] })).toEqual([
      { orderId: ids.orderId, moveId: 1 },
    ]);
    expect(await sandbox.control.runBilling()).toEqual([]);
  });

  test('ends a monthly step on the last day of a shorter month', async () => {
    await start();
    await sandbox.control.update('sale.order', ids.orderId, { next_invoice_date: '2026-01-31' });
    await at('2026-02-01T00:00:00Z');
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-02-28');
  });

  test.each([
    [2, 'week', '2026-02-15'],
    [3, 'month', '2026-05-01'],
    [1, 'year', '2027-02-01'],
  ] as const)('moves the date on by a plan of %d %s', async (value, unit, next) => {
    await start();
    const own = await addSubscription(sandbox.control, {
      plan: { value, unit },
      startDate: '2026-01-01',
      nextInvoiceDate: '2026-02-01',
      lines: [{ code: 'BASE', price: 99, policy: 'order' }],
    });
    await at('2026-02-01T00:00:00Z');
    expect((await readOrder(sandbox, own.orderId)).next_invoice_date).toBe(next);
  });
});

describe('the delivered quantity', () => {
  test('falls to 0 in mode reset, so that a month without a write bills nothing', async () => {
    await start({ mode: 'reset' });
    await deliver(sandbox, meteredLine, 90);
    await at('2026-02-01T00:00:00Z');
    expect(await readLine(sandbox, meteredLine)).toMatchObject({
      qty_delivered: 0,
      qty_invoiced: 90,
      qty_to_invoice: 0,
    });
    await at('2026-03-01T00:00:00Z');
    expect(await billed(sandbox, meteredLine)).toEqual(['2026-02-01 90']);
  });

  test('stays in mode keep, so that a month without a write bills it again', async () => {
    await start({ mode: 'keep' });
    await deliver(sandbox, meteredLine, 90);
    await at('2026-02-01T00:00:00Z');
    expect(await readLine(sandbox, meteredLine)).toMatchObject({
      qty_delivered: 90,
      qty_invoiced: 90,
      qty_to_invoice: 90,
    });
    await at('2026-03-01T00:00:00Z');
    expect(await billed(sandbox, meteredLine)).toEqual(['2026-02-01 90', '2026-03-01 90']);
    expect(await readLine(sandbox, meteredLine)).toMatchObject({ qty_invoiced: 180 });
  });

  test('is a running total in mode running: each month bills what came on top', async () => {
    await start({ mode: 'running' });
    await deliver(sandbox, meteredLine, 90);
    await at('2026-02-01T00:00:00Z');
    await deliver(sandbox, meteredLine, 130.5);
    await at('2026-03-01T00:00:00Z');
    await at('2026-04-01T00:00:00Z');
    expect(await billed(sandbox, meteredLine)).toEqual(['2026-02-01 90', '2026-03-01 40.5']);
    expect(await billed(sandbox, baseLine)).toEqual(['2026-02-01 1', '2026-03-01 1', '2026-04-01 1']);
  });

  test.each([
    [1.005, 1.01],
    [2.675, 2.68],
    [0.004, 0],
    [0.005, 0.01],
    [-0.005, -0.01],
    [1234.5678, 1234.57],
    [1.234, 1.23],
    [99999999999.995, 100000000000],
  ])('%d is stored as %d', async (written, stored) => {
    await start();
    const answer = await deliver(sandbox, meteredLine, written);
    expect(answer).toMatchObject({ status: 200, body: [{ qty_delivered: stored }] });
  });

  test('never bills less than nothing', async () => {
    await start();
    await deliver(sandbox, meteredLine, -5);
    await at('2026-02-01T00:00:00Z');
    expect(await billed(sandbox, meteredLine)).toEqual([]);
    expect(await billed(sandbox, baseLine)).toEqual(['2026-02-01 1']);
  });
});

describe('an invoice by hand', () => {
  test('is made before the order is due, and posting it moves the date', async () => {
    await start();
    await deliver(sandbox, meteredLine, 40);
    expect(await sandbox.control.invoiceOrder(ids.orderId)).toBe(1);
    expect(await billed(sandbox, meteredLine)).toEqual(['2026-01-05 40']);
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-03-01');
  });

  test('is not made when there is nothing to bill, and then the date stays', async () => {
    await start();
    await sandbox.control.remove('sale.order.line', baseLine);
    expect(await sandbox.control.invoiceOrder(ids.orderId)).toBeNull();
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-02-01');
  });

  test('holds the order back from the run while it is a draft; posted, it moves the date', async () => {
    await start();
    await deliver(sandbox, meteredLine, 40);
    const draft = await sandbox.control.invoiceOrder(ids.orderId, { post: false });
    const move = await sandbox.control.record('account.move', draft ?? 0);
    expect([move.name, move.state, move.invoice_date]).toEqual([false, 'draft', false]);
    expect(await readLine(sandbox, meteredLine)).toMatchObject({ qty_invoiced: 40, qty_to_invoice: 0 });
    await at('2026-02-03T00:00:00Z');
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-02-01');
    await sandbox.control.postInvoice(draft ?? 0);
    expect(await billed(sandbox, meteredLine)).toEqual(['2026-02-03 40']);
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-03-01');
  });

  test('deleted as a draft leaves the quantity to be billed', async () => {
    await start();
    await deliver(sandbox, meteredLine, 40);
    const draft = await sandbox.control.invoiceOrder(ids.orderId, { post: false });
    await sandbox.control.deleteDraft(draft ?? 0);
    expect(await readLine(sandbox, meteredLine)).toMatchObject({
      qty_delivered: 40,
      qty_invoiced: 0,
      qty_to_invoice: 40,
    });
    expect(await sandbox.control.records('account.move.line')).toEqual([]);
    await at('2026-02-01T00:00:00Z');
    expect(await billed(sandbox, meteredLine)).toEqual(['2026-02-01 40']);
  });

  test('refuses to be deleted or posted again once it is posted', async () => {
    await start();
    await sandbox.control.invoiceOrder(ids.orderId);
    await expect(sandbox.control.deleteDraft(1)).rejects.toThrow("can't delete a posted");
    await expect(sandbox.control.postInvoice(1)).rejects.toThrow('not in draft');
  });
});

describe('what follows an invoice', () => {
  test('a credit note takes back the invoiced quantity and closes the invoice, but moves no date', async () => {
    await start();
    await deliver(sandbox, meteredLine, 40);
    await at('2026-02-01T00:00:00Z');
    const refund = await sandbox.control.record('account.move', await sandbox.control.creditNote(1));
    expect(refund).toMatchObject({ move_type: 'out_refund', state: 'posted', amount_total: 109, reversed_entry_id: 1 });
    expect(await sandbox.control.record('account.move', 1)).toMatchObject({
      payment_state: 'reversed',
      amount_residual: 0,
    });
    expect(await readLine(sandbox, meteredLine)).toMatchObject({ qty_invoiced: 0 });
    expect((await readOrder(sandbox, ids.orderId)).next_invoice_date).toBe('2026-03-01');
  });

  test('payments lower what is open until it is paid', async () => {
    await start();
    await sandbox.control.invoiceOrder(ids.orderId);
    await sandbox.control.payInvoice(1, 0.1);
    expect(await sandbox.control.record('account.move', 1)).toMatchObject({
      payment_state: 'partial',
      amount_residual: 98.9,
    });
    await sandbox.control.payInvoice(1);
    expect(await sandbox.control.record('account.move', 1)).toMatchObject({
      payment_state: 'paid',
      amount_residual: 0,
    });
  });

  test('a cancelled invoice counts for nothing invoiced', async () => {
    await start();
    await deliver(sandbox, meteredLine, 40);
    await sandbox.control.invoiceOrder(ids.orderId);
    await sandbox.control.update('account.move', 1, { state: 'cancel' });
    expect(await readLine(sandbox, meteredLine)).toMatchObject({ qty_invoiced: 0 });
  });
});

describe('the demo load', () => {
  test.each([
    ['2026-11-22T12:00:00Z', '2026-11-02', '2026-12-02'],
    ['2026-01-20T12:00:00Z', '2026-01-01', '2026-02-01'],
  ])(
    'on %s has its subscriptions in their first month, 10 days or a few more before the next invoice',
    async (now, from, to) => {
      sandbox = await startSandbox({ load: 'demo', now: new Date(now) });
      const orders = await sandbox.control.records('sale.order', {
        plan_id: 1,
        subscription_state: '3_progress',
        currency_id: 1,
      });
      expect(orders.map((order) => [order.id, order.start_date, order.next_invoice_date])).toEqual(
        [13, 14, 30, 31].map((id) => [id, from, to]),
      );
    },
  );

  test('has a base fee with API calls, and a product of price 1 that carries amounts, both on delivered quantities', async () => {
    sandbox = await startSandbox({ load: 'demo' });
    const body = {
      domain: [['order_id', 'in', [30, 31]]],
      fields: ['order_id', 'price_unit', 'product_id'],
      order: 'id',
      load: null,
    };
    const answer = await callOdoo(sandbox, { path: 'sale.order.line/search_read', body });
    expect(answer.body).toEqual([
      { id: 73, order_id: 30, price_unit: 99, product_id: 1 },
      { id: 74, order_id: 30, price_unit: 0.25, product_id: 3 },
      { id: 75, order_id: 31, price_unit: 99, product_id: 1 },
      { id: 76, order_id: 31, price_unit: 1, product_id: 7 },
    ]);
    for (const id of [3, 7]) {
      const product = await sandbox.control.record('product.product', id);
      expect([product.type, product.invoice_policy]).toEqual(['service', 'delivery']);
    }
  });
});
