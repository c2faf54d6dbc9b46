import { addSubscription } from '../../sandbox/world';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { dataOf, makeKey, makeMetric, makeService } from '../support/seed';

let test: TestApp;
let key: string;
/** Products by their internal reference. */
const products: Record<string, number> = {};

beforeAll(async () => {
  test = await startTestApp();
  await makeService(test, 'maps');
  key = (await makeKey(test, 'maps')).secret;
  await makeMetric(test, key, { code: 'tiles' });
  await makeMetric(test, key, { code: 'routes' });
  await makeMetric(test, key, { code: 'payments', perEvent: true });
  const codes = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'P1', 'P2', 'P3', 'P4', 'P5', 'Q'];
  const { productIds } = await addSubscription(test.sandbox.control, {
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: [...codes.map((code) => ({ code, price: 1 })), { code: 'FEE', price: 10, policy: 'order' as const }],
  });
  [...codes, 'FEE'].forEach((code, index) => (products[code] = productIds[index] ?? 0));
  await test.runJobs('sync-odoo');
});
afterAll(() => test.close());

const AMOUNT = { mode: 'AMOUNT', currency: 'USD', price: { standard: { unitPrice: '0.0125' } } };

const PRICE = `__typename
  ... on StandardPrice { unitPrice }
  ... on GraduatedPrice { tiers { upTo unitPrice flatPrice } }
  ... on GraduatedPercentagePrice { tiers { upTo rate flatPrice } }
  ... on PackagePrice { packageSize packagePrice }
  ... on PercentagePrice { rate fixedPrice freeEvents }
  ... on VolumePrice { tiers { upTo unitPrice flatPrice } }`;

async function create(by: string, product: string, input: Record<string, unknown> = {}): Promise<GraphqlAnswer> {
  const query = `mutation ($input: CreateChargeInput!) { createCharge(input: $input) { charge {
    id mode currency freeUnits unitsPerProductUnit metric { code } product { odooId }
    minimumAmount price { ${PRICE} } } } }`;
  const productOdooId = products[product];
  return test.gql(by, query, { input: { metric: 'tiles', productOdooId, mode: 'QUANTITY', ...input } });
}

function refusalOf(answer: GraphqlAnswer): Record<string, unknown> | undefined {
  return answer.errors?.[0]?.extensions;
}

it('lets a product carry a metric whose units Odoo prices', async () => {
  const answer = await create(key, 'A', { unitsPerProductUnit: 1000, freeUnits: '10.50' });
  const { charge } = dataOf(answer).createCharge;
  expect(charge).toMatchObject({
    mode: 'QUANTITY',
    price: null,
    currency: null,
    freeUnits: '10.5',
    unitsPerProductUnit: '1000',
    metric: { code: 'tiles' },
    product: { odooId: products.A },
  });
  const entries = await test.app.db.query('select action, details from audit_entry where subject_id = $1', [charge.id]);
  expect(entries).toMatchObject([
    { action: 'charge.created', details: { metric: 'tiles', freeUnits: '10.5', unitsPerProductUnit: '1000' } },
  ]);
});

it('lets a product carry a metric that we price, exactly', async () => {
  const answer = await create(key, 'B', { ...AMOUNT, price: { standard: { unitPrice: '0.000000000001' } } });
  expect(dataOf(answer).createCharge.charge).toMatchObject({
    mode: 'AMOUNT',
    currency: 'USD',
    unitsPerProductUnit: '1',
    price: { __typename: 'StandardPrice', unitPrice: '0.000000000001' },
  });
});

it.each<[string, Record<string, unknown>, string]>([
  ['a price in mode QUANTITY', { price: AMOUNT.price }, 'price'],
  ['a currency in mode QUANTITY', { currency: 'USD' }, 'currency'],
  ['mode AMOUNT without a price', { ...AMOUNT, price: null }, 'price'],
  ['mode AMOUNT without a currency', { ...AMOUNT, currency: null }, 'currency'],
  ['a currency Odoo does not use', { ...AMOUNT, currency: 'XTS' }, 'currency'],
  ['a currency that is no code', { ...AMOUNT, currency: 'usd' }, 'currency'],
  ['packages in mode AMOUNT', { ...AMOUNT, unitsPerProductUnit: '10' }, 'unitsPerProductUnit'],
  ['no units in a product unit', { unitsPerProductUnit: '0' }, 'unitsPerProductUnit'],
  ['fewer than none', { unitsPerProductUnit: '-1' }, 'unitsPerProductUnit'],
  ['negative free units', { freeUnits: '-0.1' }, 'freeUnits'],
  ['free units that are no number', { freeUnits: 'many' }, 'freeUnits'],
  ['a negative price', { ...AMOUNT, price: { standard: { unitPrice: '-1' } } }, 'price.standard.unitPrice'],
])('refuses %s', async (_name, input, field) => {
  expect(refusalOf(await create(key, 'C', input))).toMatchObject({ code: 'VALIDATION_FAILED', field });
});

describe('takes every model of a price, and tells it again', () => {
  const TIER = { upTo: '10', unitPrice: '1', flatPrice: '2' };
  const LAST = { upTo: null, unitPrice: '0.5', flatPrice: '0' };
  it.each([
    ['P1', 'GraduatedPrice', { graduated: { tiers: [TIER, LAST] } }, { tiers: [TIER, LAST] }],
    [
      'P2',
      'GraduatedPercentagePrice',
      { graduatedPercentage: { tiers: [{ rate: '2.90' }] } },
      { tiers: [{ upTo: null, rate: '2.9', flatPrice: '0' }] },
    ],
    [
      'P3',
      'PackagePrice',
      { package: { packageSize: 100, packagePrice: '5' } },
      { packageSize: '100', packagePrice: '5' },
    ],
    [
      'P4',
      'PercentagePrice',
      { percentage: { rate: '2.9', fixedPrice: '0.30', freeEvents: 3 } },
      { rate: '2.9', fixedPrice: '0.3', freeEvents: 3 },
    ],
    ['P5', 'VolumePrice', { volume: { tiers: [LAST] } }, { tiers: [LAST] }],
  ])('%s: %s', async (product, __typename, price, told) => {
    const answer = await create(key, product, { ...AMOUNT, metric: 'payments', price, minimumAmount: '12.50' });
    const { charge } = dataOf(answer).createCharge;
    expect(charge).toMatchObject({ price: { __typename, ...told }, minimumAmount: '12.5' });
    const query = `{ charges(first: 200) { nodes { id price { ${PRICE} } minimumAmount } } }`;
    const listed = dataOf(await test.gql(key, query)).charges.nodes as { id: string }[];
    expect(listed.find(({ id }) => id === charge.id)).toMatchObject({ price: { __typename, ...told } });
  });
});

it.each([
  [
    'a price for each event of a metric that counts none',
    { price: { percentage: { rate: '1', fixedPrice: '0.01' } } },
    'price.percentage',
    'A price or a free allowance for each event needs a metric with `perEvent`.',
  ],
  [
    'free events of a metric that counts none',
    { price: { percentage: { rate: '1', freeEvents: 1 } } },
    'price.percentage',
    'A price or a free allowance for each event needs a metric with `perEvent`.',
  ],
  [
    'tiers that fall',
    {
      price: {
        graduated: { tiers: [{ upTo: '5', unitPrice: '1' }, { upTo: '4', unitPrice: '1' }, { unitPrice: '1' }] },
      },
    },
    'price.graduated.tiers[1].upTo',
    'price.graduated.tiers[1].upTo must be above the tier before, 5, not 4.',
  ],
  ['a negative minimum', { minimumAmount: '-1' }, 'minimumAmount', 'minimumAmount must be 0 or more.'],
])('refuses %s by name', async (_, input, field, message) => {
  const answer = await create(key, 'Q', { ...AMOUNT, ...input });
  expect(refusalOf(answer)).toMatchObject({ code: 'VALIDATION_FAILED', field });
  expect(answer.errors?.[0]?.message).toBe(message);
});

it('refuses a minimum amount where Odoo prices', async () => {
  const answer = await create(key, 'Q', { minimumAmount: '1' });
  expect(refusalOf(answer)).toMatchObject({ code: 'VALIDATION_FAILED', field: 'minimumAmount' });
  expect(answer.errors?.[0]?.message).toBe('minimumAmount belongs to mode AMOUNT; in mode QUANTITY Odoo prices.');
});

it('refuses a price without a model, or with an unknown one, before anything runs', async () => {
  for (const price of [{}, { standard: null }, { surge: { unitPrice: '1' } }]) {
    expect(refusalOf(await create(key, 'C', { ...AMOUNT, price }))).toEqual({
      code: 'BAD_USER_INPUT',
      retryable: false,
    });
  }
});

it('refuses a JSON fraction, which went through a float, and takes whole numbers', async () => {
  const fraction = await create(key, 'C', { freeUnits: 0.1 });
  expect(refusalOf(fraction)).toEqual({ code: 'BAD_USER_INPUT', retryable: false });
  expect(fraction.errors?.[0]?.message).toContain('went through a float');
  expect(dataOf(await create(key, 'C', { freeUnits: 3 })).createCharge.charge.freeUnits).toBe('3');
});

it('refuses a product that is invoiced on ordered quantities, naming the policy', async () => {
  expect(refusalOf(await create(key, 'FEE'))).toEqual({
    code: 'VALIDATION_FAILED',
    retryable: false,
    field: 'productOdooId',
    details: { type: 'service', invoicePolicy: 'order' },
  });
});

it('finds no metric of another service and no product that Odoo lacks', async () => {
  expect(refusalOf(await create(key, 'D', { metric: 'unknown' }))).toMatchObject({
    code: 'NOT_FOUND',
    field: 'metric',
  });
  expect(refusalOf(await create(key, 'none', { productOdooId: 999_999 }))).toMatchObject({
    code: 'NOT_FOUND',
    field: 'productOdooId',
  });
});

describe('the charges of one product', () => {
  it('carry a metric once', async () => {
    dataOf(await create(key, 'D'));
    expect(refusalOf(await create(key, 'D'))).toMatchObject({ code: 'CONFLICT', field: 'productOdooId' });
  });

  it('share mode, currency and units', async () => {
    dataOf(await create(key, 'E', { unitsPerProductUnit: '100' }));
    dataOf(await create(key, 'F', AMOUNT));
    const conflicts = [
      await create(key, 'E', { metric: 'routes', unitsPerProductUnit: '10' }),
      await create(key, 'F', { metric: 'routes' }),
      await create(key, 'F', { metric: 'routes', ...AMOUNT, currency: 'CAD' }),
    ];
    expect(conflicts.map(refusalOf)).toMatchObject([
      { code: 'CONFLICT', field: 'unitsPerProductUnit' },
      { code: 'CONFLICT', field: 'mode' },
      { code: 'CONFLICT', field: 'currency' },
    ]);
    dataOf(await create(key, 'F', { metric: 'routes', ...AMOUNT }));
  });

  it('belong to one service, whose product looks to the others like none', async () => {
    dataOf(await create(key, 'G'));
    await makeService(test, 'rival');
    const rival = (await makeKey(test, 'rival')).secret;
    await makeMetric(test, rival, { code: 'tiles' });
    const foreign = await create(rival, 'G');
    const unknown = await create(rival, 'none', { productOdooId: 999_999 });
    expect(foreign.body).toBe(unknown.body);
    const told = await create(test.adminKey, 'G', { service: 'rival' });
    expect(refusalOf(told)).toEqual({ code: 'CONFLICT', retryable: false, field: 'productOdooId' });
  });

  it('belong to one service also when two ask at the same time', async () => {
    const rival = (await makeKey(test, 'rival')).secret;
    const codes = (await Promise.all([create(key, 'H'), create(rival, 'H')])).map((answer) => refusalOf(answer)?.code);
    expect(codes.toSorted()).toEqual(['NOT_FOUND', undefined]);
  });
});

it('bills what is known where usage is missing, unless it is told to hold', async () => {
  const onGap = async (product: string, terms: Record<string, unknown>): Promise<unknown> => {
    const { id } = dataOf(await create(key, product, terms)).createCharge.charge;
    const { nodes } = dataOf(await test.gql(key, '{ charges(first: 200) { nodes { id onGap } } }')).charges;
    return nodes.find((node: { id: string }) => node.id === id).onGap;
  };
  expect(await onGap('I', {})).toBe('BILL_KNOWN');
  expect(await onGap('J', { onGap: 'HOLD' })).toBe('HOLD');
});

it('lists charges by service and metric', async () => {
  const metrics = async (by: string, args: string): Promise<string[]> => {
    const { nodes } = dataOf(await test.gql(by, `{ charges${args} { nodes { metric { code } } } }`)).charges;
    return nodes.map(({ metric }: { metric: { code: string } }) => metric.code);
  };
  expect(await metrics(key, '(metric: "routes")')).toEqual(['routes']);
  expect(await metrics(test.adminKey, '(service: "maps", metric: "routes")')).toEqual(['routes']);
  expect(new Set(await metrics(key, ''))).toEqual(new Set(['tiles', 'routes', 'payments']));
  expect(await metrics(key, '(metric: "unknown")')).toEqual([]);
});

it('asks for the scopes', async () => {
  const reader = await makeKey(test, 'maps', ['CATALOG_READ']);
  const writer = await makeKey(test, 'maps', ['CATALOG_WRITE']);
  expect(refusalOf(await create(reader.secret, 'A'))).toMatchObject({ details: { scope: 'catalog:write' } });
  expect(refusalOf(await test.gql(writer.secret, '{ charges { nodes { id } } }'))).toMatchObject({
    details: { scope: 'catalog:read' },
  });
});
