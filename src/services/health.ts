/** Whether the process can do its work: usage can be recorded, Odoo answers, the mirror is fresh. */
import type { App } from '../ctx';
import { withinLimit } from './time-limit';
import { writesWereRefused } from './transaction';

/** The mirror is read every minute; beyond ten something stands still. */
const STALE_MIRROR_MS = 600_000;

/** After a write that the server had no room for, requests stay away this long; then one may try again. */
const REFUSAL_MEMORY_MS = 10_000;
/** A server that gives no answer is not waited for longer. */
const ANSWER_LIMIT_MS = 5_000;

export interface Readiness {
  /** Whether usage can be recorded now. Odoo's absence does not hinder that. */
  ready: boolean;
  database: 'ok' | 'unavailable';
  odoo: 'ok' | 'degraded';
  mirror: 'ok' | 'degraded';
  /** The instant as of which every mirrored model equals Odoo; null before the first pass. */
  mirrorAsOf: Date | null;
}

export async function readiness(app: App): Promise<Readiness> {
  const odoo = app.odoo.status().reachable ? 'ok' : 'degraded';
  try {
    const [row] = await withinLimit(ANSWER_LIMIT_MS, () =>
      app.db.query<{ writable: boolean; as_of: Date | null }[]>(
        `select not pg_is_in_recovery() and current_setting('transaction_read_only') = 'off' as writable,
                (select case when bool_and(as_of is not null) then min(as_of) end from sync_state) as as_of`,
      ),
    );
    const mirrorAsOf = row?.as_of ?? null;
    const isFresh = mirrorAsOf !== null && app.clock().getTime() - mirrorAsOf.getTime() <= STALE_MIRROR_MS;
    const ready = row?.writable === true && !writesWereRefused(app, REFUSAL_MEMORY_MS);
    return { ready, database: ready ? 'ok' : 'unavailable', odoo, mirror: isFresh ? 'ok' : 'degraded', mirrorAsOf };
  } catch (error) {
    app.log.warn({ err: error }, 'not ready: the database cannot be asked');
    return { ready: false, database: 'unavailable', odoo, mirror: 'degraded', mirrorAsOf: null };
  }
}
