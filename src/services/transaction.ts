/** The only opener of transactions, the rerun on deadlock and serialization failure, and advisory lock classes. */
import { types } from 'node:util';
import type { EntityManager } from 'typeorm';
import { QueryFailedError } from 'typeorm';
import type { App } from '../ctx';
import { BillingError } from '../domain/errors';

/** SQLSTATEs after which the whole work may simply run again. */
const RERUN_STATES = new Set(['40001', '40P01']);
const MAX_ATTEMPTS = 4;

/** How often work was rerun in this process; the parallel tests require none. */
export const rerunCounter = { count: 0 };

/**
 * Runs `work` in one READ COMMITTED transaction and returns what it returned. On a deadlock or serialization failure the
 * whole work runs again in a new transaction, at most three times. READ COMMITTED on purpose: after a lock is granted the
 * next statement must see what the other side committed. Nothing inside `work` may talk to Odoo.
 * @throws BillingError UNAVAILABLE when the database cannot be reached or refuses for lack of resources.
 */
export async function inTransaction<T>(
  app: Pick<App, 'db' | 'log'>,
  work: (tx: EntityManager) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await app.db.transaction('READ COMMITTED', work);
    } catch (error) {
      if (!RERUN_STATES.has(sqlState(error) ?? '') || attempt === MAX_ATTEMPTS) throw asUnavailable(error);
      rerunCounter.count += 1;
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

/** Connection lost or refused, server shutting down or starting up, no resources left, a time-out of ours. */
const UNAVAILABLE_STATES = /^(08...|53...|57P0[1-5]|57014|55P03|ECONN[A-Z]+|EPIPE|ETIMEDOUT)$/;

/** The same error; as UNAVAILABLE when it says that the database cannot serve now. Reads outside of transactions meet it too. */
export function asUnavailable(error: unknown): unknown {
  if (error instanceof BillingError) return error;
  const state = sqlState(error);
  const lost =
    types.isNativeError(error) && /Connection terminated|timeout exceeded when trying to connect/.test(String(error));
  if (!lost && (state === undefined || !UNAVAILABLE_STATES.test(state))) return error;
  return new BillingError('UNAVAILABLE', 'The database cannot serve the request now; try again.', { sqlState: state });
}

/** First key of two-key advisory locks: one number a purpose, so that purposes never collide. */
export const LOCK_CLASS = { LANE: 41, ORDER: 42, SYNC: 43, CORRECTION: 44, SEAL: 45 } as const;
