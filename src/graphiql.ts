/** Serves the built GraphiQL page and nothing else; what the page may load is fixed by its Content-Security-Policy. */
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';

/**
 * Everything comes from this origin, scripts and workers included, so the page works with the network closed and cannot
 * send a key elsewhere. Inline styles are the one exception: the editor writes its colours into the page.
 * Its stylesheet carries fonts as `data:`, which is no origin either.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "font-src 'self' data:",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const ASSET_MAX_AGE_SECONDS = 31_536_000;

export interface GraphiqlOptions {
  /** Absolute path of the folder that `web/vite.config.mts` builds. While it is missing, /graphiql answers 404. */
  root: string;
}

/** Serves GET /graphiql, /graphiql/ and the page's assets below it. */
export async function registerGraphiql(server: FastifyInstance, options: GraphiqlOptions): Promise<void> {
  await server.register(async (scope) => {
    scope.addHook('onRequest', async (_request, reply) => {
      void reply.headers({
        'content-security-policy': CONTENT_SECURITY_POLICY,
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
      });
    });
    await scope.register(fastifyStatic, {
      root: options.root,
      prefix: '/graphiql/',
      cacheControl: false,
      // Names of assets contain a hash of their content; the page itself names the assets and is asked for each time.
      setHeaders: (reply, path) => {
        const asset = /[\\/]assets[\\/]/.test(path);
        reply.setHeader('cache-control', asset ? `public, max-age=${ASSET_MAX_AGE_SECONDS}, immutable` : 'no-cache');
      },
    });
    scope.get('/graphiql', (_request, reply) => reply.sendFile('index.html'));
  });
}
