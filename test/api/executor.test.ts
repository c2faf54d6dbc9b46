import fc from 'fast-check';
import { execute, type ExecutionResult, type GraphQLSchema, getOperationAST, parse } from 'graphql';
import pino from 'pino';
import type { Ctx } from '../../src/ctx';
import { Decimal } from '../../src/domain/decimal';
import { BillingError } from '../../src/domain/errors';
import { ALL_SCOPES } from '../../src/domain/scope';
import { ANONYMOUS } from '../../src/resolvers/auth';
import { createExecutor, type Executor } from '../../src/resolvers/executor';
import { buildGraphqlSchema } from '../../src/resolvers/schema';
import { formatErrors } from '../../src/resolvers/format-error';
import { createApiKey } from '../../src/services/api-keys';
import { type GraphqlAnswer, startTestApp, type TestApp } from '../support/app';
import { counter, seedUsageWorld } from '../support/usage-world';

interface Call {
  field: string;
  args: unknown;
  /** Compiled code called the resolver. */
  isCompiled: boolean;
}

let calls: Call[] = [];

/** What a resolver does that finds `key` as the key of its first record. */
const RECORDED = {
  id: '7',
  quantity: new Decimal('1.50'),
  dimensions: { region: 'eu' },
  receivedAt: new Date('2026-03-10T12:00:00Z'),
};

function play(key: unknown): unknown {
  if (key === 'refused') throw new BillingError('IDEMPOTENCY_CONFLICT', 'Other content.', { field: 'quantity' });
  if (key === 'broken') throw new TypeError('Cannot read properties of undefined');
  if (key === 'nothing') return null;
  if (key === 'without a record') return { status: 'RECORDED', record: null };
  if (key === 'of no status') return { status: 'LOST', record: RECORDED };
  return { status: 'RECORDED', record: RECORDED };
}

function probed(): GraphQLSchema {
  const schema = buildGraphqlSchema();
  const fields = schema.getMutationType()?.getFields() ?? {};
  const note = (field: string, args: unknown): void => {
    calls.push({ field, args, isCompiled: /node_modules.graphql-jit/.test(new Error().stack ?? '') });
  };
  const one = fields.recordUsage;
  const batch = fields.recordUsageBatch;
  if (one === undefined || batch === undefined) throw new Error('the schema records no usage');
  one.resolve = async (_, args) => {
    note('recordUsage', args);
    await Promise.resolve();
    return play((args as { input: { idempotencyKey: string } }).input.idempotencyKey);
  };
  batch.resolve = async (_, args) => {
    note('recordUsageBatch', args);
    await Promise.resolve();
    const { records } = (args as { input: { records: { idempotencyKey: string }[] } }).input;
    const results = records.map(({ idempotencyKey }, index) => ({
      index,
      idempotencyKey,
      ...(play(idempotencyKey) as object | null),
      problem: null,
    }));
    return { recordedCount: records.length, duplicateCount: 0, rejectedCount: 0, rejections: [], results };
  };
  return schema;
}

interface Sent {
  document: string;
  variables?: Record<string, unknown>;
  operationName?: string;
}

const CTX = {
  actor: { name: 'a key', serviceId: null, scopes: new Set(ALL_SCOPES), apiKeyId: null },
} as unknown as Ctx;

const format = formatErrors(pino({ level: 'silent' }));

/** The answer as it leaves the process, but for the random ids of our own mistakes. */
function told({ data, errors }: ExecutionResult): unknown {
  const told = errors?.map((error) => format(error.toJSON(), error));
  return JSON.parse(
    JSON.stringify({ data, errors: told }, (key, value: unknown) => (key === 'errorId' ? 'any' : value)),
  );
}

/** Runs it by graphql-js alone, and by the executor when it has seen the document often enough. */
async function bothWays(schema: GraphQLSchema, sent: Sent, run: Executor = createExecutor(schema)) {
  const { variables, operationName } = sent;
  const document = parse(sent.document);
  const operation = getOperationAST(document, operationName) ?? undefined;
  calls = [];
  const plain = told(await execute({ schema, document, contextValue: CTX, variableValues: variables, operationName }));
  const plainCalls = calls;
  calls = [];
  for (let time = 1; time <= 2; time += 1) await run({ document, operation, operationName, variables, ctx: CTX });
  calls = [];
  const quick = told(await run({ document, operation, operationName, variables, ctx: CTX }));
  return { plain, quick, plainCalls, quickCalls: calls };
}

const unmarked = (all: readonly Call[]): unknown =>
  JSON.parse(JSON.stringify(all.map(({ field, args }) => [field, args])));

const ONE = 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status record { id quantity } } }';
const BATCH = `mutation ($input: RecordUsageBatchInput!) {
  recordUsageBatch(input: $input) { recordedCount results { index status record { id dimensions receivedAt } problem { code } } } }`;
const valid = counter();
const batchOf = (...records: unknown[]): Record<string, unknown> => ({ input: { records } });

describe('compiled operations answer as graphql-js does, to', () => {
  const schema = probed();

  it.each<[string, Sent]>([
    ['a record', { document: ONE, variables: { input: valid } }],
    [
      'every field of a record',
      {
        document: ONE,
        variables: {
          input: {
            ...valid,
            service: 's',
            subscriptionId: 12,
            dimensions: { a: 1 },
            meter: 'm',
            events: 3,
            revision: 1,
            opening: 1,
            reset: true,
            operation: 'ADD',
            source: 'x',
            quantity: 5,
          },
        },
      },
    ],
    [
      'nulls for what may be left out',
      { document: ONE, variables: { input: { ...valid, meter: null, dimensions: null, events: null } } },
    ],
    ['a batch', { document: BATCH, variables: batchOf(valid, valid) }],
    ['an empty batch', { document: BATCH, variables: batchOf() }],
    ['variables that nobody asked for', { document: ONE, variables: { input: valid, other: 1 } }],
    [
      'a name and aliases',
      {
        document:
          'mutation Twice($a: RecordUsageInput!, $b: RecordUsageInput!) { first: recordUsage(input: $a) { status } second: recordUsage(input: $b) { again: status __typename } }',
        variables: { a: valid, b: { ...valid, idempotencyKey: 'refused' } },
      },
    ],
    [
      'two fields of one name',
      {
        document:
          'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status } recordUsage(input: $input) { record { id } } }',
        variables: { input: valid },
      },
    ],
    [
      'both fields',
      {
        document:
          'mutation ($a: RecordUsageInput!, $b: RecordUsageBatchInput!) { recordUsage(input: $a) { status } recordUsageBatch(input: $b) { recordedCount } }',
        variables: { a: { ...valid, idempotencyKey: 'broken' }, b: { records: [valid] } },
      },
    ],
    [
      'fragments of the answer',
      {
        document:
          'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { ...a ... { record { ...b } } } } fragment a on RecordUsagePayload { status record { quantity } } fragment b on UsageRecord { id quantity }',
        variables: { input: valid },
      },
    ],
    [
      'one of several operations',
      {
        document:
          'mutation A($input: RecordUsageInput!) { recordUsage(input: $input) { status } } mutation B($input: RecordUsageInput!) { recordUsage(input: $input) { record { id } } }',
        operationName: 'B',
        variables: { input: valid },
      },
    ],
    ['a refusal', { document: ONE, variables: { input: { ...valid, idempotencyKey: 'refused' } } }],
    ['a mistake of ours', { document: ONE, variables: { input: { ...valid, idempotencyKey: 'broken' } } }],
    ['no payload', { document: ONE, variables: { input: { ...valid, idempotencyKey: 'nothing' } } }],
    [
      'a null where none may be',
      { document: ONE, variables: { input: { ...valid, idempotencyKey: 'without a record' } } },
    ],
    [
      'a value that the enum lacks',
      { document: ONE, variables: { input: { ...valid, idempotencyKey: 'of no status' } } },
    ],
    [
      'a wrong value within a list',
      { document: BATCH, variables: batchOf(valid, { ...valid, idempotencyKey: 'of no status' }, valid) },
    ],
  ])('%s', async (_, sent) => {
    const { plain, quick, plainCalls, quickCalls } = await bothWays(schema, sent);
    expect(quick).toEqual(plain);
    expect(unmarked(quickCalls)).toEqual(unmarked(plainCalls));
    expect(plainCalls.map(({ isCompiled }) => isCompiled)).not.toContain(true);
    expect(quickCalls.map(({ isCompiled }) => isCompiled)).toEqual(plainCalls.map(() => true));
  });

  it.each<[string, Sent]>([
    ['missing variables', { document: ONE }],
    ['a variable that is null', { document: ONE, variables: { input: null } }],
    ['a variable of another kind', { document: ONE, variables: { input: 'x' } }],
    ['a list for an object', { document: ONE, variables: { input: [] } }],
    ['a missing field', { document: ONE, variables: { input: { ...valid, metric: undefined } } }],
    ['a null for what must be there', { document: ONE, variables: { input: { ...valid, metric: null } } }],
    ['an unknown field', { document: ONE, variables: { input: { ...valid, colour: 'red' } } }],
    ['a field that every object has', { document: ONE, variables: { input: { ...valid, constructor: 'x' } } }],
    ['a JSON fraction for a Decimal', { document: ONE, variables: { input: { ...valid, quantity: 1.5 } } }],
    ['a number for an instant', { document: ONE, variables: { input: { ...valid, windowEnd: 7 } } }],
    ['a text for a whole number', { document: ONE, variables: { input: { ...valid, events: '7' } } }],
    ['a number beyond Int', { document: ONE, variables: { input: { ...valid, events: 2 ** 31 } } }],
    ['a value that an enum lacks', { document: ONE, variables: { input: { ...valid, operation: 'SUB' } } }],
    ['wrong items of a batch', { document: BATCH, variables: batchOf(valid, null, { ...valid, quantity: true }, 3) }],
    [
      'more wrong values than are told',
      { document: BATCH, variables: batchOf(...Array.from({ length: 60 }, () => ({}))) },
    ],
  ])('%s, and nothing is recorded', async (_, sent) => {
    const { plain, quick, quickCalls } = await bothWays(schema, sent);
    expect(quick).toEqual(plain);
    expect(plain).not.toHaveProperty('data');
    expect(quickCalls).toEqual([]);
  });

  it('records of any shape, with the same arguments', async () => {
    const run = createExecutor(schema);
    const odd = fc.constantFrom<unknown>(null, '', 'x', 0, 7, 1.5, true, [], {}, ['x'], { a: 1 }, 2 ** 40);
    const change = fc.dictionary(fc.constantFrom('colour', ...Object.keys(everyField)), odd, { maxKeys: 2 });
    const record = fc.oneof({ weight: 8, arbitrary: change.map((changes) => ({ ...valid, ...changes })) }, odd);
    const records = fc.oneof({ weight: 8, arbitrary: fc.array(record, { maxLength: 3 }) }, odd);
    const property = fc.asyncProperty(records, async (sent) => {
      const { plain, quick, plainCalls, quickCalls } = await bothWays(
        schema,
        { document: BATCH, variables: { input: { records: sent } } },
        run,
      );
      expect(quick).toEqual(plain);
      expect(quickCalls.map(({ args }) => args)).toEqual(plainCalls.map(({ args }) => args));
    });
    await fc.assert(property, { numRuns: 300 });
  });
});

const everyField = {
  ...valid,
  service: 0,
  subscriptionId: 0,
  dimensions: 0,
  meter: 0,
  events: 0,
  revision: 0,
  opening: 0,
  reset: 0,
  operation: 0,
  source: 0,
};

describe('left to graphql-js', () => {
  const schema = probed();
  const variables = { input: valid };

  it.each<[string, Sent]>([
    [
      'literals',
      {
        document:
          'mutation { recordUsage(input: { idempotencyKey: "k", metric: "m", windowStart: "a", windowEnd: "b", quantity: "1" }) { status } }',
      },
    ],
    [
      'variables within literals',
      {
        document:
          'mutation ($key: String!) { recordUsage(input: { idempotencyKey: $key, metric: "m", windowStart: "a", windowEnd: "b", quantity: "1" }) { status } }',
        variables: { key: 'k' },
      },
    ],
    [
      'a fragment at the root',
      { document: 'mutation ($input: RecordUsageInput!) { ... { recordUsage(input: $input) { status } } }', variables },
    ],
    [
      'a field of another kind beside',
      {
        document: 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status } __typename }',
        variables,
      },
    ],
    [
      '@include in the answer',
      {
        document:
          'mutation ($input: RecordUsageInput!, $yes: Boolean!) { recordUsage(input: $input) { status @include(if: $yes) record @skip(if: $yes) { id } } }',
        variables: { ...variables, yes: true },
      },
    ],
    [
      '@skip in a fragment',
      {
        document:
          'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { ...a } } fragment a on RecordUsagePayload { status record @skip(if: true) { id } }',
        variables,
      },
    ],
    ['one record in place of a list', { document: BATCH, variables: { input: { records: valid } } }],
    [
      'a default input',
      {
        document:
          'mutation ($input: RecordUsageInput! = { idempotencyKey: "k", metric: "m", windowStart: "a", windowEnd: "b", quantity: "1" }) { recordUsage(input: $input) { status } }',
      },
    ],
  ])('%s', async (_, sent) => {
    const { plain, quick, quickCalls } = await bothWays(schema, sent);
    expect(quick).toEqual(plain);
    expect(quickCalls.map(({ isCompiled }) => isCompiled)).toEqual([false]);
  });

  it('whoever sends no key', async () => {
    const run = createExecutor(schema);
    const document = parse(ONE);
    const operation = getOperationAST(document) ?? undefined;
    const send = (ctx: Ctx): Promise<unknown> => run({ document, operation, operationName: null, variables, ctx });
    calls = [];
    for (const actor of [CTX.actor, CTX.actor, ANONYMOUS, CTX.actor]) await send({ ...CTX, actor });
    expect(calls.map(({ isCompiled }) => isCompiled)).toEqual([false, true, false, true]);
  });
});

describe('over HTTP', () => {
  let test: TestApp;
  let key: string;
  let readKey: string;

  beforeAll(async () => {
    test = await startTestApp({ sandbox: false });
    const { service } = await seedUsageWorld(test.app.db);
    const make = async (scopes: ('usage:read' | 'usage:write')[]): Promise<string> =>
      (await createApiKey(test.ctx(), { service: service.code, name: 'a service', scopes })).secret;
    key = await make(['usage:write', 'usage:read']);
    readKey = await make(['usage:read']);
  });
  afterAll(() => test.close());

  it('a known document answers like a new one, and records once', async () => {
    const requests: [string | null, string, Record<string, unknown>][] = [
      [key, ONE, { input: counter() }],
      [key, ONE, { input: counter({ quantity: '11' }) }],
      [key, ONE, { input: counter({ quantity: 'many' }) }],
      [key, ONE, { input: { ...counter(), quantity: 1.5 } }],
      [key, BATCH, batchOf(counter(), counter({ idempotencyKey: 'b' }), counter({ metric: 'unknown' }))],
      [key, BATCH, batchOf(...Array.from({ length: 60 }, () => ({})))],
      [readKey, ONE, { input: counter({ idempotencyKey: 'c' }) }],
      [null, ONE, { input: counter({ idempotencyKey: 'c' }) }],
    ];
    // What comes first is recorded, and all that follows finds it.
    for (const [sender, document, variables] of requests) await test.gql(sender, `${document} # first`, variables);
    let fresh = 0;
    for (const [sender, document, variables] of requests) {
      const plain = await test.gql(sender, `${document} # ${(fresh += 1)}`, variables);
      await test.gql(sender, document, variables);
      await test.gql(sender, document, variables);
      const quick = await test.gql(sender, document, variables);
      expect(seen(quick)).toEqual(seen(plain));
    }
    const [{ count }] = await test.app.db.query<[{ count: number }]>('select count(*)::integer from usage_record');
    expect(count).toBe(2);
  });

  it('each send of a known document is recorded, once', async () => {
    for (let n = 1; n <= 4; n += 1) {
      const { data } = await test.gql(key, ONE, { input: counter({ idempotencyKey: `send ${n}` }) });
      expect(data.recordUsage.status).toBe('RECORDED');
    }
    const [{ count }] = await test.app.db.query<[{ count: number }]>(
      "select count(*)::integer from usage_record where idempotency_key like 'send %'",
    );
    expect(count).toBe(4);
  });
});

function seen({ status, data, errors }: GraphqlAnswer): unknown {
  return { status, data: data as unknown, errors };
}
