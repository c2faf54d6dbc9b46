/** How each error of docs/errors.md is met: requests that are refused, and the troubles of Odoo and of the database behind some. */
import { strict as assert } from 'node:assert';
import { Client } from 'pg';
import type { DemoInstance } from '../../src/boot/demo-instance';
import { type Exchange, exchange, graphqlRequest, type Reply } from './installation';
import { type Caller } from './example';
import { type Kept, keyOf } from './play';

interface Refusal {
  code: string;
  /** What was sent, as a sentence before the answer. */
  sent: string;
  caller?: Caller | 'nobody';
  document?: string;
  variables?: Record<string, unknown>;
  /** What differs from a usual request. */
  request?: (usual: Exchange) => Exchange;
  /** Puts the world in the state in which `ask` is refused, and back. */
  trouble?: (demo: DemoInstance, ask: () => Promise<Reply>) => Promise<Reply>;
}

export interface Provoked {
  code: string;
  sent: string;
  reply: Reply;
}

/** Every refusal with the answer that came. @throws when one has another code. */
export async function provokeAll(demo: DemoInstance, kept: Kept): Promise<Provoked[]> {
  const provoked: Provoked[] = [];
  for (const refusal of REFUSALS) {
    const { code, sent } = refusal;
    const reply = await provoke(demo, refusal, kept);
    const { errors } = JSON.parse(reply.text) as { errors?: { extensions: { code: string } }[] };
    assert.equal(errors?.[0]?.extensions.code, code, `${sent} Answered: ${reply.text}`);
    provoked.push({ code, sent: `${sent} Status ${reply.status}:`, reply });
  }
  return provoked;
}

async function provoke(demo: DemoInstance, refusal: Refusal, kept: Kept): Promise<Reply> {
  const { caller = 'service', document = VIEWER, variables } = refusal;
  const key = caller === 'nobody' ? undefined : keyOf(demo, caller, kept);
  const usual = graphqlRequest(key, { query: document, variables });
  const ask = (): Promise<Reply> => exchange(demo, refusal.request?.(usual) ?? usual);
  return refusal.trouble === undefined ? ask() : refusal.trouble(demo, ask);
}

const VIEWER = '{ viewer { scopes } }';
const RECORD = 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status } }';
const LINK = 'mutation ($input: CreateAccountLinkInput!) { createAccountLink(input: $input) { accountLink { id } } }';
const COUNTER = {
  account: 'acct_42',
  metric: 'api_calls',
  windowStart: '2026-03-10T09:00:00.000Z',
  windowEnd: '2026-03-10T10:00:00.000Z',
  quantity: '2500',
  idempotencyKey: 'nexacloud/acct_42/api_calls/2026-03-10T09Z',
};
const NEW = { ...COUNTER, idempotencyKey: 'nexacloud/acct_42/api_calls/new' };

const body =
  (text: string) =>
  (usual: Exchange): Exchange => ({ ...usual, body: text });

const OURS: readonly Refusal[] = [
  {
    code: 'VALIDATION_FAILED',
    sent: 'A window that ends before it begins.',
    document: RECORD,
    variables: { input: { ...NEW, windowEnd: '2026-03-10T08:00:00.000Z' } },
  },
  {
    code: 'NOT_FOUND',
    sent: 'Usage of an account that has no link.',
    document: RECORD,
    variables: { input: { ...NEW, account: 'acct_43' } },
  },
  {
    code: 'CONFLICT',
    sent: 'A service whose code is taken.',
    caller: 'installation',
    document: 'mutation ($input: CreateServiceInput!) { createService(input: $input) { service { id } } }',
    variables: { input: { code: 'nexacloud', name: 'Another one' } },
  },
  {
    code: 'IDEMPOTENCY_CONFLICT',
    sent: 'Another quantity under a key that was used.',
    document: RECORD,
    variables: { input: { ...COUNTER, quantity: '2600' } },
  },
  { code: 'UNAUTHENTICATED', sent: 'No key.', caller: 'nobody' },
  {
    code: 'UNAUTHENTICATED',
    sent: 'A key that does not exist.',
    request: (usual) => ({ ...usual, headers: { ...usual.headers, authorization: 'Bearer fb_wrong' } }),
  },
  {
    code: 'FORBIDDEN',
    sent: 'Usage, with a key that may only read it.',
    caller: 'reader',
    document: RECORD,
    variables: { input: NEW },
  },
  {
    code: 'LIMIT_EXCEEDED',
    sent: 'A document of 51 root fields, which no waiting makes smaller ([limits](limits.md)). One that came [too often](api.md#too-often) has status 429 and `details.retryAfterMs`.',
    document: `{ ${Array.from({ length: 51 }, (_, place) => `a${place}: viewer { scopes }`).join(' ')} }`,
  },
  {
    code: 'UPSTREAM_REJECTED',
    sent: 'A link to a partner that Odoo does not let us read.',
    caller: 'installation',
    document: LINK,
    variables: { input: { service: 'nexacloud', account: 'acct_90', partnerOdooId: 900 } },
    trouble: withOdoo('refused'),
  },
  {
    code: 'UPSTREAM_UNAVAILABLE',
    sent: 'A link to a partner that is not mirrored yet, while Odoo is down.',
    caller: 'installation',
    document: LINK,
    variables: { input: { service: 'nexacloud', account: 'acct_90', partnerOdooId: 900 } },
    trouble: withOdoo('html-404'),
  },
  {
    code: 'INTERNAL',
    sent: 'A question that is answered from a table which is gone: nothing of it is told, but the id in the log.',
    document: '{ metrics { nodes { code } } }',
    trouble: (demo, ask) =>
      withStatements(demo, ask, ['alter table metric rename to m', 'alter table m rename to metric']),
  },
  {
    code: 'UNAVAILABLE',
    sent: 'Usage, while the database takes no writes.',
    document: RECORD,
    variables: { input: { ...NEW, windowEnd: '2026-03-10T10:00:00.001Z' } },
    trouble: withReadOnlyDatabase,
  },
];

const OF_GRAPHQL: readonly Refusal[] = [
  { code: 'GRAPHQL_PARSE_FAILED', sent: 'A document whose last brace is missing.', document: '{ viewer { scopes }' },
  { code: 'GRAPHQL_VALIDATION_FAILED', sent: 'A field that is not there.', document: '{ viewer { scope } }' },
  {
    code: 'BAD_USER_INPUT',
    sent: 'A text where a number is wanted.',
    document: 'query ($first: Int) { services(first: $first) { nodes { code } } }',
    variables: { first: 'many' },
  },
  {
    code: 'OPERATION_RESOLUTION_FAILURE',
    sent: 'Two operations, and no name.',
    document: 'query A { viewer { scopes } } query B { viewer { scopes } }',
  },
  {
    code: 'PERSISTED_QUERY_NOT_SUPPORTED',
    sent: 'Only the hash of a document.',
    request: body(JSON.stringify({ extensions: { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } } })),
  },
  { code: 'BAD_REQUEST', sent: 'A body that is cut off.', request: body('{ "query": ') },
];

const REFUSALS = [...OURS, ...OF_GRAPHQL];

/** The next call to Odoo meets the fault. */
function withOdoo(fault: 'refused' | 'html-404') {
  return async (demo: DemoInstance, ask: () => Promise<Reply>): Promise<Reply> => {
    await demo.odoo.addFault({ fault });
    return ask().finally(() => demo.odoo.clearFaults());
  };
}

/** One statement as the owner before, one after. */
async function withStatements(
  demo: DemoInstance,
  ask: () => Promise<Reply>,
  [before, after]: readonly [string, string],
): Promise<Reply> {
  const owner = new Client({ connectionString: demo.app.config.databaseUrl });
  await owner.connect();
  try {
    await owner.query(before);
    return await ask().finally(() => owner.query(after));
  } finally {
    await owner.end();
  }
}

/** Sessions learn of the setting a moment later: until then the counter is recorded once, and a duplicate after that. */
async function withReadOnlyDatabase(demo: DemoInstance, ask: () => Promise<Reply>): Promise<Reply> {
  const owner = new Client({ connectionString: demo.app.config.databaseUrl });
  await owner.connect();
  const set = async (statement: string): Promise<void> => {
    await owner.query(statement);
    await owner.query('select pg_reload_conf()');
  };
  try {
    await set('alter system set default_transaction_read_only = on');
    for (let tries = 0; tries < 100; tries += 1) {
      const reply = await ask();
      if (reply.text.includes('"errors"')) return reply;
      await owner.query('select pg_sleep(0.05)');
    }
    throw new Error('The database went on taking writes.');
  } finally {
    await owner.query('set default_transaction_read_only = off');
    await set('alter system reset default_transaction_read_only').finally(() => owner.end());
  }
}
