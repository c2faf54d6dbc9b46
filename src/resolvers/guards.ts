/** The guards of GraphQL requests that stand before GraphQL itself: each request of any caller is cheap to refuse. */
import type { FastifyRequest } from 'fastify';
import { guardDocument } from './guard-document';
import { guardValues } from './guard-values';

interface GraphqlParameters {
  query?: unknown;
  variables?: unknown;
}

/** A hook for the parsed request. @throws BillingError LIMIT_EXCEEDED; what is malformed passes on to GraphQL's own refusal. */
export async function guardRequest(request: FastifyRequest): Promise<void> {
  const sent = request.method === 'POST' ? request.body : request.query;
  if (typeof sent !== 'object' || sent === null) return;
  const { query, variables } = sent as GraphqlParameters;
  if (typeof query === 'string') guardDocument(query);
  const values = typeof variables === 'string' ? readJson(variables) : variables;
  if (typeof values === 'object' && values !== null) guardValues(values);
}

/** `variables` of a GET request. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
