/** From an HTTP request to its Ctx: whose key it carries, and the instant it stands at. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Actor, App, Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { counted, LIMITS } from '../domain/limits';
import { authenticate, hashOfKey } from '../services/api-key-check';
import { ANONYMOUS } from './auth';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before the body is read. */
    ctx: Ctx | null;
    /** What `keyHashOf` found. */
    keyHash: string | null | undefined;
  }
}

/** One answer for a key that is unknown, malformed, expired or revoked. */
const REFUSED = JSON.stringify({
  errors: [{ message: 'The API key is not valid.', extensions: { code: 'UNAUTHENTICATED', retryable: false } }],
});

const KEY_FOR_LARGE_BODIES = `Send an API key: "Authorization: Bearer fb_…". Without one a body tells its length, at most ${counted(LIMITS.anonymousBodyBytes)} bytes.`;

/** A hook that gives the request its Ctx, or answers 401 before a byte of the body is read. */
export function authenticateRequests(app: App) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const now = app.clock();
    const actor = await actorOf(app, request, now);
    if (actor === null) {
      return reply
        .code(401)
        .headers({ 'www-authenticate': 'Bearer', 'content-type': 'application/json; charset=utf-8' })
        .send(REFUSED);
    }
    if (actor === ANONYMOUS && mayBeLarge(request)) throw new BillingError('UNAUTHENTICATED', KEY_FOR_LARGE_BODIES);
    request.ctx = { ...app, now, actor, requestId: request.id };
    return undefined;
  };
}

/** A body that does not tell its length may be of any. */
function mayBeLarge({ headers }: FastifyRequest): boolean {
  const length = headers['content-length'];
  if (length === undefined) return headers['transfer-encoding'] !== undefined;
  return Number(length) > LIMITS.anonymousBodyBytes;
}

async function actorOf(app: App, request: FastifyRequest, now: Date): Promise<Actor | null> {
  if (request.headers.authorization === undefined) return ANONYMOUS;
  const hash = keyHashOf(request);
  return hash === null ? null : authenticate(app, hash, now);
}

/** The hash of the key that the request carries, by which keys are known; null without one. Hashed once, whoever asks. */
export function keyHashOf(request: FastifyRequest): string | null {
  if (request.keyHash === undefined) {
    const secret = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    request.keyHash = secret === undefined ? null : hashOfKey(secret);
  }
  return request.keyHash;
}
