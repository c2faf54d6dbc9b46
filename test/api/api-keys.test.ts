import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { installEnvironmentKey } from '../../src/services/api-keys';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { dataOf, makeKey, makeService, mutate } from '../support/seed';

const HOUR_MS = 3_600_000;
const VIEWER = '{ viewer { apiKey { id } } }';

let test: TestApp;
/** A key of service `alpha` with every scope. */
let alpha: { id: string; secret: string };

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  await makeService(test, 'alpha');
  await makeService(test, 'beta');
  alpha = await makeKey(test, 'alpha');
});
afterAll(() => test.close());

function newSecret(): string {
  return `fb_${randomBytes(32).toString('base64url')}`;
}

async function create(key: string, input: Record<string, unknown>): Promise<GraphqlAnswer> {
  return test.gql(
    key,
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret apiKey { id prefix scopes expiresAt service { code } } } }',
    { input },
  );
}

async function rotate(key: string, input: Record<string, unknown>): Promise<GraphqlAnswer> {
  return test.gql(
    key,
    'mutation ($input: RotateApiKeyInput!) { rotateApiKey(input: $input) { secret apiKey { id scopes expiresAt service { code } } previous { id expiresAt } } }',
    { input },
  );
}

async function revoke(key: string, id: string): Promise<GraphqlAnswer> {
  return test.gql(
    key,
    'mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id revokedAt } } }',
    { input: { id } },
  );
}

async function works(secret: string): Promise<boolean> {
  return (await test.gql(secret, VIEWER)).status === 200;
}

function refusalOf(answer: GraphqlAnswer): Record<string, unknown> | undefined {
  return answer.errors?.[0]?.extensions;
}

describe('a request', () => {
  it('gets one and the same 401 for a key that is unknown, malformed, expired or revoked', async () => {
    const expiring = dataOf(
      await create(test.adminKey, {
        name: 'expires',
        scopes: ['USAGE_READ'],
        expiresAt: new Date(test.clock.now().getTime() + 1000).toISOString(),
      }),
    ).createApiKey.secret;
    const revoked = await makeKey(test, 'alpha');
    dataOf(await revoke(test.adminKey, revoked.id));
    expect(await works(expiring)).toBe(true);
    await test.clock.advance(1000);
    const headers = [
      ...[newSecret(), expiring, revoked.secret, 'fb_short', 'x', 'ключ'].map((secret) => `Bearer ${secret}`),
      `Basic ${Buffer.from(`a:${test.adminKey}`).toString('base64')}`,
      `Bearer ${test.adminKey} ${test.adminKey}`,
      'Bearer',
      test.adminKey,
    ].map((text) => Buffer.from(text).toString('latin1'));
    for (const authorization of headers) {
      const answer = await test.server.inject({
        method: 'POST',
        url: '/graphql',
        headers: { authorization },
        payload: { query: '{ __typename }' },
      });
      expect([answer.statusCode, answer.body, answer.headers['www-authenticate']]).toEqual([
        401,
        '{"errors":[{"message":"The API key is not valid.","extensions":{"code":"UNAUTHENTICATED","retryable":false}}]}',
        'Bearer',
      ]);
    }
  });

  it('without a key may ask for the type name and, outside production, for the schema, and for nothing else', async () => {
    const answer = await test.gql(null, '{ __typename __schema { queryType { name } } viewer { scopes } }');
    expect(answer.data).toEqual({ __typename: 'Query', __schema: { queryType: { name: 'Query' } }, viewer: null });
    expect(answer.errors).toHaveLength(1);
    expect(answer.errors?.[0]).toMatchObject({ path: ['viewer'], extensions: { code: 'UNAUTHENTICATED' } });
  });

  it('is told by viewer whose key it carries', async () => {
    const answer = await test.gql(alpha.secret, '{ viewer { scopes service { code } apiKey { id name } } }');
    expect(dataOf(answer).viewer).toEqual({
      scopes: ['USAGE_WRITE', 'USAGE_READ', 'CATALOG_READ', 'CATALOG_WRITE', 'BILLING_READ', 'BILLING_RUN', 'ADMIN'],
      service: { code: 'alpha' },
      apiKey: { id: alpha.id, name: 'key of alpha' },
    });
  });

  it('is noted on its key at most once a minute', async () => {
    const { id, secret } = await makeKey(test, 'alpha');
    const lastUse = async (): Promise<Date | null> => {
      const [row] = await test.app.db.query('select last_used_at from api_key where id = $1', [id]);
      return row.last_used_at;
    };
    const first = test.clock.now();
    await works(secret);
    while ((await lastUse()) === null) await sleep(5);
    await test.clock.advance(59_000);
    await works(secret);
    await sleep(100);
    expect(await lastUse()).toEqual(first);
    await test.clock.advance(1000);
    await works(secret);
    while ((await lastUse())?.getTime() === first.getTime()) await sleep(5);
    expect(await lastUse()).toEqual(new Date(first.getTime() + 60_000));
  });
});

describe('createApiKey', () => {
  it('shows a secret of fb_ and 43 characters once, and keeps its hash only', async () => {
    const { secret, apiKey } = dataOf(
      await create(test.adminKey, { service: 'alpha', name: 'reporter', scopes: ['USAGE_WRITE', 'USAGE_WRITE'] }),
    ).createApiKey;
    expect(secret).toMatch(/^fb_[A-Za-z0-9_-]{43}$/);
    expect(apiKey).toMatchObject({
      prefix: secret.slice(0, 11),
      scopes: ['USAGE_WRITE'],
      expiresAt: null,
      service: { code: 'alpha' },
    });
    const [stored] = await test.app.db.query(
      `select (select json_agg(api_key)::text from api_key) || (select json_agg(audit_entry)::text from audit_entry) as text`,
    );
    expect(stored.text).toContain(apiKey.id);
    expect(stored.text).not.toContain(secret.slice(11));
    expect(await works(secret)).toBe(true);
  });

  it("binds a service's keys to the service, whether it is named or not", async () => {
    for (const service of ['alpha', null, undefined]) {
      const answer = await create(alpha.secret, { service, name: 'own', scopes: ['USAGE_READ'] });
      expect(dataOf(answer).createApiKey.apiKey.service).toEqual({ code: 'alpha' });
    }
  });

  it('answers a foreign service as one that does not exist', async () => {
    const foreign = await create(alpha.secret, { service: 'beta', name: 'x', scopes: ['USAGE_READ'] });
    const unknown = await create(alpha.secret, { service: 'gamma', name: 'x', scopes: ['USAGE_READ'] });
    expect(refusalOf(foreign)).toEqual({ code: 'NOT_FOUND', retryable: false, field: 'service' });
    expect(foreign.body).toBe(unknown.body);
  });

  it('gives no scope that the asking key lacks', async () => {
    const { secret } = await makeKey(test, 'alpha', ['ADMIN', 'USAGE_READ']);
    expect(refusalOf(await create(secret, { name: 'x', scopes: ['USAGE_READ', 'USAGE_WRITE'] }))).toEqual({
      code: 'FORBIDDEN',
      retryable: false,
      field: 'scopes',
      details: { scope: 'usage:write' },
    });
  });

  it.each([
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(201) }, 'name'],
    [{ name: 'env' }, 'name'],
    [{ scopes: [] }, 'scopes'],
    [{ expiresAt: '2026-03-10T11:59:59Z' }, 'expiresAt'],
    [{ expiresAt: 'tomorrow' }, 'expiresAt'],
  ])('refuses %j', async (change, field) => {
    const answer = await create(test.adminKey, { name: 'x', scopes: ['ADMIN'], ...change });
    expect(refusalOf(answer)).toMatchObject({ code: 'VALIDATION_FAILED', field });
  });

  it('asks for the scope admin', async () => {
    const { secret } = await makeKey(test, null, ['CATALOG_WRITE', 'USAGE_READ']);
    for (const answer of [
      await create(secret, { name: 'x', scopes: ['USAGE_READ'] }),
      await rotate(secret, { id: alpha.id }),
      await revoke(secret, alpha.id),
      await test.gql(secret, '{ apiKeys { nodes { id } } }'),
    ]) {
      expect(refusalOf(answer)).toMatchObject({ code: 'FORBIDDEN', details: { scope: 'admin' } });
    }
  });
});

describe('rotateApiKey', () => {
  it('lets both secrets work until the overlap ends, and only the new one from then on', async () => {
    const old = await makeKey(test, 'alpha', ['USAGE_READ', 'CATALOG_READ']);
    const { secret, apiKey, previous } = dataOf(
      await rotate(test.adminKey, { id: old.id, overlapHours: 2 }),
    ).rotateApiKey;
    const overlapEnd = new Date(test.clock.now().getTime() + 2 * HOUR_MS).toISOString();
    expect(apiKey).toMatchObject({
      scopes: ['USAGE_READ', 'CATALOG_READ'],
      expiresAt: null,
      service: { code: 'alpha' },
    });
    expect(previous).toEqual({ id: old.id, expiresAt: overlapEnd });
    await test.clock.advance(2 * HOUR_MS - 1);
    expect([await works(old.secret), await works(secret)]).toEqual([true, true]);
    await test.clock.advance(1);
    expect([await works(old.secret), await works(secret)]).toEqual([false, true]);
  });

  it('ends the old secret at once without an overlap, and never later than it would have ended', async () => {
    const soon = new Date(test.clock.now().getTime() + HOUR_MS).toISOString();
    const input = { name: 'short', scopes: ['USAGE_READ'], expiresAt: soon };
    const short = dataOf(await create(test.adminKey, input)).createApiKey;
    const kept = dataOf(await rotate(test.adminKey, { id: short.apiKey.id, overlapHours: 24 })).rotateApiKey;
    expect([kept.previous.expiresAt, kept.apiKey.expiresAt]).toEqual([soon, soon]);
    const cut = dataOf(await rotate(test.adminKey, { id: kept.apiKey.id, overlapHours: 0 })).rotateApiKey;
    expect([await works(kept.secret), await works(cut.secret)]).toEqual([false, true]);
  });

  it('refuses a key that is revoked, has expired, or belongs to the environment', async () => {
    const gone = await makeKey(test, 'alpha');
    dataOf(await revoke(test.adminKey, gone.id));
    const environment = dataOf(await test.gql(test.adminKey, VIEWER)).viewer.apiKey.id;
    for (const id of [gone.id, environment]) {
      expect(refusalOf(await rotate(test.adminKey, { id }))).toMatchObject({ code: 'CONFLICT', field: 'id' });
    }
  });

  it.each([-1, 721])('refuses an overlap of %d hours', async (overlapHours) => {
    expect(refusalOf(await rotate(test.adminKey, { id: alpha.id, overlapHours }))).toMatchObject({
      code: 'VALIDATION_FAILED',
      field: 'overlapHours',
    });
  });

  it('hands nobody a secret with scopes they lack', async () => {
    const { secret } = await makeKey(test, 'alpha', ['ADMIN']);
    expect(refusalOf(await rotate(secret, { id: alpha.id }))).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('keys of others', () => {
  it("look to a service's key like keys that do not exist", async () => {
    const foreign = await makeKey(test, 'beta');
    const installation = await makeKey(test, null);
    for (const call of [revoke, (key: string, id: string) => rotate(key, { id })]) {
      const bodies = await Promise.all(
        [foreign.id, installation.id, randomUUID(), 'no-uuid'].map(async (id) => (await call(alpha.secret, id)).body),
      );
      expect(new Set(bodies).size).toBe(1);
      expect(bodies[0]).toContain('"code":"NOT_FOUND"');
    }
    expect([await works(foreign.secret), await works(installation.secret)]).toEqual([true, true]);
  });

  it("are left out of a service's list, and listed for the whole installation", async () => {
    const query = '{ apiKeys(first: 200) { nodes { service { code } } } }';
    const codes = async (key: string): Promise<Set<string | null>> =>
      new Set(
        dataOf(await test.gql(key, query)).apiKeys.nodes.map((node: { service: { code: string } | null }) =>
          node.service === null ? null : node.service.code,
        ),
      );
    expect(await codes(alpha.secret)).toEqual(new Set(['alpha']));
    expect(await codes(test.adminKey)).toEqual(new Set([null, 'alpha', 'beta']));
  });
});

it('revoking works at once, and again changes nothing', async () => {
  const { id, secret } = await makeKey(test, 'alpha');
  const revokedAt = dataOf(await revoke(alpha.secret, id)).revokeApiKey.apiKey.revokedAt;
  expect(await works(secret)).toBe(false);
  await test.clock.advance(1000);
  expect(dataOf(await revoke(alpha.secret, id)).revokeApiKey.apiKey.revokedAt).toBe(revokedAt);
  const entries = await test.app.db.query(`select actor from audit_entry where subject_id = $1 order by id`, [id]);
  expect(entries).toEqual([{ actor: 'env' }, { actor: alpha.id }]);
});

describe('the key of the environment', () => {
  it('replaces the one before, also when several processes boot at once and when an older one comes back', async () => {
    const [first, second] = [newSecret(), newSecret()];
    await installEnvironmentKey(test.app, first);
    expect(await works(test.adminKey)).toBe(false);
    await Promise.all([1, 2, 3, 4, 5].map(() => installEnvironmentKey(test.app, second)));
    expect([await works(first), await works(second)]).toEqual([false, true]);
    const live = await test.app.db.query(`select id from api_key where name = 'env' and revoked_at is null`);
    expect(live).toHaveLength(1);
    await installEnvironmentKey(test.app, test.adminKey);
    expect([await works(test.adminKey), await works(second)]).toEqual([true, false]);
    const { viewer } = dataOf(await test.gql(test.adminKey, '{ viewer { service { id } scopes } }'));
    expect(viewer.service).toBeNull();
    expect(viewer.scopes).toHaveLength(7);
  });

  it('acts as env', async () => {
    const { apiKey } = await mutate(test, test.adminKey, {
      name: 'createApiKey',
      input: { name: 'audited', scopes: ['ADMIN'] },
      selection: 'apiKey { id }',
    });
    const query =
      'query ($id: ID!) { auditEntries(filter: { subjectId: $id }) { nodes { actor action subjectType } } }';
    expect(dataOf(await test.gql(test.adminKey, query, { id: apiKey.id })).auditEntries.nodes).toEqual([
      { actor: 'env', action: 'api_key.created', subjectType: 'api_key' },
    ]);
  });
});
