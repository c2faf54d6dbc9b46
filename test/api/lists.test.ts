/** Lists: every order of every list in pages, and what each filter keeps. */
import { startTestApp, type TestApp } from '../support/app';
import { seedManyRows } from '../support/many-rows';
import { dataOf } from '../support/seed';

const SERVICES = 3;

let test: TestApp;
/** Of the first service, and of the contract whose February it rated. */
let own: {
  service: string;
  account: string;
  contractId: string;
  periodId: string;
  chargeId: string;
  partner: number;
  product: number;
};

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  await seedManyRows(test, SERVICES);
  [own] = await test.app.db.query(
    `select s.code as service, 'acme' as account, p.contract_id as "contractId", p.id as "periodId", c.id as "chargeId",
            o.partner_odoo_id as partner, (select odoo_id from product where id = c.product_id) as product
       from billable_line l join billing_period p on p.id = l.period_id join charge c on c.id = l.charge_id
       join service s on s.id = c.service_id join subscription o on o.contract_id = p.contract_id
      order by s.id limit 1`,
  );
}, 60_000);
afterAll(() => test.close());

interface ListPage {
  nodes: { id: string }[];
  pageInfo: { endCursor: string; hasNextPage: boolean };
}

async function list(name: string, args: string): Promise<ListPage> {
  const query = `{ ${name}(${args}) { nodes { id } pageInfo { endCursor hasNextPage } } }`;
  return dataOf(await test.gql(test.adminKey, query))[name];
}

async function idsOf(name: string, args: string): Promise<string[]> {
  return (await list(name, args)).nodes.map(({ id }) => id);
}

/** The whole list in pages of two. */
async function inPages(name: string, args: string): Promise<string[]> {
  const ids: string[] = [];
  for (let after = ''; ;) {
    const { nodes, pageInfo } = await list(name, `first: 2, ${args}${after}`);
    ids.push(...nodes.map(({ id }) => id));
    if (!pageInfo.hasNextPage) return ids;
    after = `, after: "${pageInfo.endCursor}"`;
  }
}

it.each([
  ['auditEntries', 'AT'],
  ['balanceEntries', 'CREATED_AT'],
  ['billableLines', 'CREATED_AT'],
  ['billingPeriods', 'START_AT'],
  ['finalDues', 'FOUND_AT'],
  ['ratingDifferences', 'FOUND_AT'],
  ['subscriptions', 'FIRST_SEEN_AT'],
  ['subscriptions', 'NEXT_INVOICE_ON'],
  ['syncRuns', 'REQUESTED_AT'],
  ['usageRecords', 'COUNTED_AT'],
  ['usageRecords', 'RECEIVED_AT'],
  ['writeBacks', 'CREATED_AT'],
])('%s by %s: pages of two are the whole list, and one order is the reverse of the other', async (name, order) => {
  const whole = await idsOf(name, `orderBy: ${order}_ASC`);
  expect(new Set(whole).size).toBe(whole.length);
  expect(whole.length).toBeGreaterThan(2);
  expect(await inPages(name, `orderBy: ${order}_ASC`)).toEqual(whole);
  expect(await inPages(name, `orderBy: ${order}_DESC`)).toEqual(whole.toReversed());
});

it('subscriptions without a next invoice come last', async () => {
  const [odd] = await idsOf('subscriptions', 'first: 1');
  await test.app.db.query('update subscription set next_invoice_on = null where id = $1', [odd]);
  expect((await idsOf('subscriptions', 'orderBy: NEXT_INVOICE_ON_ASC')).at(-1)).toBe(odd);
  await test.app.db.query(`update subscription set next_invoice_on = '2026-04-01' where id = $1`, [odd]);
});

// Three services, each with four orders: twelve contracts, three of them with a February, rated twice and written once.
it.each<[string, () => string, number]>([
  ['billingPeriods', () => '', 15],
  ['billingPeriods', () => `service: "${own.service}"`, 5],
  ['billingPeriods', () => `service: "${own.service}", account: "acme"`, 5],
  ['billingPeriods', () => 'account: "nobody"', 0],
  ['billingPeriods', () => `contractId: "${own.contractId}"`, 2],
  ['billingPeriods', () => 'states: [CLOSED]', 3],
  ['billingPeriods', () => 'blocked: true', 3],
  ['billingPeriods', () => 'blocked: false, states: [OPEN]', 12],
  ['billingPeriods', () => 'startFrom: "2026-02-01T00:00:00Z", startTo: "2026-03-01T00:00:00Z"', 3],
  ['billingPeriods', () => 'endFrom: "2026-03-01T00:00:00Z", endTo: "2026-03-02T00:00:00Z"', 3],
  ['billableLines', () => '', 6],
  ['billableLines', () => `service: "${own.service}"`, 2],
  ['billableLines', () => `service: "${own.service}", account: "acme"`, 2],
  ['billableLines', () => `contractId: "${own.contractId}", newest: true`, 1],
  ['billableLines', () => `periodId: "${own.periodId}", newest: false`, 1],
  ['billableLines', () => `chargeId: "${own.chargeId}"`, 2],
  ['billableLines', () => 'metric: "calls"', 6],
  ['billableLines', () => 'metric: "mails"', 0],
  ['billableLines', () => 'periodFrom: "2026-02-01T00:00:00Z", periodTo: "2026-02-02T00:00:00Z"', 6],
  ['billableLines', () => 'periodFrom: "2026-02-02T00:00:00Z"', 0],
  ['balanceEntries', () => '', 6],
  ['balanceEntries', () => `service: "${own.service}"`, 2],
  ['balanceEntries', () => `account: "${own.account}", contractId: "${own.contractId}", kinds: [WAIVED]`, 1],
  ['balanceEntries', () => `productOdooId: ${own.product}`, 2],
  ['balanceEntries', () => 'productOdooId: 1', 0],
  ['balanceEntries', () => 'kinds: [PASSED_IN]', 0],
  ['finalDues', () => 'states: [SETTLED]', 3],
  ['finalDues', () => `service: "${own.service}", account: "acme", contractId: "${own.contractId}"`, 1],
  ['finalDues', () => 'states: [OPEN, LIFTED]', 0],
  ['ratingDifferences', () => 'states: [OPEN]', 3],
  ['ratingDifferences', () => `service: "${own.service}", account: "acme", contractId: "${own.contractId}"`, 1],
  ['ratingDifferences', () => 'states: [ACCEPTED, REFUSED, WITHDRAWN]', 0],
  ['writeBacks', () => '', 3],
  ['writeBacks', () => `service: "${own.service}"`, 1],
  ['writeBacks', () => `service: "${own.service}", account: "acme"`, 1],
  ['writeBacks', () => `contractId: "${own.contractId}"`, 1],
  ['writeBacks', () => `periodId: "${own.periodId}", kinds: [FINAL], states: [BLOCKED]`, 1],
  ['writeBacks', () => 'kinds: [EMPTY, PROVISIONAL]', 0],
  ['writeBacks', () => 'states: [PENDING]', 0],
  ['writeBacks', () => 'createdFrom: "2026-01-01T00:00:00Z", createdTo: "2026-01-02T00:00:00Z"', 3],
  ['writeBacks', () => 'createdTo: "2026-01-01T00:00:00Z"', 0],
  ['subscriptions', () => '', 12],
  ['subscriptions', () => `service: "${own.service}"`, 4],
  ['subscriptions', () => `partnerOdooId: ${own.partner}`, 4],
  ['subscriptions', () => `contractId: "${own.contractId}"`, 1],
  ['subscriptions', () => 'states: [PAUSED]', 0],
  ['subscriptions', () => 'nextInvoiceFrom: "2026-04-01", nextInvoiceTo: "2026-04-02"', 12],
  ['subscriptions', () => 'nextInvoiceTo: "2026-04-01"', 0],
  ['syncRuns', () => 'models: [PLAN], failed: true, setAside: true, full: false', 3],
  ['syncRuns', () => 'failed: false', 0],
  ['syncRuns', () => 'setAside: false', 0],
  ['syncRuns', () => 'models: [PARTNER]', 0],
  ['syncRuns', () => 'from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:00:00.001Z"', 3],
  ['auditEntries', () => `service: "${own.service}", actor: "test", subjectType: "service"`, 1],
  ['auditEntries', () => 'actor: "test", action: "service.created", to: "2026-01-02T00:00:00Z"', 3],
  ['auditEntries', () => 'actor: "test", from: "2026-01-02T00:00:00Z"', 0],
  ['usageRecords', () => `service: "${own.service}", voided: false`, 1],
  ['usageRecords', () => 'voided: true', 0],
  ['accountLinks', () => 'validAt: "2026-01-01T00:00:00Z"', 3],
  ['accountLinks', () => 'validAt: "2025-12-31T23:59:59Z"', 0],
])('%s #%#: the filter keeps what it says', async (name, filter, count) => {
  expect(await idsOf(name, `filter: { ${filter()} }`)).toHaveLength(count);
});

it.each([
  ['billingPeriods', 'startFrom: "soon"', 'startFrom'],
  ['writeBacks', 'createdTo: "2026-02-30T00:00:00Z"', 'createdTo'],
  ['billableLines', 'periodFrom: "2026-03-01"', 'periodFrom'],
  ['auditEntries', 'to: "now"', 'to'],
  ['subscriptions', 'nextInvoiceTo: "2026-02-30"', 'nextInvoiceTo'],
])('%s refuses %s by name', async (name, filter, field) => {
  const answer = await test.gql(test.adminKey, `{ ${name}(filter: { ${filter} }) { nodes { id } } }`);
  expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'VALIDATION_FAILED', field });
});

it('lists within nodes come in pages of their own, and go on behind a cursor', async () => {
  const pages = async (args: string): Promise<ListPage[]> => {
    const query = `{ accountLinks { nodes { subscriptions(${args}) { nodes { id } pageInfo { endCursor hasNextPage } } } } }`;
    const { nodes } = dataOf(await test.gql(test.adminKey, query)).accountLinks;
    return (nodes as { subscriptions: ListPage }[]).map(({ subscriptions }) => subscriptions);
  };
  const [whole] = await pages('first: 10');
  const [start] = await pages('first: 3');
  expect(whole?.nodes).toHaveLength(4);
  expect(whole?.pageInfo.hasNextPage).toBe(false);
  expect(start).toMatchObject({ nodes: whole?.nodes.slice(0, 3), pageInfo: { hasNextPage: true } });
  const [rest] = await pages(`first: 3, after: "${start?.pageInfo.endCursor}"`);
  expect(rest?.nodes).toEqual(whole?.nodes.slice(3));
  const query = `{ contract(id: "${own.contractId}") { partner { odooId } periods(first: 1) { nodes { state } pageInfo { hasNextPage } } } }`;
  expect(dataOf(await test.gql(test.adminKey, query)).contract).toEqual({
    partner: { odooId: own.partner },
    periods: { nodes: [{ state: 'OPEN' }], pageInfo: { hasNextPage: true } },
  });
});

it('a link that is pinned has the subscriptions of its contract', async () => {
  await test.app.db.query(
    'update account_link set contract_id = $1 where partner_id = (select id from partner where odoo_id = $2)',
    [own.contractId, own.partner],
  );
  const query = `{ accountLinks(filter: { service: "${own.service}" }) { nodes { subscriptions { nodes { contract { id } } } } } }`;
  const { nodes } = dataOf(await test.gql(test.adminKey, query)).accountLinks;
  expect(nodes).toEqual([{ subscriptions: { nodes: [{ contract: { id: own.contractId } }] } }]);
  expect(await idsOf('billingPeriods', `filter: { service: "${own.service}", account: "acme" }`)).toHaveLength(2);
});

it('a write-back tells each attempt: when, what was sent, what came back', async () => {
  const query = `{ writeBacks(first: 1) { nodes { contract { id } attemptLog { value startedAt finishedAt outcome readBack observed problem { code } } } } }`;
  const { nodes } = dataOf(await test.gql(test.adminKey, query)).writeBacks;
  const attempt = {
    value: '1',
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: '2026-01-01T00:00:00.000Z',
    outcome: 'REFUSED',
    readBack: '1',
    observed: { deliveredQuantity: '1' },
    problem: { code: 'UPSTREAM_REJECTED' },
  };
  expect(nodes[0].attemptLog).toEqual([attempt, attempt]);
});

it('what a run set aside comes in pages; a service’s key sees how many there are, not which', async () => {
  const query = (args: string): string =>
    `{ syncRuns(first: 1) { nodes { error setAsideCount setAside(${args}) { nodes { code } pageInfo { hasNextPage endCursor } } } } }`;
  const seen = async (args: string): Promise<{ error: string | null; setAside: ListPage }> =>
    dataOf(await test.gql(test.adminKey, query(args))).syncRuns.nodes[0];
  const start = await seen('first: 1');
  expect(start).toMatchObject({
    error: 'INTERNAL',
    setAsideCount: 2,
    setAside: { nodes: [{ code: 'UPSTREAM_REJECTED' }], pageInfo: { hasNextPage: true } },
  });
  const rest = await seen(`first: 1, after: "${start.setAside.pageInfo.endCursor}"`);
  expect(rest.setAside).toMatchObject({ nodes: [{ code: 'UPSTREAM_REJECTED' }], pageInfo: { hasNextPage: false } });
  const input = { service: own.service, name: 'reader', scopes: ['BILLING_READ'] };
  const made = await test.gql(
    test.adminKey,
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }',
    { input },
  );
  const { secret } = dataOf(made).createApiKey;
  const shown = dataOf(await test.gql(secret, query('first: 1'))).syncRuns.nodes[0];
  expect(shown).toMatchObject({ error: null, setAsideCount: 2, setAside: { nodes: [] } });
});
