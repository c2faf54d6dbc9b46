/** Who may call, how often, and through whom: the rate limit, CORS, and proxies. */
import { randomBytes } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import type { Config } from '../../src/config';
import { LIMITS } from '../../src/domain/limits';
import { startTestApp, type TestApp } from '../support/app';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ sandbox: false, config: { rateLimit: 3 } });
});
afterAll(() => test.close());

/** The same application with a server of its own: every count begins anew. */
async function restarted(config: Partial<Config>): Promise<void> {
  Object.assign(test.app.config, { rateLimit: 3, corsOrigins: [], trustProxy: false }, config);
  await test.restart();
}

interface Caller {
  key?: string;
  address?: string;
  headers?: Record<string, string>;
}

function ask({ key, address = '192.0.2.1', headers = {} }: Caller = {}): Promise<LightMyRequestResponse> {
  return test.server.inject({
    method: 'POST',
    url: '/graphql',
    remoteAddress: address,
    headers: { ...headers, ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
    payload: { query: '{ __typename }' },
  });
}

const statuses = async (count: number, caller: Caller): Promise<number[]> => {
  const found: number[] = [];
  for (let index = 0; index < count; index += 1) found.push((await ask(caller)).statusCode);
  return found;
};

const invented = (): string => `fb_${randomBytes(32).toString('base64url')}`;

describe('the rate limit', () => {
  beforeEach(() => restarted({}));

  it('counts a known key by itself, and tells the count in each answer', async () => {
    // The first request of a key is counted for its address.
    expect((await ask({ key: test.adminKey })).headers['ratelimit-limit']).toBe('300');
    const answers = [await ask({ key: test.adminKey }), await ask({ key: test.adminKey })];
    expect(
      answers.map(({ statusCode, headers }) => [
        statusCode,
        headers['ratelimit-limit'],
        headers['ratelimit-remaining'],
      ]),
    ).toEqual([
      [200, '3', '2'],
      [200, '3', '1'],
    ]);
    expect(Number(answers[0]?.headers['ratelimit-reset'])).toBeLessThanOrEqual(60);
  });

  it('answers one request too many with 429 and the time to wait', async () => {
    expect(await statuses(4, { key: test.adminKey })).toEqual([200, 200, 200, 200]);
    const answer = await ask({ key: test.adminKey });
    const { retryAfterMs } = answer.json().errors[0].extensions.details;
    expect([answer.statusCode, answer.json()]).toEqual([
      429,
      {
        errors: [
          {
            message: 'More than 3 requests in a minute.',
            extensions: { code: 'LIMIT_EXCEEDED', retryable: true, details: { maximum: 3, retryAfterMs } },
          },
        ],
      },
    ]);
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
    expect(answer.headers).toMatchObject({
      'ratelimit-limit': '3',
      'ratelimit-remaining': '0',
      'retry-after': String(Math.ceil(retryAfterMs / 1000)),
    });
  });

  it('is of no account to health', async () => {
    for (let index = 0; index < 10; index += 1) {
      expect((await test.server.inject({ url: '/healthz' })).headers['ratelimit-limit']).toBeUndefined();
    }
  });

  it('bounds guesses by address before the database is asked, and takes nothing from a known key there', async () => {
    await ask({ key: test.adminKey });
    const queries = jest.spyOn(test.app.db, 'query');
    const guesses: number[] = [];
    for (let index = 0; index < LIMITS.anonymousRequestsPerMinute + 5; index += 1) {
      guesses.push((await ask({ key: invented() })).statusCode);
    }
    const allowed = LIMITS.anonymousRequestsPerMinute - 1;
    expect(guesses.filter((status) => status === 401)).toHaveLength(allowed);
    expect(guesses.slice(allowed)).toEqual(Array(6).fill(429));
    expect(queries).toHaveBeenCalledTimes(allowed);
    queries.mockRestore();
    expect((await ask()).statusCode).toBe(429);
    expect((await ask({ key: test.adminKey })).statusCode).toBe(200);
    expect((await ask({ address: '192.0.2.2' })).statusCode).toBe(200);
  });

  it('counts one network of IPv6 as one address', async () => {
    const first = await ask({ address: '2001:db8:1:1::1' });
    const neighbour = await ask({ address: '2001:db8:1:1:ffff::2' });
    const other = await ask({ address: '2001:db8:1:2::1' });
    expect([first, neighbour, other].map(({ headers }) => headers['ratelimit-remaining'])).toEqual([
      '299',
      '298',
      '299',
    ]);
  });

  it('is lifted by 0', async () => {
    await restarted({ rateLimit: 0 });
    const answer = await ask({ key: test.adminKey });
    expect([answer.statusCode, answer.headers['ratelimit-limit']]).toEqual([200, undefined]);
    expect(await statuses(5, { key: test.adminKey })).toEqual([200, 200, 200, 200, 200]);
  });
});

describe('a proxy', () => {
  const remaining = async (forwarded: string, address: string): Promise<unknown> =>
    (await ask({ address, headers: { 'x-forwarded-for': forwarded } })).headers['ratelimit-remaining'];

  it('is believed where it is named: each caller behind it is counted', async () => {
    await restarted({ trustProxy: ['10.0.0.0/8'] });
    expect(await remaining('198.51.100.1', '10.1.2.3')).toBe('299');
    expect(await remaining('198.51.100.2', '10.1.2.3')).toBe('299');
    expect(await remaining('198.51.100.2', '10.9.9.9')).toBe('298');
    // What the caller itself wrote before the proxy added its address counts for nothing.
    expect(await remaining('203.0.113.7, 198.51.100.2', '10.1.2.3')).toBe('297');
  });

  it('is not believed elsewhere', async () => {
    await restarted({ trustProxy: ['10.0.0.0/8'] });
    expect(await remaining('198.51.100.1', '192.0.2.1')).toBe('299');
    expect(await remaining('198.51.100.2', '192.0.2.1')).toBe('298');
    await restarted({});
    expect(await remaining('198.51.100.1', '10.1.2.3')).toBe('299');
    expect(await remaining('198.51.100.2', '10.1.2.3')).toBe('298');
  });
});

describe('CORS', () => {
  const preflight = (origin: string): Promise<LightMyRequestResponse> =>
    test.server.inject({
      method: 'OPTIONS',
      url: '/graphql',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type',
      },
    });
  const cors = (answer: LightMyRequestResponse): string[] =>
    Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));

  it('is off unless origins are named', async () => {
    await restarted({});
    expect(cors(await ask({ headers: { origin: 'https://admin.example.com' } }))).toEqual([]);
    const answer = await preflight('https://admin.example.com');
    expect([answer.statusCode, cors(answer)]).toEqual([405, []]);
  });

  it('lets pages of a named origin ask, and read what they need', async () => {
    await restarted({ corsOrigins: ['https://admin.example.com', 'https://other.example.com'] });
    const before = await preflight('https://admin.example.com');
    expect([before.statusCode, before.body]).toEqual([204, '']);
    expect(before.headers).toMatchObject({
      'access-control-allow-origin': 'https://admin.example.com',
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': 'authorization, content-type, x-request-id',
      'access-control-max-age': '600',
    });
    const answer = await ask({ headers: { origin: 'https://admin.example.com' } });
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://admin.example.com',
      'access-control-expose-headers':
        'x-request-id, ratelimit-limit, ratelimit-remaining, ratelimit-reset, retry-after',
      vary: expect.stringMatching(/origin/i),
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it('lets a page read a refusal, too', async () => {
    await restarted({ corsOrigins: ['https://admin.example.com'] });
    const answer = await ask({ key: invented(), headers: { origin: 'https://admin.example.com' } });
    expect([answer.statusCode, answer.headers['access-control-allow-origin']]).toEqual([
      401,
      'https://admin.example.com',
    ]);
  });

  it('names no other origin', async () => {
    await restarted({ corsOrigins: ['https://admin.example.com'] });
    for (const origin of ['https://evil.example', 'https://admin.example.com.evil.example', 'null']) {
      expect((await preflight(origin)).headers).not.toHaveProperty('access-control-allow-origin');
      const answer = await ask({ headers: { origin } });
      expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    }
  });
});
