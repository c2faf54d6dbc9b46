/** The GraphQL server inside the HTTP server: Apollo's settings and the few things it does not do by itself. */
import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import type { FastifyInstance } from 'fastify';
import { GraphQLError, Kind, visit, type DocumentNode } from 'graphql';
import type { App, Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { ANONYMOUS } from './auth';
import { costs } from './cost';
import { type CompiledOperation, gatewayOf } from './executor';
import { boundErrors, formatErrors, retryAfterSeconds } from './format-error';
import { knownOperations } from './known-operations';
import { countRequests } from './observed-requests';
import { graphqlSchema } from './schema';

/** Errors of a request that was understood as HTTP: 200 for clients that ask for application/json, as the specification has it. */
const ANSWERED_WITH_200 = new Set(['GRAPHQL_PARSE_FAILED', 'GRAPHQL_VALIDATION_FAILED', 'BAD_USER_INPUT']);
const GRAPHQL_MEDIA_TYPE = 'application/graphql-response+json';

/** No answer is kept on its way: each is of one caller and one instant. */
export const CACHE_CONTROL = 'no-store';

/** A started server; it stops with `server`. Operations that it compiles are told to `onCompiled`. */
export async function startApollo(
  app: App,
  server: FastifyInstance,
  onCompiled: (compiled: CompiledOperation) => void,
): Promise<ApolloServer<Ctx>> {
  const apollo = new ApolloServer<Ctx>({
    gateway: gatewayOf(graphqlSchema(), onCompiled),
    formatError: formatErrors(app.log),
    validationRules: [knownOperations],
    includeStacktraceInErrorResponses: false,
    // Keys travel in a header that no other site can make a browser send; there are no cookies to abuse.
    csrfPrevention: false,
    // Its own handler would kill the process before the queue and the database are taken down in order.
    stopOnTerminationSignals: false,
    introspection: true,
    // Suggestions would tell the schema to callers who may not read it.
    hideSchemaDetailsFromClientErrors: app.config.production,
    persistedQueries: false,
    logger: app.log,
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // It wraps every field of the schema to find out what `answers` says without looking.
      ApolloServerPluginCacheControlDisabled(),
      answers,
      costs,
      countRequests,
      ...(app.config.production ? [introspectionWithKey] : []),
    ],
  });
  await apollo.start();
  // After the last request was answered: Fastify drains. (The integration's drain plugin would close Fastify from here,
  // inside its own closing, and wait for itself.)
  server.addHook('onClose', () => apollo.stop());
  return apollo;
}

const answers: ApolloServerPlugin<Ctx> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ request, response }) => {
      response.http.headers.set('cache-control', CACHE_CONTROL);
      if (response.body.kind !== 'single') return;
      const result = response.body.singleResult;
      const code = result.errors?.[0]?.extensions?.code;
      const accepts = request.http?.headers.get('accept') ?? '';
      if (typeof code === 'string' && ANSWERED_WITH_200.has(code) && !accepts.includes(GRAPHQL_MEDIA_TYPE)) {
        response.http.status = 200;
      }
      const wait = retryAfterSeconds(result.errors);
      if (wait !== null) response.http.headers.set('retry-after', String(wait));
      boundErrors(result);
    },
  }),
};

const introspectionWithKey: ApolloServerPlugin<Ctx> = {
  requestDidStart: async () => ({
    didResolveOperation: async ({ contextValue, document }) => {
      if (contextValue.actor !== ANONYMOUS || !asksForSchema(document)) return;
      const refusal = new BillingError('UNAUTHENTICATED', 'The schema is read with an API key.');
      throw new GraphQLError(refusal.message, { originalError: refusal, extensions: { http: { status: 401 } } });
    },
  }),
};

/** Both fields exist at the root only, so wherever they stand they are meant. */
function asksForSchema(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    [Kind.FIELD]: (node) => {
      found ||= node.name.value === '__schema' || node.name.value === '__type';
    },
  });
  return found;
}
