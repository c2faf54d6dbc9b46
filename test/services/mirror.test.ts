import { Client } from 'pg';
import { addSubscription, type SubscriptionIds } from '../../sandbox/world';
import { BillingError } from '../../src/domain/errors';
import { MirrorModel, type SyncRun } from '../../src/entities/sync-run';
import type { OdooCall } from '../../src/odoo/client';
import { runSync, syncNow, type SyncRequest } from '../../src/services/mirror';
import { ensurePartnerMirrored, ensureProductMirrored } from '../../src/services/mirror-ensure';
import { startTestApp, TEST_NOW, type TestApp } from '../support/app';

const HOUR = 3_600_000;
let test: TestApp;
afterEach(() => test.close());

/** The recorded world was written in November 2026: it is looked at from December. */
async function start(load: 'recorded' | 'empty' = 'empty'): Promise<void> {
  test = await startTestApp(
    load === 'recorded' ? { now: new Date('2026-12-01T12:00:00.000Z'), sandbox: { load } } : {},
  );
}

async function sync(request: SyncRequest = {}): Promise<Record<MirrorModel, SyncRun>> {
  const { runs } = await runSync(test.ctx(), request);
  return Object.fromEntries(runs.map((run) => [run.model, run])) as Record<MirrorModel, SyncRun>;
}

function rows<T = Record<string, unknown>>(sql: string, parameters: unknown[] = []): Promise<T[]> {
  return test.app.db.query<T[]>(sql, parameters);
}

const counts = (run: SyncRun): number[] => [run.read, run.inserted, run.updated, run.unchanged, run.gone];

const LINES = [
  { code: 'BASE', price: 99, policy: 'order' as const },
  { code: 'CALLS', price: 0.25 },
];
const DATES = { startDate: '2026-03-01', nextInvoiceDate: '2026-04-01' };

function subscribe(name = 'Acme'): Promise<SubscriptionIds> {
  return addSubscription(test.sandbox.control, { ...DATES, partner: { name }, lines: LINES });
}

/** An instant as Odoo stores it. */
const stamp = (instant: Date): string => instant.toISOString().replace('T', ' ').replace('Z', '000');

describe('a pass', () => {
  it('brings what concerns us, exactly, and a second one changes nothing', async () => {
    await start('recorded');
    const first = await sync();
    expect(counts(first.CURRENCY)).toEqual([2, 2, 0, 0, 0]);
    expect(counts(first.PLAN)).toEqual([4, 4, 0, 0, 0]);
    expect(counts(first.SUBSCRIPTION)).toEqual([25, 25, 0, 0, 0]);
    expect(counts(first.SUBSCRIPTION_LINE)).toEqual([68, 68, 0, 0, 0]);
    expect(Object.values(first).flatMap((run) => [...run.problems, run.error])).toEqual(Array(8).fill(null));
    const [order] = await rows(
      `select name, reference, order_state, subscription_state, locked, partner_odoo_id, plan_odoo_id, currency_odoo_id,
              start_on::text, next_invoice_on::text, end_on::text, gone_at from subscription where odoo_id = 2`,
    );
    expect(order).toEqual({
      name: 'S00002',
      reference: 'EXT-0001',
      order_state: 'sale',
      subscription_state: 'IN_PROGRESS',
      locked: false,
      partner_odoo_id: 7,
      plan_odoo_id: 1,
      currency_odoo_id: 3,
      start_on: '2026-01-02',
      next_invoice_on: '2026-12-02',
      end_on: null,
      gone_at: null,
    });
    expect(
      await rows(
        'select odoo_id, product_odoo_id, unit_price, ordered_quantity from subscription_line where subscription_odoo_id = 2 order by 1',
      ),
    ).toEqual([
      { odoo_id: 6, product_odoo_id: 1, unit_price: '134.64', ordered_quantity: '1' },
      { odoo_id: 7, product_odoo_id: 4, unit_price: '0.031416', ordered_quantity: '101' },
    ]);
    expect(
      await rows(
        'select count(*)::int as contracts, count(distinct contract_id)::int as used from contract c left join subscription s on s.contract_id = c.id',
      ),
    ).toEqual([{ contracts: 25, used: 25 }]);
    const before = await rows('select * from subscription order by id');
    const second = await sync({ full: true });
    expect(counts(second.SUBSCRIPTION)).toEqual([25, 0, 0, 25, 0]);
    expect(counts(second.SUBSCRIPTION_LINE)).toEqual([68, 0, 0, 68, 0]);
    expect(counts(second.PARTNER)).toEqual([5, 0, 0, 5, 0]);
    expect(await rows('select * from subscription order by id')).toEqual(before);
  });

  it('reads only what was written since, after an overlap', async () => {
    await start('recorded');
    await sync();
    await test.clock.advance(HOUR);
    await sync();
    await test.clock.advance(HOUR);
    const later = await sync();
    expect(Object.values(later).map((run) => run.read)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('asks Odoo once a model and for its clock once, and opens one transaction, while nothing is new', async () => {
    await start();
    await subscribe();
    for (let hour = 0; hour < 2; hour += 1) {
      await sync();
      await test.clock.advance(HOUR);
    }
    const before = await test.sandbox.control.calls();
    const logged = jest.spyOn(test.app.db.logger, 'logQuery');
    try {
      await sync();
      const statements = logged.mock.calls.map(([statement]) => statement);
      expect(statements.filter((sql) => sql === 'START TRANSACTION')).toHaveLength(1);
      // Eight of them save how far a model was read.
      expect(statements.length).toBeLessThanOrEqual(23);
    } finally {
      logged.mockRestore();
    }
    const after = await test.sandbox.control.calls();
    const calls = Object.entries(after).map(([call, count]) => [call, count - (before[call] ?? 0)]);
    expect(Object.fromEntries(calls)).toEqual({
      'res.users/context_get': 1,
      'res.currency/search_read': 1,
      'sale.subscription.plan/search_read': 1,
      'res.partner/search_read': 1,
      'product.product/search_read': 1,
      'sale.order/search_read': 1,
      'sale.order.line/search_read': 1,
      'account.move/search_read': 1,
      'account.move.line/search_read': 1,
    });
  });

  it('opens no transaction for what the overlap brings again', async () => {
    await start();
    await subscribe();
    await sync();
    const logged = jest.spyOn(test.app.db.logger, 'logQuery');
    const again = await sync();
    const begun = logged.mock.calls.filter(([statement]) => statement === 'START TRANSACTION').length;
    logged.mockRestore();
    expect(counts(again.SUBSCRIPTION_LINE)).toEqual([2, 0, 0, 2, 0]);
    expect(begun).toBe(1);
  });

  it('gives every model an instant of its own, in the order of reading, though it asks for the clock once', async () => {
    await start();
    await sync();
    const states = await rows<{ model: MirrorModel; as_of: Date }>(
      'select model, as_of from sync_state order by as_of',
    );
    expect(states.map((state) => state.model)).toEqual(Object.values(MirrorModel));
    expect(new Set(states.map((state) => state.as_of.getTime())).size).toBe(8);
  });

  it('finds a slow transaction that commits after the pass with an older date, within the overlap', async () => {
    await start();
    const { partnerId, orderId } = await subscribe();
    await test.clock.advance(HOUR);
    await sync();
    const passAt = test.clock.now().getTime();
    await test.clock.advance(60_000);
    const late = stamp(new Date(passAt - 129_000));
    const tooLate = stamp(new Date(passAt - 131_000));
    await test.sandbox.control.update('sale.order', orderId, { client_order_ref: 'late', write_date: late });
    await test.sandbox.control.update('res.partner', partnerId, { name: 'too late', write_date: tooLate });
    await sync();
    expect(await rows('select reference from subscription')).toEqual([{ reference: 'late' }]);
    expect(await rows('select name from partner')).toEqual([{ name: 'Acme' }]);
    await sync({ full: true });
    expect(await rows('select name from partner')).toEqual([{ name: 'too late' }]);
  });

  it('loses and repeats nothing of a bulk change within one second, read two at a time', async () => {
    await start('recorded');
    await sync();
    await test.clock.advance(HOUR);
    const control = test.sandbox.control;
    const orders = (await control.records('sale.order')).filter((order) => order.id <= 25);
    for (const order of orders) await control.update('sale.order', order.id, { client_order_ref: `bulk ${order.id}` });
    const run = (await sync({ pageSize: 2 })).SUBSCRIPTION;
    expect(counts(run)).toEqual([25, 0, 25, 0, 0]);
    const found = await rows<{ reference: string }>('select reference from subscription order by odoo_id');
    expect(found.map((row) => row.reference)).toEqual(Array.from({ length: 25 }, (_, index) => `bulk ${index + 1}`));
  });

  it('sees a partner renamed, though no order moved', async () => {
    await start();
    const { partnerId } = await subscribe();
    await test.clock.advance(HOUR);
    await sync();
    await test.clock.advance(HOUR);
    await test.sandbox.control.update('res.partner', partnerId, { name: 'Acme Ltd' });
    const { PARTNER, SUBSCRIPTION } = await sync();
    expect([counts(PARTNER), counts(SUBSCRIPTION)]).toEqual([
      [1, 0, 1, 0, 0],
      [0, 0, 0, 0, 0],
    ]);
    expect(await rows('select name from partner')).toEqual([{ name: 'Acme Ltd' }]);
  });

  it("mirrors a contact's company with it", async () => {
    await start();
    const control = test.sandbox.control;
    const company = await control.create('res.partner', { name: 'Holding', is_company: true });
    const contact = await control.create('res.partner', { name: 'Branch', parent_id: company });
    await addSubscription(control, { ...DATES, partner: contact, lines: LINES });
    await sync();
    expect(await rows('select name, commercial_partner_odoo_id as payer from partner order by name')).toEqual([
      { name: 'Branch', payer: company },
      { name: 'Holding', payer: company },
    ]);
  });

  it('takes the old lines of an order that becomes a subscription later', async () => {
    await start();
    const { planId, productIds } = await subscribe();
    const control = test.sandbox.control;
    const order = await control.create('sale.order', {
      partner_id: await control.create('res.partner', { name: 'Later' }),
      currency_id: 1,
      state: 'draft',
    });
    const line = await control.create('sale.order.line', { order_id: order, product_id: productIds[0], price_unit: 5 });
    await sync();
    expect(await rows('select 1 from subscription where odoo_id = $1', [order])).toEqual([]);
    await test.clock.advance(HOUR);
    await control.update('sale.order', order, { plan_id: planId, subscription_state: '1_draft' });
    await sync();
    expect(await rows('select odoo_id from subscription_line where subscription_odoo_id = $1', [order])).toEqual([
      { odoo_id: line },
    ]);
  });

  it('is the only one at a time: two at once make one contract an order, and one of them does nothing', async () => {
    await start('recorded');
    const outcomes = await Promise.all([runSync(test.ctx()), runSync(test.ctx())]);
    expect(outcomes.map(({ runs }) => runs.length).sort()).toEqual([0, 8]);
    expect(await rows('select count(*)::int as n from contract')).toEqual([{ n: 25 }]);
    const waited = await Promise.all([runSync(test.ctx(), { wait: true }), runSync(test.ctx(), { wait: true })]);
    expect(waited.map(({ runs }) => runs.length)).toEqual([8, 8]);
  });

  it('tells its progress', async () => {
    await start('recorded');
    const told: [string, number][] = [];
    await sync({ pageSize: 10, onProgress: (model, read) => told.push([model, read]) });
    expect(told.filter(([model]) => model === 'SUBSCRIPTION')).toEqual([
      ['SUBSCRIPTION', 10],
      ['SUBSCRIPTION', 20],
      ['SUBSCRIPTION', 25],
    ]);
  });

  it('asks for the next pages while it stores one, holds three at most, and asks for none after the last', async () => {
    await start('recorded');
    const events: string[] = [];
    const { odoo } = test.app;
    const watched = {
      ...odoo,
      call: (call: OdooCall): ReturnType<typeof odoo.call> => {
        if (call.model === 'sale.order' && call.method === 'search_read') events.push('asked');
        return odoo.call(call);
      },
    };
    const onProgress = (model: MirrorModel, read: number): void => {
      if (model === MirrorModel.SUBSCRIPTION) events.push(`stored ${read}`);
    };
    await runSync({ ...test.ctx(), odoo: watched }, { pageSize: 6, onProgress });
    expect(events.filter((event) => event !== 'asked')).toEqual([6, 12, 18, 24, 25].map((read) => `stored ${read}`));
    const asked = events.flatMap((event, index) => (event === 'asked' ? [index] : []));
    expect(asked).toHaveLength(5);
    const storedBefore = asked.map((end) => events.slice(0, end).filter((event) => event !== 'asked').length);
    for (const [page, stored] of storedBefore.entries()) expect(page - stored).toBeLessThan(3);
    expect(storedBefore[1]).toBe(0);
  });

  it('queues what lives on the mirror, once, when it ends', async () => {
    await start();
    await sync();
    await sync();
    const owner = new Client({ connectionString: test.databaseUrl });
    await owner.connect();
    const jobs = await owner.query('select task_identifier as task from graphile_worker.jobs order by 1');
    await owner.end();
    expect(jobs.rows).toEqual([{ task: 'advance-contracts' }, { task: 'assign-usage' }]);
  });
});

describe('what is gone', () => {
  it('is marked by a full pass, kept, and comes back when Odoo shows it again', async () => {
    await start();
    const { orderId } = await subscribe('stays');
    const away = await subscribe('goes');
    await sync();
    await test.clock.advance(HOUR);
    // Another company's record vanishes from searches just as a deleted one does.
    await test.sandbox.control.update('sale.order', away.orderId, { company_id: 2 });
    await sync();
    expect(await rows('select 1 from subscription where gone_at is not null')).toEqual([]);
    const full = await sync({ full: true });
    expect([full.SUBSCRIPTION.gone, full.SUBSCRIPTION_LINE.gone]).toEqual([1, 2]);
    expect(await rows('select odoo_id, gone_at is not null as gone from subscription order by 1')).toEqual([
      { odoo_id: orderId, gone: false },
      { odoo_id: away.orderId, gone: true },
    ]);
    await sync({ full: true });
    expect((await sync({ full: true })).SUBSCRIPTION.gone).toBe(0);
    await test.clock.advance(HOUR);
    await test.sandbox.control.update('sale.order', away.orderId, { company_id: 1 });
    await sync();
    expect(await rows('select 1 from subscription where gone_at is not null')).toEqual([]);
  });

  it('is noticed at once of a draft invoice that was deleted, and of its lines', async () => {
    await start();
    const { orderId } = await subscribe();
    const invoice = await test.sandbox.control.invoiceOrder(orderId, { post: false });
    await sync();
    expect(await rows('select state, name, gone_at from invoice')).toEqual([
      { state: 'draft', name: null, gone_at: null },
    ]);
    await test.clock.advance(HOUR);
    await test.sandbox.control.deleteDraft(invoice as number);
    const pass = await sync();
    expect([pass.INVOICE.gone, pass.INVOICE_LINE.gone]).toEqual([1, 1]);
  });
});

describe('invoices', () => {
  it('are those of subscriptions only, with the order lines they bill', async () => {
    await start();
    const { orderId, lineIds, productIds } = await subscribe();
    const control = test.sandbox.control;
    const plain = await control.create('sale.order', {
      partner_id: await control.create('res.partner', { name: 'Plain' }),
      currency_id: 1,
      state: 'sale',
    });
    await control.create('sale.order.line', {
      order_id: plain,
      product_id: productIds[0],
      product_uom_qty: 3,
      price_unit: 7,
    });
    expect(await control.invoiceOrder(plain)).not.toBeNull();
    await control.update('sale.order.line', lineIds[1] ?? 0, { qty_delivered: 1234.56 });
    const invoice = await control.invoiceOrder(orderId);
    await sync();
    expect(await rows('select odoo_id, move_type, state, amount_untaxed, invoice_on::text from invoice')).toEqual([
      {
        odoo_id: invoice,
        move_type: 'out_invoice',
        state: 'posted',
        amount_untaxed: '407.64',
        invoice_on: '2026-03-10',
      },
    ]);
    expect(
      await rows(
        'select sale_line_odoo_ids, product_odoo_id, quantity, unit_price, subtotal from invoice_line order by odoo_id',
      ),
    ).toEqual([
      {
        sale_line_odoo_ids: [lineIds[0]],
        product_odoo_id: productIds[0],
        quantity: '1',
        unit_price: '99',
        subtotal: '99',
      },
      {
        sale_line_odoo_ids: [lineIds[1]],
        product_odoo_id: productIds[1],
        quantity: '1234.56',
        unit_price: '0.25',
        subtotal: '308.64',
      },
    ]);
    expect(await rows('select 1 from partner where name = $1', ['Plain'])).toEqual([]);
    await test.clock.advance(HOUR);
    await control.payInvoice(invoice as number);
    await sync();
    expect(await rows('select payment_state, amount_residual from invoice')).toEqual([
      { payment_state: 'paid', amount_residual: '0' },
    ]);
  });

  it('have been read later than the order whose date they moved', async () => {
    await start();
    const { orderId } = await subscribe();
    await test.sandbox.control.invoiceOrder(orderId);
    await sync();
    const [order] = await rows<{ synced_at: Date }>('select synced_at from subscription');
    const [invoices] = await rows<{ as_of: Date }>(
      `select min(as_of) as as_of from sync_state where model like 'INVOICE%'`,
    );
    expect(invoices?.as_of.getTime()).toBeGreaterThan(order?.synced_at.getTime() ?? Infinity);
  });

  it('hold their instant back while Odoo fails between orders and invoices', async () => {
    await start();
    const { orderId } = await subscribe();
    await sync();
    const asOf = `select as_of from sync_state where model = 'INVOICE_LINE'`;
    const before = await rows(asOf);
    await test.clock.advance(HOUR);
    await test.sandbox.control.invoiceOrder(orderId);
    await test.sandbox.control.addFault({ fault: 'html-404', match: { model: 'account.move' } });
    const failed = await sync();
    expect(failed.SUBSCRIPTION.updated).toBe(1);
    expect(failed.INVOICE.error).toMatch(/^UPSTREAM_UNAVAILABLE: /);
    expect(failed.INVOICE_LINE).toMatchObject({ read: 0, error: failed.INVOICE.error });
    expect(await rows(asOf)).toEqual(before);
    expect((await sync()).INVOICE_LINE.inserted).toBe(1);
  });
});

describe('a record that cannot be mirrored', () => {
  it('is set aside with the reason, stops nothing, and is taken up once it can be', async () => {
    await start();
    const bad = await subscribe('bad');
    const good = await addSubscription(test.sandbox.control, {
      ...DATES,
      partner: { name: 'good' },
      lines: [{ code: 'OTHER', price: 1 }],
    });
    const product = bad.productIds[1] ?? 0;
    await test.sandbox.control.update('product.product', product, { invoice_policy: false });
    const { SUBSCRIPTION_LINE } = await sync();
    expect(counts(SUBSCRIPTION_LINE)).toEqual([3, 2, 0, 0, 0]);
    expect(SUBSCRIPTION_LINE.problems).toEqual([
      {
        code: 'UPSTREAM_REJECTED',
        message: `sale.order.line ${bad.lineIds[1]} is set aside: product_odoo_id: product.product ${product} is not mirrored`,
        field: 'product_odoo_id',
        retryable: true,
        details: { odooId: bad.lineIds[1] },
      },
    ]);
    expect(await rows('select 1 from subscription_line where odoo_id = $1', [good.lineIds[0]])).toHaveLength(1);
    await test.clock.advance(HOUR);
    expect((await sync()).SUBSCRIPTION_LINE.problems).toHaveLength(1);
    await test.clock.advance(HOUR);
    await test.sandbox.control.update('product.product', product, { invoice_policy: 'delivery' });
    const repaired = await sync();
    expect([repaired.SUBSCRIPTION_LINE.inserted, repaired.SUBSCRIPTION_LINE.problems]).toEqual([1, []]);
    expect(await rows('select 1 from subscription_line where odoo_id = $1', [bad.lineIds[1]])).toHaveLength(1);
  });
});

describe('a row the database refuses', () => {
  it('is set aside alone; its page is stored without it', async () => {
    await start();
    const good = await subscribe('good');
    const bad = await subscribe('bad');
    await test.sandbox.control.update('sale.order', bad.orderId, { start_date: '2026-02-30' });
    const { SUBSCRIPTION } = await sync();
    expect(counts(SUBSCRIPTION)).toEqual([2, 1, 0, 0, 0]);
    expect(SUBSCRIPTION.problems.map((problem) => problem.message)).toEqual([
      `sale.order ${bad.orderId} is set aside: the database refuses it (22008)`,
    ]);
    expect(await rows('select odoo_id from subscription')).toEqual([{ odoo_id: good.orderId }]);
  });
});

describe('a pass that was cut off', () => {
  it('goes on where it stood, and ends in the same rows as one that was not', async () => {
    await start('recorded');
    const content = `select odoo_id, subscription_odoo_id, product_odoo_id, ordered_quantity, unit_price, description
      from subscription_line order by odoo_id`;
    await test.sandbox.control.addFault({
      fault: 'html-404',
      match: { model: 'sale.order.line', method: 'search_read' },
      after: 2,
    });
    const cut = await sync({ pageSize: 10 });
    expect(cut.SUBSCRIPTION_LINE).toMatchObject({ read: 20, inserted: 20 });
    expect(cut.SUBSCRIPTION_LINE.error).toMatch(/^UPSTREAM_UNAVAILABLE: Odoo answered 404/);
    expect(await rows(`select walk_after_id from sync_state where model = 'SUBSCRIPTION_LINE'`)).toEqual([
      { walk_after_id: 20 },
    ]);
    const resumed = await sync({ pageSize: 10 });
    expect(resumed.SUBSCRIPTION_LINE).toMatchObject({ inserted: 48, error: null });
    const lines = await rows(content);
    expect(lines).toHaveLength(68);
    const whole = await sync({ full: true });
    expect(counts(whole.SUBSCRIPTION_LINE)).toEqual([68, 0, 0, 68, 0]);
    expect(await rows(content)).toEqual(lines);
  });

  it('sees what changed behind its cursor while it stood still', async () => {
    await start('recorded');
    await test.sandbox.control.addFault({
      fault: 'html-404',
      match: { model: 'sale.order.line', method: 'search_read' },
      after: 2,
    });
    await sync({ pageSize: 10 });
    await test.clock.advance(HOUR);
    await test.sandbox.control.update('sale.order.line', 2, { name: 'changed behind' });
    await sync({ pageSize: 10 });
    expect(await rows('select description from subscription_line where odoo_id = 2')).toEqual([
      { description: 'changed behind' },
    ]);
  });

  it('reads a model of two queued runs twice, the second from where the first has left it', async () => {
    await start();
    await subscribe();
    const models = [MirrorModel.PLAN];
    const { runs: first } = await syncNow(test.ctx(), { models, full: false });
    const { runs: second } = await syncNow(test.ctx(), { models, full: true });
    const { runs } = await runSync(test.ctx(), { runIds: [...first, ...second].map((run) => run.id) });
    expect(runs.map((run) => [run.model, run.isFull, ...counts(run), run.error])).toEqual([
      ['PLAN', false, 1, 1, 0, 0, 0, null],
      ['PLAN', true, 1, 0, 0, 1, 0, null],
    ]);
  });

  it('is ended by the next one when its process died', async () => {
    await start();
    await subscribe();
    const [dead] = await rows<{ id: string }>(
      `insert into sync_run (model, is_full, requested_by, requested_at, started_at) values ('PLAN', false, 'x', $1, $1) returning id`,
      [TEST_NOW],
    );
    await sync();
    expect(await rows('select finished_at, error from sync_run where id = $1', [dead?.id])).toEqual([
      { finished_at: TEST_NOW, error: 'INTERNAL: the process ended before the run did' },
    ]);
  });

  it('fails as a whole while Odoo is down, and says so', async () => {
    await start();
    await sync();
    await test.sandbox.control.addFault({ fault: 'down' });
    const down = await sync();
    expect(new Set(Object.values(down).map((run) => run.error))).toEqual(
      new Set(['UPSTREAM_UNAVAILABLE: Odoo cannot be reached (UND_ERR_SOCKET).']),
    );
    const status = await test.gql(test.adminKey, '{ syncStatus { odooReachable } }');
    expect(status.data.syncStatus.odooReachable).toBe(false);
  });
});

describe('caches of the catalogue', () => {
  const version = async (): Promise<number> => {
    const [row] = await rows<{ version: string }>('select sum(catalog_version) as version from service');
    return Number(row?.version);
  };

  it('become old with a new order or line, another product or a gone order, and with nothing else', async () => {
    await start();
    await rows(`insert into service (code, name, created_at) values ('svc', 'Service', $1)`, [TEST_NOW]);
    const { orderId, lineIds, productIds, partnerId } = await subscribe();
    let known = await version();
    const moved = async (): Promise<boolean> => {
      const before = known;
      await test.clock.advance(HOUR);
      await sync();
      known = await version();
      return known > before;
    };
    const control = test.sandbox.control;
    expect(await moved()).toBe(true);
    expect(await moved()).toBe(false);
    await control.update('res.partner', partnerId, { name: 'Other' });
    await control.update('sale.order.line', lineIds[1] ?? 0, { qty_delivered: 3 });
    expect(await moved()).toBe(false);
    await control.create('sale.order.line', { order_id: orderId, product_id: productIds[1], price_unit: 1 });
    expect(await moved()).toBe(true);
    await control.update('sale.order', orderId, { company_id: 2 });
    expect(await moved()).toBe(false);
    await sync({ full: true });
    expect(await version()).toBeGreaterThan(known);
  });
});

describe('one record by its id', () => {
  it('is fetched when it is not there, and refused when Odoo has none', async () => {
    await start();
    const partner = await test.sandbox.control.create('res.partner', { name: 'Named' });
    await ensurePartnerMirrored(test.ctx(), partner);
    await ensurePartnerMirrored(test.ctx(), partner);
    expect(await rows('select odoo_id, name from partner')).toEqual([{ odoo_id: partner, name: 'Named' }]);
    expect((await test.sandbox.control.calls())['res.partner/search_read']).toBe(1);
    await expect(ensurePartnerMirrored(test.ctx(), 999_999)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      details: { field: 'partnerOdooId' },
    });
    await expect(ensureProductMirrored(test.ctx(), -1)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      details: { field: 'productOdooId' },
    });
  });

  it('cannot be fetched while Odoo is down', async () => {
    await start();
    await test.sandbox.control.addFault({ fault: 'html-404' });
    const refusal = await ensureProductMirrored(test.ctx(), 1).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(BillingError);
    expect(refusal).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryable: true });
  });
});

describe('syncNow', () => {
  it('queues a run a model in the order of reading, and a second call takes the same ones', async () => {
    await start();
    await subscribe();
    const input = { models: [MirrorModel.SUBSCRIPTION, MirrorModel.PLAN], full: true };
    const { runs } = await syncNow(test.ctx(), input);
    expect(runs.map((run) => [run.model, run.isFull, run.startedAt])).toEqual([
      ['PLAN', true, null],
      ['SUBSCRIPTION', true, null],
    ]);
    expect((await syncNow(test.ctx(), input)).runs.map((run) => run.id)).toEqual(runs.map((run) => run.id));
    expect((await syncNow(test.ctx(), { models: [MirrorModel.PLAN], full: false })).runs[0]?.id).toBe(runs[0]?.id);
    await runSync(test.ctx(), { runIds: runs.map((run) => run.id) });
    expect(
      await rows('select model, inserted, finished_at is not null as done, error from sync_run order by model'),
    ).toEqual([
      { model: 'PLAN', inserted: 1, done: true, error: null },
      { model: 'SUBSCRIPTION', inserted: 1, done: true, error: null },
    ]);
  });

  it('refuses an empty list of models', async () => {
    await start();
    await expect(syncNow(test.ctx(), { models: [], full: false })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'Name at least one model.',
      details: { field: 'models' },
    });
  });
});
