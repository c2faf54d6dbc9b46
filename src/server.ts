/** The HTTP server: GraphQL, GraphiQL, health, metrics. Whatever goes wrong is answered as JSON, bounded and without internals. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import cors, { type FastifyCorsOptions } from '@fastify/cors';
import fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance } from 'fastify';
import type { App } from './ctx';
import { LIMITS } from './domain/limits';
import { registerGraphiql } from './graphiql';
import { startApollo } from './resolvers/apollo';
import { compiledRequests } from './resolvers/compiled-requests';
import { authenticateRequests } from './resolvers/context';
import { guardRequest } from './resolvers/guards';
import { registerRateLimit, type RateLimit } from './resolvers/rate-limit';
import { takeJsonOnly } from './server/json-body';
import { registerMetricsPage } from './server/metrics-page';
import { observeRequests } from './server/observe-requests';
import { answerSocket, sendError, sendNotAllowed, sendNotFound } from './server/refusals';
import { readiness } from './services/health';

/** What pages of other origins may read besides the body. */
const EXPOSED_HEADERS = ['x-request-id', 'ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'];
/** How long browsers keep the answer to a preflight. */
const PREFLIGHT_AGE_SECONDS = 600;

/** The server, ready to listen or to be injected into; `server.close()` drains and stops it. */
export async function buildServer(app: App): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = app.log;
  const server = fastify({
    loggerInstance,
    bodyLimit: LIMITS.bodyBytes,
    requestTimeout: LIMITS.requestTimeoutMs,
    trustProxy: app.config.trustProxy,
    genReqId: requestId,
    requestIdHeader: false,
    frameworkErrors: (error, request, reply) => void sendError(app, error, request, reply),
    clientErrorHandler: answerSocket,
  });
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  observeRequests(app, server);
  server.setErrorHandler((error: FastifyError, request, reply) => sendError(app, error, request, reply));
  server.setNotFoundHandler(sendNotFound);
  takeJsonOnly(server);
  if (app.config.corsOrigins.length > 0) await server.register(cors, corsOptions(app.config.corsOrigins));
  server.decorateRequest('ctx', null);
  server.decorateRequest('keyHash', undefined);
  const rateLimit = await registerRateLimit(app, server);
  if (app.config.role !== 'worker') await registerGraphql(app, server, rateLimit);
  registerHealth(app, server);
  registerMetricsPage(app, server, rateLimit);
  const root = packageRoot();
  if (app.config.graphiql && app.config.role !== 'worker')
    await registerGraphiql(server, { root: path.join(root, 'dist', 'web') });
  await server.ready();
  return server;
}

const GRAPHQL_PATH = '/graphql';
const GRAPHQL_METHODS = ['GET', 'POST'];

async function registerGraphql(app: App, server: FastifyInstance, rateLimit: RateLimit): Promise<void> {
  const compiled = compiledRequests(app);
  const apollo = await startApollo(app, server, compiled.remember);
  const byApollo = fastifyApolloHandler(apollo, {
    context: (request) => {
      if (request.ctx === null) throw new Error('the request passed without its context');
      return Promise.resolve(request.ctx);
    },
  });
  server.route({
    method: GRAPHQL_METHODS,
    url: GRAPHQL_PATH,
    onRequest: [rateLimit.count, authenticateRequests(app), rateLimit.remember],
    preHandler: guardRequest,
    handler: async (request, reply) => (await compiled.answer(request, reply)) ?? byApollo.call(server, request, reply),
  });
  server.route({
    method: server.supportedMethods.filter((method) => ![...GRAPHQL_METHODS, 'HEAD'].includes(method)),
    url: GRAPHQL_PATH,
    handler: sendNotAllowed(GRAPHQL_METHODS.join(', ')),
  });
}

function registerHealth(app: App, server: FastifyInstance): void {
  const { version } = JSON.parse(readFileSync(path.join(packageRoot(), 'package.json'), 'utf8')) as { version: string };
  server.get('/healthz', () => ({ status: 'ok', version }));
  server.get('/readyz', async (_request, reply) => {
    const { ready, ...parts } = await readiness(app);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ok' : 'unavailable', ...parts });
  });
}

/** The caller's own id, when it is a short and harmless text, so that one id runs through several systems' logs. */
function requestId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,100}$/.test(given) ? given : randomUUID();
}

/** No credentials: keys travel in a header that a page sets itself. */
function corsOptions(origin: string[]): FastifyCorsOptions {
  return {
    origin,
    methods: ['GET', 'POST'],
    allowedHeaders: ['authorization', 'content-type', 'x-request-id'],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: PREFLIGHT_AGE_SECONDS,
    strictPreflight: false,
  };
}

/** The folder of package.json: src's parent, or two levels up when compiled into dist. */
function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}
