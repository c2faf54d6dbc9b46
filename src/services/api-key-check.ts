/** Whose key a request carries. Keys are stored as SHA-256 only: they are random, so a slow hash would add nothing. */
import { createHash } from 'node:crypto';
import type { Actor, App } from '../ctx';
import type { Scope } from '../domain/scope';

const SECRET = /^fb_[A-Za-z0-9_-]{32,200}$/;
const TOUCH_INTERVAL_MS = 60_000;

interface KeyRow {
  id: string;
  name: string;
  service_id: string | null;
  scopes: Scope[];
  last_used_at: Date | null;
}

/** Hex SHA-256, as `api_key.secret_hash` holds it. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** The actor behind `secret` at `now`; null for a key that is unknown, malformed, expired or revoked: nobody learns which. */
export async function authenticate(app: App, secret: string, now: Date): Promise<Actor | null> {
  if (!SECRET.test(secret)) return null;
  const [row] = await app.db.query<KeyRow[]>(
    `select id, name, service_id, scopes, last_used_at from api_key
      where secret_hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)`,
    [hashSecret(secret), now],
  );
  if (row === undefined) return null;
  noteUse(app, row, now);
  return {
    name: row.name === 'env' ? row.name : row.id,
    serviceId: row.service_id,
    scopes: new Set(row.scopes),
    apiKeyId: row.id,
  };
}

/** Beside the request, which neither waits for it nor fails with it. */
function noteUse(app: App, row: KeyRow, now: Date): void {
  const due = new Date(now.getTime() - TOUCH_INTERVAL_MS);
  if (row.last_used_at !== null && row.last_used_at > due) return;
  app.db
    .query('update api_key set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at <= $3)', [
      row.id,
      now,
      due,
    ])
    .catch((error: unknown) => app.log.warn({ err: error }, 'the use of a key could not be noted'));
}
