/**
 * The embedded PostgreSQL of a bare machine: started, adopted when its owner was killed, restarted when it dies itself,
 * stopped last. Its owner is whoever holds a session lock in it, so no file can claim an owner who is dead.
 */
import { readFileSync, realpathSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { BootError } from './boot-error';
import { ensureCluster, OWNER } from './postgres-cluster';
import { findPostgresUser, type PostgresUser } from './postgres-user';
import { isAlive } from './process';
import {
  freePort,
  isRunning,
  layoutOf,
  logTail,
  readPostmaster,
  startPostmaster,
  stopPostmaster,
  type PostmasterRecord,
  type StartedPostmaster,
} from './postmaster';

const HOST = '127.0.0.1';
const DATABASE = 'fusion_billing';
const OWNER_LOCK = 7_340_211_906;
const POLL_MS = 25;
const CONNECT_LIMIT_MS = 5_000;
/** A server that has much to recover takes its time. */
const START_LIMIT_MS = 5 * 60_000;
/** Attempts to start, each a bit later: the port may be taken, the last sessions of a killed server may still end. */
const START_ATTEMPTS = 10;
const START_DELAY_MS = 100;
/** How long the lock of an owner who was killed may outlive him. */
const LINGER_LIMIT_MS = 5_000;
const PROGRESS_MS = 5_000;

export interface EmbeddedPostgresOptions {
  /** The folder that holds everything we keep; it must exist. The cluster lives in its `postgres`. */
  dataDir: string;
  log: Logger;
  /** For tests: no fsync, more connections. */
  throwaway?: boolean;
  /** Called when the server died and cannot be brought back; without it the database is gone for good. */
  onLost?: (error: Error) => void;
}

export interface EmbeddedPostgres {
  /** Address of the product's database, with the owner's password. */
  url: string;
  /** Whether the server ran already, left behind by a killed owner. */
  adopted: boolean;
  /** Ends the server; whoever uses it must be done. */
  stop(): Promise<void>;
}

/** Somebody else runs on the same data. */
export class AlreadyRunningError extends BootError {
  constructor(
    readonly pid: number,
    readonly port: number,
  ) {
    super(`Fusion Billing runs already on these data: process ${pid}, its PostgreSQL at ${HOST}:${port}.`);
  }
}

interface Server {
  home: string;
  user: PostgresUser;
  options: EmbeddedPostgresOptions;
}

interface Ownership {
  lock: Client;
  port: number;
  adopted: boolean;
}

/**
 * Starts or adopts the server of `dataDir` and makes the product's database.
 * @throws AlreadyRunningError when its owner lives; Error when it cannot run here (the text says what would do).
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = realpathSync(options.dataDir);
  const home = path.join(dataDir, 'postgres');
  const user = findPostgresUser({ dataDir, home });
  ensureCluster(home, user, { throwaway: options.throwaway === true });
  const server = { home, user, options };
  const owned = await takeOwnership(server, undefined);
  const guard = keepOwnership(server, owned);
  try {
    await ensureDatabase(owned.lock);
  } catch (error) {
    await guard.stop();
    throw error;
  }
  return { url: urlOf(home, owned.port), adopted: owned.adopted, stop: guard.stop };
}

/** Address of the server that runs on `dataDir`, whoever owns it; undefined when none runs. */
export function runningDatabaseUrl(dataDir: string): string | undefined {
  const home = path.join(dataDir, 'postgres');
  const record = readPostmaster(home);
  return record?.status === 'ready' && isRunning(record) ? urlOf(home, record.port) : undefined;
}

function urlOf(home: string, port: number, database = DATABASE): string {
  const password = readFileSync(layoutOf(home).password, 'utf8').trim();
  return `postgresql://${OWNER}:${password}@${HOST}:${port}/${database}`;
}

/** Brings the server up, by starting it or by finding it, until the owner's lock is ours. */
async function takeOwnership(server: Server, port?: number): Promise<Ownership> {
  const deadline = performance.now() + START_LIMIT_MS;
  const progress = setInterval(() => server.options.log.info('waiting for the embedded PostgreSQL'), PROGRESS_MS);
  let started: StartedPostmaster | undefined;
  let attempts = 0;
  try {
    while (performance.now() < deadline) {
      const record = readPostmaster(server.home);
      if (record !== undefined && isRunning(record)) {
        const lock = record.status === 'ready' ? await tryToOwn(server, record) : undefined;
        if (lock !== undefined) return { lock, port: record.port, adopted: record.pid !== started?.pid };
      } else if (started === undefined || started.ended) {
        if (attempts === START_ATTEMPTS) break;
        await sleep(attempts * START_DELAY_MS);
        attempts += 1;
        started = await start(server, port);
      }
      await sleep(POLL_MS);
    }
  } finally {
    clearInterval(progress);
  }
  throw new BootError(`The embedded PostgreSQL in ${server.home} does not start. Its log:\n${logTail(server.home)}`);
}

async function start({ home, user, options }: Server, port: number | undefined): Promise<StartedPostmaster> {
  const record = readPostmaster(home);
  // The number of a dead server was given to another program: PostgreSQL would take that one for a server. (Of a number
  // that is free it judges itself, and sees whether sessions of the dead server are left.)
  if (record !== undefined && isAlive(record.pid) && !isRunning(record)) rmSync(layoutOf(home).pidFile);
  const throwaway = options.throwaway === true;
  return startPostmaster(home, user, {
    port: port ?? (await freePort()),
    maxConnections: throwaway ? 200 : 100,
    throwaway,
  });
}

/** The session that holds the owner's lock; undefined when the server cannot tell yet. */
async function tryToOwn({ home }: Server, record: PostmasterRecord): Promise<Client | undefined> {
  const client = new Client({
    connectionString: urlOf(home, record.port, 'postgres'),
    application_name: `fusion-billing owner ${process.pid}`,
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    keepAlive: true,
  });
  // Its loss is told by 'end'; without a listener the error would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const deadline = performance.now() + LINGER_LIMIT_MS;
    while (!(await lockGranted(client))) {
      const owner = await ownerOf(client);
      if (owner !== undefined && (isAlive(owner) || performance.now() > deadline)) {
        throw new AlreadyRunningError(owner, record.port);
      }
      await sleep(POLL_MS);
    }
    return client;
  } catch (error) {
    await client.end().catch(() => undefined);
    if (error instanceof AlreadyRunningError) throw error;
    if ((error as { code?: string }).code === '28P01') throw error;
    return undefined;
  }
}

async function lockGranted(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ granted: boolean }>('select pg_try_advisory_lock($1) as granted', [OWNER_LOCK]);
  return rows[0]?.granted === true;
}

async function ownerOf(client: Client): Promise<number | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `select application_name as name from pg_locks join pg_stat_activity using (pid)
     where locktype = 'advisory' and granted and (classid::bigint << 32) + objid::bigint = $1`,
    [OWNER_LOCK],
  );
  const pid = /(\d+)$/.exec(rows[0]?.name ?? '')?.[1];
  return pid === undefined ? undefined : Number(pid);
}

async function ensureDatabase(client: Client): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
  if (rowCount === 0) await client.query(`create database ${DATABASE}`);
}

/** Watches the session with the lock: when the server dies under us, it is brought back at the same address. */
function keepOwnership(server: Server, owned: Ownership): { stop(): Promise<void> } {
  const { log, onLost } = server.options;
  let lock = owned.lock;
  let stopping = false;
  let reviving = Promise.resolve();
  const revive = async (): Promise<void> => {
    if (stopping) return;
    log.error('the embedded PostgreSQL went away; bringing it back');
    try {
      ({ lock } = await takeOwnership(server, owned.port));
      watch();
      log.info('the embedded PostgreSQL is back');
    } catch (error) {
      log.fatal({ err: error }, 'the embedded PostgreSQL is lost');
      onLost?.(error as Error);
    }
  };
  const watch = (): void => {
    lock.once('end', () => {
      reviving = revive();
    });
  };
  watch();
  return {
    async stop(): Promise<void> {
      stopping = true;
      await reviving;
      // The lock is held to the end: nobody else may adopt a server that is about to stop.
      await stopPostmaster(server.home);
      await lock.end().catch(() => undefined);
    },
  };
}
