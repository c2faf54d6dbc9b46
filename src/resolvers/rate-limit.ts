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
import { ANONYMOUS } from './auth';
import { keyHashOf } from './context';

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
  /** The hash of the request's key, for no secret is kept; null unless the key was found valid. */
  const validKeyOf = (request: FastifyRequest): string | null => {
    const hash = keyHashOf(request);
    return hash !== null && validKeys.has(hash) ? hash : null;
  };
  const callerOf = (request: FastifyRequest): string => {
    const key = validKeyOf(request);
    return key === null ? `address ${normalizeIP(request.ip)}` : `key ${key}`;
  };
  await server.register(rateLimit, {
    global: false,
    enableDraftSpec: true,
    timeWindow: WINDOW_MS,
    cache: MAX_CALLERS,
    keyGenerator: callerOf,
    allowList: () => config.rateLimit === 0,
    max: (request) => (validKeyOf(request) === null ? LIMITS.anonymousRequestsPerMinute : config.rateLimit),
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
      const key = keyHashOf(request);
      if (key !== null && request.ctx !== null && request.ctx.actor !== ANONYMOUS) validKeys.set(key, true);
    },
  };
}
