/** Whose key a request carries. Keys are stored as SHA-256 only: they are random, so a slow hash would add nothing. */
import { createHash } from 'node:crypto';
import type { DataSource } from 'typeorm';
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
  expires_at: Date | null;
}

/** A key that is being read, and who will read it again when that is done. */
interface Reading {
  running: Promise<KeyRow | undefined>;
  next: Promise<KeyRow | undefined> | null;
}

/** By hash, for each database: tests open several in one process. */
const readings = new WeakMap<DataSource, Map<string, Reading>>();

/** Hex SHA-256, as `api_key.secret_hash` holds it. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** The actor behind `secret` at `now`; null for a key that is unknown, malformed, expired or revoked: nobody learns which. */
export async function authenticate(app: App, secret: string, now: Date): Promise<Actor | null> {
  if (!SECRET.test(secret)) return null;
  const row = await presentKey(app.db, hashSecret(secret));
  if (row === undefined || (row.expires_at !== null && row.expires_at <= now)) return null;
  noteUse(app, row, now);
  return {
    name: row.name === 'env' ? row.name : row.id,
    serviceId: row.service_id,
    scopes: new Set(row.scopes),
    apiKeyId: row.id,
  };
}

/**
 * The key with this hash unless it is revoked, read after the call began: those who come while it is read share the next
 * reading, so that a revocation is never overlooked and a busy key costs less than a statement a request.
 */
function presentKey(db: DataSource, hash: string): Promise<KeyRow | undefined> {
  const open = readings.get(db) ?? new Map<string, Reading>();
  readings.set(db, open);
  const begin = (): Promise<KeyRow | undefined> => {
    const reading: Reading = { running: readKey(db, hash), next: null };
    open.set(hash, reading);
    const end = (): void => {
      if (reading.next === null) open.delete(hash);
    };
    reading.running.then(end, end);
    return reading.running;
  };
  const reading = open.get(hash);
  if (reading === undefined) return begin();
  reading.next ??= reading.running.then(begin, begin);
  return reading.next;
}

async function readKey(db: DataSource, hash: string): Promise<KeyRow | undefined> {
  const [row] = await db.query<KeyRow[]>(
    `select id, name, service_id, scopes, last_used_at, expires_at from api_key where secret_hash = $1 and revoked_at is null`,
    [hash],
  );
  return row;
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
