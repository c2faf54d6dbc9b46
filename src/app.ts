/** Builds the App once, by hand: the database under the run-time's role, the Odoo client, the log, the clock. */
import type { Pool } from 'pg';
import pino, { type Logger } from 'pino';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../ormconfig';
import type { Config } from './config';
import type { App, ReadyConfig } from './ctx';
import { RUNTIME_ROLE } from './migrate';
import { createOdooClient } from './odoo/client';
import { watchProcess } from './telemetry/gauges';
import { createMetrics } from './telemetry/metrics';
import type { Tracing } from './telemetry/tracing';

export interface AppOptions {
  log?: Logger;
  /** Tests move time through this; the real one by default. */
  clock?: () => Date;
  /** What main started before anything else was loaded. */
  tracing?: Tracing | null;
}

/** The App and how to take it down: the caller stops servers and workers first. */
export async function createApp(
  config: ReadyConfig,
  options: AppOptions = {},
): Promise<App & { close(): Promise<void> }> {
  const log = options.log ?? createLog(config);
  const db = new DataSource(
    dataSourceOptions({
      url: config.databaseUrl,
      poolSize: config.databasePoolSize,
      role: RUNTIME_ROLE,
      statementTimeoutMs: config.statementTimeoutMs,
      applicationName: `fusion-billing ${config.role}`,
    }),
  );
  await db.initialize();
  const metrics = createMetrics();
  const odoo = createOdooClient(config.odoo, {
    callsInFlight: config.odooCallsInFlight,
    log,
    onCall({ call: { model, method }, outcome, seconds }): void {
      metrics.odooCalls.inc({ model, method, outcome });
      if (seconds !== null) metrics.odooCallSeconds.observe({ method, outcome }, seconds);
    },
  });
  const { master: pool } = db.driver as unknown as { master: Pool };
  watchProcess(metrics.registry, { pool: () => pool, odoo: () => odoo.status(), odooWrites: config.odooWrites });
  return {
    config,
    db,
    odoo,
    log,
    metrics,
    tracing: options.tracing ?? null,
    clock: options.clock ?? ((): Date => new Date()),
    async close(): Promise<void> {
      await odoo.close();
      await db.destroy();
    },
  };
}

/** JSON lines on standard output; keys and passwords never reach them. */
export function createLog(config: Pick<Config, 'logLevel'>): Logger {
  return pino({
    level: config.logLevel,
    redact: ['req.headers.authorization', 'headers.authorization', '*.apiKey', '*.secret', '*.password'],
  });
}
