import { addSubscription, type SubscriptionIds } from '../../sandbox/world';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { dataOf, makeKey, makeLink, makeService } from '../support/seed';

let test: TestApp;
let key: string;
let nexa: SubscriptionIds;
let other: SubscriptionIds;

beforeAll(async () => {
  test = await startTestApp();
  await makeService(test, 'maps');
  key = (await makeKey(test, 'maps')).secret;
  const world = { startDate: '2026-03-01', nextInvoiceDate: '2026-04-01', lines: [{ code: 'MTR', price: 2 }] };
  nexa = await addSubscription(test.sandbox.control, { partner: { name: 'Nexa' }, ...world });
  other = await addSubscription(test.sandbox.control, { partner: { name: 'Other' }, ...world });
  await test.runJobs('sync-odoo');
});
afterAll(() => test.close());

async function create(by: string, input: Record<string, unknown>): Promise<GraphqlAnswer> {
  const query =
    'mutation ($input: CreateAccountLinkInput!) { createAccountLink(input: $input) { accountLink { id account validFrom validTo partner { odooId name } contract { id } service { code } } } }';
  return test.gql(by, query, { input });
}

function refusalOf(answer: GraphqlAnswer): Record<string, unknown> | undefined {
  return answer.errors?.[0]?.extensions;
}

it('ties an account to a partner from now on, and writes it into the audit log', async () => {
  const { accountLink } = dataOf(
    await create(key, { account: 'acct_1', partnerOdooId: nexa.partnerId }),
  ).createAccountLink;
  expect(accountLink).toMatchObject({
    account: 'acct_1',
    validFrom: '2026-03-10T12:00:00.000Z',
    validTo: null,
    partner: { odooId: nexa.partnerId, name: 'Nexa' },
    contract: null,
    service: { code: 'maps' },
  });
  const entries = await test.app.db.query('select action from audit_entry where subject_id = $1', [accountLink.id]);
  expect(entries).toEqual([{ action: 'account_link.created' }]);
});

it('fetches a partner from Odoo that no pass has seen', async () => {
  const partnerOdooId = await test.sandbox.control.create('res.partner', { name: 'Newcomer', is_company: true });
  const { accountLink } = dataOf(await create(key, { account: 'acct_2', partnerOdooId })).createAccountLink;
  expect(accountLink.partner).toEqual({ odooId: partnerOdooId, name: 'Newcomer' });
});

it('pins the account to the contract of a subscription of the same company', async () => {
  const input = { account: 'acct_3', partnerOdooId: nexa.partnerId, subscriptionOdooId: nexa.orderId };
  const { accountLink } = dataOf(await create(key, input)).createAccountLink;
  const [row] = await test.app.db.query('select contract_id from subscription where odoo_id = $1', [nexa.orderId]);
  expect(accountLink.contract.id).toBe(row.contract_id);
});

it('finds neither partners Odoo lacks, nor subscriptions of other companies', async () => {
  const partner = nexa.partnerId;
  expect(refusalOf(await create(key, { account: 'x', partnerOdooId: 999_999 }))).toEqual({
    code: 'NOT_FOUND',
    retryable: false,
    field: 'partnerOdooId',
  });
  const foreign = await create(key, { account: 'x', partnerOdooId: partner, subscriptionOdooId: other.orderId });
  const unknown = await create(key, { account: 'x', partnerOdooId: partner, subscriptionOdooId: 999_999 });
  expect(refusalOf(foreign)).toMatchObject({ code: 'NOT_FOUND', field: 'subscriptionOdooId' });
  expect(foreign.body).toBe(unknown.body);
});

it('gives an account one link at a time, and another one when the first has ended', async () => {
  const input = { account: 'acct_4', partnerOdooId: nexa.partnerId };
  await makeLink(test, key, { ...input, validFrom: '2026-01-01T00:00:00Z', validTo: '2026-02-01T00:00:00Z' });
  const overlapping = await create(key, { ...input, validFrom: '2026-01-31T23:59:59.999Z' });
  expect(refusalOf(overlapping)).toEqual({ code: 'CONFLICT', retryable: false, field: 'account' });
  await makeLink(test, key, { account: 'acct_4', partnerOdooId: other.partnerId, validFrom: '2026-02-01T00:00:00Z' });
  await makeService(test, 'tiles');
  await makeLink(test, (await makeKey(test, 'tiles')).secret, { ...input, validFrom: '2026-01-01T00:00:00Z' });
});

it.each([
  [{ account: '' }, 'account'],
  [{ account: 'a'.repeat(201) }, 'account'],
  [{ account: 'a\u0000b' }, 'account'],
  [{ validFrom: '2026-03-01' }, 'validFrom'],
  [{ validFrom: '2026-03-02T00:00:00Z', validTo: '2026-03-02T00:00:00Z' }, 'validTo'],
])('refuses %j', async (change, field) => {
  const answer = await create(key, { account: 'bad', partnerOdooId: nexa.partnerId, ...change });
  expect(refusalOf(answer)).toMatchObject({ code: 'VALIDATION_FAILED', field });
});

it('says that Odoo cannot be asked about an unknown partner, and still links one it knows', async () => {
  await test.sandbox.control.addFault({ fault: 'down', times: 1000 });
  const unknown = await create(key, { account: 'acct_5', partnerOdooId: 888_888 });
  expect(refusalOf(unknown)).toMatchObject({ code: 'UPSTREAM_UNAVAILABLE', retryable: true });
  expect(dataOf(await create(key, { account: 'acct_5', partnerOdooId: nexa.partnerId }))).toBeDefined();
  await test.sandbox.control.clearFaults();
});

it('asks for the scopes', async () => {
  const reader = await makeKey(test, 'maps', ['CATALOG_READ']);
  const writer = await makeKey(test, 'maps', ['CATALOG_WRITE']);
  const refused = await create(reader.secret, { account: 'x', partnerOdooId: nexa.partnerId });
  expect(refusalOf(refused)).toMatchObject({ code: 'FORBIDDEN', details: { scope: 'catalog:write' } });
  expect(refusalOf(await test.gql(writer.secret, '{ accountLinks { nodes { id } } }'))).toMatchObject({
    details: { scope: 'catalog:read' },
  });
});

it('lists links by service, account and partner', async () => {
  const accounts = async (filter: string): Promise<string[]> => {
    const query = `{ accountLinks(filter: ${filter}) { nodes { account } } }`;
    const { nodes } = dataOf(await test.gql(test.adminKey, query)).accountLinks;
    return nodes.map(({ account }: { account: string }) => account);
  };
  expect(await accounts('{ service: "tiles" }')).toEqual(['acct_4']);
  expect(await accounts('{ account: "acct_4" }')).toEqual(['acct_4', 'acct_4', 'acct_4']);
  expect(await accounts(`{ partnerOdooId: ${other.partnerId} }`)).toEqual(['acct_4']);
  expect(await accounts('{ account: "a\\u0000b" }')).toEqual([]);
});
