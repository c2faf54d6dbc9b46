/** Each guard of GraphQL requests, with the whole answer a client gets, and what it costs us. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { getIntrospectionQuery } from 'graphql';
import { counted, LIMITS } from '../../src/domain/limits';
import { guardValues } from '../../src/resolvers/guard-values';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { makeKey, makeService } from '../support/seed';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
});
afterAll(() => test.close());

const MEGABYTE = 1024 * 1024;
const CREATE_METRIC = 'mutation ($input: CreateMetricInput!) { createMetric(input: $input) { metric { id } } }';
const BATCH = 'mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { rejectedCount } }';
const SUMMARY = `query ($filter: UsageSummaryFilter!, $groupBy: [UsageGroup!]!) {
  usageSummary(filter: $filter, groupBy: $groupBy) { asOf } }`;

// Rows of different lengths are taken as `...row`: for a parameter that a row lacks, Jest would wait for a callback.

function many(count: number, make: (index: number) => string, between = ' '): string {
  return Array.from({ length: count }, (_, index) => make(index)).join(between);
}

/** The body of a refusal that no time lifts. */
function refusal(
  message: string,
  { field, ...details }: { field?: string; value?: number; maximum?: number } = {},
): object {
  return {
    errors: [
      {
        message,
        extensions: {
          code: 'LIMIT_EXCEEDED',
          retryable: false,
          ...(field === undefined ? {} : { field }),
          ...('value' in details ? { details } : {}),
        },
      },
    ],
  };
}

describe('a document that asks for too much is refused, with a key or without', () => {
  const nested = (levels: number): string => `${'{ a '.repeat(levels)}${'}'.repeat(levels)}`;

  it.each<[string, string, string, { value: number; maximum: number }?]>([
    [
      'length',
      `{ __typename } #${'x'.repeat(100_000)}`,
      'The document has 100,016 characters; at most 100,000 are taken.',
      { value: 100_016, maximum: 100_000 },
    ],
    [
      'tokens',
      `{ ${many(9_999, () => 'a')} }`,
      'The document has 10,001 tokens; at most 10,000 are taken.',
      { value: 10_001, maximum: 10_000 },
    ],
    [
      'fields inside fields',
      nested(16),
      'The document has 16 levels of fields; at most 15 are taken.',
      { value: 16, maximum: 15 },
    ],
    [
      'fields inside fields by way of fragments',
      `query Q ${nested(8).replace('a }', '...F }')} fragment F on Query ${nested(9)}`,
      'The document has 16 levels of fields; at most 15 are taken.',
      { value: 16, maximum: 15 },
    ],
    [
      'values inside values',
      `{ a(b: ${'['.repeat(200)}${']'.repeat(200)}) }`,
      'The document has 121 levels of syntax; at most 120 are taken.',
      { value: 121, maximum: 120 },
    ],
    ['nesting that no parser follows', '{a'.repeat(45_000), 'The document is nested too deeply.'],
    [
      'fields',
      `{ a { ${many(2_000, (index) => `f${index}`)} } }`,
      'The document has 2,001 fields and spreads; at most 2,000 are taken.',
      { value: 2_001, maximum: 2_000 },
    ],
    [
      'fields at the root',
      `{ ...F } fragment F on Query { ${many(51, (index) => `f${index}`)} }`,
      'The document has 51 fields at its root; at most 50 are taken.',
      { value: 51, maximum: 50 },
    ],
    [
      'aliases',
      `{ a { ${many(101, (index) => `a${index}: b`)} } }`,
      'The document has 101 aliased or repeated fields; at most 100 are taken.',
      { value: 101, maximum: 100 },
    ],
    [
      'the same field again and again',
      `{ a { ${many(102, () => 'b')} } }`,
      'The document has 101 aliased or repeated fields; at most 100 are taken.',
      { value: 101, maximum: 100 },
    ],
    [
      'fragments',
      `{ a } ${many(51, (index) => `fragment F${index} on Query { a }`)}`,
      'The document has 51 fragments; at most 50 are taken.',
      { value: 51, maximum: 50 },
    ],
    [
      'operations',
      many(11, (index) => `query Q${index} { a }`),
      'The document has 11 operations; at most 10 are taken.',
      { value: 11, maximum: 10 },
    ],
    [
      'directives',
      `{ a ${many(101, () => '@d')} }`,
      'The document has 101 directives; at most 100 are taken.',
      { value: 101, maximum: 100 },
    ],
    [
      'variables',
      `query (${many(101, (index) => `$v${index}: Int`)}) { a }`,
      'The document has 101 variables; at most 100 are taken.',
      { value: 101, maximum: 100 },
    ],
    [
      'a list of texts',
      `{ a(b: [${many(101, () => '"x"')}]) }`,
      'The document has 101 items in one list; at most 100 are taken.',
      { value: 101, maximum: 100 },
    ],
    [
      'a list of objects',
      `{ a(b: [${many(1001, () => '{}')}]) }`,
      'The document has 1,001 items in one list; at most 1,000 are taken.',
      { value: 1001, maximum: 1000 },
    ],
    [
      'the schema many times over',
      `{ __schema { ${many(9, (index) => `a${index}: types { name }`)} } }`,
      'The schema is read without aliases, so that reading it all is the most that is asked.',
    ],
    [
      'the schema by way of itself',
      '{ __schema { types { fields { type { ...F } } } } } fragment F on __Type { fields { name } }',
      'The schema is read without nested lists, so that reading it all is the most that is asked.',
    ],
  ])('%s', async (...row) => {
    const [, query, message, details] = row;
    const answer = await test.gql(test.adminKey, query);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([400, refusal(message, details)]);
    if (query.length < 60_000)
      expect(JSON.parse((await test.gql(null, query)).body)).toEqual(refusal(message, details));
  });

  it('and one as large as may be passes to GraphQL itself', async () => {
    const query = `{ ${many(50, (index) => `f${index}`)} __typename @include(if: true) }`.replace('f49 ', '');
    const { errors } = await test.gql(null, query);
    expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('in GET requests too', async () => {
    const answer = await test.server.inject({ url: '/graphql', query: { query: nested(16) } });
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      refusal('The document has 16 levels of fields; at most 15 are taken.', { value: 16, maximum: 15 }),
    ]);
  });

  it('while the query that every tool asks the schema with passes', async () => {
    const query = getIntrospectionQuery({ inputValueDeprecation: true, specifiedByUrl: true, oneOf: true });
    const answer = await test.gql(null, query);
    expect(answer.errors).toBeUndefined();
    expect(answer.data.__schema.types.length).toBeGreaterThan(50);
  });
});

describe('variables that hold too much are refused with the path of the value at fault', () => {
  const item = { account: 'a' };
  const deep = (levels: number): unknown => (levels === 0 ? 'x' : { a: deep(levels - 1) });

  it.each<[string, string, Record<string, unknown>, string, { field: string; value: number; maximum: number }]>([
    [
      'a batch of more than 1,000 records',
      BATCH,
      { input: { records: Array(1001).fill(item) } },
      'input.records has 1,001 items; at most 1,000 are taken.',
      { field: 'input.records', value: 1001, maximum: 1000 },
    ],
    [
      'a list of more than 100 names',
      SUMMARY,
      { filter: { from: '', to: '', metrics: Array(101).fill('m') }, groupBy: [] },
      'filter.metrics has 101 items; at most 100 are taken.',
      { field: 'filter.metrics', value: 101, maximum: 100 },
    ],
    [
      'a list of more than 100 values of an enum',
      SUMMARY,
      { filter: { from: '', to: '' }, groupBy: Array(101).fill('DAY') },
      'groupBy has 101 items; at most 100 are taken.',
      { field: 'groupBy', value: 101, maximum: 100 },
    ],
    [
      'an object of more than 50 keys',
      BATCH,
      {
        input: {
          records: [
            item,
            {
              dimensions: Object.fromEntries(
                Array(51)
                  .fill(0)
                  .map((_, n) => [`k${n}`, n]),
              ),
            },
          ],
        },
      },
      'input.records.1.dimensions has 51 keys; at most 50 are taken.',
      { field: 'input.records.1.dimensions', value: 51, maximum: 50 },
    ],
    [
      'a key of more than 1,000 characters',
      CREATE_METRIC,
      { input: { ['k'.repeat(1001)]: 1 } },
      'input has 1,001 characters in a key; at most 1,000 are taken.',
      { field: 'input', value: 1001, maximum: 1000 },
    ],
    [
      'a text of more than 5,000 characters',
      CREATE_METRIC,
      { input: { code: 'c'.repeat(5001) } },
      'input.code has 5,001 characters; at most 5,000 are taken.',
      { field: 'input.code', value: 5001, maximum: 5000 },
    ],
    [
      'objects in more than 10 levels',
      CREATE_METRIC,
      { input: deep(11) },
      'input.a.a.a.a.a.a.a.a.a.a has 11 levels; at most 10 are taken.',
      { field: 'input.a.a.a.a.a.a.a.a.a.a', value: 11, maximum: 10 },
    ],
  ])('%s', async (_name, query, variables, message, details) => {
    const answer = await test.gql(test.adminKey, query, variables);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([400, refusal(message, details)]);
  });

  it('more than 50,000 values', async () => {
    const answer = await test.gql(test.adminKey, '{ __typename }', { a: Array(600).fill(Array(99).fill(1)) });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      400,
      refusal('The variables hold too many values; at most 50,000 are taken.', { value: 50_001, maximum: 50_000 }),
    ]);
  });

  it('of a GET request too', async () => {
    const variables = JSON.stringify({ groupBy: Array(101).fill('DAY') });
    const answer = await test.server.inject({ url: '/graphql', query: { query: '{ __typename }', variables } });
    expect(answer.json().errors[0].extensions.field).toBe('groupBy');
  });
});

describe('the cost of an operation', () => {
  const costOf = async (query: string, variables?: Record<string, unknown>): Promise<unknown> => {
    const { body } = await test.gql(test.adminKey, query, variables);
    return JSON.parse(body).extensions.cost;
  };

  it.each<[string, string, number, Record<string, unknown>?]>([
    ['nothing for what is no object', '{ __typename }', 0],
    ['a point for an object', '{ viewer { scopes } }', 1],
    ['a page of 50 by default, and the connection', '{ metrics { nodes { code } } }', 51],
    ['as many as `first` says', '{ metrics(first: 7) { nodes { code } } }', 8],
    ['edges as nodes', '{ metrics(first: 7) { edges { cursor node { code } } pageInfo { hasNextPage } } }', 8],
    ['nodes and what they hold', '{ metrics(first: 7) { nodes { service { code } } } }', 15],
    ['connections of lists', '{ metrics(first: 7) { nodes { charges { mode } } } }', 1 + 7 * (1 + 10)],
    ['by a fragment', '{ metrics(first: 7) { ...F } } fragment F on MetricConnection { nodes { code } }', 8],
    ['by an inline fragment', '{ ... on Query { metrics(first: 7) { ... { nodes { code } } } } }', 8],
    ['by a variable', 'query ($n: Int) { metrics(first: $n) { nodes { code } } }', 8, { n: 7 }],
    ['by its default', 'query ($n: Int = 9) { metrics(first: $n) { nodes { code } } }', 10],
    ['by nothing at all', 'query ($n: Int) { metrics(first: $n) { nodes { code } } }', 51],
    ['a page that will be refused as the largest', '{ metrics(first: 1000) { nodes { code } } }', 201],
    ['what is worked out', '{ identities { holds } }', 1001],
    ['a mutation', 'mutation { createService(input: { code: "", name: "" }) { service { code } } }', 12],
    ['the results of a batch', 'mutation { recordUsageBatch(input: { records: [] }) { results { status } } }', 1011],
  ])('%s', async (...row) => {
    const [, query, requested, variables] = row;
    expect(await costOf(query, variables)).toEqual({ requested, maximum: 50_000 });
  });

  it('is not remembered where a variable decides', async () => {
    const query = 'query ($n: Int) { services(first: $n) { nodes { code } } }';
    expect(await costOf(query, { n: 3 })).toEqual({ requested: 4, maximum: 50_000 });
    expect(await costOf(query, { n: 5 })).toEqual({ requested: 6, maximum: 50_000 });
  });

  it.each([
    ['with a key', true],
    ['without a key', false],
  ])('above the maximum is refused with both numbers, %s', async (_name, withKey) => {
    const query = `{ metrics(first: 200) { nodes { charges { metric { charges { metric { code } product { name } } } } } } }`;
    const answer = await test.gql(withKey ? test.adminKey : null, query);
    // 1 + 200 * (1 + 10 * (1 + 1 + 10 * (1 + 1 + 1)))
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      400,
      {
        ...refusal('The operation costs 64,201 points; at most 50,000 are taken.', { value: 64_201, maximum: 50_000 }),
        extensions: { cost: { requested: 64_201, maximum: 50_000 } },
      },
    ]);
  });

  it('grows with fragments that spread one another, and is counted at once', async () => {
    const fragment = (index: number): string => {
      const next =
        index < 12 ? `a: charges { metric { ...F${index + 1} } } b: charges { metric { ...F${index + 1} } }` : 'code';
      return `fragment F${index} on Metric { ${next} }`;
    };
    const query = `{ metrics { nodes { ...F7 } } } ${many(6, (index) => fragment(index + 7))}`;
    const { errors } = await test.gql(null, query);
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', details: { maximum: 50_000 } });
  });
});

describe('what is sent to wear us down costs us less than 300 ms', () => {
  let secret = '';
  beforeAll(async () => {
    await makeService(test, 'worn');
    ({ secret } = await makeKey(test, 'worn'));
    // What is compiled once is no part of what a request costs.
    await test.gql(secret, CREATE_METRIC, { input: { wrong: 1 } });
    await test.gql(null, '{ viewer { scopes } wrong }');
  });

  const spread = (index: number): string =>
    `fragment F${index} on Query { viewer { scopes } ${many(49 - index, (next) => `...F${index + next + 1}`)} }`;

  it.each<[string, string, Record<string, unknown>?]>([
    ['5,000 invalid items in one variable', BATCH, { input: { records: Array(5000).fill({ account: 1 }) } }],
    [
      '1,000 items with a wrong key each',
      BATCH,
      { input: { records: Array.from(Array(1000), (_, n) => ({ [`x${n}`]: 1 })) } },
    ],
    ['one unknown input key of 4.5 MB', CREATE_METRIC, { input: { ['x'.repeat(4.5 * MEGABYTE)]: 1 } }],
    ['one value of 4.5 MB', CREATE_METRIC, { input: { code: 'x'.repeat(4.5 * MEGABYTE) } }],
    [
      '50 unknown keys with much text',
      CREATE_METRIC,
      { input: Object.fromEntries(Array.from(Array(50), (_, n) => [`x${n}`, 'y'.repeat(5000)])) },
    ],
    ['30,000 aliases that fail', `{ ${many(30_000, (index) => `a${index}: viewer { scopes }`)} }`],
    ['49,000 times the same field', `{ ${many(49_000, () => 'a')} }`],
    ['50 fragments that spread all that follow', `{ ...F0 } ${many(50, spread)}`],
    ['9,000 fields that do not exist', `{ ${many(9_000, (index) => `unknown${index}`)} }`],
    ['45,000 levels', '{a'.repeat(45_000)],
    ['a number of 90,000 digits', `{ services(first: ${'9'.repeat(90_000)}) { nodes { id } } }`],
    ['20,000 directives', `{ __typename ${many(20_000, () => '@a')} }`],
  ])('%s', async (...row) => {
    const [, query, variables] = row;
    const { cpuMs, answer } = await timed(() => test.gql(secret, query, variables));
    expect(cpuMs).toBeLessThan(300);
    expect(answer.errors?.length).toBeGreaterThan(0);
    for (const { message } of answer.errors ?? []) expect(message.length).toBeLessThanOrEqual(300);
    expect(Buffer.byteLength(answer.body)).toBeLessThanOrEqual(64 * 1024);
  });

  it('a body of 5 MB without a key is not even read', async () => {
    const { cpuMs, answer } = await timed(() => test.gql(null, CREATE_METRIC, { input: 'x'.repeat(4.9 * MEGABYTE) }));
    expect(cpuMs).toBeLessThan(300);
    expect([answer.status, JSON.parse(answer.body)]).toEqual([
      401,
      {
        errors: [
          {
            message:
              'Send an API key: "Authorization: Bearer fb_…". Without one a body tells its length, at most 65,536 bytes.',
            extensions: { code: 'UNAUTHENTICATED', retryable: false },
          },
        ],
      },
    ]);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
  });

  it('a batch of 1,000 good records is looked through in a few milliseconds', () => {
    const records = Array.from(Array(1000), (_, n) => ({
      account: 'acct_42',
      metric: 'api_calls',
      windowStart: '2026-03-10T09:00:00Z',
      windowEnd: '2026-03-10T10:00:00Z',
      quantity: '1',
      idempotencyKey: `key-${n}`,
      dimensions: { region: 'eu', tier: '1' },
    }));
    const runs = Array.from(Array(20), () => {
      const before = process.cpuUsage();
      guardValues({ input: { records } });
      return cpuSince(before);
    });
    expect(Math.min(...runs)).toBeLessThan(10);
  });
});

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** The cheapest of three runs: garbage that others left is collected in any of them. */
async function timed(ask: () => Promise<GraphqlAnswer>): Promise<{ cpuMs: number; answer: GraphqlAnswer }> {
  let best = { cpuMs: Infinity, answer: undefined as GraphqlAnswer | undefined };
  for (let run = 0; run < 3; run += 1) {
    const before = process.cpuUsage();
    const answer = await ask();
    const cpuMs = cpuSince(before);
    if (cpuMs < best.cpuMs) best = { cpuMs, answer };
  }
  return best as { cpuMs: number; answer: GraphqlAnswer };
}

describe('docs/limits.md', () => {
  const text = readFileSync(path.join(__dirname, '../../docs/limits.md'), 'utf8');

  it('tells each limit with its value', () => {
    const told = new Map(
      [...text.matchAll(/^\| `(\w+)` +\| [^|]+\| ([\d,]+)/gm)].map(([, name, value]) => [name, value]),
    );
    expect(Object.fromEntries(told)).toEqual(
      Object.fromEntries(Object.entries(LIMITS).map(([name, value]) => [name, counted(value)])),
    );
  });
});
