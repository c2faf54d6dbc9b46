/** The only opener of transactions, the rerun on deadlock and serialization failure, and advisory lock classes. */
import { types } from 'node:util';
import type { DataSource, EntityManager } from 'typeorm';
import { QueryFailedError, QueryRunnerAlreadyReleasedError, QueryRunnerProviderAlreadyReleasedError } from 'typeorm';
import type { App } from '../ctx';
import { BillingError } from '../domain/errors';

/** SQLSTATEs after which the whole work may simply run again. */
const RERUN_REASONS: ReadonlyMap<string | undefined, string> = new Map([
  ['40001', 'serialization'],
  ['40P01', 'deadlock'],
]);
const MAX_ATTEMPTS = 4;

/**
 * Runs `work` in one READ COMMITTED transaction and returns what it returned. On a deadlock or serialization failure the
 * whole work runs again in a new transaction, at most three times. READ COMMITTED (the sessions' default, by ormconfig.ts) on
 * purpose: after a lock is granted the next statement must see what the other side committed. Nothing inside `work` may talk to Odoo.
 * @throws BillingError UNAVAILABLE when the database cannot be reached or refuses for lack of resources.
 */
export async function inTransaction<T>(
  app: Pick<App, 'db' | 'log' | 'metrics'>,
  work: (tx: EntityManager) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await app.db.transaction(work);
    } catch (error) {
      if (NO_WRITES.test(sqlState(error) ?? '')) refusedWrites.set(app.db, performance.now());
      const reason = RERUN_REASONS.get(sqlState(error));
      if (reason === undefined || attempt === MAX_ATTEMPTS) throw asUnavailable(error);
      app.metrics.transactionReruns.inc({ reason });
      app.log.warn({ attempt, sqlState: sqlState(error) }, 'transaction runs again');
    }
  }
}

/** The SQLSTATE of a failed statement, or of the driver's own error; undefined for anything else. */
export function sqlState(error: unknown): string | undefined {
  if (error instanceof QueryFailedError) return (error.driverError as { code?: string }).code;
  if (types.isNativeError(error) && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** The name of the violated constraint, when `error` is a constraint violation. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof QueryFailedError)) return undefined;
  const driverError = error.driverError as { code?: string; constraint?: string };
  return driverError.code?.startsWith('23') ? driverError.constraint : undefined;
}

/**
 * Connection lost or refused, server starting, stopping, or one that may only read; no disk, memory or connections left, an
 * I/O error, a time-out of ours.
 */
const UNAVAILABLE_STATES =
  /^(08...|25006|25P0[34]|53...|57P0[1-5]|57014|55P03|58...|ECONN[A-Z]+|EPIPE|ETIMEDOUT|EHOST[A-Z]+|ENET[A-Z]+|ENOTFOUND|EAI_AGAIN)$/;

/** The driver's own errors of a connection that is gone, which have no code. */
const LOST_CONNECTION =
  /Connection terminated|timeout exceeded when trying to connect|is not queryable|Query read timeout/;

/** The same error; as UNAVAILABLE when it says that the database cannot serve now. Reads outside of transactions meet it too. */
export function asUnavailable(error: unknown): unknown {
  if (error instanceof BillingError) return error;
  const state = sqlState(error);
  const lost = wasReleased(error) || LOST_CONNECTION.test(messageOf(error));
  if (!lost && (state === undefined || !UNAVAILABLE_STATES.test(state))) return error;
  const refusal = new BillingError('UNAVAILABLE', 'The database cannot serve the request now; try again.', {
    sqlState: state,
  });
  if (wasCut(error)) cuts.add(refusal);
  return refusal;
}

/** A connection that was there and went away: ended by the server or on the way, whether it was answering or not. */
const CUT_STATES = /^(0800[36]|57P0[125]|ECONNRESET|EPIPE)$/;
const CUT_MESSAGES = /Connection terminated|is not queryable/;

/** Those of `asUnavailable` after which nobody knows what the server had committed. */
const cuts = new WeakSet<BillingError>();

/** Whether `error` tells that the connection went away under a transaction: what can be done twice may be done again. */
export function connectionWasLost(error: unknown): boolean {
  return error instanceof BillingError && cuts.has(error);
}

function wasCut(error: unknown): boolean {
  return wasReleased(error) || CUT_STATES.test(sqlState(error) ?? '') || CUT_MESSAGES.test(messageOf(error));
}

/** What no other write would be spared, and no read shows: a full disk, no memory, a disk that fails. */
const NO_WRITES = /^(53[12]00|58...)$/;

/** When this process last met that, by a clock that only runs forward. */
const refusedWrites = new WeakMap<DataSource, number>();

/** Whether the server refused a write for its own reasons within the last `withinMs`. */
export function writesWereRefused({ db }: Pick<App, 'db'>, withinMs: number): boolean {
  const refusedAt = refusedWrites.get(db);
  return refusedAt !== undefined && performance.now() - refusedAt <= withinMs;
}

/** TypeORM releases a connection that is lost between two statements; the second one finds it released. */
function wasReleased(error: unknown): boolean {
  return error instanceof QueryRunnerAlreadyReleasedError || error instanceof QueryRunnerProviderAlreadyReleasedError;
}

function messageOf(error: unknown): string {
  return types.isNativeError(error) ? error.message : '';
}

/** First key of two-key advisory locks: one number a purpose, so that purposes never collide. */
export const LOCK_CLASS = { LANE: 41, ORDER: 42, SYNC: 43, CORRECTION: 44, SEAL: 45, SERIES: 46 } as const;
