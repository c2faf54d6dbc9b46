/** Versions of charges and what charges are bound to, over GraphQL. What they rate is told in the stories of billing. */
import { addSubscription } from '../../sandbox/world';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { dataOf, makeKey, makeLink, makeMetric, makeService, mutate } from '../support/seed';

let test: TestApp;
let key: string;
let planOdooId: number;
let contractId: string;
const products: number[] = [];

beforeAll(async () => {
  test = await startTestApp({ now: new Date('2026-03-10T12:00:00Z') });
  await makeService(test, 'maps');
  key = (await makeKey(test, 'maps')).secret;
  await makeMetric(test, key, { code: 'tiles' });
  const order = await addSubscription(test.sandbox.control, {
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: Array.from({ length: 12 }, (_, n) => ({ code: `P${n}`, price: 1 })),
  });
  products.push(...order.productIds);
  planOdooId = order.planId;
  await test.runJobs('sync-odoo');
  await makeLink(test, key, { account: 'acme', partnerOdooId: order.partnerId });
  const { nodes } = dataOf(await test.gql(key, '{ subscriptions { nodes { contract { id } } } }')).subscriptions;
  contractId = nodes[0].contract.id;
});
afterAll(() => test.close());

const FIELDS = `id validFrom validTo freeUnits minimumAmount groupBy filters { name } archivedAt currency
  previous { id } next { id } plan { odooId } contract { id }
  price { ... on StandardPrice { unitPrice } } product { odooId } metric { code }`;
const PRICE = { standard: { unitPrice: '0.5' } };
const AMOUNT = { mode: 'AMOUNT', currency: 'USD', price: PRICE };
const EU = { name: 'eu', match: [{ dimension: 'region', values: ['fr'] }], price: PRICE };

async function create(product: number, input: Record<string, unknown> = {}): Promise<GraphqlAnswer> {
  const query = `mutation ($i: CreateChargeInput!) { createCharge(input: $i) { charge { ${FIELDS} } } }`;
  return test.gql(key, query, {
    i: { metric: 'tiles', productOdooId: products[product], mode: 'QUANTITY', ...input },
  });
}

async function made(product: number, input: Record<string, unknown> = {}): Promise<GraphqlAnswer['data']> {
  return dataOf(await create(product, input)).createCharge.charge;
}

async function version(id: string, validFrom: string, input: Record<string, unknown> = {}): Promise<GraphqlAnswer> {
  const query = `mutation ($i: CreateChargeVersionInput!) { createChargeVersion(input: $i) { warnings charge { ${FIELDS} } } }`;
  return test.gql(key, query, { i: { id, validFrom, ...input } });
}

async function next(
  id: string,
  validFrom: string,
  input: Record<string, unknown> = {},
): Promise<GraphqlAnswer['data']> {
  return dataOf(await version(id, validFrom, input)).createChargeVersion.charge;
}

async function read(id: string): Promise<GraphqlAnswer['data']> {
  const { nodes } = dataOf(await test.gql(key, `{ charges(first: 100) { nodes { ${FIELDS} } } }`)).charges;
  return nodes.find((node: { id: string }) => node.id === id);
}

function refusalOf(answer: GraphqlAnswer): Record<string, unknown> {
  return { ...answer.errors?.[0]?.extensions, message: answer.errors?.[0]?.message };
}

describe('a version', () => {
  it('takes over what is not sent, and shows what it took over from', async () => {
    const terms = { ...AMOUNT, freeUnits: '10', minimumAmount: '5', filters: [EU], groupBy: ['zone'], planOdooId };
    const first = await made(0, terms);
    expect(first).toMatchObject({
      validFrom: null,
      validTo: null,
      previous: null,
      next: null,
      plan: { odooId: planOdooId },
    });
    const second = await next(first.id, '2026-05-01', { price: { standard: { unitPrice: '0.7' } } });
    expect(second).toEqual({
      ...first,
      id: second.id,
      validFrom: '2026-05-01',
      previous: { id: first.id },
      price: { unitPrice: '0.7' },
    });
    expect(await read(first.id)).toEqual({ ...first, validTo: '2026-05-01', next: { id: second.id } });
    const third = await next(second.id, '2026-06-01', { freeUnits: '0', minimumAmount: '0', filters: [], groupBy: [] });
    expect(third).toMatchObject({
      freeUnits: '0',
      minimumAmount: '0',
      filters: [],
      groupBy: [],
      price: { unitPrice: '0.7' },
    });
    const entries = await test.app.db.query(
      'select action, subject_id, details from audit_entry where subject_id = any ($1) order by id',
      [[second.id, third.id]],
    );
    expect(entries).toMatchObject([
      { action: 'charge.created', subject_id: second.id, details: { previousId: first.id, validFrom: '2026-05-01' } },
      { action: 'charge.ended', details: { changes: { validTo: { from: null, to: '2026-06-01' } } } },
      { action: 'charge.created', subject_id: third.id, details: { previousId: second.id } },
    ]);
  });

  it('warns of filters that overlap', async () => {
    const first = await made(1, AMOUNT);
    const filters = [EU, { ...EU, name: 'fast', match: [{ dimension: 'speed', values: ['fast'] }] }];
    const answer = dataOf(await version(first.id, '2026-05-01', { filters }));
    expect(answer.createChargeVersion.warnings).toEqual([
      'Filters "eu" and "fast" overlap: a record that matches both is priced by "eu" alone.',
    ]);
  });

  it('that rated nothing is withdrawn by one of the same day or an earlier one', async () => {
    const first = await made(2);
    const second = await next(first.id, '2026-05-01', { freeUnits: '1' });
    const again = await next(second.id, '2026-05-01', { freeUnits: '2' });
    expect(again).toMatchObject({ previous: { id: first.id }, validFrom: '2026-05-01', freeUnits: '2' });
    expect(await read(second.id)).toMatchObject({
      validFrom: '2026-05-01',
      validTo: '2026-05-01',
      archivedAt: '2026-03-10T12:00:00.000Z',
      next: null,
    });
    const earlier = await next(again.id, '2026-04-15');
    expect(earlier).toMatchObject({ previous: { id: first.id }, freeUnits: '2' });
    expect(await read(first.id)).toMatchObject({ validTo: '2026-04-15', next: { id: earlier.id }, archivedAt: null });
    expect(refusalOf(await version(again.id, '2026-07-01'))).toMatchObject({ code: 'CONFLICT', field: 'id' });
  });

  it('that is the first is withdrawn as well, and the new one has none before it', async () => {
    const first = await made(3, { validFrom: '2026-05-01' });
    expect(first.validFrom).toBe('2026-05-01');
    const second = await next(first.id, '2026-04-01');
    expect(second).toMatchObject({ validFrom: '2026-04-01', previous: null });
    expect(await read(first.id)).toMatchObject({ validTo: '2026-05-01', next: null });
  });

  it('follows the newest one only, and begins after the one before', async () => {
    const first = await made(4, { validFrom: '2026-04-01' });
    const second = await next(first.id, '2026-05-01');
    expect(refusalOf(await version(first.id, '2026-06-01'))).toEqual({
      code: 'CONFLICT',
      retryable: false,
      field: 'id',
      details: { nextId: second.id },
      message: 'A later version holds from 2026-05-01 on: make the next one from that.',
    });
    expect(refusalOf(await version(second.id, '2026-04-01'))).toMatchObject({
      code: 'CONFLICT',
      field: 'validFrom',
      message: 'The version before holds from 2026-04-01 on: the new one must begin later.',
    });
  });

  it('is archived before the one that it took over from', async () => {
    const first = await made(5);
    const second = await next(first.id, '2026-05-01');
    const archive = (id: string): Promise<GraphqlAnswer> =>
      test.gql(key, 'mutation ($i: ArchiveChargeInput!) { archiveCharge(input: $i) { charge { id } } }', { i: { id } });
    expect(refusalOf(await archive(first.id))).toEqual({
      code: 'CONFLICT',
      retryable: false,
      field: 'id',
      details: { nextId: second.id },
      message: 'A later version holds from 2026-05-01 on: archive that one first.',
    });
    dataOf(await archive(second.id));
    expect(refusalOf(await version(second.id, '2026-06-01'))).toMatchObject({
      code: 'CONFLICT',
      field: 'id',
      message: `The charge "${second.id}" is archived since 2026-03-10T12:00:00.000Z.`,
    });
    dataOf(await archive(first.id));
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a price where Odoo prices', { price: PRICE }, 'price'],
    ['a minimum where Odoo prices', { minimumAmount: '1' }, 'minimumAmount'],
    ['filters where Odoo prices', { filters: [EU] }, 'filters'],
    ['free units cleared', { freeUnits: null }, 'freeUnits'],
    ['filters cleared', { filters: null }, 'filters'],
    ['a day that is none', { validFrom: '2026-02-30' }, 'validFrom'],
    ['negative free units', { freeUnits: '-1' }, 'freeUnits'],
  ])('is refused with %s', async (_, input, field) => {
    const { id } = await read(
      dataOf(
        await test.gql(key, `{ charges(productOdooId: ${products[4]}, archived: false) { nodes { id next { id } } } }`),
      ).charges.nodes.find((node: { next: unknown }) => node.next === null).id,
    );
    expect(refusalOf(await version(id, '2026-09-01', input))).toMatchObject({ code: 'VALIDATION_FAILED', field });
  });

  it('is of a charge that is there', async () => {
    for (const id of ['nothing', contractId])
      expect(refusalOf(await version(id, '2026-09-01'))).toMatchObject({ code: 'NOT_FOUND', field: 'id' });
  });
});

describe('bound charges', () => {
  it('stand beside one of the same metric and product that is bound to nothing, each once', async () => {
    await made(6);
    expect(await made(6, { planOdooId })).toMatchObject({ plan: { odooId: planOdooId }, contract: null });
    expect(await made(6, { contractId })).toMatchObject({ plan: null, contract: { id: contractId } });
    for (const binding of [{}, { planOdooId }, { contractId }])
      expect(refusalOf(await create(6, binding))).toMatchObject({ code: 'CONFLICT', field: 'productOdooId' });
  });

  it('of the same metric and product may follow each other', async () => {
    const first = await made(7);
    await next(first.id, '2026-05-01');
    expect(refusalOf(await create(7, { validFrom: '2026-06-01' }))).toMatchObject({
      code: 'CONFLICT',
      field: 'productOdooId',
    });
  });

  it('are bound to one thing, and one that is there', async () => {
    expect(refusalOf(await create(8, { planOdooId, contractId }))).toMatchObject({
      code: 'VALIDATION_FAILED',
      field: 'contractId',
    });
    expect(refusalOf(await create(8, { planOdooId: 999_999 }))).toMatchObject({
      code: 'NOT_FOUND',
      field: 'planOdooId',
    });
    for (const unknown of ['nothing', products[0]?.toString() ?? '', '00000000-0000-7000-8000-000000000000'])
      expect(refusalOf(await create(8, { contractId: unknown }))).toMatchObject({
        code: 'NOT_FOUND',
        field: 'contractId',
      });
  });

  it('cannot be bound to a contract that the service does not see', async () => {
    await makeService(test, 'rival');
    const rival = (await makeKey(test, 'rival')).secret;
    await makeMetric(test, rival, { code: 'tiles' });
    const query = 'mutation ($i: CreateChargeInput!) { createCharge(input: $i) { charge { id } } }';
    const input = { metric: 'tiles', productOdooId: products[9], mode: 'QUANTITY', contractId };
    expect(refusalOf(await test.gql(rival, query, { i: input }))).toMatchObject({
      code: 'NOT_FOUND',
      field: 'contractId',
    });
  });
});

describe('a pin', () => {
  const pin = (name: string, i: Record<string, unknown>): Promise<GraphqlAnswer> =>
    test.gql(
      key,
      `mutation ($i: ${name === 'pinCharge' ? 'Pin' : 'Unpin'}ChargeInput!) { ${name}(input: $i) { pin { actor reason pinnedAt metric { code } charge { id } } } }`,
      { i },
    );
  const pins = async (): Promise<unknown> =>
    dataOf(await test.gql(key, `{ contract(id: "${contractId}") { chargePins { reason charge { id } } } }`)).contract
      .chargePins;

  it('is shown on its contract until it is taken off, and holds for every version', async () => {
    const first = await made(10);
    const named = { contractId, chargeId: first.id };
    const pinned = dataOf(await pin('pinCharge', { ...named, reason: 'agreed' })).pinCharge.pin;
    expect(pinned).toMatchObject({ reason: 'agreed', metric: { code: 'tiles' }, charge: { id: first.id } });
    expect(pinned.pinnedAt).toBe('2026-03-10T12:00:00.000Z');
    expect(await pins()).toEqual([{ reason: 'agreed', charge: { id: first.id } }]);
    // Again, in a later version: the decision stands as it is.
    const second = await next(first.id, '2026-05-01');
    expect(dataOf(await pin('pinCharge', { contractId, chargeId: second.id, reason: 'again' })).pinCharge.pin).toEqual(
      pinned,
    );
    const off = dataOf(await pin('unpinCharge', { contractId, chargeId: second.id, reason: 'over' })).unpinCharge.pin;
    expect(off).toMatchObject({ reason: 'over', charge: null });
    expect(await pins()).toEqual([]);
    expect(refusalOf(await pin('unpinCharge', { ...named, reason: 'over' }))).toMatchObject({
      code: 'CONFLICT',
      field: 'chargeId',
      message: 'The charge is not pinned on the contract.',
    });
    const entries = await test.app.db.query(
      `select action, details from audit_entry where action like 'charge.%pinned' order by id`,
    );
    expect(entries).toEqual([
      { action: 'charge.pinned', details: { contractId, reason: 'agreed' } },
      { action: 'charge.unpinned', details: { contractId, reason: 'over' } },
    ]);
  });

  it('is refused for what does not fit the contract, or is not there', async () => {
    const other = await addSubscription(test.sandbox.control, {
      startDate: '2026-03-01',
      nextInvoiceDate: '2026-04-01',
      plan: { value: 1, unit: 'year' },
      lines: [{ code: 'ELSE', price: 1 }],
    });
    await test.runJobs('sync-odoo');
    products.push(...other.productIds);
    const elsewhere = await made(12);
    const ofPlan = await made(11, { planOdooId: other.planId });
    const archived = await made(9);
    const archive = { name: 'archiveCharge', input: { id: archived.id }, selection: 'charge { id }' };
    await mutate(test, key, archive);
    const call = async (i: Record<string, unknown>): Promise<unknown> => {
      const { code, field, message } = refusalOf(await pin('pinCharge', { contractId, reason: 'because', ...i }));
      return [code, field, message];
    };
    expect(await call({ chargeId: elsewhere.id })).toEqual([
      'CONFLICT',
      'chargeId',
      "The charge's product is not on the contract's order.",
    ]);
    expect(await call({ chargeId: ofPlan.id })).toEqual([
      'CONFLICT',
      'chargeId',
      'The charge is bound to another contract or plan.',
    ]);
    expect(await call({ chargeId: archived.id })).toEqual([
      'CONFLICT',
      'chargeId',
      'The charge is archived since 2026-03-10T12:00:00.000Z.',
    ]);
    expect(await call({ chargeId: contractId })).toEqual(['NOT_FOUND', 'chargeId', 'No such charge.']);
    expect(await call({ contractId: elsewhere.id, chargeId: elsewhere.id })).toEqual([
      'NOT_FOUND',
      'contractId',
      'No such contract.',
    ]);
    for (const reason of ['', ' ', 'x'.repeat(501)])
      expect(await call({ chargeId: ofPlan.id, reason })).toMatchObject([
        'VALIDATION_FAILED',
        'reason',
        expect.anything(),
      ]);
    expect(await pins()).toEqual([]);
  });

  it('needs the scope billing:run', async () => {
    const reader = (await makeKey(test, 'maps', ['BILLING_READ', 'CATALOG_WRITE'])).secret;
    const query = 'mutation ($i: PinChargeInput!) { pinCharge(input: $i) { pin { reason } } }';
    const i = { contractId, chargeId: contractId, reason: 'x' };
    expect(refusalOf(await test.gql(reader, query, { i }))).toMatchObject({ details: { scope: 'billing:run' } });
  });
});
