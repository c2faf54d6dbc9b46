/** A document that is known is answered beside Apollo, and nobody can tell: not by a byte, not by what is counted. */
import { ApolloServer } from '@apollo/server';
import fc from 'fast-check';
import type { InjectOptions } from 'fastify';
import { BillingError } from '../../src/domain/errors';
import { LIMITS } from '../../src/domain/limits';
import { startTestApp, type TestApp } from '../support/app';
import { makeKey } from '../support/seed';
import { counter, seedUsageWorld } from '../support/usage-world';

const ONE = 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status record { id quantity } } }';
const BATCH = `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) {
  recordedCount duplicateCount rejections { index problem { code field } } results { index status record { id } } } }`;
const NAMED = `mutation First($input: RecordUsageInput!) { recordUsage(input: $input) { status } }
  mutation Second($input: RecordUsageInput!) { recordUsage(input: $input) { again: status } }`;
const SINGLE = 'mutation Single($input: RecordUsageInput!) { recordUsage(input: $input) { status } }';
const FOUR = `mutation ($input: RecordUsageInput!) { a: recordUsage(input: $input) { status }
  b: recordUsage(input: $input) { status } c: recordUsage(input: $input) { status } d: recordUsage(input: $input) { status } }`;
const PAGES = `mutation ($input: RecordUsageInput!, $first: Int) { recordUsage(input: $input) { record {
  contract { periods(first: $first) { nodes { contract { periods(first: $first) { nodes { contract { periods(first: $first) { nodes { startOn } } } } } } } } } } } }`;

const valid = counter();
const input = { input: valid };
let test: TestApp;
/** By the name that a request gives; whatever else it names is sent as it is. */
let secrets: Readonly<Record<string, string>>;
let byApollo: jest.SpyInstance;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false, config: { rateLimit: 0 } });
  const { service } = await seedUsageWorld(test.app.db);
  secrets = {
    all: (await makeKey(test, service.code)).secret,
    read: (await makeKey(test, service.code, ['USAGE_READ'])).secret,
  };
});
afterAll(() => test.close());
beforeEach(() => {
  byApollo = jest.spyOn(ApolloServer.prototype, 'executeHTTPGraphQLRequest');
});
afterEach(() => jest.restoreAllMocks());

interface Sent {
  document: string;
  /** What stands in the body besides the document, or instead of it. */
  body?: Record<string, unknown>;
  sender?: string | null;
  headers?: Record<string, string>;
  /** The request as a whole, made of the body as text. */
  as?: (body: string) => InjectOptions;
  /** Ends every transaction. */
  failure?: Error;
}

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

async function send({ document, body = {}, sender = 'all', headers = {}, as, failure }: Sent): Promise<Answer> {
  if (failure !== undefined) jest.spyOn(test.app.db, 'transaction').mockRejectedValue(failure);
  const text = JSON.stringify({ query: document, ...body });
  const answer = await test.server.inject({
    method: 'POST',
    url: '/graphql',
    payload: text,
    ...as?.(text),
    headers: {
      'content-type': 'application/json',
      'x-request-id': 'one',
      ...(sender === null ? {} : { authorization: `Bearer ${secrets[sender] ?? sender}` }),
      ...headers,
    },
  });
  if (failure !== undefined) jest.mocked(test.app.db.transaction).mockRestore();
  const told = { ...answer.headers };
  delete told.date;
  return {
    status: answer.statusCode,
    headers: told,
    body: answer.body.replace(/"errorId":"[^"]+"/, '"errorId":"any"'),
  };
}

/** What the process has counted of GraphQL so far, by sample. */
async function counts(): Promise<Map<string, number>> {
  const names = ['graphql_requests_total', 'graphql_field_duration_seconds', 'usage_records_total'];
  const { registry } = test.app.metrics;
  const pages = await Promise.all(names.map((name) => registry.getSingleMetricAsString(`fusion_billing_${name}`)));
  const samples = pages
    .join('\n')
    .split('\n')
    .filter((line) => /^\w+(_count|_total)\{/.test(line));
  return new Map(samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

async function observed(sent: Sent): Promise<{ answer: Answer; counted: unknown; passedApollo: boolean }> {
  byApollo.mockClear();
  const before = await counts();
  const answer = await send(sent);
  const after = [...(await counts())].map(([name, value]): [string, number] => [name, value - (before.get(name) ?? 0)]);
  return {
    answer,
    counted: Object.fromEntries(after.filter(([, more]) => more > 0)),
    passedApollo: byApollo.mock.calls.length > 0,
  };
}

/** Sends it with a document that nobody sent before, and with one that is known. */
async function bothWays(sent: Sent) {
  const plain = await observed({ ...sent, document: fresh(sent.document) });
  const quick = await observed({ ...sent, document: known(sent.document) });
  return { plain, quick };
}

let sends = 0;
const fresh = (document: string): string => `${document} # ${String((sends += 1)).padStart(6, '0')}`;
const known = (document: string): string => `${document} # known.`;

describe('a known document', () => {
  beforeAll(async () => {
    const variables = input;
    // It is compiled when it comes for the second time.
    for (let time = 1; time <= 2; time += 1) {
      await send({ document: known(ONE), body: { variables } });
      await send({ document: known(BATCH), body: { variables: { input: { records: [valid] } } } });
      await send({ document: known(PAGES), body: { variables: { ...variables, first: 2 } } });
      await send({ document: known(FOUR), body: { variables } });
      await send({ document: known(SINGLE), body: { variables } });
      await send({ document: known(SINGLE), body: { variables, operationName: 'Single' } });
      await send({ document: known(NAMED), body: { variables, operationName: 'First' } });
      await send({ document: known(NAMED), body: { variables, operationName: 'Second' } });
    }
  });

  it.each<[string, Sent]>([
    ['a record', { document: ONE, body: { variables: input } }],
    ['a batch', { document: BATCH, body: { variables: { input: { records: [valid, { ...valid, metric: 'x' }] } } } }],
    ['an empty batch', { document: BATCH, body: { variables: { input: { records: [] } } } }],
    ['pages that a variable sizes', { document: PAGES, body: { variables: { ...input, first: 2 } } }],
    ['one of two operations', { document: NAMED, body: { variables: input, operationName: 'First' } }],
    ['the other of them', { document: NAMED, body: { variables: input, operationName: 'Second' } }],
    ['no name where one may be', { document: SINGLE, body: { variables: input } }],
    ['a name where none must be', { document: SINGLE, body: { variables: input, operationName: 'Single' } }],
    ['null for the name', { document: ONE, body: { variables: input, operationName: null } }],
    ['keys that nobody asked for', { document: ONE, body: { variables: { ...input, b: 1 }, colour: 'red', id: [7] } }],
    ['a client that takes anything', { document: ONE, body: { variables: input }, headers: { accept: '*/*' } }],
    [
      'a client that takes JSON',
      { document: ONE, body: { variables: input }, headers: { accept: 'application/json' } },
    ],
    ['a conflict', { document: ONE, body: { variables: { input: { ...valid, quantity: '11' } } } }],
    ['a wrong value', { document: ONE, body: { variables: { input: { ...valid, quantity: 'many' } } } }],
    ['a key without the scope', { document: ONE, body: { variables: input }, sender: 'read' }],
    ['a mistake of ours', { document: ONE, body: { variables: input }, failure: new TypeError('no such thing') }],
    [
      'a database that is down',
      { document: ONE, body: { variables: input }, failure: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) },
    ],
    [
      'a time to wait',
      {
        document: ONE,
        body: { variables: input },
        failure: new BillingError('UNAVAILABLE', 'Later.', { retryAfterMs: 1_200 }),
      },
    ],
    [
      'more of errors than is told',
      {
        document: FOUR,
        body: { variables: input },
        failure: new BillingError('CONFLICT', 'Long.', { text: 'x'.repeat(15_000) }),
      },
    ],
  ])('is answered beside Apollo: %s', async (_, sent) => {
    const { plain, quick } = await bothWays(sent);
    expect(quick.answer).toEqual(plain.answer);
    expect(quick.counted).toEqual(plain.counted);
    expect([plain.passedApollo, quick.passedApollo]).toEqual([true, false]);
  });

  it.each<[string, Sent]>([
    ['no key', { document: ONE, body: { variables: input }, sender: null }],
    ['no variables', { document: ONE }],
    ['null for variables', { document: ONE, body: { variables: null } }],
    ['a text for variables', { document: ONE, body: { variables: JSON.stringify(input) } }],
    ['a list for variables', { document: ONE, body: { variables: [input] } }],
    ['a variable of another kind', { document: ONE, body: { variables: { input: 7 } } }],
    ['a missing field', { document: ONE, body: { variables: { input: { ...valid, metric: undefined } } } }],
    ['an unknown field', { document: ONE, body: { variables: { input: { ...valid, colour: 'red' } } } }],
    ['a record for a list', { document: BATCH, body: { variables: { input: { records: valid } } } }],
    ['a name of no operation', { document: NAMED, body: { variables: input, operationName: 'Third' } }],
    ['an empty name', { document: ONE, body: { variables: input, operationName: '' } }],
    ['a number for the name', { document: ONE, body: { variables: input, operationName: 7 } }],
    ['no name where one must be', { document: NAMED, body: { variables: input } }],
    ['extensions', { document: ONE, body: { variables: input, extensions: {} } }],
    ['null for extensions', { document: ONE, body: { variables: input, extensions: null } }],
    [
      'a persisted query',
      {
        document: ONE,
        body: { variables: input, extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } },
      },
    ],
    ['no document', { document: ONE, body: { query: undefined, variables: input } }],
    ['a list for the document', { document: ONE, body: { query: [ONE], variables: input } }],
    ['pages that cost too much', { document: PAGES, body: { variables: { ...input, first: 200 } } }],
    ['several requests', { document: ONE, body: { variables: input }, as: (body) => ({ payload: `[${body}]` }) }],
    [
      'a client that takes the media type of GraphQL',
      { document: ONE, body: { variables: input }, headers: { accept: 'application/graphql-response+json' } },
    ],
    ['a client that takes nothing we have', { document: ONE, body: { variables: input }, headers: { accept: 'x/y' } }],
    [
      'GET',
      {
        document: ONE,
        as: (body) => ({
          method: 'GET',
          payload: undefined,
          url: `/graphql?${new URLSearchParams(JSON.parse(body) as Record<string, string>).toString()}`,
        }),
      },
    ],
  ])('is left to Apollo: %s', async (_, sent) => {
    const { plain, quick } = await bothWays(sent);
    expect(quick.answer).toEqual(plain.answer);
    expect(quick.counted).toEqual(plain.counted);
    expect([plain.passedApollo, quick.passedApollo]).toEqual([true, true]);
  });

  it.each<[string, Sent, number]>([
    ['what is no JSON', { document: ONE, as: (body) => ({ payload: `${body}}` }) }, 400],
    ['another type of body', { document: ONE, headers: { 'content-type': 'text/plain' } }, 415],
    ['another method', { document: ONE, as: () => ({ method: 'PUT' }) }, 405],
    ['a wrong key', { document: ONE, sender: `fb_${'x'.repeat(43)}` }, 401],
    [
      'a value that is too long',
      { document: ONE, body: { variables: { input: { ...valid, source: 'x'.repeat(LIMITS.textLength + 1) } } } },
      400,
    ],
    ['a body that is too large', { document: ONE, body: { padding: 'x'.repeat(LIMITS.bodyBytes) } }, 413],
  ])('is refused before either: %s', async (_, sent, status) => {
    const { plain, quick } = await bothWays({ ...sent, body: { variables: input, ...sent.body } });
    expect(quick.answer).toEqual(plain.answer);
    expect(quick.counted).toEqual(plain.counted);
    expect([quick.answer.status, plain.passedApollo, quick.passedApollo]).toEqual([status, false, false]);
  });

  it('in a body of any shape is answered as ever', async () => {
    const odd = fc.constantFrom<unknown>(null, '', 'First', 0, true, [], {}, input, { input: { records: [valid] } });
    const body = fc.record({ variables: odd, operationName: odd, extensions: odd }, { requiredKeys: [] });
    const sane = fc.record({ variables: fc.constant(input) });
    const property = fc.asyncProperty(
      fc.constantFrom(ONE, BATCH, NAMED),
      fc.oneof(
        body,
        fc.tuple(body, sane).map(([all, part]) => ({ ...all, ...part })),
      ),
      async (document, sent) => {
        const { plain, quick } = await bothWays({ document, body: sent });
        expect(quick.answer).toEqual(plain.answer);
        expect(quick.counted).toEqual(plain.counted);
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });

  it('records each send, once', async () => {
    byApollo.mockClear();
    for (const n of [1, 2, 3]) {
      const variables = { input: counter({ idempotencyKey: `send ${n}` }) };
      expect((await send({ document: known(ONE), body: { variables } })).body).toContain('"status":"RECORDED"');
    }
    expect(byApollo).not.toHaveBeenCalled();
    const sql = "select count(*)::integer as count from usage_record where idempotency_key like 'send %'";
    expect(await test.app.db.query(sql)).toEqual([{ count: 3 }]);
  });
});

it('a caller who comes too often is refused whatever he sends', async () => {
  Object.assign(test.app.config, { rateLimit: 3 });
  await test.restart();
  const statuses: number[] = [];
  // The first one is counted for its address; the third is answered beside Apollo.
  for (let time = 1; time <= 5; time += 1) {
    const { status, headers } = await send({ document: ONE, body: { variables: input } });
    statuses.push(status);
    if (time > 1) expect(headers['ratelimit-remaining']).toBe(String(Math.max(0, 4 - time)));
  }
  expect([statuses, byApollo.mock.calls.length]).toEqual([[200, 200, 200, 200, 429], 2]);
});
