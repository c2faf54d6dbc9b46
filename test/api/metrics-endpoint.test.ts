/** The page of metrics: who reads it, what it says by hand-counted numbers, and that it stands when the database does not. */
import { readFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { Client } from 'pg';
import pino from 'pino';
import { QueryFailedError } from 'typeorm';
import { createApp } from '../../src/app';
import type { App } from '../../src/ctx';
import type { ScopeName } from '../../src/domain/scope';
import { BlockReason } from '../../src/entities/billing-block';
import { enqueue } from '../../src/queue';
import { buildServer } from '../../src/server';
import { createApiKey } from '../../src/services/api-keys';
import { inTransaction } from '../../src/services/transaction';
import { startTestApp, type TestApp } from '../support/app';
import { makeKey } from '../support/seed';
import {
  counter,
  seedCharge,
  seedLink,
  seedMetric,
  seedPartner,
  seedPeriods,
  seedSubscription,
  seedUsageWorld,
  type UsageWorld,
} from '../support/usage-world';

const MODELS = [
  'CURRENCY',
  'PLAN',
  'PARTNER',
  'PRODUCT',
  'SUBSCRIPTION',
  'SUBSCRIPTION_LINE',
  'INVOICE',
  'INVOICE_LINE',
];

const MANUAL = readFileSync(path.join(__dirname, '..', '..', 'docs', 'operations.md'), 'utf8');

let test: TestApp;
let world: UsageWorld;

beforeAll(async () => {
  test = await startTestApp();
});
afterAll(() => test.close());
beforeEach(async () => {
  world = await seedUsageWorld(test.app.db);
});

interface Page {
  status: number;
  type: unknown;
  body: string;
  /** The value of one sample, named as it is printed: `name{label="value"}`. */
  of(sample: string): number | undefined;
}

async function scrape(key: string | null, server: FastifyInstance = test.server): Promise<Page> {
  const headers = key === null ? {} : { authorization: `Bearer ${key}` };
  const { statusCode: status, headers: answered, body } = await server.inject({ url: '/metrics', headers });
  return {
    status,
    type: answered['content-type'],
    body,
    of(sample) {
      const line = body.split('\n').find((one) => one.startsWith(`${sample} `));
      return line === undefined ? undefined : Number(line.slice(sample.length + 1));
    },
  };
}

/** The page as of now: figures are kept for five seconds. */
async function fresh(): Promise<Page> {
  await test.clock.advance(5_000);
  return scrape(test.adminKey);
}

async function asOwner(statement: string, values: unknown[] = []): Promise<void> {
  const owner = new Client({ connectionString: test.databaseUrl });
  await owner.connect();
  await owner.query(statement, values).finally(() => owner.end());
}

const RECORD = `mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status } }`;
const BATCH = `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { rejectedCount } }`;
const VOID = `mutation ($input: VoidUsageInput!) { voidUsage(input: $input) { status } }`;

async function serviceKey(scopes: readonly ScopeName[] = ['USAGE_WRITE']): Promise<string> {
  return (await makeKey(test, world.service.code, scopes)).secret;
}

describe('who reads the page', () => {
  it.each<[string, () => Promise<string | null>, number, string]>([
    ['no key', () => Promise.resolve(null), 401, 'UNAUTHENTICATED'],
    ['a wrong key', () => Promise.resolve(`fb_${'x'.repeat(43)}`), 401, 'UNAUTHENTICATED'],
    ["a service's key with every scope", () => serviceKey(['BILLING_READ', 'ADMIN']), 403, 'FORBIDDEN'],
    [
      'an installation key without billing:read',
      async () => (await makeKey(test, null, ['USAGE_READ', 'CATALOG_READ'])).secret,
      403,
      'FORBIDDEN',
    ],
  ])('%s is refused in JSON', async (_name, key, status, code) => {
    const page = await scrape(await key());
    expect([page.status, page.type]).toEqual([status, expect.stringMatching(/^application\/json/)]);
    const { errors } = JSON.parse(page.body) as { errors: { extensions: { code: string } }[] };
    expect(errors[0]?.extensions.code).toBe(code);
    expect(page.body).not.toContain('fusion_billing');
  });

  it('a key of the installation with billing:read gets it as Prometheus text', async () => {
    const { secret } = await makeKey(test, null, ['BILLING_READ']);
    const page = await scrape(secret);
    expect([page.status, page.type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
    expect(page.of('fusion_billing_database_up')).toBe(1);
  });
});

describe('usage is counted by service and outcome', () => {
  const usage = (outcome: string, service = world.service.code): string =>
    `fusion_billing_usage_records_total{service="${service}",outcome="${outcome}"}`;

  it('a service that sent nothing stands at 0', async () => {
    const page = await fresh();
    for (const outcome of ['recorded', 'duplicate', 'conflicting', 'rejected']) expect(page.of(usage(outcome))).toBe(0);
  });

  it('recorded, duplicate, conflicting and rejected, one by one and in a batch', async () => {
    const key = await serviceKey();
    await test.gql(key, RECORD, { input: counter() });
    await test.gql(key, RECORD, { input: counter() });
    await test.gql(key, RECORD, { input: counter({ quantity: '11' }) });
    await test.gql(key, RECORD, { input: counter({ idempotencyKey: 'k2', metric: 'nothing' }) });
    const records = [
      counter({ idempotencyKey: 'b1' }),
      counter({ idempotencyKey: 'b2' }),
      counter({ idempotencyKey: 'b2' }),
      counter({ idempotencyKey: 'b1', quantity: '12' }),
      counter({ idempotencyKey: 'b3', quantity: '-1' }),
      counter({ idempotencyKey: 'b4', windowStart: 'yesterday' }),
    ];
    await test.gql(key, BATCH, { input: { records } });
    const page = await fresh();
    expect(['recorded', 'duplicate', 'conflicting', 'rejected'].map((outcome) => page.of(usage(outcome)))).toEqual([
      3, 2, 2, 3,
    ]);
  });

  it('voids apart, and what counts in a closed period as late', async () => {
    await seedPeriods(test.app.db, world.subscription.contractId, ['2026-02-01', '2026-03-10']);
    const key = await serviceKey();
    const at = { windowStart: '2026-03-09T09:00:00Z', windowEnd: '2026-03-09T10:00:00Z' };
    await test.gql(key, RECORD, { input: counter({ ...at, idempotencyKey: 'late' }) });
    await test.gql(key, RECORD, { input: counter({ idempotencyKey: 'in time' }) });
    const voidLate = { idempotencyKey: 'v1', voids: 'late', reason: 'a test' };
    await test.gql(key, VOID, { input: voidLate });
    await test.gql(key, VOID, { input: voidLate });
    await test.gql(key, VOID, { input: { ...voidLate, reason: 'another' } });
    await test.gql(key, VOID, { input: { ...voidLate, idempotencyKey: 'v2' } });
    await test.gql(key, VOID, { input: { idempotencyKey: 'v3', voids: 'in time', reason: 'a test' } });
    const page = await fresh();
    const corrections = (outcome: string): number | undefined =>
      page.of(`fusion_billing_usage_corrections_total{service="${world.service.code}",outcome="${outcome}"}`);
    expect(['recorded', 'duplicate', 'conflicting', 'rejected'].map(corrections)).toEqual([2, 1, 1, 1]);
    const late = (kind: string): number | undefined =>
      page.of(`fusion_billing_late_usage_total{service="${world.service.code}",kind="${kind}"}`);
    expect(['usage', 'correction', 'assignment'].map(late)).toEqual([1, 1, 0]);
  });

  it('usage without a contract until it finds one, late if its period is closed by then', async () => {
    const { db } = test.app;
    const partner = await seedPartner(db);
    const metricId = await seedMetric(db, world.service.id, { code: 'seats' });
    await seedLink(db, { serviceId: world.service.id, account: 'new', partner });
    const input = { account: 'new', metric: 'seats' };
    const key = await serviceKey();
    await test.gql(key, RECORD, { input: counter({ ...input, idempotencyKey: 'n1' }) });
    await test.gql(key, RECORD, { input: counter({ ...input, idempotencyKey: 'n2' }) });
    const unassigned = `fusion_billing_unassigned_records{service="${world.service.code}"}`;
    expect((await fresh()).of(unassigned)).toBe(2);

    const product = await seedCharge(db, world.service.id, metricId);
    const { contractId } = await seedSubscription(db, { partner, products: [product] });
    await seedPeriods(db, contractId, ['2026-02-01', '2026-03-10', '2026-03-11']);
    await test.runJobs('assign-usage');
    const page = await fresh();
    expect(page.of(unassigned)).toBe(0);
    const late = `fusion_billing_late_usage_total{service="${world.service.code}",kind="assignment"}`;
    expect(page.of(late)).toBe(2);
  });

  it('what an installation key sends for a service that is not there is of "unknown", whatever it is called', async () => {
    const before = (await fresh()).of(usage('rejected', 'unknown')) ?? 0;
    await test.gql(test.adminKey, RECORD, { input: counter({ service: 'not-a-service' }) });
    await test.gql(test.adminKey, RECORD, { input: counter({ service: world.service.code, quantity: 'many' }) });
    const page = await fresh();
    expect(page.of(usage('rejected', 'unknown'))).toBe(before + 2);
    expect(page.body).not.toContain('not-a-service');
  });
});

describe('no text of a client is a label', () => {
  it('neither addresses, methods, operations, fields nor codes', async () => {
    const mark = 'hostile_text';
    await test.server.inject({ url: `/${mark}?x=${mark}` });
    await test.server.inject({ method: 'POST', url: `/graphql/${mark}`, payload: { query: mark } });
    await test.server.inject({ method: 'PROPFIND' as 'GET', url: '/graphql' });
    await test.gql(test.adminKey, `query ${mark} { ${mark}: viewer { scopes } }`);
    await test.gql(test.adminKey, `{ ${mark} }`);
    await test.gql(test.adminKey, `query ${mark} { services(first: "${mark}") { nodes { id } } }`);
    const page = await fresh();
    expect(page.body).not.toContain(mark);
    const none = 'fusion_billing_http_request_duration_seconds_count{method="GET",route="none",status="404"}';
    expect(page.of(none)).toBeGreaterThanOrEqual(1);
  });
});

describe('requests are counted by outcome', () => {
  it('whole requests by operation, root fields by name', async () => {
    const requests = (operation: string, outcome: string): string =>
      `fusion_billing_graphql_requests_total{operation="${operation}",outcome="${outcome}"}`;
    const fields = (field: string, outcome: string): string =>
      `fusion_billing_graphql_field_duration_seconds_count{field="${field}",outcome="${outcome}"}`;
    const samples = [
      requests('query', 'ok'),
      requests('query', 'VALIDATION_FAILED'),
      requests('none', 'GRAPHQL_PARSE_FAILED'),
      fields('metrics', 'ok'),
      fields('metrics', 'VALIDATION_FAILED'),
      fields('metrics', 'FORBIDDEN'),
    ];
    const before = await fresh();
    await test.gql(test.adminKey, '{ a: metrics { nodes { id } } b: metrics { nodes { id } } }');
    await test.gql(test.adminKey, '{ metrics(first: 0) { nodes { id } } }');
    await test.gql(await serviceKey(), '{ metrics { nodes { id } } }');
    await test.gql(test.adminKey, '{');
    const after = await fresh();
    const grown = samples.map((sample) => (after.of(sample) ?? 0) - (before.of(sample) ?? 0));
    expect(grown).toEqual([1, 1, 1, 2, 1, 1]);
  });

  it('a transaction that runs again', async () => {
    let runs = 0;
    await inTransaction(test.app, () => {
      runs += 1;
      if (runs === 3) return Promise.resolve();
      return Promise.reject(new QueryFailedError('', [], Object.assign(new Error(), { code: '40P01' })));
    });
    const page = await fresh();
    expect(page.of('fusion_billing_transaction_reruns_total{reason="deadlock"}')).toBe(2);
    expect(page.of('fusion_billing_transaction_reruns_total{reason="serialization"}')).toBe(0);
  });
});

describe('Odoo and the mirror', () => {
  const calls = (model: string, method: string, outcome: string): string =>
    `fusion_billing_odoo_calls_total{model="${model}",method="${method}",outcome="${outcome}"}`;

  it('a mirror that was never read is infinitely old, then as old as its last pass; calls are counted', async () => {
    const age = (page: Page, model: string): number | undefined =>
      page.of(`fusion_billing_mirror_age_seconds{model="${model}"}`);
    const before = await fresh();
    expect(before.body).toContain('fusion_billing_mirror_age_seconds{model="PARTNER"} +Inf');
    await test.runJobs('sync-odoo');
    await test.clock.advance(60_000);
    const page = await scrape(test.adminKey);
    for (const model of MODELS) expect(age(page, model)).toBeGreaterThan(59);
    for (const model of MODELS) expect(age(page, model)).toBeLessThan(300);
    expect(page.of(calls('res.partner', 'search_read', 'ok'))).toBeGreaterThanOrEqual(1);
    expect(
      page.of('fusion_billing_odoo_call_duration_seconds_count{method="search_read",outcome="ok"}'),
    ).toBeGreaterThanOrEqual(MODELS.length);
    expect(page.of('fusion_billing_odoo_reachable')).toBe(1);
    expect(page.of('fusion_billing_job_duration_seconds_count{task="sync-odoo",outcome="ok"}')).toBe(1);
  });

  it('calls that fail, and those that the open circuit holds back', async () => {
    const call = { model: 'res.partner', method: 'search_read', kind: 'read', body: {} } as const;
    const app = await createApp(
      { ...test.app.config, odoo: { url: 'http://127.0.0.1:9', database: 'none', apiKey: 'none' } },
      { log: pino({ level: 'silent' }) },
    );
    try {
      for (let attempt = 1; attempt <= 7; attempt += 1) await app.odoo.call(call).catch(() => undefined);
      const text = await app.metrics.registry.metrics();
      expect(text).toContain(`${calls('res.partner', 'search_read', 'retryable')} 5`);
      expect(text).toContain(`${calls('res.partner', 'search_read', 'held_back')} 2`);
      expect(text).toContain(
        'fusion_billing_odoo_call_duration_seconds_count{method="search_read",outcome="retryable"} 5',
      );
      expect(text).toContain('fusion_billing_odoo_circuit_open 1');
      expect(text).toContain('fusion_billing_odoo_reachable 0');
      // And what one App counts, another does not show.
      expect((await fresh()).of(calls('res.partner', 'search_read', 'held_back'))).toBeUndefined();
    } finally {
      await app.close();
    }
  });
});

describe('what waits', () => {
  it('quantities to be written, by state, and the age of the oldest', async () => {
    const page = await fresh();
    expect(page.of('fusion_billing_write_backs_pending{state="PENDING"}')).toBe(0);
    expect(page.of('fusion_billing_write_back_oldest_pending_seconds')).toBe(0);
    await seedPeriods(test.app.db, world.subscription.contractId, ['2026-02-01']);
    const minutesAgo = (minutes: number): Date => new Date(test.clock.now().getTime() - minutes * 60_000);
    await writeBack('PENDING', minutesAgo(3));
    expect((await fresh()).of('fusion_billing_write_back_oldest_pending_seconds')).toBe(185);
    expect((await fresh()).of('fusion_billing_write_backs_pending{state="PENDING"}')).toBe(1);
    await test.app.db.query(`update write_back set state = 'UNKNOWN'`);
    const unknown = await fresh();
    expect(unknown.of('fusion_billing_write_backs_pending{state="UNKNOWN"}')).toBe(1);
    expect(unknown.of('fusion_billing_write_backs_pending{state="PENDING"}')).toBe(0);
    expect(unknown.of('fusion_billing_odoo_writes_enabled')).toBe(1);
    await test.app.db.query(`update write_back set state = 'SUPERSEDED'`);
  });

  async function writeBack(state: string, createdAt: Date): Promise<void> {
    await test.app.db.query(
      `insert into write_back (contract_id, period_id, product_id, subscription_line_id, kind, target, state, created_at, updated_at)
       select p.contract_id, p.id, $2, l.id, 'FINAL', 5, $3, $4, $4
         from billing_period p join subscription s on s.contract_id = p.contract_id
         join subscription_line l on l.subscription_odoo_id = s.odoo_id where p.contract_id = $1 limit 1`,
      [world.subscription.contractId, world.product.id, state, createdAt],
    );
  }

  it('periods that are held, by reason, each once; every other reason stands at 0', async () => {
    await seedPeriods(test.app.db, world.subscription.contractId, ['2026-02-01', '2026-03-10']);
    const block = (reason: string, line: string | null): Promise<unknown> =>
      test.app.db.query(
        `insert into billing_block (contract_id, period_id, product_id, reason, message, since, lifted_at)
         select contract_id, id, $2, $3, '', now(), $4 from billing_period where contract_id = $1`,
        [world.subscription.contractId, line, reason, reason === 'CREDIT_NOTE' ? new Date() : null],
      );
    await block('HELD_BY_DRAFT', null);
    await block('HELD_BY_DRAFT', world.product.id);
    await block('CREDIT_NOTE', null);
    const page = await fresh();
    const shown = Object.values(BlockReason).map((reason) => [
      reason,
      page.of(`fusion_billing_blocked_periods{reason="${reason}"}`),
    ]);
    expect(Object.fromEntries(shown)).toEqual({
      ...Object.fromEntries(Object.values(BlockReason).map((reason) => [reason, 0])),
      HELD_BY_DRAFT: 2,
    });
    await test.app.db.query('update billing_block set lifted_at = now()');
  });

  it('jobs of the queue by state, and how long the oldest ready one has waited', async () => {
    const add = (runAt: Date): Promise<void> =>
      test.app.db.transaction((tx) => enqueue(tx, 'check-rollup', {}, { runAt, maxAttempts: 3 }));
    const now = Date.now();
    await add(new Date(now - 90_000));
    await add(new Date(now - 30_000));
    await add(new Date(now + 3_600_000));
    await add(new Date(now - 10_000));
    await add(new Date(now - 10_000));
    const jobs = 'select id from graphile_worker._private_jobs order by id desc limit 1';
    await asOwner(`update graphile_worker._private_jobs set attempts = 3 where id = (${jobs})`);
    await asOwner(`update graphile_worker._private_jobs set attempts = 1, locked_at = now(), locked_by = 'w'
                    where id = (${jobs} offset 1)`);
    const page = await fresh();
    const states = ['ready', 'running', 'delayed', 'failed'];
    expect(states.map((state) => page.of(`fusion_billing_queue_jobs{state="${state}"}`))).toEqual([2, 1, 1, 1]);
    const oldest = page.of('fusion_billing_queue_oldest_ready_seconds');
    expect(oldest).toBeGreaterThanOrEqual(90);
    expect(oldest).toBeLessThan(150);
    await asOwner(/```sql\n([^`]+)```/.exec(MANUAL)?.[1] ?? '');
    const revived = await fresh();
    expect(states.map((state) => revived.of(`fusion_billing_queue_jobs{state="${state}"}`))).toEqual([3, 1, 1, 0]);
    await asOwner('delete from graphile_worker._private_jobs');
    expect((await fresh()).of('fusion_billing_queue_oldest_ready_seconds')).toBe(0);
  });
});

describe('the nightly check of the identities', () => {
  const check = (name: string, labels = ''): string =>
    `fusion_billing_${name}{service="${world.service.code}"${labels}}`;

  it('shows nothing before the first, then 0, then what no charge priced; and how old it is', async () => {
    await seedPeriods(test.app.db, world.subscription.contractId, ['2026-02-01', '2026-03-10']);
    expect((await fresh()).of(check('identity_check_age_seconds'))).toBeUndefined();
    await test.runJobs('check-identities');
    const good = await fresh();
    expect(good.of(check('identity_check_age_seconds'))).toBe(5);
    for (const identity of ['records', 'units', 'money']) {
      expect(good.of(check('identity_differences', `,identity="${identity}"`))).toBe(0);
    }
    expect(good.of(check('unpriced_usage'))).toBe(0);

    const at = { windowStart: '2026-03-09T09:00:00Z', windowEnd: '2026-03-09T10:00:00Z' };
    await test.gql(await serviceKey(), RECORD, { input: counter({ ...at }) });
    // Not rated again: as if a rating had left the record out.
    await test.app.db.query('update billing_period set dirty = false where dirty and contract_id = $1', [
      world.subscription.contractId,
    ]);
    await test.runJobs('check-identities');
    const wrong = await fresh();
    expect(wrong.of(check('unpriced_usage'))).toBe(1);
    expect(wrong.of(check('identity_differences', ',identity="units"'))).toBe(0);
    await test.gql(await serviceKey(), VOID, {
      input: { idempotencyKey: 'take it back', voids: counter().idempotencyKey, reason: 'a test' },
    });
  });
});

describe('the database is not asked more than it must', () => {
  it('figures stand for five seconds; counters of the process are always new', async () => {
    const pending = 'fusion_billing_queue_jobs{state="delayed"}';
    expect((await fresh()).of(pending)).toBe(0);
    const later = { runAt: new Date(Date.now() + 3_600_000) };
    await test.app.db.transaction((tx) => enqueue(tx, 'check-rollup', {}, later));
    const answered = 'fusion_billing_http_request_duration_seconds_count{method="GET",route="/metrics",status="200"}';
    const first = await scrape(test.adminKey);
    const second = await scrape(test.adminKey);
    expect([first.of(pending), second.of(pending)]).toEqual([0, 0]);
    expect(second.of(answered)).toBe((first.of(answered) ?? 0) + 1);
    expect((await fresh()).of(pending)).toBe(1);
    await asOwner('delete from graphile_worker._private_jobs');
  });

  it('while it is down, who read the page before still gets the counters of the process, and others do not get in', async () => {
    await withCutDatabase(async (server, app, { cut }) => {
      const { secret } = await createApiKey(test.ctx(), { name: 'prometheus', scopes: ['billing:read'] });
      const { secret: never } = await createApiKey(test.ctx(), { name: 'another', scopes: ['billing:read'] });
      const { secret: wrong } = await createApiKey(test.ctx(), { name: 'wrong', scopes: ['usage:read'] });
      app.metrics.usageRecords.add(world.service.id, 'recorded', 7);
      expect((await scrape(secret, server)).of('fusion_billing_database_up')).toBe(1);
      expect((await scrape(wrong, server)).status).toBe(403);
      cut();
      await test.clock.advance(5_000);
      const page = await scrape(secret, server);
      expect([page.status, page.of('fusion_billing_database_up')]).toEqual([200, 0]);
      const sent = `fusion_billing_usage_records_total{service="${world.service.code}",outcome="recorded"}`;
      expect(page.of(sent)).toBe(7);
      expect(page.body).not.toMatch(/^fusion_billing_(queue_jobs|mirror_age_seconds|blocked_periods)\{/m);
      expect((await scrape(never, server)).status).toBe(503);
      expect((await scrape(wrong, server)).status).toBe(503);
      expect((await scrape(null, server)).status).toBe(401);
      await test.clock.advance(15 * 60_000);
      expect((await scrape(secret, server)).status).toBe(503);
    });
  });
});

it('while the database hangs, the page comes all the same, within the patience of a scraper', async () => {
  await withCutDatabase(async (server, _app, { hang }) => {
    expect((await scrape(test.adminKey, server)).of('fusion_billing_database_up')).toBe(1);
    hang();
    await test.clock.advance(5_000);
    const page = await scrape(test.adminKey, server);
    expect([page.status, page.of('fusion_billing_database_up')]).toEqual([200, 0]);
    expect(page.of('fusion_billing_odoo_writes_enabled')).toBe(1);
  });
});

interface Way {
  /** Nothing goes through any more, and nobody says so. */
  hang(): void;
  cut(): void;
}

/** A server on the same database whose way there goes through this process and can be cut. */
async function withCutDatabase(work: (server: FastifyInstance, app: App, way: Way) => Promise<void>): Promise<void> {
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
  const config = { ...test.app.config, databaseUrl: address.href };
  const app = await createApp(config, { log: pino({ level: 'silent' }), clock: () => test.clock.now() });
  const server = await buildServer(app);
  const cut = (): void => {
    proxy.close();
    for (const socket of sockets) socket.destroy();
  };
  const hang = (): void => {
    for (const socket of sockets) socket.unpipe();
  };
  try {
    await work(server, app, { hang, cut });
  } finally {
    cut();
    await server.close();
    await app.close();
  }
}

describe('a process of ROLE=worker', () => {
  it('answers the page and its health, and no GraphQL', async () => {
    const app = await createApp({ ...test.app.config, role: 'worker' }, { log: pino({ level: 'silent' }) });
    const server = await buildServer(app);
    try {
      expect((await scrape(test.adminKey, server)).of('fusion_billing_database_up')).toBe(1);
      expect((await server.inject({ url: '/healthz' })).statusCode).toBe(200);
      expect(
        (await server.inject({ method: 'POST', url: '/graphql', payload: { query: '{ __typename }' } })).statusCode,
      ).toBe(404);
    } finally {
      await server.close();
      await app.close();
    }
  });
});

describe('docs/operations.md', () => {
  it('explains every metric, and names none that there is not', async () => {
    const registered = test.app.metrics.registry.getMetricsAsArray().map(({ name }) => name);
    const listed = [...MANUAL.matchAll(/^\| `(fusion_billing_\w+)/gm)].map(([, name]) => name);
    expect(listed.sort()).toEqual(registered.sort());
    const known = new Set(
      registered.flatMap((name) => [name, ...['count', 'sum', 'bucket'].map((end) => `${name}_${end}`)]),
    );
    const named = [...MANUAL.matchAll(/\bfusion_billing_\w+/g)].map(([name]) => name);
    expect(named.filter((name) => !known.has(name) && name !== 'fusion_billing_runtime')).toEqual([]);
  });

  it('gives a remedy for every reason of a block, and no other', () => {
    const rows = [...MANUAL.matchAll(/^\| `([A-Z_]+)` +\| (.{20,}) \| (.{20,}) \|$/gm)].map(([, reason]) => reason);
    expect(rows.sort()).toEqual(Object.values(BlockReason).sort());
  });
});
