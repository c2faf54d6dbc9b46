/** The HTTP server: GraphQL, GraphiQL, health. Whatever goes wrong is answered as JSON, bounded and without internals. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fastifyApolloHandler } from '@as-integrations/fastify';
import fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { App } from './ctx';
import { BillingError, clip, ERROR_CATALOGUE } from './domain/errors';
import { registerGraphiql } from './graphiql';
import { startApollo } from './resolvers/apollo';
import { authenticateRequests } from './resolvers/context';
import { extensionsOf, maskError } from './resolvers/format-error';
import { readiness } from './services/health';

const BODY_LIMIT_BYTES = 5 * 1024 * 1024;
/** A request that is still arriving after this long is cut off. */
const REQUEST_TIMEOUT_MS = 60_000;

/** The server, ready to listen or to be injected into; `server.close()` drains and stops it. */
export async function buildServer(app: App): Promise<FastifyInstance> {
  const loggerInstance: FastifyBaseLogger = app.log;
  const server = fastify({
    loggerInstance,
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: requestId,
    requestIdHeader: false,
  });
  server.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  server.setErrorHandler((error: FastifyError, request, reply) => sendError(app, error, request, reply));
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send(errorBody('There is nothing at this address.', { code: 'NOT_FOUND', retryable: false })),
  );
  await registerGraphql(app, server);
  registerHealth(app, server);
  const root = packageRoot();
  if (app.config.graphiql) await registerGraphiql(server, { root: path.join(root, 'dist', 'web') });
  await server.ready();
  return server;
}

async function registerGraphql(app: App, server: FastifyInstance): Promise<void> {
  const apollo = await startApollo(app, server);
  server.decorateRequest('ctx', null);
  server.route({
    method: ['GET', 'POST'],
    url: '/graphql',
    onRequest: authenticateRequests(app),
    handler: fastifyApolloHandler(apollo, {
      context: (request) => {
        if (request.ctx === null) throw new Error('the request passed without its context');
        return Promise.resolve(request.ctx);
      },
    }),
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

function sendError(app: App, error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500;
  // Fastify's own refusals: a body too large, not JSON, of another type.
  if (!(error instanceof BillingError) && status >= 400 && status < 500) {
    return reply.code(status).send(errorBody(error.message, { code: 'BAD_REQUEST', retryable: false }));
  }
  const refusal = maskError(app.log, error, { requestId: request.id });
  return reply.code(ERROR_CATALOGUE[refusal.code].status).send(errorBody(refusal.message, extensionsOf(refusal)));
}

function errorBody(message: string, extensions: Record<string, unknown>): object {
  return { errors: [{ message: clip(message), extensions }] };
}

/** The folder of package.json: src's parent, or two levels up when compiled into dist. */
function packageRoot(): string {
  let folder = __dirname;
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}
