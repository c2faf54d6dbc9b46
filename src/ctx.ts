/** What every use case receives. Types only: the App is built once in app.ts, a Ctx for each request, job or command. */
import type { Logger } from 'pino';
import type { DataSource } from 'typeorm';
import type { Config, OdooConnection } from './config';
import type { Scope } from './domain/scope';
import type { OdooClient } from './odoo/client';
import type { Metrics } from './telemetry/metrics';
import type { Tracing } from './telemetry/tracing';

/** A Config whose two connections are known: given by the environment, or made by boot/. */
export type ReadyConfig = Config & { databaseUrl: string; odoo: OdooConnection };

export interface App {
  readonly config: ReadyConfig;
  readonly db: DataSource;
  readonly odoo: OdooClient;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Null while no exporter of traces is configured. */
  readonly tracing: Tracing | null;
  /** The present instant, asked once a request or job and then passed on as `now`. */
  readonly clock: () => Date;
}

/** Who acts: an API key, the command line, a job, or the key given by the environment. */
export interface Actor {
  /** As audit entries print it: the key's id, `cli:<user>`, `job:<name>`, `env`. */
  readonly name: string;
  /** The one service whose rows this actor may see and touch; null: the whole installation. */
  readonly serviceId: string | null;
  readonly scopes: ReadonlySet<Scope>;
  /** Set for keys stored in api_key, the environment's included. */
  readonly apiKeyId: string | null;
}

export interface Ctx extends App {
  /** The instant this request or job stands at; rules never read a clock. */
  readonly now: Date;
  readonly actor: Actor;
  readonly requestId: string;
}
