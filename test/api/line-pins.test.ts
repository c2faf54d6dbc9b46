/** Pins of lines over GraphQL: who may decide, what is refused, what is kept. What they do is told in the stories of billing. */
import { addSubscription } from '../../sandbox/world';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { dataOf, makeCharge, makeKey, makeLink, makeMetric, makeService } from '../support/seed';

let test: TestApp;
let key: string;
let contractId: string;
/** Of the order, by the code of their product; HERE twice, and of an order of the same customer's other contract. */
let lines: { id: string; odooId: number; code: string }[];
let elsewhere: string;

beforeAll(async () => {
  test = await startTestApp({ now: new Date('2026-03-10T12:00:00Z') });
  await makeService(test, 'maps');
  key = (await makeKey(test, 'maps')).secret;
  await makeMetric(test, key, { code: 'tiles' });
  const order = await addSubscription(test.sandbox.control, {
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: [
      { code: 'HERE', price: 1 },
      { code: 'FREE', price: 1 },
    ],
  });
  const [product = 0] = order.productIds;
  const second = { order_id: order.orderId, product_id: product, product_uom_qty: 0 };
  await test.sandbox.control.create('sale.order.line', second);
  const other = await addSubscription(test.sandbox.control, {
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: [{ code: 'HERE', price: 1 }],
  });
  await test.runJobs('sync-odoo');
  await makeLink(test, key, { account: 'acme', partnerOdooId: order.partnerId });
  await makeLink(test, key, { account: 'else', partnerOdooId: other.partnerId });
  await makeCharge(test, key, { metric: 'tiles', productOdooId: product, mode: 'QUANTITY' });
  const query = '{ subscriptions { nodes { odooId contract { id } lines { id odooId product { code odooId } } } } }';
  const nodes = dataOf(await test.gql(key, query)).subscriptions.nodes as {
    odooId: number;
    contract: { id: string };
    lines: { id: string; odooId: number; product: { code: string } }[];
  }[];
  const [own, foreign] = [order, other].map(({ orderId }) => nodes.find(({ odooId }) => odooId === orderId));
  contractId = own?.contract.id ?? '';
  lines = (own?.lines ?? []).map(({ product: { code }, ...line }) => ({ ...line, code }));
  elsewhere = foreign?.lines[0]?.id ?? '';
});
afterAll(() => test.close());

const decide = (name: 'pinLine' | 'unpinLine', i: Record<string, unknown>, secret = key): Promise<GraphqlAnswer> =>
  test.gql(
    secret,
    `mutation ($i: ${name === 'pinLine' ? 'Pin' : 'Unpin'}LineInput!) {
       ${name}(input: $i) { pin { actor reason pinnedAt product { code } line { id } } } }`,
    { i: { contractId, reason: 'because', ...i } },
  );

async function refusal(answer: Promise<GraphqlAnswer>): Promise<unknown> {
  const [error] = (await answer).errors ?? [];
  return [error?.extensions.code, error?.extensions.field, error?.message];
}

const pins = async (secret = key): Promise<unknown> =>
  dataOf(await test.gql(secret, `{ contract(id: "${contractId}") { linePins { reason line { id } } } }`)).contract
    .linePins;

/** The ids of the lines with a product. */
const withProduct = (code: string): string[] => lines.filter((line) => line.code === code).map(({ id }) => id);

it('a pin is shown on its contract until it is taken off, and each decision is on record once', async () => {
  const [first, second] = withProduct('HERE');
  const pinned = dataOf(await decide('pinLine', { lineId: first, reason: ' agreed ' })).pinLine.pin;
  expect(pinned).toMatchObject({ reason: 'agreed', product: { code: 'HERE' }, line: { id: first } });
  expect(pinned.pinnedAt).toBe('2026-03-10T12:00:00.000Z');
  expect(await pins()).toEqual([{ reason: 'agreed', line: { id: first } }]);
  // Again, in other letters: the decision stands as it is.
  expect(dataOf(await decide('pinLine', { lineId: first?.toUpperCase() })).pinLine.pin).toEqual(pinned);
  expect(await refusal(decide('unpinLine', { lineId: second }))).toEqual([
    'CONFLICT',
    'lineId',
    'The line is not pinned on the contract.',
  ]);
  // The other one takes its place: one line of a product is pinned.
  await decide('pinLine', { lineId: second, reason: 'the other' });
  expect(await pins()).toEqual([{ reason: 'the other', line: { id: second } }]);
  const off = dataOf(await decide('unpinLine', { lineId: second, reason: 'over' })).unpinLine.pin;
  expect(off).toMatchObject({ reason: 'over', line: null });
  expect(await pins()).toEqual([]);
  const entries = await test.app.db.query(
    `select action, subject_id as line, details from audit_entry where action like 'subscription_line.%' order by id`,
  );
  expect(entries).toEqual([
    { action: 'subscription_line.pinned', line: first, details: { contractId, reason: 'agreed' } },
    { action: 'subscription_line.pinned', line: second, details: { contractId, reason: 'the other' } },
    { action: 'subscription_line.unpinned', line: second, details: { contractId, reason: 'over' } },
  ]);
});

it('a pin is refused for a line that cannot be the slot, or is not there', async () => {
  const [first = '', second] = withProduct('HERE');
  const pin = (i: Record<string, unknown>): Promise<unknown> => refusal(decide('pinLine', i));
  expect(await pin({ lineId: elsewhere })).toEqual(['CONFLICT', 'lineId', "The line is not on the contract's order."]);
  expect(await pin({ lineId: withProduct('FREE')[0] })).toEqual([
    'CONFLICT',
    'lineId',
    "No charge names the line's product.",
  ]);
  for (const lineId of [contractId, 'x'])
    expect(await pin({ lineId })).toEqual(['NOT_FOUND', 'lineId', 'No such line.']);
  expect(await pin({ contractId: first, lineId: first })).toEqual(['NOT_FOUND', 'contractId', 'No such contract.']);
  for (const reason of ['', ' ']) {
    expect(await pin({ lineId: first, reason })).toEqual(['VALIDATION_FAILED', 'reason', 'reason must say why.']);
  }
  expect(await pin({ lineId: first, reason: 'x'.repeat(501) })).toEqual([
    'VALIDATION_FAILED',
    'reason',
    `reason must be a text of 1 to 500 characters without control characters, not "${'x'.repeat(59)}…".`,
  ]);
  const odooId = lines.find(({ id }) => id === second)?.odooId ?? 0;
  await test.sandbox.control.remove('sale.order.line', odooId);
  await test.runJobs('sync-odoo-full');
  const [code, field, message] = (await pin({ lineId: second })) as string[];
  // Odoo's clock has gone on by then.
  const since = message?.replace(/T12:0\d:\d\d\.\d{3}Z/, 'T12:00:00.000Z');
  expect([code, field, since]).toEqual([
    'CONFLICT',
    'lineId',
    'The line is gone from Odoo since 2026-03-10T12:00:00.000Z.',
  ]);
  expect(await pins()).toEqual([]);
});

it('another service sees neither the pin nor the line, and a key without billing:run decides nothing', async () => {
  const [first] = withProduct('HERE');
  await decide('pinLine', { lineId: first });
  await makeService(test, 'other');
  const other = (await makeKey(test, 'other')).secret;
  expect(await refusal(decide('unpinLine', { lineId: first }, other))).toEqual([
    'NOT_FOUND',
    'contractId',
    'No such contract.',
  ]);
  const { partner } = dataOf(
    await test.gql(key, '{ subscriptions { nodes { partner { odooId } contract { id } } } }'),
  ).subscriptions.nodes.find((node: { contract: { id: string } }) => node.contract.id === contractId);
  await makeLink(test, other, { account: 'shared', partnerOdooId: partner.odooId });
  expect(await pins(other)).toEqual([]);
  expect(await refusal(decide('unpinLine', { lineId: first }, other))).toEqual([
    'NOT_FOUND',
    'lineId',
    'No such line.',
  ]);
  expect(await pins()).toEqual([{ reason: 'because', line: { id: first } }]);
  const reader = (await makeKey(test, 'maps', ['BILLING_READ', 'CATALOG_WRITE'])).secret;
  const answer = await decide('pinLine', { lineId: first }, reader);
  expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', details: { scope: 'billing:run' } });
});
