/** How TypeORM reaches PostgreSQL: entities, migrations, snake_case names. The default export serves the TypeORM CLI only. */
import 'reflect-metadata';
import { types } from 'node:util';
import { Client, type ClientConfig } from 'pg';
import { DataSource, DefaultNamingStrategy, type DataSourceOptions } from 'typeorm';
import { ENTITIES } from './src/entities';
import { MIGRATIONS } from './src/migrations';

class SnakeCaseNames extends DefaultNamingStrategy {
  override tableName(className: string, customName: string | undefined): string {
    return customName ?? snake(className);
  }
  override columnName(propertyName: string, customName: string | undefined, prefixes: string[]): string {
    return [...prefixes.map(snake), customName ?? snake(propertyName)].join('_');
  }
}

function snake(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

/** How much longer than the server itself we wait for it to end a statement. */
const ANSWER_GRACE_MS = 5_000;

/** How a statement says that each connection is to plan it once, under this name, instead of every time; its text never changes. */
const PREPARED = /^\/\* prepared: (\w+) \*\//;

/**
 * A connection whose server gives no answer is closed: the pool would lend it to one request after the other. One that is cut
 * while nobody holds it, between the pool and whoever asked, must not end the process: whoever uses it next is told.
 */
class OwnClient extends Client {
  constructor(config: ClientConfig) {
    super(config);
    this.on('error', () => undefined);
    const query = this.query.bind(this) as (...given: unknown[]) => unknown;
    const closeIfSilent = (error: unknown): void => {
      if (types.isNativeError(error) && error.message === 'Query read timeout') void this.end().catch(() => undefined);
    };
    this.query = ((first: unknown, ...others: unknown[]): unknown => {
      const name = typeof first === 'string' ? PREPARED.exec(first)?.[1] : undefined;
      const answer = name === undefined ? query(first, ...others) : query({ name, text: first }, ...others);
      if (types.isPromise(answer)) answer.catch(closeIfSilent);
      return answer;
    }) as typeof this.query;
  }
}

export interface DatabaseOptions {
  url: string;
  /** Connections of the pool. */
  poolSize: number;
  /** Role taken at connect, so that the run-time never has the owner's rights; undefined: the owner itself (migrations). */
  role?: string;
  /** Milliseconds; 0 = none, for migrations. */
  statementTimeoutMs: number;
  applicationName: string;
}

/** Options for a DataSource on `url`. Nothing is ever synchronized: migrations only. */
export function dataSourceOptions(options: DatabaseOptions): DataSourceOptions {
  const settings = [
    ...(options.role === undefined ? [] : [`-c role=${options.role}`]),
    `-c statement_timeout=${options.statementTimeoutMs}`,
    `-c lock_timeout=${options.statementTimeoutMs}`,
    `-c idle_in_transaction_session_timeout=60000`,
    `-c timezone=UTC`,
    // Said once a session instead of once a transaction; the space is escaped as this option string wants it.
    String.raw`-c default_transaction_isolation=read\ committed`,
  ];
  return {
    type: 'postgres',
    url: options.url,
    // Classes, not patterns of files: the start runs all the code as one file.
    entities: ENTITIES,
    migrations: MIGRATIONS,
    migrationsTransactionMode: 'all',
    namingStrategy: new SnakeCaseNames(),
    synchronize: false,
    uuidExtension: 'pgcrypto',
    installExtensions: false,
    poolSize: options.poolSize,
    connectTimeoutMS: 10_000,
    applicationName: options.applicationName,
    extra: {
      options: settings.join(' '),
      keepAlive: true,
      Client: OwnClient,
      ...(options.statementTimeoutMs === 0 ? {} : { query_timeout: options.statementTimeoutMs + ANSWER_GRACE_MS }),
    },
  };
}

export default new DataSource(
  dataSourceOptions({
    url: process.env.DATABASE_URL ?? 'postgresql://localhost/fusion_billing',
    poolSize: 1,
    statementTimeoutMs: 0,
    applicationName: 'fusion-billing typeorm',
  }),
);
