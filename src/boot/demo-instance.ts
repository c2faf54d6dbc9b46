/**
 * The installation on which the demo plays: a database of its own on the PostgreSQL that runs here, a sandbox Odoo, the
 * application and its server, and one clock for all of them. Nothing of it outlives the demo.
 */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { type SandboxControl, startSandbox } from '../../sandbox/sandbox';
import { createApp } from '../app';
import { type Config, loadConfig } from '../config';
import type { App } from '../ctx';
import { createPlayer, MINUTE } from '../jobs/player';
import { migrate } from '../migrate';
import { buildServer } from '../server';
import { installEnvironmentKey } from '../services/api-keys';
import { makeDataDir, ownPostgres } from './bare-machine';
import { BootError } from './boot-error';
import { runningDatabaseUrl } from './embedded-postgres';
import { type Part, takeDown } from './take-down';

/** When Odoo's billing run comes: after the close, as operators are advised to set it. */
const RUN_AT = '12:00';

export interface Answer<T> {
  data: T | null;
  /** Refusals, with their code; undefined when there are none. */
  errors?: { message: string; extensions: { code: string } }[];
}

export interface DemoInstance {
  /** Asks the GraphQL API with a key of the whole installation; `input` is the variable `$i`. */
  send<T>(query: string, input?: unknown): Promise<Answer<T>>;
  /** Moves the clocks on, plays the runs of Odoo on the way, and then what a worker does every minute. */
  moveTo(instant: string): Promise<void>;
  /** Moves the clocks on and plays the runs of Odoo on the way; no work of ours is done. */
  setClock(instant: string): Promise<void>;
  now(): Date;
  app: App;
  server: FastifyInstance;
  /** The key of the whole installation. */
  key: string;
  /** The sandbox Odoo as a person sees it. */
  odoo: SandboxControl;
  /** Takes everything down and removes the database. */
  close(): Promise<void>;
}

/**
 * Starts everything at the instant `start`. Of `config` only the way to PostgreSQL is used: all else is as by default, so
 * that the numbers are always the same.
 * @throws BootError when there is no PostgreSQL to be had, or it lets us make no database.
 */
export async function openDemoInstance(config: Config, log: Logger, start: Date): Promise<DemoInstance> {
  const parts: Part[] = [];
  const close = async (): Promise<void> => {
    if (!(await takeDown(parts.splice(0), log))) throw new BootError('The demo could not be taken down in order.');
  };
  try {
    return await assemble({ config, log, start, parts, close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Site {
  config: Config;
  log: Logger;
  start: Date;
  parts: Part[];
  close: () => Promise<void>;
}

async function assemble({ config, log, start, parts, close }: Site): Promise<DemoInstance> {
  const databaseUrl = await openDatabase(config, log, parts);
  await migrate(databaseUrl);
  const sandbox = await startSandbox({ load: 'empty', now: start, runAt: RUN_AT });
  parts.push({ name: 'sandbox', stop: () => sandbox.close() });
  let now = start;
  const { url, database, apiKey, control: odoo } = sandbox;
  const app = await createApp(
    {
      ...loadConfig({ ODOO_INVOICE_RUN_AT: RUN_AT, GRAPHIQL: 'off' }),
      databaseUrl,
      odoo: { url, database, apiKey },
    },
    { log, clock: () => now },
  );
  parts.push({ name: 'connections', stop: () => app.close() });
  const player = createPlayer(app);
  parts.push({ name: 'player', stop: () => player.close() });
  const { server, key } = await serve(app, parts);
  const setClock = async (instant: string): Promise<void> => {
    now = new Date(instant);
    await odoo.setNow(now);
  };
  return {
    send: (query, input) => post(server, key, { query, variables: { i: input } }),
    async moveTo(instant): Promise<void> {
      await setClock(instant);
      await player.play([...MINUTE, 'seal-ledger', 'check-alerts']);
    },
    setClock,
    now: () => now,
    app,
    server,
    key,
    odoo,
    close,
  };
}

async function serve(app: App, parts: Part[]): Promise<{ server: FastifyInstance; key: string }> {
  const key = `fb_${randomBytes(32).toString('base64url')}`;
  await installEnvironmentKey(app, key);
  const server = await buildServer(app);
  parts.push({ name: 'server', stop: () => server.close() });
  return { server, key };
}

/** One request as it would come over HTTP, without a port that somebody could find taken. */
async function post<T>(server: FastifyInstance, key: string, payload: object): Promise<Answer<T>> {
  const headers = { authorization: `Bearer ${key}` };
  const response = await server.inject({ method: 'POST', url: '/graphql', headers, payload });
  return response.json<Answer<T>>();
}

/** An empty database beside those that are there; it goes with the demo. */
async function openDatabase(config: Config, log: Logger, parts: Part[]): Promise<string> {
  const server = config.databaseUrl ?? runningDatabaseUrl(config.dataDir) ?? (await startServer(config, log, parts));
  const name = `fusion_billing_demo_${randomBytes(6).toString('hex')}`;
  await onServer(server, `create database ${name} template template0`).catch((error: unknown) => {
    throw new BootError(`The demo needs a database of its own, and cannot make one: ${(error as Error).message}.`);
  });
  parts.push({ name: `database ${name}`, stop: () => onServer(server, `drop database ${name} with (force)`) });
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

async function startServer(config: Config, log: Logger, parts: Part[]): Promise<string> {
  const onLost = (error: Error): void => log.fatal({ err: error }, 'database lost');
  const postgres = await ownPostgres(makeDataDir(config.dataDir), { log, onLost });
  parts.push({ name: 'PostgreSQL', stop: () => postgres.stop() });
  return postgres.connection;
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url, application_name: 'fusion-billing demo' });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
