/** What every row stands on: a PostgreSQL with the settings of `npm start`, durable and on disk, and the product as a process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import pino from 'pino';
import { startEmbeddedPostgres } from '../src/boot/embedded-postgres';
import { freePort } from '../src/boot/postmaster';
import type { OdooConnection } from '../src/config';
import { migrate } from '../src/migrate';
import { databaseUrl } from '../test/support/db';
import { makeGuardedFolder } from '../test/support/postgres';

const ROOT = path.join(__dirname, '..');
const TEMPLATE = 'bench_template';
const READY_LIMIT_MS = 120_000;
const READY_POLL_MS = 50;

export interface Ground {
  /** A new database with the product's schema, or a copy of `from`, to which nobody may be connected; its address. */
  database(from?: string): Promise<string>;
  drop(url: string): Promise<void>;
  stop(): Promise<void>;
}

/** A PostgreSQL of the run's own; it does not outlive this process. */
export async function layGround(): Promise<Ground> {
  const folder = makeGuardedFolder('bench', tmpdir());
  const server = await startEmbeddedPostgres({ dataDir: folder.path, log: pino({ level: 'warn' }) });
  const onServer = async (statement: string): Promise<void> => {
    const client = new Client({ connectionString: databaseUrl(server.url, 'postgres') });
    await client.connect();
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  };
  await onServer(`create database ${TEMPLATE}`);
  await migrate(databaseUrl(server.url, TEMPLATE));
  return {
    async database(from = databaseUrl(server.url, TEMPLATE)) {
      const name = `bench_${randomBytes(6).toString('hex')}`;
      await onServer(`create database ${name} template ${nameOf(from)} strategy file_copy`);
      return databaseUrl(server.url, name);
    },
    drop: (url) => onServer(`drop database ${nameOf(url)} with (force)`),
    async stop() {
      await server.stop();
      await folder.remove();
    },
  };
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

/** The product in a process of its own, built as for `npm start`, without a worker beside it and without a rate limit. */
export interface ServerProcess {
  url: string;
  /** A key of the whole installation. */
  key: string;
  /** CPU seconds of the process so far, all its threads. */
  cpuSeconds(): number;
  /** The most memory that the process ever held, in MB. */
  peakMemoryMb(): number;
  /** The answer to a GraphQL request. @throws Error with its body when it holds an error. */
  ask<T>(query: string, variables?: Record<string, unknown>): Promise<T>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** A real one or the sandbox; left out: none answers, for what needs none. */
  odoo?: OdooConnection;
  /** Further environment variables. */
  variables?: Readonly<Record<string, string>>;
}

const NO_ODOO: OdooConnection = { url: 'http://127.0.0.1:9', database: 'none', apiKey: 'none' };

/** Starts it on the database and waits until it is ready. */
export async function startServer(
  databaseAddress: string,
  { odoo = NO_ODOO, variables = {} }: ServerOptions = {},
): Promise<ServerProcess> {
  const port = await freePort();
  const key = `fb_${randomBytes(32).toString('base64url')}`;
  const env = {
    PATH: process.env.PATH,
    NODE_ENV: 'production',
    DATABASE_URL: databaseAddress,
    ODOO_URL: odoo.url,
    ODOO_DATABASE: odoo.database,
    ODOO_API_KEY: odoo.apiKey,
    ROLE: 'api',
    PORT: String(port),
    ADMIN_API_KEY: key,
    RATE_LIMIT: '0',
    LOG_LEVEL: 'warn',
    ...variables,
  };
  const child = spawn(process.execPath, ['dist/src/main.js'], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.resume();
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('close', () => process.off('exit', kill));
  const url = `http://127.0.0.1:${port}`;
  await untilReady(child, url);
  const pid = child.pid ?? 0;
  return {
    url,
    key,
    cpuSeconds: () => cpuSecondsOf(pid),
    peakMemoryMb: () => peakMemoryMbOf(pid),
    ask: (query, variables) => ask({ url, key }, query, variables),
    async stop() {
      const ended = once(child, 'close');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Returns when the process answers at `url`. @throws Error when it ends before. */
export async function untilReady(child: ChildProcess, url: string): Promise<void> {
  const deadline = performance.now() + READY_LIMIT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`The server ended with ${child.exitCode} before it was ready.`);
    const answer = await fetch(`${url}/healthz`).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(READY_POLL_MS);
  }
  throw new Error('The server does not get ready.');
}

/** Ticks of user and system time in /proc, a hundred a second on every Linux that Node runs on. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

export function peakMemoryMbOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function ask<T>(
  { url, key }: { url: string; key: string },
  query: string,
  variables: Record<string, unknown> = {},
): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const { data, errors } = JSON.parse(text) as { data: T; errors?: unknown };
  if (errors !== undefined) throw new Error(text.slice(0, 2_000));
  return data;
}
