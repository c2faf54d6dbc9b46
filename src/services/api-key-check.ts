/** Whose key a request carries. Keys are stored as SHA-256 only: they are random, so a slow hash would add nothing. */
import { hash } from 'node:crypto';
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
  return hash('sha256', secret, 'hex');
}

/** The hash of a key as callers write it; null for what cannot be one. */
export function hashOfKey(secret: string): string | null {
  return SECRET.test(secret) ? hashSecret(secret) : null;
}

/** The actor whose key has `secretHash`, at `now`; null for a key that is unknown, expired or revoked: nobody learns which. */
export async function authenticate(app: App, secretHash: string, now: Date): Promise<Actor | null> {
  const row = await presentKey(app.db, secretHash);
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
function presentKey(db: DataSource, secretHash: string): Promise<KeyRow | undefined> {
  const open = readings.get(db) ?? new Map<string, Reading>();
  readings.set(db, open);
  const begin = (): Promise<KeyRow | undefined> => {
    const reading: Reading = { running: readKey(db, secretHash), next: null };
    open.set(secretHash, reading);
    const end = (): void => {
      if (reading.next === null) open.delete(secretHash);
    };
    reading.running.then(end, end);
    return reading.running;
  };
  const reading = open.get(secretHash);
  if (reading === undefined) return begin();
  reading.next ??= reading.running.then(begin, begin);
  return reading.next;
}

async function readKey(db: DataSource, secretHash: string): Promise<KeyRow | undefined> {
  const [row] = await db.query<KeyRow[]>(
    `/* prepared: present_key */
      select id, name, service_id, scopes, last_used_at, expires_at from api_key where secret_hash = $1 and revoked_at is null`,
    [secretHash],
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
