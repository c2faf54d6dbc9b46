/** The chapter of docs/api.md about HTTP: the same endpoint with curl, its headers, and the addresses beside it. */
import { STATUS_CODES } from 'node:http';
import type { DemoInstance } from '../../src/boot/demo-instance';
import { LIMITS } from '../../src/domain/limits';
import { block } from './api-page';
import { type Exchange, exchange, graphqlRequest, type Reply } from './installation';
import { type Kept, keyOf } from './play';

const TITLE = 'HTTP, with curl';
const TEXT = `Shown are the headers that say something. Seconds that a limit has still to run are shown as 60, whatever was left.`;

/** Addresses of documentation: nobody else has asked from there. */
const FRESH = { key: '192.0.2.1', tooMany: '192.0.2.2' };

interface Call {
  title: string;
  text: string;
  request: Exchange;
  /** Headers of the answer that are shown. */
  shown: readonly string[];
  /** Lines of the answer that are shown; all when left out. */
  lines?: RegExp;
}

/** The chapter as Markdown. */
export async function httpChapter(demo: DemoInstance, kept: Kept): Promise<string> {
  const key = keyOf(demo, 'service', kept);
  const calls = callsWith(key, demo.key);
  // Counted by its key from its first good request on; the next one is the first of its minute.
  const newKey = await freshKey(demo);
  await exchange(demo, { ...graphqlRequest(newKey, { query: '{ viewer { scopes } }' }), from: FRESH.key });
  await exhaust(demo);
  const sections: string[] = [];
  for (const call of [...firstCalls(newKey), ...calls]) {
    const reply = await exchange(demo, call.request);
    sections.push(section(call, reply));
  }
  return [`## ${TITLE}`, TEXT, ...sections].join('\n\n');
}

async function freshKey(demo: DemoInstance): Promise<string> {
  const { data } = await demo.send<{ createApiKey: { secret: string } }>(
    'mutation ($i: CreateApiKeyInput!) { createApiKey(input: $i) { secret } }',
    { name: 'curl', scopes: ['USAGE_READ', 'CATALOG_READ'] },
  );
  return data?.createApiKey.secret ?? '';
}

/** Uses up what an address may ask without a key. */
async function exhaust(demo: DemoInstance): Promise<void> {
  for (let sent = 0; sent < LIMITS.anonymousRequestsPerMinute; sent += 1) {
    await exchange(demo, { method: 'GET', url: '/graphql', headers: {}, from: FRESH.tooMany });
  }
}

const firstCalls = (key: string): Call[] => [
  {
    title: 'A request and its headers',
    text: `The id that you send is used in our log, too; without one we make one. The limit is counted for each key.`,
    request: withHeaders(graphqlRequest(key, { query: '{ services { nodes { code } } }' }), {
      'x-request-id': 'try-1',
    }),
    shown: ['content-type', 'x-request-id', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
  },
];

const callsWith = (key: string, installationKey: string): Call[] => [
  {
    title: 'An error of one field',
    text: `GraphQL has answered, so the status is 200: judge by \`errors[].extensions.code\`. With
\`Accept: application/graphql-response+json\` a document that was not executed is answered with 400.`,
    request: graphqlRequest(key, { query: '{ services(first: 1000) { nodes { code } } }' }),
    shown: ['content-type'],
  },
  {
    title: 'A wrong key',
    text: 'One that is unknown, expired or revoked. Without any, each field that needs one is refused, with status 200.',
    request: graphqlRequest('fb_wrong', { query: '{ viewer { scopes } }' }),
    shown: ['www-authenticate'],
  },
  {
    title: 'Too often',
    text: `This caller had no key and had sent 300 requests within the minute. With a key it is \`RATE_LIMIT\` a minute.`,
    request: { ...graphqlRequest(undefined, { query: '{ viewer { scopes } }' }), from: FRESH.tooMany },
    shown: ['retry-after', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset'],
  },
  {
    title: 'Ready?',
    text: '200 while usage can be recorded, 503 while it cannot. Odoo and the mirror are told beside it.',
    request: { method: 'GET', url: '/readyz', headers: {} },
    shown: ['content-type'],
  },
  {
    title: 'Metrics',
    text: 'For Prometheus, with a key of the whole installation that has the scope `admin` ([operations](operations.md)). One of them:',
    request: { method: 'GET', url: '/metrics', headers: { authorization: `Bearer ${installationKey}` } },
    shown: ['content-type'],
    lines: /fusion_billing_usage_records_total/,
  },
];

function withHeaders(request: Exchange, headers: Record<string, string>): Exchange {
  return { ...request, headers: { ...request.headers, ...headers } };
}

function section({ title, text, request, shown, lines }: Call, reply: Reply): string {
  return [`### ${title}`, text, block('sh', curl(request)), 'answers', block('http', answer(reply, shown, lines))].join(
    '\n\n',
  );
}

function curl({ url, headers, body }: Exchange): string {
  const parts = [
    `curl -si http://127.0.0.1:4000${url}`,
    ...Object.entries(headers).map(([name, value]) => `  -H '${name}: ${value}'`),
    ...(body === undefined ? [] : [`  -d '${body}'`]),
  ];
  return parts.join(' \\\n');
}

function answer({ status, headers, text }: Reply, shown: readonly string[], lines = /^/): string {
  const head = shown.map((name) => `${name}: ${wholeMinute(name, String(headers[name]))}`);
  const body = text
    .trim()
    .split('\n')
    .filter((line) => lines.test(line));
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...head, '', ...body]
    .join('\n')
    .replace(REST_MS, (_found, name: string) => `${name}60000`);
}

const REST_MS = /("retryAfterMs":)\d+/;

/** What is left of a limit's minute depends on how fast the page is made. */
function wholeMinute(name: string, value: string): string {
  return name === 'ratelimit-reset' || name === 'retry-after' ? '60' : value;
}
