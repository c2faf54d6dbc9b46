import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { GraphQLError } from 'graphql';
import { Client } from 'pg';
import pino from 'pino';
import { createApp } from '../../src/app';
import { boundErrors } from '../../src/resolvers/format-error';
import { buildServer } from '../../src/server';
import { startTestApp, type TestApp } from '../support/app';
import { dataOf, makeKey, makeService } from '../support/seed';

const MEGABYTE = 1024 * 1024;

let test: TestApp;
const logged: Record<string, unknown>[] = [];
const log = pino({ level: 'error' }, { write: (line: string) => logged.push(JSON.parse(line)) });

beforeAll(async () => {
  test = await startTestApp({ log });
});
afterAll(() => test.close());

async function inject(options: InjectOptions): Promise<LightMyRequestResponse> {
  return test.server.inject(options);
}

function many(count: number, make: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => make(index)).join(' ');
}

async function asOwner(...statements: string[]): Promise<void> {
  const owner = new Client({ connectionString: test.databaseUrl });
  await owner.connect();
  try {
    for (const statement of statements) await owner.query(statement);
  } finally {
    await owner.end();
  }
}

/** A server on the same database whose way there goes through this process and can be cut. */
async function withCutDatabase(work: (server: FastifyInstance) => Promise<void>): Promise<void> {
  const address = new URL(test.databaseUrl);
  const { port, hostname } = address;
  const sockets: Socket[] = [];
  const proxy = createServer((near) => {
    const far = connect(Number(port), hostname);
    sockets.push(near, far);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  address.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const app = await createApp({ ...test.app.config, databaseUrl: address.href }, { log: pino({ level: 'silent' }) });
  const server = await buildServer(app);
  try {
    expect((await server.inject({ url: '/readyz' })).statusCode).toBe(200);
    proxy.close();
    for (const socket of sockets) socket.destroy();
    await work(server);
  } finally {
    await server.close();
    await app.close();
  }
}

describe('health', () => {
  it('tells that the process lives, and its version, without a key', async () => {
    const answer = await inject({ url: '/healthz' });
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ok', version: '0.1.0' }]);
  });

  it('is ready while usage can be recorded, and says how old the mirror is', async () => {
    const before = await inject({ url: '/readyz' });
    expect(before.statusCode).toBe(200);
    expect(before.json()).toMatchObject({ status: 'ok', database: 'ok', mirror: 'degraded', mirrorAsOf: null });
    await test.runJobs('sync-odoo');
    expect((await inject({ url: '/readyz' })).json()).toMatchObject({
      status: 'ok',
      database: 'ok',
      odoo: 'ok',
      mirror: 'ok',
      mirrorAsOf: '2026-03-10T12:00:00.000Z',
    });
    await test.clock.advance(600_001);
    expect((await inject({ url: '/readyz' })).json()).toMatchObject({ status: 'ok', mirror: 'degraded' });
  });

  it('stays ready while Odoo is down, and says so', async () => {
    await test.sandbox.control.addFault({ fault: 'down', times: 1000 });
    await test.runJobs('sync-odoo').catch(() => undefined);
    const answer = await inject({ url: '/readyz' });
    expect([answer.statusCode, answer.json()]).toMatchObject([200, { status: 'ok', odoo: 'degraded' }]);
    await test.sandbox.control.clearFaults();
  });

  it('is not ready while the database cannot be reached; requests are told to come again', async () => {
    await withCutDatabase(async (server) => {
      for (let attempt = 1; attempt <= 3; attempt += 1) {
        const ready = await server.inject({ url: '/readyz' });
        expect([ready.statusCode, ready.json().database]).toEqual([503, 'unavailable']);
        const answer = await server.inject({
          method: 'POST',
          url: '/graphql',
          headers: { authorization: `Bearer ${test.adminKey}` },
          payload: { query: '{ viewer { scopes } }' },
        });
        expect(answer.statusCode).toBe(503);
        expect(answer.json().errors[0].extensions).toMatchObject({ code: 'UNAVAILABLE', retryable: true });
      }
      expect((await server.inject({ url: '/healthz' })).statusCode).toBe(200);
    });
  });
});

describe('whatever is not a GraphQL request', () => {
  const json = { 'content-type': 'application/json' };

  it.each<[string, InjectOptions, number, string]>([
    ['an unknown address', { url: '/nowhere' }, 404, 'NOT_FOUND'],
    ['an unknown address with a body', { method: 'POST', url: '/api/v1/events', payload: '{}' }, 404, 'NOT_FOUND'],
    ['broken JSON', { method: 'POST', url: '/graphql', headers: json, payload: '{"query":' }, 400, 'BAD_REQUEST'],
    ['no body', { method: 'POST', url: '/graphql', headers: json }, 400, 'BAD_REQUEST'],
    [
      'XML',
      { method: 'POST', url: '/graphql', headers: { 'content-type': 'text/xml' }, payload: '<a/>' },
      415,
      'BAD_REQUEST',
    ],
    ['another method', { method: 'PUT', url: '/graphql', headers: json, payload: '{}' }, 405, 'BAD_REQUEST'],
    ['a preflight that nobody asked for', { method: 'OPTIONS', url: '/graphql' }, 405, 'BAD_REQUEST'],
    [
      'plain text',
      { method: 'POST', url: '/graphql', headers: { 'content-type': 'text/plain' }, payload: '{ __typename }' },
      415,
      'BAD_REQUEST',
    ],
    [
      'bytes that are no UTF-8',
      {
        method: 'POST',
        url: '/graphql',
        headers: json,
        payload: Buffer.concat([
          Buffer.from('{"query":"{ __typename } #'),
          Buffer.from([0xc3, 0x28]),
          Buffer.from('"}'),
        ]),
      },
      400,
      'BAD_REQUEST',
    ],
    ['a broken escape in the address', { url: '/graphiql/%zz' }, 400, 'BAD_REQUEST'],
    ['a broken escape of UTF-8 in the address', { url: '/%c0%af' }, 400, 'BAD_REQUEST'],
    [
      'variables that are no JSON',
      { url: '/graphql', query: { query: '{ __typename }', variables: '{' } },
      400,
      'BAD_REQUEST',
    ],
    ['a query given twice', { url: '/graphql?query={__typename}&query={__typename}' }, 400, 'BAD_REQUEST'],
    [
      'several requests in one body',
      { method: 'POST', url: '/graphql', headers: json, payload: '[{"query":"{ __typename }"}]' },
      400,
      'BAD_REQUEST',
    ],
    [
      'a key that would be a prototype',
      { method: 'POST', url: '/graphql', headers: json, payload: '{"query":"{ __typename }","__proto__":{"a":1}}' },
      400,
      'BAD_REQUEST',
    ],
  ])('is answered in JSON: %s', async (_name, options, status, code) => {
    const answer = await inject(options);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.json().errors[0].extensions.code).toBe(code);
    expect(answer.body).not.toMatch(/node_modules|at .*\.[jt]s/);
  });

  it('a body above 5 MB is refused', async () => {
    const answer = await inject({
      method: 'POST',
      url: '/graphql',
      headers: { ...json, authorization: `Bearer ${test.adminKey}` },
      payload: JSON.stringify({ query: 'x'.repeat(5 * MEGABYTE) }),
    });
    expect([answer.statusCode, answer.json()]).toEqual([
      413,
      { errors: [{ message: 'Request body is too large', extensions: { code: 'BAD_REQUEST', retryable: false } }] },
    ]);
  });

  it('HEAD has no body', async () => {
    const answer = await inject({ method: 'HEAD', url: '/graphql?query={__typename}' });
    expect([answer.statusCode, answer.body]).toEqual([405, '']);
  });

  describe('nor HTTP as it should be', () => {
    let port = 0;
    beforeAll(async () => {
      await test.server.listen({ host: '127.0.0.1', port: 0 });
      ({ port } = test.server.server.address() as AddressInfo);
    });

    /** What the server says to `bytes` until it hangs up. */
    const tell = (bytes: string): Promise<string> =>
      new Promise((resolve, reject) => {
        let said = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
        socket.on('data', (data) => (said += data.toString()));
        socket.on('close', () => resolve(said));
        socket.on('error', reject);
      });

    it.each([
      ['no HTTP at all', 'hello\r\n\r\n', '400 Bad Request', 'This is not HTTP.'],
      [
        'two lengths',
        'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
        '400 Bad Request',
        'This is not HTTP.',
      ],
      [
        'headers of 20 kB',
        `GET /graphql HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
        '431 Request Header Fields Too Large',
        'The headers are too large.',
      ],
    ])('%s', async (_name, bytes, status, message) => {
      const said = await tell(bytes);
      expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
      expect(said).toContain('content-type: application/json');
      expect(JSON.parse(said.slice(said.indexOf('\r\n\r\n')))).toEqual({
        errors: [{ message, extensions: { code: 'BAD_REQUEST', retryable: false } }],
      });
    });

    it('a body that is longer than it said is cut there', async () => {
      const body = '{"query":"{ __typename }"}';
      const head = `POST /graphql HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\n`;
      const said = await tell(`${head}content-length: ${body.length - 5}\r\n\r\n${body}`);
      expect(said).toMatch(/^HTTP\/1\.1 400 /);
      expect(said).toContain('BAD_REQUEST');
    });

    it('a body that stops half-way hurts nobody else', async () => {
      const socket = connect(port, '127.0.0.1');
      await new Promise<void>((resolve) => {
        socket.write(
          'POST /graphql HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"query',
          () => resolve(),
        );
      });
      const answer = await fetch(`http://127.0.0.1:${port}/graphql?query={__typename}`);
      expect(answer.status).toBe(200);
      socket.destroy();
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
      expect(test.server.server.requestTimeout).toBe(60_000);
    });
  });

  it("carries a request id, the caller's own when it is harmless", async () => {
    const own = await inject({ url: '/healthz', headers: { 'x-request-id': 'trace-42' } });
    expect(own.headers['x-request-id']).toBe('trace-42');
    const bad = await inject({ url: '/healthz', headers: { 'x-request-id': 'a b"' } });
    expect(bad.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('GraphQL over HTTP', () => {
  it('answers queries by GET, and refuses mutations there', async () => {
    const query = await inject({ url: '/graphql', query: { query: '{ __typename }' } });
    expect(query.json()).toEqual({
      data: { __typename: 'Query' },
      extensions: { cost: { requested: 0, maximum: 50_000 } },
    });
    const mutation = await inject({ url: '/graphql', query: { query: 'mutation { __typename }' } });
    expect(mutation.statusCode).toBe(405);
  });

  it.each([
    ['application/json', 200],
    ['application/graphql-response+json', 400],
  ])('answers a wrong document to a client of %s with %d', async (accept, status) => {
    for (const payload of [
      { query: '{' },
      { query: '{ nothing }' },
      { query: 'query ($first: Int!) { services(first: $first) { nodes { id } } }', variables: { first: 'x' } },
    ]) {
      const answer = await inject({ method: 'POST', url: '/graphql', headers: { accept }, payload });
      expect(answer.statusCode).toBe(status);
    }
  });

  it("passes GraphQL's own errors with their codes", async () => {
    const codes = await Promise.all(
      ['{', '{ nothing }', '{ services(first: "x") { nodes { id } } }'].map(async (query) => {
        const { errors } = await test.gql(test.adminKey, query);
        return errors?.[0]?.extensions.code;
      }),
    );
    expect(codes).toEqual(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'GRAPHQL_VALIDATION_FAILED']);
    const wrong = await test.gql(test.adminKey, 'query ($n: Int!) { services(first: $n) { nodes { id } } }', {
      n: 1.5,
    });
    expect(wrong.errors?.[0]?.extensions).toEqual({ code: 'BAD_USER_INPUT', retryable: false });
  });
});

describe('an error of ours', () => {
  it('is masked, and found in the log by its id', async () => {
    await asOwner('alter table metric rename to metric_hidden');
    const answer = await test.gql(test.adminKey, '{ metrics { nodes { id } } }');
    await asOwner('alter table metric_hidden rename to metric');
    expect(answer.errors).toHaveLength(1);
    const { message, extensions } = answer.errors?.[0] ?? { message: '', extensions: {} };
    expect([message, extensions.code]).toEqual([
      'Something went wrong on our side; the log knows it by errorId.',
      'INTERNAL',
    ]);
    expect(answer.body).not.toMatch(/metric_hidden|relation|select/i);
    const { errorId } = extensions.details as { errorId: string };
    const entry = logged.find((line) => line.errorId === errorId);
    expect(entry).toMatchObject({ errorMessage: 'relation "metric" does not exist', sqlState: '42P01' });
    expect(JSON.stringify(logged)).not.toContain(test.adminKey);
  });
});

describe('no error text is above 300 characters and no error answer above 64 kB', () => {
  const createMetric = 'mutation ($input: CreateMetricInput!) { createMetric(input: $input) { metric { id } } }';
  const long = 'x'.repeat(4.5 * MEGABYTE);

  it.each<[string, string, Record<string, unknown> | undefined]>([
    ['an unknown input key of 4.5 MB', createMetric, { input: { [long]: 1 } }],
    ['a wrong enum value of 4.5 MB', createMetric, { input: { code: 'c', name: 'n', unit: 'u', aggregation: long } }],
    ['a value of 4.5 MB', createMetric, { input: { code: long, name: 'n', unit: 'u', aggregation: 'SUM' } }],
    ['an unknown field of 4.5 MB', `{ ${long} }`, undefined],
    ['an alias of 4.5 MB on a field that fails', `{ ${long}: metrics(first: 0) { nodes { id } } }`, undefined],
    [
      'an operation that does not exist, and a variable of 4.5 MB',
      `query ($${long}: Int!) { viewer { scopes } }`,
      undefined,
    ],
    [
      '50 aliases that fail',
      `{ ${many(50, (index) => `${'a'.repeat(250)}${index}: metrics(first: 0) { nodes { id } }`)} }`,
      undefined,
    ],
    [
      '1,900 unknown fields',
      `{ services { nodes { ${many(1900, (index) => `${'u'.repeat(40)}${index}`)} } } }`,
      undefined,
    ],
  ])('for %s', async (_name, query, variables) => {
    const answer = await test.gql(test.adminKey, query, variables);
    expect(answer.errors?.length).toBeGreaterThan(0);
    for (const { message } of answer.errors ?? []) expect(message.length).toBeLessThanOrEqual(300);
    expect(Buffer.byteLength(answer.body)).toBeLessThanOrEqual(64 * 1024);
  });

  it('and it says how many errors are left out', () => {
    // Three bytes a character: 900 bytes and some each.
    const errors = Array.from({ length: 100 }, () => new GraphQLError('€'.repeat(300)));
    const result: Parameters<typeof boundErrors>[0] = { errors, data: { a: null } };
    boundErrors(result);
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThanOrEqual(49 * 1024);
    expect(result.errors?.at(-1)).toEqual({
      message: `${101 - (result.errors?.length ?? 0)} more errors are left out.`,
      extensions: { code: 'LIMIT_EXCEEDED', retryable: false },
    });
  });

  it('and the last of 50 wrong variables is no mistake of ours', async () => {
    const unknown = Array.from({ length: 50 }, (_, index) => [`unknown${index}`, 1]);
    const { errors } = await test.gql(test.adminKey, createMetric, { input: Object.fromEntries(unknown) });
    expect(errors).toHaveLength(51);
    expect(errors?.at(-1)).toEqual({
      message: 'Too many errors processing variables, error limit reached. Execution aborted.',
      extensions: { code: 'BAD_USER_INPUT', retryable: false },
    });
  });

  it('and aliases that fail are not listed as nulls once more', async () => {
    const query = `{ ${many(50, (index) => `${'a'.repeat(250)}${index}: viewer { scopes }`)} }`;
    const answer = await test.gql(null, query);
    expect(answer.errors).toHaveLength(50);
    expect(answer.data).toBeNull();
  });
});

it('keeps the receipt of a mutation whose neighbour failed', async () => {
  await makeService(test, 'receipts');
  const { secret } = await makeKey(test, 'receipts');
  const answer = await test.gql(
    secret,
    `mutation {
       good: createMetric(input: { code: "good", name: "Good", unit: "u", aggregation: SUM }) { metric { code } }
       bad: createMetric(input: { code: "", name: "Bad", unit: "u", aggregation: SUM }) { metric { code } }
     }`,
  );
  expect(answer.status).toBe(200);
  expect(answer.data).toEqual({ good: { metric: { code: 'good' } }, bad: null });
  expect(answer.errors).toHaveLength(1);
});

describe('in production', () => {
  let production: TestApp;
  beforeAll(async () => {
    production = await startTestApp({ sandbox: false, config: { production: true } });
  });
  afterAll(() => production.close());

  it('the schema is read with a key only', async () => {
    const query = '{ ...on Query { __schema { queryType { name } } } }';
    const refused = await production.gql(null, query);
    expect([refused.status, refused.errors?.[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(dataOf(await production.gql(production.adminKey, query)).__schema.queryType.name).toBe('Query');
    expect(dataOf(await production.gql(null, '{ __typename }'))).toEqual({ __typename: 'Query' });
  });

  it('a misspelt field is not helped along with names of the schema', async () => {
    const { body } = await production.gql(null, '{ servicess { nodes { id } } }');
    expect(body).not.toContain('services"');
    expect(body).not.toContain('Did you mean');
  });
});
