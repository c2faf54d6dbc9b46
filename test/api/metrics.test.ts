import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { dataOf, makeCharge, makeKey, makeMetric, makeService, seedService } from '../support/seed';

let test: TestApp;
let key: string;

beforeAll(async () => {
  test = await startTestApp();
  await makeService(test, 'maps');
  key = (await makeKey(test, 'maps')).secret;
});
afterAll(() => test.close());

const GOOD = { code: 'good', name: 'Good', unit: 'unit', aggregation: 'SUM' };

async function create(by: string, input: Record<string, unknown>): Promise<GraphqlAnswer> {
  const query =
    'mutation ($input: CreateMetricInput!) { createMetric(input: $input) { metric { id code name unit aggregation semantics service { code } charges { id } } } }';
  return test.gql(by, query, { input });
}

function refusalOf(answer: GraphqlAnswer): Record<string, unknown> | undefined {
  return answer.errors?.[0]?.extensions;
}

async function catalogVersion(code: string): Promise<number> {
  const [row] = await test.app.db.query('select catalog_version from service where code = $1', [code]);
  return Number(row.catalog_version);
}

it('makes a metric of the key’s service, and the catalogue’s version rises with it', async () => {
  const before = await catalogVersion('maps');
  const answer = await create(key, { code: 'Tiles.v2-x_1', name: 'Tiles', unit: 'tile', aggregation: 'COUNT' });
  const { metric } = dataOf(answer).createMetric;
  expect(metric).toMatchObject({
    code: 'Tiles.v2-x_1',
    name: 'Tiles',
    unit: 'tile',
    aggregation: 'COUNT',
    semantics: 'DELTA',
    service: { code: 'maps' },
    charges: [],
  });
  expect(await catalogVersion('maps')).toBe(before + 1);
  const entries = await test.app.db.query('select action, details from audit_entry where subject_id = $1', [metric.id]);
  expect(entries).toMatchObject([
    { action: 'metric.created', details: { code: 'Tiles.v2-x_1', aggregation: 'COUNT' } },
  ]);
});

it('refuses a code that the service has, while another service may have it too', async () => {
  await makeMetric(test, key, { code: 'twice' });
  const version = await catalogVersion('maps');
  expect(refusalOf(await create(key, { ...GOOD, code: 'twice' }))).toMatchObject({ code: 'CONFLICT', field: 'code' });
  expect(await catalogVersion('maps')).toBe(version);
  await makeService(test, 'other');
  await makeMetric(test, (await makeKey(test, 'other')).secret, { code: 'twice' });
});

it.each([
  [{ code: '' }, 'code'],
  [{ code: '.x' }, 'code'],
  [{ code: 'a b' }, 'code'],
  [{ code: 'a'.repeat(101) }, 'code'],
  [{ name: '' }, 'name'],
  [{ unit: '' }, 'unit'],
  [{ unit: 'u'.repeat(51) }, 'unit'],
  [{ aggregation: 'MAX', semantics: 'CUMULATIVE' }, 'semantics'],
  [{ semantics: 'CUMULATIVE', signed: true }, 'signed'],
  [{ aggregation: 'LATEST', recurring: true }, 'recurring'],
  [{ aggregation: 'UNIQUE_COUNT' }, 'uniqueBy'],
  [{ aggregation: 'UNIQUE_COUNT', uniqueBy: '' }, 'uniqueBy'],
  [{ aggregation: 'UNIQUE_COUNT', uniqueBy: 'u'.repeat(101) }, 'uniqueBy'],
  [{ uniqueBy: 'user' }, 'uniqueBy'],
  [{ rounding: { mode: 'CEIL', places: 13 } }, 'rounding.places'],
])('refuses %j by name', async (change, field) => {
  const answer = await create(key, { ...GOOD, ...change });
  expect(refusalOf(answer)).toMatchObject({ code: 'VALIDATION_FAILED', field });
});

it('makes a metric of every kind, and tells how it counts', async () => {
  const fields = 'aggregation semantics signed recurring uniqueBy rounding { mode places }';
  const make = async (input: Record<string, unknown>): Promise<unknown> => {
    const query = `mutation ($input: CreateMetricInput!) { createMetric(input: $input) { metric { ${fields} } } }`;
    return dataOf(await test.gql(key, query, { input: { ...GOOD, ...input } })).createMetric.metric;
  };
  const plain = { semantics: 'DELTA', signed: false, recurring: false, uniqueBy: null, rounding: null };
  expect(await make({ code: 'peak', aggregation: 'MAX', signed: true })).toEqual({
    ...plain,
    aggregation: 'MAX',
    signed: true,
  });
  expect(await make({ code: 'seats', aggregation: 'UNIQUE_COUNT', uniqueBy: 'user', recurring: true })).toEqual({
    ...plain,
    aggregation: 'UNIQUE_COUNT',
    uniqueBy: 'user',
    recurring: true,
  });
  // A level goes on unless it is said not to.
  expect(await make({ code: 'disk', aggregation: 'WEIGHTED_SUM' })).toEqual({
    ...plain,
    aggregation: 'WEIGHTED_SUM',
    recurring: true,
  });
  expect(await make({ code: 'anew', aggregation: 'WEIGHTED_SUM', recurring: false })).toMatchObject({
    recurring: false,
  });
  expect(await make({ code: 'meter', semantics: 'CUMULATIVE', rounding: { mode: 'FLOOR', places: -1 } })).toEqual({
    ...plain,
    aggregation: 'SUM',
    semantics: 'CUMULATIVE',
    rounding: { mode: 'FLOOR', places: -1 },
  });
});

it('says what goes with an aggregation', async () => {
  const answer = await create(key, { ...GOOD, aggregation: 'LATEST', semantics: 'CUMULATIVE' });
  expect(answer.errors?.[0]?.message).toBe('LATEST goes with DELTA, WINDOW_TOTAL, not with CUMULATIVE.');
});

it('asks a key of the whole installation which service is meant', async () => {
  expect(refusalOf(await create(test.adminKey, GOOD))).toMatchObject({ code: 'VALIDATION_FAILED', field: 'service' });
  const named = await create(test.adminKey, { ...GOOD, service: 'maps', code: 'by-admin' });
  expect(dataOf(named).createMetric.metric.service.code).toBe('maps');
  expect(refusalOf(await create(test.adminKey, { ...GOOD, service: 'nobody' }))).toMatchObject({ code: 'NOT_FOUND' });
});

it('asks for the scopes', async () => {
  const reader = await makeKey(test, 'maps', ['CATALOG_READ']);
  const writer = await makeKey(test, 'maps', ['CATALOG_WRITE']);
  expect(refusalOf(await create(reader.secret, GOOD))).toMatchObject({ details: { scope: 'catalog:write' } });
  expect(refusalOf(await test.gql(writer.secret, '{ metrics { nodes { id } } }'))).toMatchObject({
    code: 'FORBIDDEN',
    details: { scope: 'catalog:read' },
  });
});

it('tells the charges of each metric in one query for all', async () => {
  const seeded = await seedService(test, { code: 'paged' });
  await makeMetric(test, seeded.key, { code: 'second' });
  const productOdooId = seeded.odoo.productIds[0] ?? 0;
  await makeCharge(test, seeded.key, { metric: 'second', productOdooId, mode: 'QUANTITY' });
  const query = jest.spyOn(test.app.db.driver, 'createQueryRunner');
  const answer = await test.gql(
    seeded.key,
    '{ metrics { nodes { code charges { metric { code } product { odooId } } } } }',
  );
  // The key, the page, the charges, their metrics and products.
  expect(query).toHaveBeenCalledTimes(5);
  query.mockRestore();
  expect(dataOf(answer).metrics.nodes).toEqual(
    ['paged-metric', 'second'].map((code) => ({
      code,
      charges: [{ metric: { code }, product: { odooId: productOdooId } }],
    })),
  );
});

describe('pages', () => {
  let paged: string;
  const codes = ['m1', 'm2', 'm3', 'm4', 'm5'];

  beforeAll(async () => {
    await makeService(test, 'pages');
    paged = (await makeKey(test, 'pages')).secret;
    for (const code of codes) await makeMetric(test, paged, { code });
  });

  async function page(args: string): Promise<GraphqlAnswer> {
    return test.gql(
      paged,
      `{ metrics(${args}) { nodes { code } edges { cursor node { code } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
    );
  }

  it('walk through the whole list, each row once', async () => {
    const seen: string[] = [];
    let after = '';
    for (let turn = 0; turn < 3; turn += 1) {
      const { nodes, edges, pageInfo } = dataOf(await page(`first: 2${after}`)).metrics;
      seen.push(...nodes.map(({ code }: { code: string }) => code));
      expect(edges.map(({ node }: { node: { code: string } }) => node)).toEqual(nodes);
      expect(pageInfo).toEqual({
        hasNextPage: turn < 2,
        hasPreviousPage: turn > 0,
        startCursor: edges[0].cursor,
        endCursor: edges.at(-1).cursor,
      });
      after = `, after: "${pageInfo.endCursor}"`;
    }
    expect(seen).toEqual(codes);
    const beyond = dataOf(await page(`first: 2${after}`)).metrics;
    expect(beyond).toMatchObject({ nodes: [], pageInfo: { hasNextPage: false, startCursor: null, endCursor: null } });
  });

  it.each(['first: 0', 'first: 201', 'first: -1'])('refuse %s', async (args) => {
    expect(refusalOf(await page(args))).toMatchObject({ code: 'VALIDATION_FAILED', field: 'first' });
  });

  it.each([
    'x',
    Buffer.from('{}').toString('base64url'),
    Buffer.from('["1"]').toString('base64url'),
    Buffer.from(`["${"'; drop table metric".padEnd(36, 'x')}"]`).toString('base64url'),
    Buffer.from('["01a2030b-9bd7-7993-b686-92314e6a9fbb","x"]').toString('base64url'),
    'A'.repeat(3000),
  ])('refuse the cursor %s', async (after) => {
    expect(refusalOf(await page(`after: "${after}"`))).toMatchObject({ code: 'VALIDATION_FAILED', field: 'after' });
  });

  it('take 200 at most and 50 by default', async () => {
    await test.app.db.query(
      `insert into metric (service_id, code, name, unit, aggregation, created_at)
       select id, 'bulk' || n, 'Bulk', 'u', 'SUM', now() from service, generate_series(1, 210) n where code = 'pages'`,
    );
    expect(dataOf(await page('first: 200')).metrics.nodes).toHaveLength(200);
    expect(dataOf(await test.gql(paged, '{ metrics { nodes { code } } }')).metrics.nodes).toHaveLength(50);
  });
});

it('expects what it is told to, may change its mind, and only that can be cleared', async () => {
  const made = await create(key, { ...GOOD, code: 'hourly', expects: 'HOUR' });
  expect(made.errors).toBeUndefined();
  const change = async (input: Record<string, unknown>): Promise<unknown> => {
    const query = 'mutation ($input: UpdateMetricInput!) { updateMetric(input: $input) { metric { name expects } } }';
    const answer = await test.gql(key, query, { input: { metric: 'hourly', ...input } });
    return answer.errors === undefined ? dataOf(answer).updateMetric.metric : refusalOf(answer);
  };
  expect(await change({ name: 'Every hour' })).toEqual({ name: 'Every hour', expects: 'HOUR' });
  expect(await change({ expects: 'DAY' })).toEqual({ name: 'Every hour', expects: 'DAY' });
  expect(await change({ expects: null })).toEqual({ name: 'Every hour', expects: null });
  expect(await change({ name: null })).toMatchObject({ code: 'VALIDATION_FAILED', field: 'name' });
  const [entry] = await test.app.db.query(
    `select details from audit_entry where details -> 'changes' ? 'expects' order by id desc limit 1`,
  );
  expect(entry.details).toEqual({ changes: { expects: { from: 'DAY', to: null } } });
});
