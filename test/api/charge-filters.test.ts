/** Charges with filters and groups over GraphQL: taken, told again, refused by their place. */
import { addSubscription } from '../../sandbox/world';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { dataOf, makeKey, makeMetric, makeService } from '../support/seed';

let test: TestApp;
let key: string;
const products: number[] = [];

beforeAll(async () => {
  test = await startTestApp();
  await makeService(test, 'maps');
  key = (await makeKey(test, 'maps')).secret;
  await makeMetric(test, key, { code: 'tiles' });
  await makeMetric(test, key, { code: 'payments', perEvent: true });
  const { productIds } = await addSubscription(test.sandbox.control, {
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: ['A', 'B', 'C', 'D', 'E'].map((code) => ({ code, price: 1 })),
  });
  products.push(...productIds);
  await test.runJobs('sync-odoo');
});
afterAll(() => test.close());

const AMOUNT = { mode: 'AMOUNT', currency: 'USD', price: { standard: { unitPrice: '0.5' } } };
const EU = {
  name: 'eu',
  match: [{ dimension: 'region', values: ['fr', 'de'] }],
  price: { standard: { unitPrice: '0.4' } },
};
const FAST = { ...EU, name: 'fast', match: [{ dimension: 'speed', values: ['fast'] }] };

const FIELDS = `id groupBy filters { name match { dimension values } freeUnits price {
  __typename ... on StandardPrice { unitPrice } ... on PackagePrice { packageSize packagePrice } } }`;

async function create(product: number, input: Record<string, unknown>): Promise<GraphqlAnswer> {
  const query = `mutation ($input: CreateChargeInput!) { createCharge(input: $input) { warnings charge { ${FIELDS} } } }`;
  return test.gql(key, query, { input: { metric: 'tiles', productOdooId: products[product], ...AMOUNT, ...input } });
}

it('takes filters with prices of their own, and groups, and tells them again', async () => {
  const PACKAGES = {
    ...EU,
    name: 'eu-gpu',
    match: [...EU.match, { dimension: 'kind', values: ['gpu', ''] }],
    freeUnits: '2.50',
    price: { package: { packageSize: '10', packagePrice: '3' } },
  };
  const made = dataOf(await create(0, { filters: [EU, PACKAGES], groupBy: ['zone'] })).createCharge;
  const told = [
    { ...EU, freeUnits: '0', price: { __typename: 'StandardPrice', unitPrice: '0.4' } },
    { ...PACKAGES, freeUnits: '2.5', price: { __typename: 'PackagePrice', packageSize: '10', packagePrice: '3' } },
  ];
  expect(made).toMatchObject({ warnings: [], charge: { groupBy: ['zone'], filters: told } });
  const { nodes } = dataOf(await test.gql(key, `{ charges { nodes { ${FIELDS} } } }`)).charges;
  expect(nodes).toEqual([made.charge]);
  const [entry] = await test.app.db.query('select details from audit_entry where subject_id = $1', [made.charge.id]);
  expect(entry.details).toMatchObject({ groupBy: ['zone'], filters: [{ name: 'eu' }, { name: 'eu-gpu' }] });
});

it('warns of filters that overlap, naming both and the one that takes the record', async () => {
  const made = dataOf(await create(1, { filters: [EU, FAST] })).createCharge;
  expect(made.warnings).toEqual([
    'Filters "fast" and "eu" overlap: a record that matches both is priced by "fast" alone.',
  ]);
});

it('tells of 20 overlaps at most, and how many there are more', async () => {
  const filters = Array.from({ length: 8 }, (_, n) => ({ ...EU, name: `f${n}` }));
  const { warnings } = dataOf(await create(2, { filters })).createCharge;
  expect(warnings).toHaveLength(20);
  // 8 filters are 28 pairs.
  expect(warnings[19]).toBe('9 more pairs of filters overlap.');
});

it('has neither filters nor groups where none are sent', async () => {
  expect(dataOf(await create(3, {})).createCharge).toMatchObject({
    warnings: [],
    charge: { filters: [], groupBy: [] },
  });
});

it.each<[string, Record<string, unknown>, string, string]>([
  [
    'filters where Odoo prices',
    { mode: 'QUANTITY', price: null, currency: null, filters: [EU] },
    'filters',
    'filters belongs to mode AMOUNT; in mode QUANTITY Odoo prices.',
  ],
  [
    'groups where Odoo prices',
    { mode: 'QUANTITY', price: null, currency: null, groupBy: ['zone'] },
    'groupBy',
    'groupBy belongs to mode AMOUNT; in mode QUANTITY Odoo prices.',
  ],
  ['a name twice', { filters: [FAST, EU, EU] }, 'filters[2].name', 'filters[2].name: "eu" is there already.'],
  [
    'more groups than there may be',
    { groupBy: ['a', 'b', 'c', 'd', 'e', 'f'] },
    'groupBy',
    'groupBy must be at most 5 dimensions, not 6.',
  ],
  [
    'a price for each event of a metric that counts none',
    { filters: [FAST, { ...EU, price: { percentage: { rate: '1', fixedPrice: '0.01' } } }] },
    'filters[1].price.percentage',
    'A price or a free allowance for each event needs a metric with `perEvent`.',
  ],
])('refuses %s by its place', async (_, input, field, message) => {
  const [error] = (await create(4, input)).errors ?? [];
  expect(error?.extensions).toMatchObject({ code: 'VALIDATION_FAILED', field });
  expect(error?.message).toBe(message);
});

it('takes the price that the metric fits in a filter as well', async () => {
  const filters = [{ ...EU, price: { percentage: { rate: '1', fixedPrice: '0.01' } } }];
  dataOf(await create(4, { metric: 'payments', filters }));
});

it.each([
  ['dynamic prices', { price: { dynamic: {} } }, 'dynamic'],
  ['custom prices', { price: { custom: { script: '1' } } }, 'custom'],
  [
    'a smallest amount of a transaction',
    { price: { percentage: { rate: '1', perTransactionMinAmount: '1' } } },
    'perTransactionMinAmount',
  ],
  [
    'a largest amount of a transaction',
    { price: { percentage: { rate: '1', perTransactionMaxAmount: '1' } } },
    'perTransactionMaxAmount',
  ],
  ['proration', { prorated: true }, 'prorated'],
  ['payment in advance', { payInAdvance: true }, 'payInAdvance'],
  ['groups for display', { presentationGroupKeys: ['zone'] }, 'presentationGroupKeys'],
])('refuses %s, which are not offered, by name', async (_, input, name) => {
  const [error] = (await create(4, input)).errors ?? [];
  expect(error?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
  expect(error?.message).toContain(`"${name}"`);
});

it('refuses expressions of a metric, which are not offered, by name', async () => {
  const query = 'mutation ($input: CreateMetricInput!) { createMetric(input: $input) { metric { id } } }';
  const input = { code: 'x', name: 'X', unit: 'unit', aggregation: 'SUM', expression: 'a * b' };
  const [error] = (await test.gql(key, query, { input })).errors ?? [];
  expect(error?.message).toContain('"expression"');
});
