/** One PostgreSQL server process: its record on disk, starting it, telling it to stop, waiting for its end. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isAlive, waitUntil } from './process';
import { commandAs, type PostgresUser } from './postgres-user';

const HOST = '127.0.0.1';
const FAST_STOP_LIMIT_MS = 60_000;
const IMMEDIATE_STOP_LIMIT_MS = 10_000;
const LOG_TAIL_LENGTH = 1_000;

/** What a server writes about itself into postmaster.pid. */
export interface PostmasterRecord {
  pid: number;
  port: number;
  status: string;
}

/** Settings that differ between a database to keep and one to throw away. */
export interface PostmasterSettings {
  port: number;
  maxConnections: number;
  /** Without fsync: a crash of the machine loses it all. */
  throwaway: boolean;
}

/** A server process we started; `pid` is undefined when not even that succeeded. */
export interface StartedPostmaster {
  readonly pid: number | undefined;
  ended: boolean;
}

/** The folder of one embedded server: the cluster, the owner's password and the server's log. */
export function layoutOf(home: string): { cluster: string; password: string; log: string; pidFile: string } {
  const cluster = path.join(home, 'cluster');
  return {
    cluster,
    password: path.join(home, 'password'),
    log: path.join(home, 'server.log'),
    pidFile: path.join(cluster, 'postmaster.pid'),
  };
}

/** The record of the server of `home`; undefined when there is none, or it is just being written. */
export function readPostmaster(home: string): PostmasterRecord | undefined {
  const [pid, , , port, , , , status] = readIfThere(layoutOf(home).pidFile).split('\n');
  if (status === undefined) return undefined;
  return { pid: Math.abs(Number(pid)), port: Number(port), status: status.trim() };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Whether the process of `record` lives and is a PostgreSQL: numbers of processes are used again. */
export function isRunning(record: PostmasterRecord): boolean {
  if (!isAlive(record.pid)) return false;
  try {
    return readFileSync(`/proc/${record.pid}/cmdline`, 'utf8').includes('postgres');
  } catch {
    // No /proc on this system: a living process has to do.
    return true;
  }
}

/** Starts a server of its own session: it outlives this process, and Ctrl-C in a terminal does not reach it. */
export function startPostmaster(home: string, user: PostgresUser, settings: PostmasterSettings): StartedPostmaster {
  const { cluster, log } = layoutOf(home);
  if (existsSync(log)) renameSync(log, `${log}.previous`);
  const options = {
    listen_addresses: HOST,
    port: settings.port,
    unix_socket_directories: '',
    max_connections: settings.maxConnections,
    timezone: 'UTC',
    log_timezone: 'UTC',
    fsync: settings.throwaway ? 'off' : 'on',
  };
  const command = commandAs(user, 'postgres', [
    ...['-D', cluster],
    ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  // A file, not a pipe to us: it goes on being written when we are gone.
  const output = openSync(log, 'a', 0o600);
  const child = spawn(command.file, command.args, {
    ...command.options,
    detached: true,
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  child.unref();
  const state = { pid: child.pid, ended: false };
  child.on('error', () => (state.ended = true));
  child.on('exit', () => (state.ended = true));
  return state;
}

/** Ends the server of `home` in order: sessions are cut, what is committed is on disk. Forced after a minute. */
export async function stopPostmaster(home: string): Promise<void> {
  const record = readPostmaster(home);
  if (record === undefined || !isRunning(record)) return;
  const gone = (): boolean => !isRunning(record);
  signal(record.pid, 'SIGINT');
  if (await waitUntil(gone, FAST_STOP_LIMIT_MS)) return;
  signal(record.pid, 'SIGQUIT');
  if (await waitUntil(gone, IMMEDIATE_STOP_LIMIT_MS)) return;
  throw new Error(`The embedded PostgreSQL (process ${record.pid}) does not stop.`);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The end of the server's log, for the text of an error. */
export function logTail(home: string): string {
  const { log } = layoutOf(home);
  return readIfThere(log).slice(-LOG_TAIL_LENGTH).trim();
}

/** A port that is free now; whoever takes it in between makes the server fail, and another one is tried. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen(0, HOST, () => {
      const { port } = probe.address() as net.AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
