/** What a caller is told whose question makes no sense, or is about what is not there: summaries, holes, estimates, traces, proofs. */
import { startTestApp, type TestApp } from '../../support/app';
import { type Refusal, type RefusedInput, refusalOf, refused } from '../../support/refusals';
import { dataOf, makeCharge, makeKey, makeMetric, makeLink, seedService, type SeededService } from '../../support/seed';
import { addSubscription } from '../../../sandbox/world';

let test: TestApp;
let service: SeededService;
let contractId: string;
let periodId: string;
/** A key of the service: it sees nothing of the others. */
let key: string;

const CONTRACTS = '{ subscriptions { nodes { odooId contract { id } } } }';

async function contractOf(orderId: number): Promise<string> {
  const { nodes } = dataOf(await test.gql(key, CONTRACTS)).subscriptions;
  return nodes.find((node: { odooId: number }) => node.odooId === orderId).contract.id as string;
}

beforeAll(async () => {
  test = await startTestApp();
  service = await seedService(test, { code: 'maps' });
  key = service.key;
  contractId = await contractOf(service.odoo.orderId);
  const { nodes } = dataOf(await test.gql(key, '{ billingPeriods { nodes { id } } }')).billingPeriods;
  periodId = nodes[0].id;
});
afterAll(() => test.close());

const NOBODY = '00000000-0000-7000-8000-000000000000';
/** A cursor as it is made, of an instant that PostgreSQL does not have. */
const YEAR_999999 = Buffer.from(JSON.stringify(['999999-01-01 00:00:00+00', NOBODY])).toString('base64url');
const HOUR = { from: '2026-03-10T10:00:00Z', to: '2026-03-10T11:00:00Z' };

describe('usageSummary refuses', () => {
  const summary = async (filter: object, groupBy: string[]): Promise<Refusal | null> => {
    const query = `query ($filter: UsageSummaryFilter!, $groupBy: [UsageGroup!]!) {
      usageSummary(filter: $filter, groupBy: $groupBy) { __typename } }`;
    return refusalOf(await test.gql(key, query, { filter: { ...HOUR, ...filter }, groupBy }));
  };

  it.each<RefusedInput>([
    ['a time that ends as it begins', { to: HOUR.from }, 'VALIDATION_FAILED', 'to', 'to must lie after from.'],
    [
      'half hours',
      { to: '2026-03-10T11:30:00Z' },
      'VALIDATION_FAILED',
      'to',
      'to must be a full hour: totals are kept by the hour.',
    ],
    ['a contract that is not there', { contractId: 'nothing' }, 'NOT_FOUND', 'contractId', 'No such contract.'],
    ['a service that is not there', { service: 'nobodys' }, 'NOT_FOUND', 'service', 'No such service.'],
  ])('%s', async (_, filter, code, field, message) => {
    expect(await summary(filter, ['DAY'])).toEqual({ code, field, message });
  });

  it('two groups of time', async () => {
    expect(await summary({}, ['DAY', 'PERIOD'])).toEqual({
      code: 'VALIDATION_FAILED',
      field: 'groupBy',
      message: 'Only one of HOUR, DAY, MONTH and PERIOD can be grouped by.',
    });
  });
});

it.each<RefusedInput>([
  ['a time that ends as it begins', { to: HOUR.from }, 'VALIDATION_FAILED', 'to', 'to must lie after from.'],
  [
    'more than a quarter',
    { from: '2025-12-08T10:59:59Z' },
    'VALIDATION_FAILED',
    'to',
    'to must lie at most 92 days after from.',
  ],
  [
    'the time to come',
    { from: '2026-03-10T12:00:00Z', to: '2026-03-11T00:00:00Z' },
    'VALIDATION_FAILED',
    'from',
    'from must not lie ahead.',
  ],
  [
    'the usage of nobody',
    { account: null },
    'VALIDATION_FAILED',
    'contractId',
    'Name either the account or the contract.',
  ],
  ['an account that is not there', { account: 'nobody' }, 'NOT_FOUND', 'account', 'No such account link.'],
  ['a metric that is not there', { metric: 'nothing' }, 'NOT_FOUND', 'metric', 'No such metric.'],
])('completeness refuses %s', async (_, change, code, field, message) => {
  const input = { account: 'maps-account', metric: 'maps-metric', ...HOUR, ...change };
  expect(await refused({ test, key }, 'completeness', input)).toEqual({ code, field, message });
});

it.each<RefusedInput>([
  ['a time that ends as it begins', { to: HOUR.from }, 'VALIDATION_FAILED', 'to', 'to must lie after from.'],
  [
    'the time before the period',
    { from: '2026-02-28T23:00:00Z' },
    'VALIDATION_FAILED',
    'from',
    'from must not lie before the period, 2026-03-01T00:00:00.000Z.',
  ],
  [
    'the time after the period',
    { to: '2026-04-01T00:00:01Z' },
    'VALIDATION_FAILED',
    'to',
    'to must not lie after the end of the period, 2026-04-01T00:00:00.000Z.',
  ],
  ['a reason of blanks', { reason: ' ' }, 'VALIDATION_FAILED', 'reason', 'reason must say why.'],
  [
    'a name of nobody',
    { name: '' },
    'VALIDATION_FAILED',
    'name',
    'name must be a text of 1 to 200 characters without control characters, not "".',
  ],
  ['a period that is not there', { periodId: NOBODY }, 'NOT_FOUND', 'periodId', 'No such billing period.'],
  ['a metric that is not there', { metric: 'nothing' }, 'NOT_FOUND', 'metric', 'No such metric.'],
])('waiveGap refuses %s', async (_, change, code, field, message) => {
  const input = { periodId, metric: 'maps-metric', ...HOUR, reason: 'an outage', ...change };
  expect(await refused({ test, key }, 'waiveGap', input)).toEqual({ code, field, message });
});

describe('of what is named', () => {
  it.each<[query: string, code: string, field: string, message: string]>([
    [
      'currentUsage(account: "maps-account", contractId: "x")',
      'VALIDATION_FAILED',
      'contractId',
      'Name either the contract, the subscription or the account.',
    ],
    [`currentUsage(subscriptionId: "${NOBODY}")`, 'NOT_FOUND', 'subscriptionId', 'No such contract.'],
    ['currentUsage(account: "nobody")', 'NOT_FOUND', 'account', 'No such open period.'],
    ['traceRecord(idempotencyKey: "free")', 'NOT_FOUND', 'idempotencyKey', 'No such usage record.'],
    ['traceInvoiceLine(odooId: 1234567)', 'NOT_FOUND', 'odooId', 'No such invoice line.'],
    ['receiptProof(id: "1234567")', 'NOT_FOUND', 'id', 'No such usage record.'],
    [`balances(contractId: "${NOBODY}")`, 'NOT_FOUND', 'contractId', 'No such contract.'],
    [`subscription(id: "${NOBODY}")`, 'NOT_FOUND', 'id', 'No such subscription.'],
    [`usageAlertEvents(filter: { alertId: "${NOBODY}" })`, 'NOT_FOUND', 'alertId', 'No such alert.'],
    ['usageAlerts(first: 201)', 'VALIDATION_FAILED', 'first', 'first must be from 1 to 200, not 201.'],
    ['usageAlerts(after: "page two")', 'VALIDATION_FAILED', 'after', 'after is no cursor of this list.'],
    [`billingPeriods(after: "${YEAR_999999}")`, 'VALIDATION_FAILED', 'after', 'after is no cursor of this list.'],
    ['finalDues(filter: { contractId: "x" })', 'NOT_FOUND', 'contractId', 'No such contract.'],
  ])('%s is refused', async (query, code, field, message) => {
    expect(refusalOf(await test.gql(key, `{ ${query} { __typename } }`))).toEqual({ code, field, message });
  });

  it('an account with several contracts has no usage of its own', async () => {
    const partnerOdooId = service.odoo.partnerId;
    await addSubscription(test.sandbox.control, {
      partner: partnerOdooId,
      startDate: '2026-03-01',
      nextInvoiceDate: '2026-04-01',
      lines: [{ code: 'MTR-maps', price: 2 }],
    });
    await test.runJobs('sync-odoo', 'advance-contracts');
    expect(refusalOf(await test.gql(key, '{ currentUsage(account: "maps-account") { __typename } }'))).toEqual({
      code: 'CONFLICT',
      field: 'account',
      message: 'The account has several contracts: name one by contractId.',
    });
  });
});

describe('verifyLedger', () => {
  const verify = async (by: string, bounds: string): Promise<Refusal | null> =>
    refusalOf(await test.gql(by, `{ verifyLedger${bounds} { holds } }`));

  it.each<[bounds: string, code: string, field: string, message: string]>([
    ['(fromBlock: 0)', 'VALIDATION_FAILED', 'fromBlock', 'fromBlock must be 1 or more, not 0.'],
    ['(blocks: 501)', 'VALIDATION_FAILED', 'blocks', 'blocks must be from 1 to 500, not 501.'],
  ])('%s is refused', async (bounds, code, field, message) => {
    expect(await verify(test.adminKey, bounds)).toEqual({ code, field, message });
  });

  it('is for keys of the whole installation', async () => {
    expect(await verify((await makeKey(test, 'maps')).secret, '')).toEqual({
      code: 'FORBIDDEN',
      message: 'The ledger is verified with a key of the whole installation.',
    });
  });
});

describe('estimateUsage', () => {
  it('of a metric that two charges price is refused until one is named', async () => {
    const order = await addSubscription(test.sandbox.control, {
      partner: { name: 'Two prices' },
      startDate: '2026-03-01',
      nextInvoiceDate: '2026-04-01',
      lines: [
        { code: 'ONE', price: 1 },
        { code: 'TWO', price: 1 },
      ],
    });
    await test.runJobs('sync-odoo');
    await makeMetric(test, key, { code: 'double' });
    for (const productOdooId of order.productIds) {
      await makeCharge(test, key, { metric: 'double', productOdooId, mode: 'QUANTITY' });
    }
    const partnerOdooId = order.partnerId;
    await makeLink(test, key, { account: 'double', partnerOdooId, validFrom: '2026-03-01T00:00:00Z' });
    const input = { metric: 'double', contractId: await contractOf(order.orderId), units: '1' };
    expect(await refused({ test, key }, 'estimateUsage', input)).toEqual({
      code: 'CONFLICT',
      field: 'metric',
      message: 'Several charges price the metric "double" on this contract: name one by chargeId.',
    });
  });

  it('on top of the open period of an order that is not confirmed is refused', async () => {
    const { orderId } = await addSubscription(test.sandbox.control, {
      partner: service.odoo.partnerId,
      startDate: '2026-03-01',
      nextInvoiceDate: '2026-04-01',
      state: 'draft',
      subscriptionState: '1_draft',
      lines: [{ code: 'MTR-maps', price: 2 }],
    });
    await test.runJobs('sync-odoo');
    const named = { chargeId: service.chargeId, contractId: await contractOf(orderId) };
    expect(await refused({ test, key }, 'estimateUsage', { ...named, units: '1', onTopOfCurrent: true })).toEqual({
      code: 'CONFLICT',
      field: 'contractId',
      message: 'The contract has no period yet.',
    });
  });

  it('in a currency that Odoo has no more is refused', async () => {
    await makeMetric(test, key, { code: 'priced' });
    const { productIds } = await addSubscription(test.sandbox.control, {
      startDate: '2026-03-01',
      nextInvoiceDate: '2026-04-01',
      lines: [{ code: 'CAD', price: 1 }],
    });
    await test.runJobs('sync-odoo');
    const { id: chargeId } = await makeCharge(test, key, {
      metric: 'priced',
      productOdooId: productIds[0] ?? 0,
      mode: 'AMOUNT',
      currency: 'CAD',
      price: { standard: { unitPrice: '1' } },
    });
    await test.app.db.query(`delete from currency where code = 'CAD'`);
    expect(await refused({ test, key }, 'estimateUsage', { chargeId, units: '1' })).toEqual({
      code: 'VALIDATION_FAILED',
      field: 'contractId',
      message: 'The currency of the charge is not mirrored: name a contract.',
    });
  });
});

it.each<RefusedInput>([
  ['no thresholds', { thresholds: [] }, 'VALIDATION_FAILED', 'thresholds', 'thresholds must be 1 to 20 values, not 0.'],
  [
    'thresholds that fall',
    { thresholds: ['2', '1.50'] },
    'VALIDATION_FAILED',
    'thresholds.1',
    'thresholds.1 must be above 2, not 1.5: thresholds rise from above 0.',
  ],
  [
    'a threshold that is no number',
    { thresholds: ['1e3'] },
    'VALIDATION_FAILED',
    'thresholds.0',
    'thresholds.0 must be a decimal of at most 30 digits, 12 of them after the point, without an exponent, not "1e3".',
  ],
  [
    'no name',
    { name: '' },
    'VALIDATION_FAILED',
    'name',
    'name must be a text of 1 to 200 characters without control characters, not "".',
  ],
  ['a metric that is not there', { metric: 'nothing' }, 'NOT_FOUND', 'metric', 'No such metric.'],
  ['a contract that is not there', { contractId: NOBODY }, 'NOT_FOUND', 'contractId', 'No such contract.'],
])('createUsageAlert refuses %s', async (_, change, code, field, message) => {
  const good = { contractId, metric: 'maps-metric', kind: 'UNITS', thresholds: ['10'], name: 'Ten' };
  expect(await refused({ test, key }, 'createUsageAlert', { ...good, ...change })).toEqual({ code, field, message });
});
