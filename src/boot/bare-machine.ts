/** What a machine without DATABASE_URL or ODOO_URL is given: a PostgreSQL and a sandbox Odoo of its own, in DATA_DIR. */
import { mkdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { Logger } from 'pino';
import { startSandbox } from '../../sandbox/sandbox';
import type { Config, OdooConnection } from '../config';
import type { ReadyConfig } from '../ctx';
import { BootError } from './boot-error';
import { AlreadyRunningError, startEmbeddedPostgres } from './embedded-postgres';
import { readRunning, type RunningNote } from './running';

export interface BareMachine {
  /** The configuration with both connections, and DATA_DIR as a full path. */
  config: ReadyConfig;
  /** The sandbox Odoo, when there is one. */
  sandbox: OdooConnection | undefined;
  /** Ends what was started here, the database last. */
  stop(): Promise<void>;
}

/** A connection and the end of what was started for it. */
interface Side<T> {
  connection: T;
  stop(): Promise<void>;
}

interface LogAndLoss {
  log: Logger;
  /** Called when the embedded database died and cannot be brought back. */
  onLost: (error: Error) => void;
}

/**
 * Starts what the configuration lacks; nothing in production.
 * @throws BootError when somebody runs on the same data already, or PostgreSQL cannot run here.
 */
export async function prepareBareMachine(config: Config, options: LogAndLoss): Promise<BareMachine> {
  const dataDir = config.production ? config.dataDir : makeDataDir(config.dataDir);
  const database = config.databaseUrl === undefined ? await ownPostgres(dataDir, options) : given(config.databaseUrl);
  try {
    // Without a database of ours, whose lock tells, the note has to.
    if (!config.production && config.databaseUrl !== undefined) refuseSecond(dataDir);
    const odoo = config.odoo === undefined ? await ownSandbox(dataDir) : given(config.odoo);
    return {
      config: { ...config, dataDir, databaseUrl: database.connection, odoo: odoo.connection },
      sandbox: config.odoo === undefined ? odoo.connection : undefined,
      async stop(): Promise<void> {
        await odoo.stop();
        await database.stop();
      },
    };
  } catch (error) {
    await database.stop();
    throw error;
  }
}

function given<T>(connection: T): Side<T> {
  return { connection, stop: () => Promise.resolve() };
}

/** The folder of what we keep, made when missing, as a full path. */
export function makeDataDir(dataDir: string): string {
  try {
    mkdirSync(dataDir, { recursive: true });
    return realpathSync(dataDir);
  } catch (error) {
    throw new BootError(`DATA_DIR: ${dataDir} cannot be made or entered (${(error as Error).message}).`);
  }
}

/** The embedded PostgreSQL of `dataDir`. @throws BootError when somebody runs on the same data, and where he answers. */
export async function ownPostgres(dataDir: string, options: LogAndLoss): Promise<Side<string>> {
  try {
    const { url, adopted, stop } = await startEmbeddedPostgres({ dataDir, ...options });
    if (adopted) options.log.warn('adopted the PostgreSQL that a killed process had left running');
    return { connection: url, stop };
  } catch (error) {
    const running = error instanceof AlreadyRunningError ? readRunning(dataDir) : undefined;
    if (running === undefined) throw error;
    throw new BootError(`${(error as Error).message} ${whereItAnswers(running)}`);
  }
}

async function ownSandbox(dataDir: string): Promise<Side<OdooConnection>> {
  const stateFile = path.join(dataDir, 'sandbox.json');
  const sandbox = await startSandbox({ port: 0, stateFile, load: 'demo', now: null });
  const { url, database, apiKey } = sandbox;
  return { connection: { url, database, apiKey }, stop: () => sandbox.close() };
}

function refuseSecond(dataDir: string): void {
  const running = readRunning(dataDir);
  if (running === undefined) return;
  throw new BootError(`Fusion Billing runs already on ${dataDir}: process ${running.pid}. ${whereItAnswers(running)}`);
}

function whereItAnswers({ url, startedAt }: RunningNote): string {
  return `${url === null ? 'It is a worker' : `It answers at ${url}`}, since ${startedAt}.`;
}
