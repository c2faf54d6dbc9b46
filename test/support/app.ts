/** The whole application for one test file: its own database, a sandbox Odoo, the HTTP server, and a clock that is moved. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { Logger as WorkerLogger, runOnce } from 'graphile-worker';
import { Pool } from 'pg';
import pino, { type Logger } from 'pino';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox';
import { createApp } from '../../src/app';
import { loadConfig, type Config } from '../../src/config';
import type { Actor, App, Ctx } from '../../src/ctx';
import { ALL_SCOPES } from '../../src/domain/scope';
import { taskList } from '../../src/jobs/tasks';
import { enqueue, type TaskName } from '../../src/queue';
import { buildServer } from '../../src/server';
import { installEnvironmentKey } from '../../src/services/api-keys';
import { identities } from '../../src/services/identities';
import { createTestDatabase, expectNoLeaks } from './db';

/** Where tests stand unless they say otherwise: a Tuesday at noon in UTC. */
export const TEST_NOW = new Date('2026-03-10T12:00:00.000Z');

/** Nothing listens here: port 9 is "discard". */
const NO_ODOO = { url: 'http://127.0.0.1:9', database: 'none', apiKey: 'none' };

export interface TestAppOptions {
  now?: Date;
  /** BILLING_TIME_ZONE; UTC by default. */
  timeZone?: string;
  /** What the sandbox is started with, `{ load: 'empty' }` by default; false: an Odoo that cannot be reached. */
  sandbox?: SandboxOptions | false;
  config?: Partial<Config>;
  /** For tests of what is logged; silent by default. */
  log?: Logger;
}

/** The app's clock and the sandbox's, moved together. */
export interface TestClock {
  now(): Date;
  /** Odoo's billing runs that are passed on the way are played. */
  set(now: Date): Promise<void>;
  advance(milliseconds: number): Promise<void>;
}

export interface GraphqlAnswer {
  status: number;
  headers: Record<string, unknown>;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- its shape is what a test knows and the types do not
  data: any;
  errors: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[] | undefined;
  /** The answer's bytes as text. */
  body: string;
}

export interface TestApp {
  app: App;
  server: FastifyInstance;
  /** Throws when the app was started without. */
  readonly sandbox: Sandbox;
  clock: TestClock;
  /** Address with the owner's rights. */
  databaseUrl: string;
  /** A key of the whole installation with every scope. */
  adminKey: string;
  gql(key: string | null, query: string, variables?: Record<string, unknown>): Promise<GraphqlAnswer>;
  /** A Ctx at the clock's instant; by default of an actor who may do everything. */
  ctx(actor?: Partial<Actor>): Ctx;
  /** Queues `tasks` one after another and runs the queue empty after each. Fails when a job fails. */
  runJobs(...tasks: TaskName[]): Promise<void>;
  /** Fails when one of the three identities does not hold. */
  checkIdentities(): Promise<void>;
  /** Checks the identities, takes everything down, and fails when a connection was left open. */
  close(): Promise<void>;
}

export async function startTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const closers: Closer[] = [];
  try {
    return await start(options, closers);
  } catch (error) {
    // What was started before the failure would keep the run from ending.
    await takeDown(closers);
    throw error;
  }
}

type Closer = () => Promise<unknown>;

async function takeDown(closers: Closer[]): Promise<void> {
  const failures: unknown[] = [];
  for (const closer of closers.reverse()) await closer().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

async function start(options: TestAppOptions, closers: Closer[]): Promise<TestApp> {
  let now = options.now ?? TEST_NOW;
  const database = await createTestDatabase();
  closers.push(() => expectNoLeaks(database.url).finally(() => database.drop()));
  const sandbox =
    options.sandbox === false ? undefined : await startSandbox({ load: 'empty', now, ...options.sandbox });
  if (sandbox !== undefined) closers.push(() => sandbox.close());
  const config = {
    ...loadConfig({ LOG_LEVEL: 'silent', BILLING_TIME_ZONE: options.timeZone ?? 'UTC', GRAPHIQL: 'off' }),
    ...options.config,
    databaseUrl: database.url,
    odoo: sandbox === undefined ? NO_ODOO : { url: sandbox.url, database: sandbox.database, apiKey: sandbox.apiKey },
  };
  const app = await createApp(config, { log: options.log ?? pino({ level: config.logLevel }), clock: () => now });
  closers.push(() => app.close());
  const server = await buildServer(app);
  closers.push(() => server.close());
  const adminKey = `fb_${randomBytes(32).toString('base64url')}`;
  await installEnvironmentKey(app, adminKey);
  const ctx = (actor: Partial<Actor> = {}): Ctx => ({
    ...app,
    now,
    requestId: randomUUID(),
    actor: { name: 'cli:test', serviceId: null, scopes: new Set(ALL_SCOPES), apiKeyId: null, ...actor },
  });
  const checkIdentities = async (): Promise<void> => {
    const { holds, ...rest } = await identities(ctx());
    if (!holds) throw new Error(`The identities do not hold: ${JSON.stringify(rest)}`);
  };
  const set = async (instant: Date): Promise<void> => {
    now = instant;
    await sandbox?.control.setNow(instant);
  };
  return {
    app,
    server,
    get sandbox(): Sandbox {
      if (sandbox === undefined) throw new Error('The app was started without a sandbox.');
      return sandbox;
    },
    clock: { now: () => now, set, advance: (milliseconds) => set(new Date(now.getTime() + milliseconds)) },
    databaseUrl: database.url,
    adminKey,
    gql: (key, query, variables) => request(server, { key, query, variables }),
    ctx,
    runJobs: (...tasks) => runJobs(app, tasks),
    checkIdentities,
    close: () => checkIdentities().finally(() => takeDown(closers)),
  };
}

async function request(
  server: FastifyInstance,
  { key, query, variables }: { key: string | null; query: string; variables?: Record<string, unknown> | undefined },
): Promise<GraphqlAnswer> {
  const response = await server.inject({
    method: 'POST',
    url: '/graphql',
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
    payload: { query, variables },
  });
  const { data, errors } = response.json<Pick<GraphqlAnswer, 'data' | 'errors'>>();
  return { status: response.statusCode, headers: response.headers, data, errors, body: response.body };
}

async function runJobs(app: App, tasks: readonly TaskName[]): Promise<void> {
  const pgPool = new Pool({ connectionString: app.config.databaseUrl, max: 5, application_name: 'test jobs' });
  const lost = (): void => undefined;
  pgPool.on('error', lost);
  pgPool.on('connect', (client) => client.on('error', lost));
  try {
    const run = async (): Promise<void> => {
      await runOnce({ pgPool, taskList: taskList(app), noHandleSignals: true, logger: QUIET });
    };
    for (const task of tasks) {
      await app.db.transaction((tx) => enqueue(tx, task, {} as never));
      await run();
    }
    await run();
    const { rows } = await pgPool.query(
      'select task_identifier, last_error from graphile_worker.jobs where last_error is not null',
    );
    if (rows.length > 0) throw new Error(`Jobs failed: ${JSON.stringify(rows)}`);
  } finally {
    await pgPool.end();
  }
}

const QUIET = new WorkerLogger(() => () => undefined);
