/**
 * `GET /metrics`: what this process counts, and what the database says of the whole installation. It names services, so it
 * asks for a key of the whole installation with the scope billing:read.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../ctx';
import { BillingError } from '../domain/errors';
import { ANONYMOUS } from '../resolvers/auth';
import { authenticateRequests, keyHashOf } from '../resolvers/context';
import type { RateLimit } from '../resolvers/rate-limit';
import { type Figures, readFigures } from '../services/metrics-figures';
import { withinLimit } from '../services/time-limit';
import { asUnavailable } from '../services/transaction';

const SCOPE = 'billing:read';
/** However often the page is asked for, the database is asked once in this time. */
const FIGURES_AGE_MS = 5_000;
/**
 * How long the database is waited for, for the key and again for the figures. Together less than a scraper waits: the process's
 * own counters must not be lost with the database.
 */
const DATABASE_LIMIT_MS = 2_000;
/** How long a key that was good is taken while nobody can be asked whether it still is. */
const TRUST_MS = 900_000;

/** Adds the page to `server`. */
export function registerMetricsPage(app: App, server: FastifyInstance, rateLimit: RateLimit): void {
  const { registry, nameServices, database } = app.metrics;
  const figures = cached(app, () => readFigures(app));
  const onRequest = [rateLimit.count, admitScrapers(app), rateLimit.remember];
  server.get('/metrics', { onRequest }, async (_request, reply) => {
    const found = await figures();
    if (found !== null) nameServices(found.services);
    database.show(found);
    return reply.header('content-type', registry.contentType).send(await registry.metrics());
  });
}

type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>;

/**
 * Lets in who may read the page. Keys are in the database; while it is down, a key that this process let in a short while ago
 * is taken as it was, for a page without counters is worth least at that moment.
 */
function admitScrapers(app: App): Hook {
  const authenticate = authenticateRequests(app);
  const trusted = new Map<string, number>();
  return async (request, reply) => {
    const now = app.clock().getTime();
    const name = keyHashOf(request) ?? '';
    try {
      const refused = await withinLimit(DATABASE_LIMIT_MS, () => authenticate(request, reply));
      if (refused !== undefined) {
        trusted.delete(name);
        return refused;
      }
      refuseOthers(request);
    } catch (error) {
      const cause = asUnavailable(error);
      const isDown = cause instanceof BillingError && cause.code === 'UNAVAILABLE';
      if (isDown && (trusted.get(name) ?? 0) >= now) return undefined;
      trusted.delete(name);
      throw error;
    }
    trusted.set(name, now + TRUST_MS);
    for (const [key, until] of trusted) if (until < now) trusted.delete(key);
    return undefined;
  };
}

/** @throws BillingError UNAUTHENTICATED without a key, FORBIDDEN for a service's key or one without the scope. */
function refuseOthers({ ctx }: FastifyRequest): void {
  const actor = ctx?.actor ?? ANONYMOUS;
  if (actor === ANONYMOUS) {
    throw new BillingError('UNAUTHENTICATED', 'Send an API key: "Authorization: Bearer fb_…".');
  }
  if (actor.serviceId !== null) {
    throw new BillingError(
      'FORBIDDEN',
      'Metrics are of the whole installation: a key of one service does not read them.',
    );
  }
  if (!actor.scopes.has(SCOPE))
    throw new BillingError('FORBIDDEN', `This key lacks the scope ${SCOPE}.`, { scope: SCOPE });
}

/** What `read` found, at most a few seconds old; null when the database cannot be read in time. One reading at a time. */
function cached(app: App, read: () => Promise<Figures>): () => Promise<Figures | null> {
  let found: { figures: Figures; at: number } | null = null;
  let reading: Promise<Figures | null> | null = null;
  const readAnew = async (): Promise<Figures | null> => {
    const at = app.clock().getTime();
    try {
      const figures = await read();
      found = { figures, at };
      return figures;
    } catch (error) {
      app.log.warn({ err: error }, 'the figures of the metrics cannot be read');
      return null;
    } finally {
      reading = null;
    }
  };
  return () => {
    if (found !== null && Math.abs(app.clock().getTime() - found.at) < FIGURES_AGE_MS)
      return Promise.resolve(found.figures);
    const shared = (reading ??= readAnew());
    // What cannot be read is null already, so only the time can be out.
    return withinLimit(DATABASE_LIMIT_MS, () => shared).catch(() => null);
  };
}
