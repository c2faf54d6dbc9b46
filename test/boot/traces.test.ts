/** Traces of a real process, as a collector gets them: OTLP in JSON over HTTP. */
import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { waitUntil } from '../../src/boot/process';
import type { TracingSettings } from '../../src/config';
import { createTestDatabase } from '../support/db';
import { BOOT_LIMIT_MS, makeMachine, printedCurl, type Instance } from '../support/machine';
import { REGISTER } from '../support/owner-process';
import { CLIENT_TEXT } from '../support/traced-process';

const root = path.join(__dirname, '..', '..');
const TRACED = require.resolve('../support/traced-process');
const run = promisify(execFile);
/** Batches leave every fifth of a second instead of every five, and are given up after half a second instead of ten. */
const SOON = { OTEL_BSP_SCHEDULE_DELAY: '200', OTEL_EXPORTER_OTLP_TIMEOUT: '500' };
const ARRIVAL_LIMIT_MS = 15_000;

interface SpanView {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  status: { code?: number; message?: string };
  attributes: { key: string; value: { stringValue?: string; intValue?: number | string } }[];
}

interface Collector {
  url: string;
  spans: SpanView[];
  /** Everything received, as text. */
  bytes(): string;
  serviceNames: Set<string>;
  close(): Promise<void>;
}

interface Export {
  resourceSpans: {
    resource: { attributes: SpanView['attributes'] };
    scopeSpans: { spans: SpanView[] }[];
  }[];
}

async function startCollector(): Promise<Collector> {
  const spans: SpanView[] = [];
  const serviceNames = new Set<string>();
  let bytes = '';
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      bytes += body;
      for (const { resource, scopeSpans } of (JSON.parse(body) as Export).resourceSpans) {
        for (const { key, value } of resource.attributes) {
          if (key === 'service.name') serviceNames.add(value.stringValue ?? '');
        }
        spans.push(...scopeSpans.flatMap((scope) => scope.spans));
      }
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bytes: () => bytes,
    serviceNames,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The names on the way from `span` up to the root of its trace, as far as it was received. */
function pathOf(span: SpanView, spans: readonly SpanView[]): string[] {
  const parent = spans.find(({ traceId, spanId }) => traceId === span.traceId && spanId === span.parentSpanId);
  return parent === undefined ? [span.name] : [span.name, ...pathOf(parent, spans)];
}

const KIND = { INTERNAL: 1, SERVER: 2, CLIENT: 3, CONSUMER: 5 };

async function send(instance: Instance, body: object, headers: Record<string, string> = {}): Promise<unknown> {
  const { url, key } = printedCurl(instance);
  const all = { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers };
  // So long that it arrives in several parts, by events that know nothing of the request.
  const long = JSON.stringify(body) + ' '.repeat(1_000_000);
  return (await fetch(url, { method: 'POST', headers: all, body: long })).json();
}

describe('a process with an exporter of traces', () => {
  test.each([{ built: false }, { built: true }])(
    'tells requests and jobs down to SQL and Odoo, keeps content to itself, and serves on when the collector is gone (%j)',
    async (origin) => {
      const collector = await startCollector();
      const machine = makeMachine(origin);
      const database = await createTestDatabase();
      try {
        const variables = {
          DATABASE_URL: database.url,
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          OTEL_SERVICE_NAME: 'billing-test',
          ...SOON,
        };
        const instance = await machine.launchReady({ PORT: '0', ...variables });
        const { key, body } = printedCurl(instance);
        const sent = JSON.parse(body) as { query: string; variables: { input: Record<string, string> } };
        sent.variables.input = {
          ...sent.variables.input,
          idempotencyKey: 'content-of-a-client',
          source: 'also-content',
        };
        const traceId = '0af7651916cd43dd8448eb211c80319c';
        const traceparent = { traceparent: `00-${traceId}-b7ad6b7169203331-01` };
        expect(await send(instance, sent, traceparent)).toMatchObject({
          data: { recordUsage: { status: 'RECORDED' } },
        });

        const { spans } = collector;
        const ofRequest = (): SpanView[] => spans.filter((span) => span.traceId === traceId);
        const isServer = ({ kind }: SpanView): boolean => kind === KIND.SERVER;
        expect(await waitUntil(() => ofRequest().some(isServer), ARRIVAL_LIMIT_MS)).toBe(true);
        const server = ofRequest().find(isServer);
        expect(server).toMatchObject({ name: 'POST /graphql', parentSpanId: 'b7ad6b7169203331' });
        const insert = ofRequest().find(({ attributes }) =>
          attributes.some(({ value }) => value.stringValue?.includes('insert into usage_record') === true),
        );
        expect(insert?.kind).toBe(KIND.CLIENT);
        expect(pathOf(insert as SpanView, spans)).toEqual([
          expect.stringContaining('pg.query:'),
          'Mutation.recordUsage',
          'POST /graphql',
        ]);
        // The key was looked up before the body was read: of the request, not of the use case.
        const ofKey = ofRequest().find(({ attributes }) =>
          attributes.some(({ value }) => value.stringValue?.includes('from api_key') === true),
        );
        expect(pathOf(ofKey as SpanView, spans).at(-1)).toBe('POST /graphql');

        const isOdoo = ({ name }: SpanView): boolean => name === 'Odoo res.partner search_read';
        const syncNow = 'mutation { syncNow(input: { models: [PARTNER], full: false }) { runs { id } } }';
        await send(instance, { query: syncNow });
        expect(await waitUntil(() => spans.some(isOdoo), ARRIVAL_LIMIT_MS)).toBe(true);
        const call = spans.find(isOdoo) as SpanView;
        expect(call.kind).toBe(KIND.CLIENT);
        const isRoot = (span: SpanView): boolean => span.traceId === call.traceId && span.kind === KIND.CONSUMER;
        expect(await waitUntil(() => spans.some(isRoot), ARRIVAL_LIMIT_MS)).toBe(true);
        expect(pathOf(call, spans)).toEqual([call.name, 'job sync-odoo']);
        const statements = spans.filter((span) => span.traceId === call.traceId && span.name.startsWith('pg.query'));
        expect(statements.length).toBeGreaterThan(0);
        for (const statement of statements) expect(pathOf(statement, spans).at(-1)).toBe('job sync-odoo');

        expect(collector.serviceNames).toEqual(new Set(['billing-test']));
        for (const secret of [key, key.slice(3), 'content-of-a-client', 'also-content', 'acct_42']) {
          expect(collector.bytes()).not.toContain(secret);
        }

        await collector.close();
        const again = {
          ...sent,
          variables: { input: { ...sent.variables.input, idempotencyKey: 'after the collector' } },
        };
        expect(await send(instance, again)).toMatchObject({ data: { recordUsage: { status: 'RECORDED' } } });
        instance.process.kill('SIGTERM');
        expect(await instance.exit).toBe(0);
        expect(instance.output()).not.toContain('did not stop in order');
      } finally {
        await machine.remove();
        await collector.close();
        await database.drop();
      }
    },
    2 * BOOT_LIMIT_MS,
  );
});

describe('what leaves', () => {
  const settings = { serviceName: 'billing-test', sampler: 'parentbased_always_on', ratio: 1 };

  /** Lets a process make two spans that fail, one in the other; what it logged. */
  async function failIn(change: Partial<TracingSettings> & { url: string }): Promise<unknown> {
    const argument = JSON.stringify({ ...settings, ...change });
    const { stdout } = await run(process.execPath, ['-r', REGISTER, TRACED, argument], {
      cwd: root,
      env: { PATH: process.env.PATH, ...SOON },
    });
    return JSON.parse(stdout);
  }

  it.each<[string, number, number]>([
    ['parentbased_always_on', 1, 2],
    ['always_off', 1, 0],
    ['traceidratio', 0, 0],
  ])('with the sampler %s of %d: %d of two spans, with the code of the error and never its text', async (...row) => {
    const [sampler, ratio, count] = row;
    const collector = await startCollector();
    expect(await failIn({ url: `${collector.url}/any/path`, sampler, ratio })).toEqual([
      { thrown: `Error: ${CLIENT_TEXT}` },
    ]);
    await collector.close();
    const failed = [
      { name: 'statement', status: { code: 2 } },
      { name: 'failing', status: { code: 2 }, attributes: [{ key: 'error.type', value: { stringValue: '22P02' } }] },
    ];
    expect(collector.spans).toMatchObject(failed.slice(0, count));
    expect(collector.bytes()).not.toContain(CLIENT_TEXT);
  });

  it('is lost when the collector is down: the log says so, and the process ends all the same', async () => {
    const logged = await failIn({ url: 'http://127.0.0.1:9/v1/traces' });
    expect(logged).toContainEqual(expect.objectContaining({ thrown: `Error: ${CLIENT_TEXT}` }));
    expect(logged).toContainEqual(expect.objectContaining({ level: 40, component: 'traces' }));
  });
});

describe('a process without one', () => {
  /** What main has loaded by the time it refuses a wrong PORT, which is after its last import. */
  async function loadedBy(variables: Record<string, string>): Promise<string[]> {
    const tell = `process.on('exit', () => console.log('LOADED ' + JSON.stringify(Object.keys(require.cache))));`;
    const script = `${tell} require('./src/main.ts');`;
    const env = { PATH: process.env.PATH, PORT: 'none', ...variables };
    const { stdout } = await run(process.execPath, ['-r', REGISTER, '-e', script], {
      cwd: root,
      env,
      maxBuffer: 16 * 1024 * 1024,
    }).catch((error: { stdout: string }) => error);
    return JSON.parse(/LOADED (.*)/.exec(stdout)?.[1] ?? '[]') as string[];
  }
  // The bare API, which does nothing by itself, comes with the library of the metrics.
  const ofSdk = (file: string): boolean => /\/@opentelemetry\/(?!api\/)/.test(file);

  it('loads nothing of the SDK, and with one it does', async () => {
    const without = await loadedBy({});
    expect(without.some((file) => file.endsWith('src/server.ts'))).toBe(true);
    expect(without.filter(ofSdk)).toEqual([]);
    const withOne = await loadedBy({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    expect(withOne.filter(ofSdk).length).toBeGreaterThan(10);
  }, 60_000);
});
