/**
 * The path beside Apollo: a request for an operation that is compiled already, and so was parsed, validated and run before, is
 * answered here, to the byte as Apollo would. Whatever is not such a request to the letter is left to Apollo.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FormattedExecutionResult } from 'graphql';
import { LRUCache } from 'lru-cache';
import type { App } from '../ctx';
import { LIMITS } from '../domain/limits';
import { CACHE_CONTROL } from './apollo';
import { ANONYMOUS } from './auth';
import { costOf, toldCost } from './cost';
import type { CompiledOperation } from './executor';
import { boundErrors, formatErrors, retryAfterSeconds } from './format-error';
import { countRequest } from './observed-requests';
import { graphqlSchema } from './schema';

/** Documents that are remembered: a client that sends much sends few. */
const MAX_DOCUMENTS = 100;
/** Of `accept`, what means plain JSON without being weighed. */
const PLAIN_ACCEPTS: ReadonlySet<string | undefined> = new Set([undefined, '*/*', 'application/json']);

export interface CompiledRequests {
  /** From now on, requests for it are answered here. */
  remember(compiled: CompiledOperation): void;
  /** The answer's body, its headers set; undefined, and nothing was done, when Apollo must answer. */
  answer(request: FastifyRequest, reply: FastifyReply): Promise<string | undefined>;
}

export function compiledRequests(app: App): CompiledRequests {
  /** By text, then by the name that is sent along. */
  const known = new LRUCache<string, Map<string | null, CompiledOperation>>({ max: MAX_DOCUMENTS });
  const format = formatErrors(app.log);
  const schema = graphqlSchema();

  return {
    remember(compiled) {
      const text = compiled.document.loc?.source.body;
      if (text === undefined) return;
      const byName = known.get(text) ?? new Map<string | null, CompiledOperation>();
      known.set(text, byName.set(compiled.operationName ?? null, compiled));
    },

    async answer(request, reply) {
      const { ctx } = request;
      const sent = plainRequest(request);
      if (sent === undefined || ctx === null || ctx.actor === ANONYMOUS) return undefined;
      const { variables } = sent;
      const compiled = known.get(sent.query)?.get(sent.operationName);
      if (compiled === undefined) return undefined;
      const { document, operation, run } = compiled;
      const cost = costOf({ schema, document, operation, variables });
      const result = cost > LIMITS.cost ? undefined : await run({ variables, ctx });
      if (result === undefined) return undefined;
      const errors = result.errors?.map((error) => format(error.toJSON(), error));
      const answer = { errors, data: result.data, extensions: { cost: toldCost(cost) } };
      boundErrors(answer);
      countRequest(ctx, { operation: operation.operation, errors: answer.errors });
      return printed(reply, answer);
    },
  };
}

interface PlainRequest {
  query: string;
  operationName: string | null;
  variables: Record<string, unknown>;
}

/** What is sent by POST without anything that Apollo would have to weigh; undefined for any other request. */
function plainRequest({ method, headers, body }: FastifyRequest): PlainRequest | undefined {
  if (method !== 'POST' || !PLAIN_ACCEPTS.has(headers.accept) || !isObject(body)) return undefined;
  const { query, operationName = null, variables, extensions } = body;
  if (typeof query !== 'string' || !isObject(variables) || extensions !== undefined) return undefined;
  return operationName === null || typeof operationName === 'string' ? { query, operationName, variables } : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** The body of `answer`, as Apollo ends it; `reply` has its headers then. */
function printed(reply: FastifyReply, answer: FormattedExecutionResult): string {
  const wait = retryAfterSeconds(answer.errors);
  if (wait !== null) void reply.header('retry-after', String(wait));
  void reply.headers({ 'cache-control': CACHE_CONTROL, 'content-type': 'application/json; charset=utf-8' });
  return `${JSON.stringify(answer)}\n`;
}
