import { addSubscription, type SubscriptionIds } from '../../sandbox/world';
import { startTestApp, type TestApp } from '../support/app';
import { dataOf, makeCharge, makeKey, makeLink, makeMetric, makeService } from '../support/seed';

const DATES = { startDate: '2026-03-01', nextInvoiceDate: '2026-04-01' };
const CODES = ['alpha', 'beta'] as const;

let test: TestApp;
/** Keys of the services. */
const keys: Record<string, string> = {};
/** An order of each service's own customer, and one of a customer both have linked. */
const orders: Record<string, SubscriptionIds> = {};

beforeAll(async () => {
  test = await startTestApp();
  const control = test.sandbox.control;
  for (const code of CODES) {
    orders[code] = await addSubscription(control, {
      ...DATES,
      partner: { name: `Customer ${code}` },
      lines: [{ code: `MTR-${code}`, price: 2 }],
    });
  }
  orders.shared = await addSubscription(control, {
    ...DATES,
    partner: { name: 'Customer shared' },
    lines: [
      { code: 'MTR-alpha', price: 2 },
      { code: 'MTR-beta', price: 2 },
      { code: 'SUPPORT', price: 10, policy: 'order' },
    ],
  });
  await test.runJobs('sync-odoo');
  for (const code of CODES) {
    await makeService(test, code);
    const key = (keys[code] = (await makeKey(test, code)).secret);
    await makeMetric(test, key, { code: `${code}-calls` });
    const { partnerId, productIds } = orders[code] as SubscriptionIds;
    await makeCharge(test, key, { metric: `${code}-calls`, productOdooId: productIds[0] ?? 0, mode: 'QUANTITY' });
    await makeLink(test, key, { account: 'own', partnerOdooId: partnerId });
    await makeLink(test, key, { account: 'shared', partnerOdooId: orders.shared?.partnerId ?? 0 });
  }
});
afterAll(() => test.close());

const LIST = `query ($filter: SubscriptionFilter) { subscriptions(filter: $filter) { nodes {
  id odooId partner { name } contract { id } lines { odooId product { code } charges { metric { code } } } } } }`;

interface Listed {
  id: string;
  odooId: number;
  partner: { name: string };
  lines: { odooId: number; product: { code: string } | null; charges: { metric: { code: string } }[] }[];
}

async function list(key: string | undefined, filter: object = {}): Promise<Listed[]> {
  return dataOf(await test.gql(key ?? '', LIST, { filter })).subscriptions.nodes as Listed[];
}

const names = (listed: Listed[]): string[] => listed.map(({ partner }) => partner.name).sort();

it('a service sees the orders of the partners it has linked, the installation all', async () => {
  expect(names(await list(keys.alpha))).toEqual(['Customer alpha', 'Customer shared']);
  expect(names(await list(keys.beta))).toEqual(['Customer beta', 'Customer shared']);
  expect(names(await list(test.adminKey))).toEqual(['Customer alpha', 'Customer beta', 'Customer shared']);
});

it("of an order's lines a service sees its own products' and nobody's", async () => {
  const [shared] = await list(keys.alpha, { account: 'shared' });
  expect(shared?.lines.map((line) => line.product?.code)).toEqual(['MTR-alpha', 'SUPPORT']);
  expect(shared?.lines.map((line) => line.charges.map((charge) => charge.metric.code))).toEqual([['alpha-calls'], []]);
  const [whole] = await list(test.adminKey, { odooId: orders.shared?.orderId });
  expect(whole?.lines.map((line) => line.product?.code)).toEqual(['MTR-alpha', 'MTR-beta', 'SUPPORT']);
});

it('filters narrow what is in sight and never widen it', async () => {
  expect(names(await list(keys.alpha, { odooId: orders.beta?.orderId }))).toEqual([]);
  expect(names(await list(test.adminKey, { service: 'beta', account: 'own' }))).toEqual(['Customer beta']);
  expect(names(await list(test.adminKey, { states: ['PAUSED'] }))).toEqual([]);
  const foreign = await test.gql(keys.alpha ?? '', LIST, { filter: { service: 'beta' } });
  const unknown = await test.gql(keys.alpha ?? '', LIST, { filter: { service: 'gamma' } });
  expect(foreign.body).toBe(unknown.body);
  expect(foreign.errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND', field: 'service' });
});

it("another service's order is answered as one that does not exist, and its owner sees it", async () => {
  const query = 'query ($id: ID!) { subscription(id: $id) { id } }';
  const [order] = await list(keys.beta, { account: 'own' });
  const id = order?.id ?? '';
  const foreign = await test.gql(keys.alpha ?? '', query, { id });
  const unknown = await test.gql(keys.alpha ?? '', query, { id: '01900000-0000-7000-8000-000000000000' });
  const noUuid = await test.gql(keys.alpha ?? '', query, { id: 'x' });
  expect(foreign.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  expect([unknown.body, noUuid.body]).toEqual([foreign.body, foreign.body]);
  expect(dataOf(await test.gql(keys.beta ?? '', query, { id })).subscription.id).toBe(id);
});

it('what was set aside, and why a run failed, is told to the installation only', async () => {
  const control = test.sandbox.control;
  await control.update('sale.order', orders.beta?.orderId ?? 0, { start_date: '2026-02-30' });
  await test.runJobs('sync-odoo');
  const query = '{ syncStatus { asOf odooReachable models { model lastRun { read error problems { message } } } } }';
  const told = await test.gql(test.adminKey, query);
  expect(told.body).toContain(`sale.order ${orders.beta?.orderId} is set aside`);
  const service = await test.gql(keys.alpha ?? '', query);
  expect(dataOf(service).syncStatus.odooReachable).toBe(true);
  expect(service.body).not.toContain('set aside');
});
