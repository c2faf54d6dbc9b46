/** Traces both ways: from a usage record to the invoice line it ended in, and from an invoice line to the records behind it. */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };

const RECORD = `query ($i: String!) { traceRecord(service: "cloud", idempotencyKey: $i) {
  outcome contractReason bucket contract { id } period { startOn state } charge { mode }
  record { idempotencyKey quantity effectiveQuantity } correction { kind idempotencyKey quantity }
  assignments { actor reason contract { id } }
  lines { revision units value recordCount }
  adjustments { value origin { startOn } target { startOn } }
  writeBacks { kind target state period { startOn } }
  settlements { evidence billed period { startOn }
    invoiceLine { quantity invoice { number type state invoiceOn currency } } } } }`;

const LINE = `query ($i: Int!) { traceInvoiceLine(odooId: $i) { status asOf worth adjusted rest
  invoiceLine { quantity invoice { number } }
  settlement { billed period { startOn } product { name } }
  worths { period { startOn } charge { metric { code } } bucket atWrite { units revision } now { units revision } }
  adjustments { value origin { startOn } }
  records { nodes { part bucket period { startOn } charge { metric { code } }
    record { quantity effectiveQuantity } } pageInfo { hasNextPage endCursor } } } }`;

/* eslint-disable @typescript-eslint/no-explicit-any -- answers of GraphQL, whose shape the documents above say */
const record = async (key: string): Promise<any> => (await story.run(RECORD, key)).traceRecord;
const invoiceLine = async (odooId: number): Promise<any> => (await story.run(LINE, odooId)).traceInvoiceLine;
/* eslint-enable @typescript-eslint/no-explicit-any */

/** Odoo's ids of the invoice lines on the metered line, or on another one; in their order. */
async function invoiceLines(line = 1): Promise<number[]> {
  const rows = await story.test.sandbox.control.records('account.move.line');
  const lineId = story.order.lineIds[line] as number;
  return rows.filter((row) => (row.sale_line_ids as number[]).includes(lineId)).map((row) => row.id);
}

/** March with 100, of which the invoice line tells; 11 more come late and are in April's, whose own usage is 20. */
async function twoMonths(): Promise<{ first: string; late: string; april: string }> {
  await story.begin();
  const first = await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  await story.test.clock.set(new Date('2026-04-05T10:00:00Z'));
  const late = await story.use(11, '2026-03-21T09:00:00Z');
  await story.minute();
  const april = await story.usedBy('2026-04-20T10:00:00Z', 20);
  await story.at('2026-05-01T02:00:00Z');
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100, 31]);
  return { first, late, april };
}

it('a record in time is traced to its line, the write and the invoice line', async () => {
  story = await Story.open(MARCH);
  const { first } = await twoMonths();
  expect(await record(first)).toEqual({
    outcome: 'IN_PERIOD',
    contractReason: 'ONLY_CONTRACT',
    bucket: '',
    contract: { id: await story.contractId() },
    period: { startOn: '2026-03-01', state: 'CLOSED' },
    charge: { mode: 'QUANTITY' },
    record: { idempotencyKey: first, quantity: '100', effectiveQuantity: '100' },
    correction: null,
    assignments: [],
    lines: [
      { revision: 1, units: '100', value: '100', recordCount: 1 },
      { revision: 2, units: '111', value: '111', recordCount: 2 },
    ],
    adjustments: [],
    writeBacks: expect.arrayContaining([
      { kind: 'FINAL', target: '100', state: 'INVOICED', period: { startOn: '2026-03-01' } },
    ]),
    settlements: [
      {
        evidence: 'INVOICE_LINE',
        billed: '100',
        period: { startOn: '2026-03-01' },
        invoiceLine: {
          quantity: '100',
          invoice: {
            number: 'INV/2026/00001',
            type: 'INVOICE',
            state: 'POSTED',
            invoiceOn: '2026-04-01',
            currency: 'USD',
          },
        },
      },
    ],
  });
});

it('late usage is traced to the adjustment, and to the invoice line of the period that took it up', async () => {
  story = await Story.open(MARCH);
  const { late } = await twoMonths();
  const trace = await record(late);
  expect(trace.period).toEqual({ startOn: '2026-03-01', state: 'CLOSED' });
  expect(trace.adjustments).toEqual([
    { value: '11', origin: { startOn: '2026-03-01' }, target: { startOn: '2026-04-01' } },
  ]);
  expect(trace.settlements).toMatchObject([
    { billed: '100', period: { startOn: '2026-03-01' } },
    { billed: '31', period: { startOn: '2026-04-01' }, invoiceLine: { invoice: { number: 'INV/2026/00002' } } },
  ]);
});

it('an invoice line is traced to its period, the adjustment it took up, and the records of both', async () => {
  story = await Story.open(MARCH);
  await twoMonths();
  const [march = 0, april = 0] = await invoiceLines();
  const metric = { metric: { code: 'calls' } };
  expect(await invoiceLine(march)).toMatchObject({
    status: 'SETTLED',
    asOf: '2026-04-01T02:00:00.000Z',
    worth: '100',
    adjusted: '0',
    rest: '0',
    settlement: { billed: '100', period: { startOn: '2026-03-01' }, product: { name: 'Calls' } },
    worths: [{ bucket: '', atWrite: { units: '100', revision: 1 }, now: { units: '111', revision: 2 } }],
    records: {
      nodes: [
        { part: 'IN_PERIOD', record: { quantity: '100' }, charge: metric, bucket: '' },
        { part: 'SINCE', record: { quantity: '11' }, charge: metric, bucket: '' },
      ],
    },
  });
  expect(await invoiceLine(april)).toEqual({
    status: 'SETTLED',
    asOf: '2026-05-01T02:00:00.000Z',
    worth: '20',
    adjusted: '11',
    rest: '0',
    invoiceLine: { quantity: '31', invoice: { number: 'INV/2026/00002' } },
    settlement: { billed: '31', period: { startOn: '2026-04-01' }, product: { name: 'Calls' } },
    worths: [
      {
        period: { startOn: '2026-03-01' },
        charge: metric,
        bucket: '',
        atWrite: { units: '111', revision: 2 },
        now: { units: '111', revision: 2 },
      },
      {
        period: { startOn: '2026-04-01' },
        charge: metric,
        bucket: '',
        atWrite: { units: '20', revision: 1 },
        now: { units: '20', revision: 1 },
      },
    ],
    adjustments: [{ value: '11', origin: { startOn: '2026-03-01' } }],
    records: {
      nodes: [
        {
          part: 'LATE_USAGE',
          bucket: '',
          period: { startOn: '2026-03-01' },
          charge: metric,
          record: { quantity: '11', effectiveQuantity: '11' },
        },
        {
          part: 'IN_PERIOD',
          bucket: '',
          period: { startOn: '2026-04-01' },
          charge: metric,
          record: { quantity: '20', effectiveQuantity: '20' },
        },
      ],
      pageInfo: { hasNextPage: false, endCursor: expect.any(String) },
    },
  });
});

it('corrections are traced by their own keys: what replaced, what was replaced, what was voided', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  const key = await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.run('mutation ($i: ReplaceUsageInput!) { replaceUsage(input: $i) { status } }', {
    service: 'cloud',
    idempotencyKey: 'better',
    replaces: key,
    quantity: '40',
    reason: 'counted twice',
  });
  expect(await record(key)).toMatchObject({
    outcome: 'SUPERSEDED',
    correction: null,
    record: { idempotencyKey: key, quantity: '100', effectiveQuantity: '40' },
    // Open still: nothing is rated, but what will rate it is known.
    period: { startOn: '2026-03-01', state: 'OPEN' },
    charge: { mode: 'QUANTITY' },
    lines: [],
  });
  expect(await record('better')).toMatchObject({
    outcome: 'IN_PERIOD',
    correction: { kind: 'REPLACEMENT', idempotencyKey: 'better', quantity: '40' },
    record: { idempotencyKey: key },
  });
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  await story.void(key);
  await story.minute();
  for (const each of [key, 'better', `void ${key}`]) {
    expect(await record(each)).toMatchObject({
      outcome: 'VOIDED',
      record: { idempotencyKey: key, effectiveQuantity: null },
      lines: [{ units: '40' }, { units: '0', recordCount: 0 }],
      adjustments: [{ value: '-40' }],
    });
  }
  const [march = 0] = await invoiceLines();
  expect(await invoiceLine(march)).toMatchObject({
    worth: '40',
    rest: '0',
    worths: [{ atWrite: { units: '40' }, now: { units: '0' } }],
    records: { nodes: [{ part: 'IN_PERIOD', record: { quantity: '100', effectiveQuantity: null } }] },
  });
});

it('usage between the close and the invoice is in the line, with the revision that was written', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await story.test.clock.set(new Date('2026-04-01T03:00:00Z'));
  await story.use(11, '2026-03-21T09:00:00Z');
  await story.minute();
  await story.at('2026-04-01T12:01:00Z');
  const [march = 0] = await invoiceLines();
  expect(await invoiceLine(march)).toMatchObject({
    asOf: '2026-04-01T03:00:00.000Z',
    worth: '111',
    adjusted: '0',
    rest: '0',
    worths: [{ atWrite: { units: '111', revision: 2 } }],
    records: { nodes: [{ part: 'IN_PERIOD' }, { part: 'IN_PERIOD' }] },
  });
});

it('an invoice line covers the months that were not invoiced before it', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.usedBy('2026-04-20T10:00:00Z', 10);
  await story.test.clock.set(new Date('2026-05-10T10:00:00Z'));
  for (let minutes = 0; minutes < 4; minutes += 1) await story.minute();
  await story.usedBy('2026-05-20T10:00:00Z', 1);
  await story.at('2026-06-01T02:00:00Z');
  await story.at('2026-06-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([111]);
  const [only = 0] = await invoiceLines();
  const trace = await invoiceLine(only);
  expect(trace).toMatchObject({
    worth: '111',
    adjusted: '0',
    rest: '0',
    settlement: { period: { startOn: '2026-05-01' } },
  });
  expect(trace.worths.map((each: { atWrite: { units: string } }) => each.atWrite.units)).toEqual(['100', '10', '1']);
  expect(trace.records.nodes).toHaveLength(3);
});

it('what rounding took or added is the rest', async () => {
  story = await Story.open(MARCH);
  await story.begin({ unitsPerProductUnit: '1000' });
  await story.usedBy('2026-03-20T10:00:00Z', 1_234);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  await story.usedBy('2026-04-20T10:00:00Z', 2_006);
  await story.at('2026-05-01T02:00:00Z');
  await story.at('2026-05-01T12:01:00Z');
  const [march = 0, april = 0] = await invoiceLines();
  expect(await invoiceLine(march)).toMatchObject({
    invoiceLine: { quantity: '1.23' },
    worth: '1.234',
    adjusted: '0',
    rest: '-0.004',
  });
  expect(await invoiceLine(april)).toMatchObject({
    invoiceLine: { quantity: '2.01' },
    worth: '2.006',
    adjusted: '0',
    rest: '0.004',
  });
});

it('a provisional quantity is told as one: nothing was rated yet', async () => {
  story = await Story.open({ ...MARCH, timeZone: 'America/Toronto', runAt: '00:30' });
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-03-31T18:30:00Z');
  await story.use(11, '2026-03-20T09:00:00Z');
  await story.at('2026-04-01T00:31:00Z');
  await story.at('2026-04-01T06:00:00Z');
  const [march = 0] = await invoiceLines();
  expect(await invoiceLine(march)).toMatchObject({
    status: 'SETTLED',
    asOf: '2026-03-31T18:30:00.000Z',
    invoiceLine: { quantity: '100' },
    worth: null,
    adjusted: '0',
    rest: null,
    worths: [{ atWrite: null, now: { units: '111' } }],
  });
});

it('records come in pages, in the order of time, each once', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  // Two at one instant: the order in which they were recorded decides.
  for (const [quantity, day] of [
    [1, '12'],
    [2, '11'],
    [3, '11'],
    [4, '13'],
  ] as const)
    await story.use(quantity, `2026-03-${day}T10:00:00Z`);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  const [march = 0] = await invoiceLines();
  const quantities: string[] = [];
  let after: string | null = null;
  do {
    const { traceInvoiceLine } = await story.run(
      `query ($i: String) { traceInvoiceLine(odooId: ${march}) { records(first: 3, after: $i) {
         nodes { record { quantity } } pageInfo { hasNextPage endCursor } } } }`,
      after,
    );
    const { nodes, pageInfo } = traceInvoiceLine.records as {
      nodes: { record: { quantity: string } }[];
      pageInfo: { hasNextPage: boolean; endCursor: string };
    };
    quantities.push(...nodes.map((node) => node.record.quantity));
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  expect(quantities).toEqual(['2', '3', '1', '4']);
  const refused = await story.test.gql(
    story.test.adminKey,
    `{ traceInvoiceLine(odooId: ${march}) { records(first: 201) { nodes { part } } } }`,
  );
  expect(refused.errors?.[0]?.extensions).toMatchObject({ code: 'VALIDATION_FAILED', field: 'first' });
});

describe('a line that settled nothing says why', () => {
  it('NOT_METERED, NOT_POSTED, CREDIT_NOTE, GONE, AWAITED, BEFORE_SEAM, NOT_BILLED_BY_ODOO', async () => {
    story = await Story.open(MARCH);
    await twoMonths();
    const [base = 0] = await invoiceLines(0);
    expect(await invoiceLine(base)).toMatchObject({
      status: 'NOT_METERED',
      settlement: null,
      asOf: null,
      worths: [],
      adjustments: [],
      worth: null,
      records: { nodes: [] },
    });
    const { db } = story.test.app;
    // Lines beside the settled one, as Odoo may have them.
    const copy = async (change: {
      move?: string;
      state?: string;
      invoice?: number;
      gone?: boolean;
    }): Promise<number> => {
      const { move = 'out_invoice', state = 'posted', invoice = 9_000, gone = false } = change;
      await db.query(
        `insert into invoice (odoo_id, move_type, state, payment_state, currency_odoo_id, amount_untaxed, amount_total,
            amount_residual, write_date, synced_at)
         select $1, $2, $3, payment_state, currency_odoo_id, 0, 0, 0, write_date, synced_at from invoice limit 1`,
        [invoice, move, state],
      );
      const [settled = 0] = await invoiceLines();
      await db.query(
        `insert into invoice_line (odoo_id, invoice_odoo_id, sale_line_odoo_ids, product_odoo_id, quantity, unit_price, subtotal,
            write_date, synced_at, gone_at)
         select $1, $1, sale_line_odoo_ids, product_odoo_id, 5, 1, 5, write_date, synced_at, case when $3 then synced_at end
           from invoice_line where odoo_id = $2`,
        [invoice, settled, gone],
      );
      return invoice;
    };
    const status = async (odooId: number): Promise<string> => (await invoiceLine(odooId)).status;
    expect(await status(await copy({ invoice: 9_001, state: 'draft' }))).toBe('NOT_POSTED');
    expect(await status(await copy({ invoice: 9_002, state: 'cancel' }))).toBe('NOT_POSTED');
    expect(await status(await copy({ invoice: 9_003, move: 'out_refund' }))).toBe('CREDIT_NOTE');
    expect(await status(await copy({ invoice: 9_004, gone: true }))).toBe('GONE');
    expect(await status(await copy({ invoice: 9_005 }))).toBe('AWAITED');
    await db.query(`update biller_span set invoices_after_odoo_id = 9005 where biller = 'ODOO'`);
    expect(await status(9_005)).toBe('BEFORE_SEAM');
    await db.query(`update biller_span set biller = 'NONE', reason = 'SHADOW' where biller = 'ODOO'`);
    expect(await status(9_005)).toBe('NOT_BILLED_BY_ODOO');
  });
});

describe('records outside of every period', () => {
  it('BEFORE_BILLING, AFTER_END and UNASSIGNED are outcomes, and nothing else is told', async () => {
    story = await Story.open(MARCH);
    await story.begin();
    const before = await story.use(1, '2026-02-27T10:00:00Z');
    await story.test.clock.set(new Date('2026-04-01T01:00:00Z'));
    const after = await story.use(1, '2026-04-01T00:30:00Z');
    await story.metric('cloud', 'idle');
    const unassigned = await story.use(1, '2026-03-15T10:00:00Z', 'idle');
    const nothing = { period: null, charge: null, lines: [], adjustments: [], writeBacks: [], settlements: [] };
    expect(await record(before)).toMatchObject({ outcome: 'BEFORE_BILLING', ...nothing });
    expect(await record(after)).toMatchObject({ outcome: 'AFTER_END', ...nothing });
    expect(await record(unassigned)).toMatchObject({
      outcome: 'UNASSIGNED',
      contract: null,
      contractReason: null,
      ...nothing,
    });
    // Its charge comes after the period closed: assigned late, with who and why.
    await story.at('2026-04-01T02:00:00Z');
    await story.charge({ metric: 'idle', productOdooId: story.product(1) });
    await story.minute();
    expect(await record(unassigned)).toMatchObject({
      outcome: 'IN_PERIOD',
      contractReason: 'ASSIGNED',
      assignments: [{ actor: 'job:assign-usage', reason: 'only contract that fits' }],
      period: { startOn: '2026-03-01' },
    });
  });

  it('a contract that was named, or to which the link is pinned, says so', async () => {
    story = await Story.open(MARCH);
    await story.begin();
    const { subscriptions } = await story.run('{ subscriptions { nodes { id } } }');
    await story.run('mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { status } }', {
      service: 'cloud',
      account: 'acme',
      subscriptionId: subscriptions.nodes[0].id,
      metric: 'calls',
      windowStart: '2026-03-01T00:00:00Z',
      windowEnd: '2026-03-01T01:00:00Z',
      quantity: '1',
      idempotencyKey: 'named',
    });
    expect(await record('named')).toMatchObject({ contractReason: 'NAMED' });
    const { accountLinks } = await story.run('{ accountLinks { nodes { id } } }');
    await story.run('mutation ($i: UpdateAccountLinkInput!) { updateAccountLink(input: $i) { accountLink { id } } }', {
      id: accountLinks.nodes[0].id,
      subscriptionOdooId: story.order.orderId,
    });
    expect(await record(await story.use(1, '2026-03-01T02:00:00Z'))).toMatchObject({ contractReason: 'PINNED_LINK' });
  });
});

describe('what is not there', () => {
  it('a key that is free and an id of no line are NOT_FOUND, by field; both scopes are asked for', async () => {
    story = await Story.open(MARCH);
    await story.begin();
    const { test } = story;
    const key = await story.use(1, '2026-03-01T02:00:00Z');
    const refusal = async (query: string): Promise<unknown> =>
      (await test.gql(test.adminKey, query)).errors?.[0]?.extensions;
    expect(await refusal('{ traceRecord(service: "cloud", idempotencyKey: "free") { outcome } }')).toMatchObject({
      code: 'NOT_FOUND',
      field: 'idempotencyKey',
    });
    expect(await refusal(`{ traceRecord(idempotencyKey: "${key}") { outcome } }`)).toMatchObject({
      code: 'VALIDATION_FAILED',
      field: 'service',
    });
    expect(await refusal('{ traceInvoiceLine(odooId: 1234567) { status } }')).toMatchObject({
      code: 'NOT_FOUND',
      field: 'odooId',
    });
    for (const [scopes, lacking] of [
      [['USAGE_READ'], 'billing:read'],
      [['BILLING_READ'], 'usage:read'],
    ] as const) {
      const { createApiKey } = await story.run(
        'mutation ($i: CreateApiKeyInput!) { createApiKey(input: $i) { secret } }',
        { service: 'cloud', name: 'half', scopes },
      );
      for (const field of [
        'traceRecord(idempotencyKey: "free") { outcome }',
        'traceInvoiceLine(odooId: 1) { status }',
      ]) {
        const { errors } = await test.gql(createApiKey.secret, `{ ${field} }`);
        expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', details: { scope: lacking } });
      }
    }
  });
});
