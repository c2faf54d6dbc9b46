/** The process: boots by ROLE, tells where it answers, and drains on SIGTERM and SIGINT, the database last. */
import { tracing } from './telemetry/preload';
import 'reflect-metadata';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { collectDefaultMetrics } from 'prom-client';
import { createApp, createLog } from './app';
import { announcement } from './boot/announce';
import { prepareBareMachine, type BareMachine } from './boot/bare-machine';
import { BootError } from './boot/boot-error';
import { ensureDemoKey } from './boot/demo-key';
import { seedDemo } from './boot/demo-world';
import { tuneHeap } from './boot/heap';
import { clearRunning, writeRunning } from './boot/running';
import { takeDown, type Part } from './boot/take-down';
import { ConfigError, loadConfig, type Config } from './config';
import type { App, ReadyConfig } from './ctx';
import { startWorker } from './jobs/worker';
import { hasPendingMigrations, migrate } from './migrate';
import { buildServer } from './server';
import { installEnvironmentKey } from './services/api-keys';
import type { Tracing } from './telemetry/tracing';

/** More than PostgreSQL gets to stop in order and then by force: a busy disk makes its last checkpoint slow. */
const MACHINE_STOP_LIMIT_MS = 90_000;

async function main(): Promise<void> {
  tuneHeap();
  const parts: Part[] = [];
  // Asked for from the first moment on: a signal during the boot lets the boot finish and then stops in order.
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
  let log: Logger | undefined;
  let code = 1;
  try {
    const config = loadConfig();
    log = createLog(config);
    if (tracing !== null) traceTo(tracing, log, parts);
    const { lost } = await boot(config, log, parts);
    code = await Promise.race([signalled.then(() => 0), lost.then(() => 1)]);
    log.info('stopping');
  } catch (error) {
    report(error, log);
  }
  const clean = await takeDown(parts, log);
  process.exit(clean ? code : 1);
}

/** Spans that cannot be delivered are told to the log; what is left goes out at the very end. */
function traceTo(traces: Tracing, log: Logger, parts: Part[]): void {
  traces.logTo(log);
  parts.push({ name: 'traces', stop: () => traces.stop() });
}

/** Starts everything; `lost` comes when the embedded database died for good. */
async function boot(given: Config, log: Logger, parts: Part[]): Promise<{ lost: Promise<void> }> {
  let onLost = (): void => undefined;
  const lost = new Promise<void>((resolve) => {
    onLost = resolve;
  });
  const machine = await prepareBareMachine(given, { log, onLost });
  parts.push({ name: 'what the bare machine was given', stop: () => machine.stop(), limitMs: MACHINE_STOP_LIMIT_MS });
  const { config } = machine;
  await bringToNewestSchema(config, log);
  const app = await createApp(config, { log, tracing });
  parts.push({ name: 'connections', stop: () => app.close() });
  collectDefaultMetrics({ register: app.metrics.registry });
  if (config.adminApiKey !== undefined) await installEnvironmentKey(app, config.adminApiKey);
  const demo = config.production ? undefined : await seedDemo(app, ensureDemoKey(config.dataDir));
  if (config.role !== 'api') {
    const worker = await startWorker(app);
    parts.push({ name: 'worker', stop: () => worker.stop() });
  }
  const isWorker = config.role === 'worker';
  const served = isWorker && config.workerPort === undefined ? undefined : await serve(app, parts);
  const url = isWorker ? undefined : served;
  const now = app.clock();
  if (!config.production) keepNote(machine, { url, now }, parts);
  process.stdout.write(announcement({ config, url, sandboxUrl: machine.sandbox?.url, demo, now }));
  return { lost };
}

async function bringToNewestSchema({ databaseUrl, migrateOnStart }: ReadyConfig, log: Logger): Promise<void> {
  if (migrateOnStart) {
    const { applied } = await migrate(databaseUrl);
    if (applied.length > 0) log.info({ applied }, 'migrations ran');
  } else if (await hasPendingMigrations(databaseUrl)) {
    throw new BootError(
      'MIGRATE_ON_START is false and migrations are pending: run `npx fusion-billing migrate` first.',
    );
  }
}

/** Listens and gives the address a caller on this machine can use. */
async function serve(app: App, parts: Part[]): Promise<string> {
  const server = await buildServer(app);
  parts.push({ name: 'server', stop: () => server.close() });
  const { host, role } = app.config;
  const variable = role === 'worker' ? 'WORKER_PORT' : 'PORT';
  const port = (role === 'worker' ? app.config.workerPort : undefined) ?? app.config.port;
  try {
    await server.listen({ host, port });
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, { host, port, variable });
  }
  const { port: taken } = server.server.address() as AddressInfo;
  const reachable =
    host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host.includes(':') ? `[${host}]` : host;
  return `http://${reachable}:${taken}`;
}

interface Address {
  host: string;
  port: number;
  /** Which one gave the port. */
  variable: 'PORT' | 'WORKER_PORT';
}

function listenError(error: NodeJS.ErrnoException, { host, port, variable }: Address): Error {
  if (error.code === 'EADDRINUSE') {
    return new BootError(`${variable}: ${port} on ${host} is used by another program; ${variable}=0 takes a free one.`);
  }
  if (error.code === 'EACCES') return new BootError(`${variable}: this user may not listen on ${port}.`);
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND') {
    return new BootError(`HOST: ${host} is no address of this machine.`);
  }
  return error;
}

function keepNote(machine: BareMachine, { url, now }: { url: string | undefined; now: Date }, parts: Part[]): void {
  const { dataDir } = machine.config;
  writeRunning(dataDir, {
    url: url ?? null,
    startedAt: now.toISOString(),
    sandbox: machine.sandbox ?? null,
  });
  parts.push({ name: 'note', stop: () => Promise.resolve(clearRunning(dataDir)) });
}

/** People's mistakes as plain text; ours with all there is to know. */
function report(error: unknown, log: Logger | undefined): void {
  if (error instanceof ConfigError || error instanceof BootError) {
    process.stderr.write(`${error.message}\n`);
  } else if (log !== undefined) {
    log.fatal({ err: error }, 'the boot failed');
  } else {
    throw error;
  }
}

void main();
