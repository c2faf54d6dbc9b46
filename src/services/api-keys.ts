/** API keys: making, listing, rotating, revoking, and the key that the environment gives. Callers hold `admin`. */
import { randomBytes } from 'node:crypto';
import type { EntityManager } from 'typeorm';
import type { Actor, App, Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { invalid, parseInstant, parseText } from '../domain/parse';
import { ALL_SCOPES, type Scope } from '../domain/scope';
import { ApiKey } from '../entities/api-key';
import { asUuid, notFound, visibleServiceId, visibleServiceIdOrAll } from './access';
import { hashSecret } from './api-key-check';
import { writeAudit } from './audit';
import { byId, fetchPage, type Page, type PageArgs } from './page';
import { inTransaction } from './transaction';

/** The one row of the environment's key; no other key may bear the name. */
const ENVIRONMENT_KEY_NAME = 'env';
const MAX_OVERLAP_HOURS = 720;
const HOUR_MS = 3_600_000;
/** `fb_` and 8 characters: enough to tell keys apart, too little to guess one. */
const PREFIX_LENGTH = 11;

export interface CreateApiKeyInput {
  service?: string | null;
  name: string;
  scopes: Scope[];
  expiresAt?: string | null;
}

/** A key together with its secret, which is never to be had again. */
export interface NewApiKey {
  apiKey: ApiKey;
  secret: string;
}

/**
 * Makes a key for a service, or for the whole installation when none is named and the caller's key is such a one.
 * `secret` is given only for a key that is kept elsewhere already, as the demo's is.
 * @throws BillingError FORBIDDEN for a scope the caller lacks.
 */
export async function createApiKey(ctx: Ctx, input: CreateApiKeyInput, secret = newSecret()): Promise<NewApiKey> {
  const name = parseText(input.name, 'name', 200);
  if (name === ENVIRONMENT_KEY_NAME) throw invalid('name', `The name ${name} is kept for the key of the environment.`);
  const scopes = [...new Set(input.scopes)];
  if (scopes.length === 0) throw invalid('scopes', 'A key has at least one scope.');
  refuseScopesBeyond(ctx.actor, scopes);
  const expiresAt = parseExpiry(ctx, input.expiresAt);
  const serviceId = await visibleServiceIdOrAll(ctx, input.service);
  return inTransaction(ctx, async (tx) => {
    const made = await insertKey(tx, { serviceId, name, scopes, expiresAt, createdAt: ctx.now }, secret);
    await writeAudit(tx, ctx, {
      action: 'api_key.created',
      subjectType: 'api_key',
      subjectId: made.apiKey.id,
      serviceId,
      details: { name, scopes, expiresAt },
    });
    return made;
  });
}

export interface RotateApiKeyInput {
  id: string;
  /** 0 to 720: how long the old secret still works. */
  overlapHours: number;
  /** When the new key expires; as the old one would have when not given. */
  expiresAt?: string | null;
}

/** A new key with the rights of the old one, which works on until the overlap ends (or its own expiry, when that is earlier). */
export async function rotateApiKey(ctx: Ctx, input: RotateApiKeyInput): Promise<NewApiKey & { previous: ApiKey }> {
  if (input.overlapHours < 0 || input.overlapHours > MAX_OVERLAP_HOURS) {
    throw invalid('overlapHours', `overlapHours must be from 0 to ${MAX_OVERLAP_HOURS}, not ${input.overlapHours}.`);
  }
  const givenExpiry = parseExpiry(ctx, input.expiresAt);
  return inTransaction(ctx, async (tx) => {
    const previous = await lockKey(tx, ctx, input.id);
    refuseScopesBeyond(ctx.actor, previous.scopes);
    refuseRotation(ctx, previous);
    const { serviceId, name, scopes } = previous;
    const expiresAt = givenExpiry ?? previous.expiresAt;
    const made = await insertKey(tx, { serviceId, name, scopes, expiresAt, createdAt: ctx.now }, newSecret());
    const overlapEnd = new Date(ctx.now.getTime() + input.overlapHours * HOUR_MS);
    if (previous.expiresAt === null || previous.expiresAt > overlapEnd) previous.expiresAt = overlapEnd;
    await tx.update(ApiKey, { id: previous.id }, { expiresAt: previous.expiresAt });
    await writeAudit(tx, ctx, {
      action: 'api_key.rotated',
      subjectType: 'api_key',
      subjectId: made.apiKey.id,
      serviceId,
      details: { previous: previous.id, previousExpiresAt: previous.expiresAt },
    });
    return { ...made, previous };
  });
}

/** Refuses the key from now on. Revoking twice changes nothing. */
export async function revokeApiKey(ctx: Ctx, input: { id: string }): Promise<{ apiKey: ApiKey }> {
  return inTransaction(ctx, async (tx) => {
    const apiKey = await lockKey(tx, ctx, input.id);
    if (apiKey.revokedAt !== null) return { apiKey };
    apiKey.revokedAt = ctx.now;
    await tx.update(ApiKey, { id: apiKey.id }, { revokedAt: ctx.now });
    await writeAudit(tx, ctx, {
      action: 'api_key.revoked',
      subjectType: 'api_key',
      subjectId: apiKey.id,
      serviceId: apiKey.serviceId,
      details: { name: apiKey.name },
    });
    return { apiKey };
  });
}

/** Keys of a service, or all that the caller may see, the oldest first. */
export async function listApiKeys(ctx: Ctx, service: string | null, page: PageArgs): Promise<Page<ApiKey>> {
  const serviceId = service === null ? ctx.actor.serviceId : await visibleServiceId(ctx, service);
  const query = ctx.db.createQueryBuilder(ApiKey, 'api_key');
  if (serviceId !== null) query.where('api_key.service_id = :serviceId', { serviceId });
  return fetchPage(query, byId('api_key'), page);
}

export async function apiKeysByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, ApiKey>> {
  const query = ctx.db.createQueryBuilder(ApiKey, 'api_key').where('api_key.id = any(:ids)', { ids });
  if (ctx.actor.serviceId !== null) {
    query.andWhere('api_key.service_id = :serviceId', { serviceId: ctx.actor.serviceId });
  }
  return new Map((await query.getMany()).map((key) => [key.id, key]));
}

/**
 * Makes `secret` the one key of the environment, with every scope for the whole installation; the one before is revoked.
 * Harmless when it is that already, and when several processes boot at once.
 */
export async function installEnvironmentKey(app: App, secret: string): Promise<void> {
  const ctx = { now: app.clock(), actor: ENVIRONMENT_ACTOR };
  const secretHash = hashSecret(secret);
  await inTransaction(app, async (tx) => {
    await tx.query('lock table api_key in share row exclusive mode');
    const current = await tx.findOneBy(ApiKey, { name: ENVIRONMENT_KEY_NAME, secretHash });
    if (current !== null && current.revokedAt === null) return;
    await tx.query('update api_key set revoked_at = $1 where name = $2 and revoked_at is null', [
      ctx.now,
      ENVIRONMENT_KEY_NAME,
    ]);
    const [row] = await tx.query<{ id: string }[]>(
      `insert into api_key (name, prefix, secret_hash, scopes, created_at) values ($1, $2, $3, $4, $5)
       on conflict (secret_hash) do update
         set name = excluded.name, service_id = null, scopes = excluded.scopes, expires_at = null, revoked_at = null
       returning id`,
      [ENVIRONMENT_KEY_NAME, secret.slice(0, PREFIX_LENGTH), secretHash, ALL_SCOPES, ctx.now],
    );
    await writeAudit(tx, ctx, {
      action: 'api_key.installed',
      subjectType: 'api_key',
      subjectId: row?.id ?? '',
      serviceId: null,
      details: { name: ENVIRONMENT_KEY_NAME, scopes: ALL_SCOPES },
    });
  });
}

const ENVIRONMENT_ACTOR: Actor = {
  name: ENVIRONMENT_KEY_NAME,
  serviceId: null,
  scopes: new Set(ALL_SCOPES),
  apiKeyId: null,
};

/** `fb_` and 43 characters: 256 random bits. */
function newSecret(): string {
  return `fb_${randomBytes(32).toString('base64url')}`;
}

/** Whether some key, revoked ones included, has this secret. */
export async function isKnownSecret(ctx: Ctx, secret: string): Promise<boolean> {
  return ctx.db.manager.existsBy(ApiKey, { secretHash: hashSecret(secret) });
}

async function insertKey(
  tx: EntityManager,
  values: Pick<ApiKey, 'serviceId' | 'name' | 'scopes' | 'expiresAt' | 'createdAt'>,
  secret: string,
): Promise<NewApiKey> {
  const apiKey = await tx.save(
    tx.create(ApiKey, {
      ...values,
      prefix: secret.slice(0, PREFIX_LENGTH),
      secretHash: hashSecret(secret),
      lastUsedAt: null,
      revokedAt: null,
    }),
  );
  return { apiKey, secret };
}

/** A key the caller may manage: of its own service, or any for a caller of the whole installation. Locked until the commit. */
async function lockKey(tx: EntityManager, ctx: Ctx, id: string): Promise<ApiKey> {
  const apiKey = await tx.findOne(ApiKey, {
    where: { id: asUuid(id, 'API key') },
    lock: { mode: 'pessimistic_write' },
  });
  const isVisible = apiKey !== null && (ctx.actor.serviceId === null || ctx.actor.serviceId === apiKey.serviceId);
  if (!isVisible) throw notFound('API key', 'id');
  return apiKey;
}

function refuseRotation(ctx: Ctx, apiKey: ApiKey): void {
  if (apiKey.name === ENVIRONMENT_KEY_NAME) {
    throw new BillingError('CONFLICT', 'The key of the environment is changed in the environment.', { field: 'id' });
  }
  if (apiKey.revokedAt !== null || (apiKey.expiresAt !== null && apiKey.expiresAt <= ctx.now)) {
    throw new BillingError('CONFLICT', 'The key is revoked or has expired; make a new one.', { field: 'id' });
  }
}

/** Nobody hands out more than they have. */
function refuseScopesBeyond(actor: Actor, scopes: readonly Scope[]): void {
  const scope = scopes.find((each) => !actor.scopes.has(each));
  if (scope !== undefined) {
    throw new BillingError('FORBIDDEN', `This key lacks the scope ${scope} and cannot give it.`, {
      field: 'scopes',
      scope,
    });
  }
}

function parseExpiry(ctx: Ctx, text: string | null | undefined): Date | null {
  if (text === null || text === undefined) return null;
  const expiresAt = parseInstant(text, 'expiresAt');
  if (expiresAt > ctx.now) return expiresAt;
  throw invalid('expiresAt', 'expiresAt must lie ahead.');
}
