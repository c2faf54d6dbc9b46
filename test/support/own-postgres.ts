/**
 * A PostgreSQL server of one test file's own, to be stopped, killed and brought back at the same address; while it is in use,
 * the databases of `createTestDatabase` are made there.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { ensureCluster, OWNER } from '../../src/boot/postgres-cluster';
import { findPostgresUser } from '../../src/boot/postgres-user';
import { freePort, isRunning, layoutOf, logTail, readPostmaster, startPostmaster } from '../../src/boot/postmaster';
import { waitUntil } from '../../src/boot/process';
import { readFileSync } from 'node:fs';
import { migrate } from '../../src/migrate';
import { databaseUrl, TEST_SERVER, TEST_TEMPLATE } from './db';
import { makeGuardedFolder } from './postgres';

const TEMPLATE = 'fb_template_own';
const STOP_LIMIT_MS = 30_000;
const START_LIMIT_MS = 60_000;
const START_DELAY_MS = 100;

/** How a server ends: in order with its sessions cut, at once without a word to anybody, or as nothing can prevent. */
export type Ending = 'SIGINT' | 'SIGQUIT' | 'SIGKILL';

export interface OwnPostgres {
  /** Address of its `postgres` database, with the owner's rights. */
  url: string;
  /** The folder with its files. */
  cluster: string;
  /** Ends the server, and returns when it is gone. */
  end(how: Ending): Promise<void>;
  /** Starts it again and returns when it answers. */
  start(): Promise<void>;
  /** Runs a statement as the owner, on a connection of its own. */
  run(sql: string, database?: string): Promise<Record<string, unknown>[]>;
  /** Ends it, removes its files, and gives `createTestDatabase` its usual server back. */
  remove(): Promise<void>;
}

/** Starts a server with a migrated template. */
export async function startOwnPostgres(maxConnections = 100): Promise<OwnPostgres> {
  const folder = makeGuardedFolder('own');
  const home = path.join(folder.path, 'postgres');
  const user = findPostgresUser({ dataDir: folder.path, home });
  ensureCluster(home, user, { throwaway: true });
  const port = await freePort();
  const password = readFileSync(layoutOf(home).password, 'utf8').trim();
  const url = `postgresql://${OWNER}:${password}@127.0.0.1:${port}/postgres`;
  const usual = { server: process.env[TEST_SERVER], template: process.env[TEST_TEMPLATE] };
  const server: OwnPostgres = {
    url,
    cluster: layoutOf(home).cluster,
    end: (how) => end(home, how),
    async start() {
      const deadline = performance.now() + START_LIMIT_MS;
      // The last sessions of a killed server may still end: until then a new one refuses to start.
      while (performance.now() < deadline) {
        const started = startPostmaster(home, user, { port, maxConnections, throwaway: true });
        while (!started.ended && performance.now() < deadline) {
          if (readPostmaster(home)?.status === 'ready') return;
          await sleep(START_DELAY_MS);
        }
        await sleep(START_DELAY_MS);
      }
      throw new Error(`The server does not start: ${logTail(home)}`);
    },
    async run(sql, database = 'postgres') {
      const client = new Client({ connectionString: databaseUrl(url, database) });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    },
    async remove() {
      process.env[TEST_SERVER] = usual.server;
      process.env[TEST_TEMPLATE] = usual.template;
      await folder.remove();
    },
  };
  await server.start();
  await server.run(`create database ${TEMPLATE}`);
  await migrate(databaseUrl(url, TEMPLATE));
  process.env[TEST_SERVER] = url;
  process.env[TEST_TEMPLATE] = TEMPLATE;
  return server;
}

async function end(home: string, how: Ending): Promise<void> {
  const record = readPostmaster(home);
  if (record === undefined) throw new Error('The server does not run.');
  process.kill(record.pid, how);
  if (!(await waitUntil(() => !isRunning(record), STOP_LIMIT_MS))) throw new Error('The server does not end.');
}
