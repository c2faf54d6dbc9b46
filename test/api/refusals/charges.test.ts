/** What a caller is told whose charge, price, filter or version of a charge cannot be made. */
import { addSubscription } from '../../../sandbox/world';
import { startTestApp, type TestApp } from '../../support/app';
import { type Refusal, type RefusedInput, refused } from '../../support/refusals';
import { makeCharge, makeKey, makeLink, makeMetric, makeService, mutate } from '../../support/seed';

let test: TestApp;
let key: string;
let rival: string;
/** Products of the order; the last one is invoiced on ordered quantities. */
let products: number[];
let planOdooId: number;
let contractId: string;

beforeAll(async () => {
  test = await startTestApp();
  for (const code of ['maps', 'rival']) await makeService(test, code);
  key = (await makeKey(test, 'maps')).secret;
  rival = (await makeKey(test, 'rival')).secret;
  await makeMetric(test, key, { code: 'tiles' });
  await makeMetric(test, key, { code: 'routes' });
  await makeMetric(test, rival, { code: 'tiles' });
  const rules = { name: 'm', unit: 'unit', perEvent: true };
  for (const metric of [
    { code: 'peak', aggregation: 'MAX' },
    { code: 'refunds', aggregation: 'SUM', signed: true },
  ])
    await mutate(test, key, { name: 'createMetric', input: { ...rules, ...metric }, selection: 'metric { id }' });
  const order = await addSubscription(test.sandbox.control, {
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: [
      ...['A', 'B', 'C', 'D'].map((code) => ({ code, price: 1 })),
      { code: 'FEE', price: 10, policy: 'order' as const },
    ],
  });
  products = order.productIds;
  planOdooId = order.planId;
  await test.runJobs('sync-odoo');
  await makeLink(test, key, { account: 'acme', partnerOdooId: order.partnerId });
  const { data } = await test.gql(key, '{ subscriptions { nodes { contract { id } } } }');
  contractId = data.subscriptions.nodes[0].contract.id;
});
afterAll(() => test.close());

const PRICE = { standard: { unitPrice: '1' } };
const AMOUNT = { mode: 'AMOUNT', currency: 'USD', price: PRICE };
const EU = { name: 'eu', match: [{ dimension: 'region', values: ['fr'] }], price: PRICE };

function create(change: Record<string, unknown>, by = key): Promise<Refusal | null> {
  return refused({ test, key: by }, 'createCharge', {
    metric: 'tiles',
    productOdooId: products[0],
    mode: 'QUANTITY',
    ...change,
  });
}

function version(change: Record<string, unknown>): Promise<Refusal | null> {
  return refused({ test, key }, 'createChargeVersion', { validFrom: '2026-05-01', ...change });
}

it.each<RefusedInput>([
  ['less than nothing free', { freeUnits: '-1' }, 'VALIDATION_FAILED', 'freeUnits', 'freeUnits must be 0 or more.'],
  [
    'a product unit of no units',
    { unitsPerProductUnit: '0' },
    'VALIDATION_FAILED',
    'unitsPerProductUnit',
    'unitsPerProductUnit must be above 0.',
  ],
  [
    'a negative minimum',
    { ...AMOUNT, minimumAmount: '-1' },
    'VALIDATION_FAILED',
    'minimumAmount',
    'minimumAmount must be 0 or more.',
  ],
  [
    'an amount without a price',
    { ...AMOUNT, price: null },
    'VALIDATION_FAILED',
    'price',
    'In mode AMOUNT the charge needs a price.',
  ],
  [
    'an amount of no currency',
    { ...AMOUNT, currency: null },
    'VALIDATION_FAILED',
    'currency',
    'In mode AMOUNT the charge needs the currency of its price.',
  ],
  [
    'a currency that Odoo does not use',
    { ...AMOUNT, currency: 'XTS' },
    'VALIDATION_FAILED',
    'currency',
    'currency must be three letters of a currency that Odoo uses: "USD".',
  ],
  [
    'an amount in packages',
    { ...AMOUNT, unitsPerProductUnit: '10' },
    'VALIDATION_FAILED',
    'unitsPerProductUnit',
    'unitsPerProductUnit is 1 in mode AMOUNT: the quantity is the amount.',
  ],
  [
    'a price where Odoo prices',
    { price: PRICE },
    'VALIDATION_FAILED',
    'price',
    'price belongs to mode AMOUNT; in mode QUANTITY Odoo prices.',
  ],
  [
    'free events of a maximum',
    { ...AMOUNT, metric: 'peak', price: { percentage: { rate: '1', freeEvents: 1 } } },
    'VALIDATION_FAILED',
    'price.percentage',
    'A free allowance by events needs a SUM or COUNT that begins anew each period.',
  ],
  [
    'a price for each event of a metric that counts none',
    { ...AMOUNT, price: { percentage: { rate: '1', fixedPrice: '0.01' } } },
    'VALIDATION_FAILED',
    'price.percentage',
    'A price or a free allowance for each event needs a metric with `perEvent`.',
  ],
  [
    'free units of a percentage that may be given back',
    { ...AMOUNT, metric: 'refunds', price: { percentage: { rate: '1' } }, freeUnits: '1' },
    'VALIDATION_FAILED',
    'price.percentage',
    'A percentage of a metric with negative quantities has no free allowance.',
  ],
  ['a metric that is not there', { metric: 'nothing' }, 'NOT_FOUND', 'metric', 'No such metric.'],
  ['a product that Odoo lacks', { productOdooId: 999_999 }, 'NOT_FOUND', 'productOdooId', 'No such product.'],
  ['a plan that Odoo lacks', { planOdooId: 999_999 }, 'NOT_FOUND', 'planOdooId', 'No such plan.'],
  ['a contract that is not there', { contractId: 'nothing' }, 'NOT_FOUND', 'contractId', 'No such contract.'],
  [
    'a first day that is none',
    { validFrom: '2026-02-30' },
    'VALIDATION_FAILED',
    'validFrom',
    'validFrom must be a day like "2026-03-01", not "2026-02-30".',
  ],
])('createCharge refuses %s', async (_, change, code, field, message) => {
  expect(await create(change)).toEqual({ code, field, message });
});

it('createCharge refuses a product that is invoiced on ordered quantities', async () => {
  expect(await create({ productOdooId: products.at(-1) })).toEqual({
    code: 'VALIDATION_FAILED',
    field: 'productOdooId',
    message: 'The product must be a service that Odoo invoices on delivered quantities.',
  });
});

it('createCharge refuses two bindings', async () => {
  expect(await create({ planOdooId, contractId })).toEqual({
    code: 'VALIDATION_FAILED',
    field: 'contractId',
    message: 'Bind the charge to a plan or to a contract, not to both.',
  });
});

const tiers = (...ends: (string | null)[]): object => ({
  graduated: { tiers: ends.map((upTo) => ({ upTo, unitPrice: '1' })) },
});

it.each<[what: string, price: object, field: string, message: string]>([
  ['no tiers', tiers(), 'price.graduated.tiers', 'price.graduated.tiers must be 1 to 100 tiers, not 0.'],
  [
    'a last tier with an end',
    tiers('10'),
    'price.graduated.tiers[0].upTo',
    'price.graduated.tiers[0].upTo must be null: the last tier is without end.',
  ],
  [
    'an open tier before the last',
    tiers(null, null),
    'price.graduated.tiers[0].upTo',
    'price.graduated.tiers[0].upTo is missing: only the last tier is without end.',
  ],
  [
    'tiers that do not rise',
    tiers('10', '10.0', null),
    'price.graduated.tiers[1].upTo',
    'price.graduated.tiers[1].upTo must be above the tier before, 10, not 10.',
  ],
  [
    'packages of nothing',
    { package: { packageSize: '0', packagePrice: '1' } },
    'price.package.packageSize',
    'price.package.packageSize must be above 0.',
  ],
  [
    'a negative price',
    { standard: { unitPrice: '-1' } },
    'price.standard.unitPrice',
    'price.standard.unitPrice must be 0 or more, at most 30 digits with 12 after the point, not "-1".',
  ],
  [
    'more free events than there can be',
    { percentage: { rate: '1', freeEvents: 1_000_001 } },
    'price.percentage.freeEvents',
    'price.percentage.freeEvents must be a whole number from 0 to 1000000, not 1000001.',
  ],
])('createCharge refuses a price with %s', async (_, price, field, message) => {
  expect(await create({ ...AMOUNT, price })).toEqual({ code: 'VALIDATION_FAILED', field, message });
});

describe('the charges of one product', () => {
  beforeAll(async () => {
    await makeCharge(test, key, { metric: 'tiles', productOdooId: products[1] ?? 0, ...AMOUNT });
    await makeCharge(test, key, {
      metric: 'routes',
      productOdooId: products[2] ?? 0,
      mode: 'QUANTITY',
      unitsPerProductUnit: '100',
    });
  });

  it.each<[what: string, product: number, change: Record<string, unknown>, field: string, message: string]>([
    ['the same metric twice', 1, AMOUNT, 'productOdooId', 'The product carries this metric already.'],
    ['two modes', 1, { metric: 'routes' }, 'mode', 'The other charges of the product have the other mode.'],
    [
      'two currencies',
      1,
      { ...AMOUNT, metric: 'routes', currency: 'CAD' },
      'currency',
      'The other charges of the product are in another currency.',
    ],
    [
      'two sizes of its unit',
      2,
      {},
      'unitsPerProductUnit',
      'The other charges of the product have another unitsPerProductUnit.',
    ],
  ])('have not %s', async (_, product, change, field, message) => {
    expect(await create({ productOdooId: products[product], ...change })).toEqual({ code: 'CONFLICT', field, message });
  });

  it('are of one service: another one is told that the product is not there, an operator why', async () => {
    const input = { productOdooId: products[1] };
    expect(await create(input, rival)).toEqual({
      code: 'NOT_FOUND',
      field: 'productOdooId',
      message: 'No such product.',
    });
    expect(await create({ ...input, service: 'rival' }, test.adminKey)).toEqual({
      code: 'CONFLICT',
      field: 'productOdooId',
      message: 'The product carries charges of another service, and can serve one only.',
    });
  });
});

describe('a version', () => {
  let chargeId: string;
  beforeAll(async () => {
    const terms = { ...AMOUNT, filters: [EU] };
    ({ id: chargeId } = await makeCharge(test, key, { metric: 'tiles', productOdooId: products[3] ?? 0, ...terms }));
  });

  it.each<RefusedInput>([
    ['of a charge that is not there', { id: 'nothing' }, 'NOT_FOUND', 'id', 'No such charge.'],
    [
      'without free units',
      { freeUnits: null },
      'VALIDATION_FAILED',
      'freeUnits',
      'freeUnits cannot be cleared: leave it out, or send a value.',
    ],
    [
      'from no day on',
      { validFrom: 'May' },
      'VALIDATION_FAILED',
      'validFrom',
      'validFrom must be a day like "2026-03-01", not "May".',
    ],
  ])('%s is refused', async (_, change, code, field, message) => {
    expect(await version({ id: chargeId, ...change })).toEqual({ code, field, message });
  });

  it('the archive refuses a day ahead, and what is not there', async () => {
    expect(await refused({ test, key }, 'archiveCharge', { id: chargeId, from: '2026-03-10T12:00:00.001Z' })).toEqual({
      code: 'VALIDATION_FAILED',
      field: 'from',
      message: 'from must not lie ahead: archive the charge when the time has come.',
    });
    expect(await refused({ test, key }, 'archiveCharge', { id: contractId })).toEqual({
      code: 'NOT_FOUND',
      field: 'id',
      message: 'No such charge.',
    });
  });
});

it.each(['pinCharge', 'unpinCharge'])('%s refuses a reason of blanks', async (name) => {
  expect(await refused({ test, key }, name, { contractId, chargeId: contractId, reason: ' ' })).toEqual({
    code: 'VALIDATION_FAILED',
    field: 'reason',
    message: 'reason must say why.',
  });
});
