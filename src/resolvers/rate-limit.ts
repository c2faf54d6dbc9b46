/**
 * How often a caller may come: counted by key, and by address for who has none. In the memory of each process, so several
 * processes together allow as many times as much.
 */
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import type { App } from '../ctx';
import { BillingError } from '../domain/errors';
import { counted, LIMITS } from '../domain/limits';
import { hashSecret } from '../services/api-key-check';
import { ANONYMOUS } from './auth';

const WINDOW_MS = 60_000;
/** Callers counted, and keys remembered, at one time. */
const MAX_CALLERS = 10_000;

type Hook = (request: FastifyRequest) => Promise<void>;

export interface RateLimit {
  /** Counts a request before it is authenticated, and tells the count in its headers. @throws BillingError LIMIT_EXCEEDED */
  count: Hook;
  /** Remembers the key of a request that was authenticated. */
  remember: Hook;
}

/**
 * Only keys that were found valid are counted by key. Whoever guesses is counted by address, before the database is asked,
 * and takes nothing from callers behind the same address whose keys are known.
 */
export async function registerRateLimit({ config }: App, server: FastifyInstance): Promise<RateLimit> {
  const validKeys = new LRUCache<string, true>({ max: MAX_CALLERS });
  const isKnown = (request: FastifyRequest): boolean => validKeys.has(keyOf(request));
  const callerOf = (request: FastifyRequest): string =>
    isKnown(request) ? `key ${keyOf(request)}` : `address ${normalizeIP(request.ip)}`;
  await server.register(rateLimit, {
    global: false,
    enableDraftSpec: true,
    timeWindow: WINDOW_MS,
    cache: MAX_CALLERS,
    keyGenerator: callerOf,
    allowList: () => config.rateLimit === 0,
    max: (request) => (isKnown(request) ? config.rateLimit : LIMITS.anonymousRequestsPerMinute),
    errorResponseBuilder: (_request, { max, ttl }) =>
      new BillingError('LIMIT_EXCEEDED', `More than ${counted(max)} requests in a minute.`, {
        maximum: max,
        retryAfterMs: Math.ceil(ttl),
      }),
  });
  const count = server.rateLimit();
  return {
    count: count as unknown as Hook,
    remember: async (request) => {
      if (request.ctx !== null && request.ctx.actor !== ANONYMOUS) validKeys.set(keyOf(request), true);
    },
  };
}

/** The header that carries the key, as its hash: no secret is kept. */
function keyOf({ headers }: FastifyRequest): string {
  return headers.authorization === undefined ? '' : hashSecret(headers.authorization);
}
