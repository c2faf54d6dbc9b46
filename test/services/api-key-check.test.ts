import { randomBytes } from 'node:crypto';
import { authenticate, hashSecret } from '../../src/services/api-key-check';
import { startTestApp, type TestApp } from '../support/app';

let test: TestApp;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
});
afterAll(() => test.close());
afterEach(() => jest.restoreAllMocks());

async function newKey(expiresAt: string | null = null): Promise<string> {
  const secret = `fb_${randomBytes(32).toString('base64url')}`;
  await test.app.db.query(
    `insert into api_key (name, prefix, secret_hash, scopes, created_at, last_used_at, expires_at)
     values ($1, $1, $2, '{usage:write}', $3, $3, $4)`,
    [secret.slice(0, 10), hashSecret(secret), test.clock.now(), expiresAt],
  );
  return secret;
}

const isValid = async (secret: string, now = test.clock.now()): Promise<boolean> =>
  (await authenticate(test.app, hashSecret(secret), now)) !== null;

it('requests of one key at once cost two readings: that of the first, and one for all who came meanwhile', async () => {
  const secret = await newKey();
  const query = jest.spyOn(test.app.db, 'query');
  expect(await Promise.all(Array.from({ length: 20 }, () => isValid(secret)))).toEqual(
    Array.from({ length: 20 }, () => true),
  );
  expect(query).toHaveBeenCalledTimes(2);
  expect(await isValid(secret)).toBe(true);
  expect(query).toHaveBeenCalledTimes(3);
});

it('who comes after a key was revoked is refused, also while an earlier reading of it is under way', async () => {
  const secret = await newKey();
  const query = test.app.db.query.bind(test.app.db) as (sql: string, values: unknown[]) => Promise<unknown>;
  let answer = (): void => undefined;
  const read = new Promise<void>((resolve) => {
    jest.spyOn(test.app.db, 'query').mockImplementationOnce(async (sql: string, values: unknown) => {
      const rows = await query(sql, values as unknown[]);
      const held = new Promise<void>((done) => {
        answer = done;
      });
      resolve();
      await held;
      return rows;
    });
  });
  const before = isValid(secret);
  await read;
  await test.app.db.query('update api_key set revoked_at = $2 where secret_hash = $1', [
    hashSecret(secret),
    test.clock.now(),
  ]);
  const after = [isValid(secret), isValid(secret)];
  answer();
  expect([await before, ...(await Promise.all(after))]).toEqual([true, false, false]);
});

it('a reading that fails is the trouble of who waited for it: those who came meanwhile have their own', async () => {
  const secret = await newKey();
  jest.spyOn(test.app.db, 'query').mockRejectedValueOnce(new Error('Connection terminated unexpectedly'));
  const [first, ...others] = await Promise.allSettled([isValid(secret), isValid(secret), isValid(secret)]);
  expect(first.status).toBe('rejected');
  expect(others).toEqual(Array.from({ length: 2 }, () => ({ status: 'fulfilled', value: true })));
});

it('a shared reading is judged at the instant of each request: a key ends at the instant it expires', async () => {
  const secret = await newKey('2026-03-10T13:00:00.000Z');
  const instants = ['2026-03-10T12:59:59.998Z', '2026-03-10T12:59:59.999Z', '2026-03-10T13:00:00.000Z'];
  const valid = await Promise.all(instants.map((instant) => isValid(secret, new Date(instant))));
  expect(valid).toEqual([true, true, false]);
});
