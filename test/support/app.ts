/** The whole application for one test file: its own database, a sandbox Odoo, the HTTP server, and a clock that is moved. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import pino, { type Logger } from 'pino';
import { startSandbox, type Sandbox, type SandboxOptions } from '../../sandbox/sandbox';
import { createApp } from '../../src/app';
import { loadConfig, type Config } from '../../src/config';
import type { Actor, App, Ctx } from '../../src/ctx';
import { ALL_SCOPES } from '../../src/domain/scope';
import { createPlayer, type Player } from '../../src/jobs/player';
import type { TaskName } from '../../src/queue';
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
  /** Address of a database to copy instead of an empty one; nobody may be connected to it. */
  copyOf?: string;
  /** The key of the whole installation; a random one by default. */
  adminKey?: string;
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
  /** Another one after a restart. */
  readonly app: App;
  readonly server: FastifyInstance;
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
  /** Ends the App and its server and starts new ones on the same database and sandbox; `between` runs while there is none. */
  restart(between?: () => Promise<void>): Promise<void>;
  /** Leaves the App to itself as it is, cut off from everything; `restart` puts another one in its place. */
  abandon(): void;
  /** Takes everything down without a check. */
  discard(): Promise<void>;
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
  const database = await createTestDatabase(options.copyOf);
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
  const host = await hostApp(() =>
    createApp(config, { log: options.log ?? pino({ level: config.logLevel }), clock: () => now }),
  );
  closers.push(() => host.stop());
  const adminKey = options.adminKey ?? `fb_${randomBytes(32).toString('base64url')}`;
  await installEnvironmentKey(host.app, adminKey);
  const ctx = (actor: Partial<Actor> = {}): Ctx => ({
    ...host.app,
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
    get app() {
      return host.app;
    },
    get server() {
      return host.server;
    },
    get sandbox(): Sandbox {
      if (sandbox === undefined) throw new Error('The app was started without a sandbox.');
      return sandbox;
    },
    clock: { now: () => now, set, advance: (milliseconds) => set(new Date(now.getTime() + milliseconds)) },
    databaseUrl: database.url,
    adminKey,
    gql: (key, query, variables) => request(host.server, { key, query, variables }),
    ctx,
    runJobs: (...tasks) => host.player.play(tasks),
    checkIdentities,
    restart: async (between) => {
      await host.stop();
      await between?.();
      await host.start();
    },
    abandon: () => host.abandon(),
    discard: () => takeDown(closers),
    close: () => checkIdentities().finally(() => takeDown(closers)),
  };
}

interface Host {
  readonly app: App;
  readonly server: FastifyInstance;
  readonly player: Player;
  start(): Promise<void>;
  /** Nothing happens when nothing runs. */
  stop(): Promise<void>;
  abandon(): void;
}

/** An App with its server, which can be taken down and started again. */
async function hostApp(create: () => ReturnType<typeof createApp>): Promise<Host> {
  let running: { app: Awaited<ReturnType<typeof createApp>>; server: FastifyInstance; player: Player } | undefined;
  const found = (): NonNullable<typeof running> => {
    if (running === undefined) throw new Error('The app is down.');
    return running;
  };
  const host: Host = {
    get app() {
      return found().app;
    },
    get server() {
      return found().server;
    },
    get player() {
      return found().player;
    },
    async start() {
      const app = await create();
      try {
        running = { app, server: await buildServer(app), player: createPlayer(app) };
      } catch (error) {
        await app.close();
        throw error;
      }
    },
    abandon() {
      running = undefined;
    },
    async stop() {
      const ending = running;
      running = undefined;
      if (ending === undefined) return;
      await takeDown([() => ending.app.close(), () => ending.server.close(), () => ending.player.close()]);
    },
  };
  await host.start();
  return host;
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
