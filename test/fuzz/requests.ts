/** Random requests: a document, now and then broken, in an envelope, now and then wrong, under one of several keys. */
import fc, { type Arbitrary } from 'fast-check';
import type { GraphQLSchema } from 'graphql';
import { operationsOf, printDocument, type OperationNode } from './documents';
import { printJson, valuesOf, weighted, type Vocabulary } from './values';

/** NONE; WRONG: of nobody; ALL, FEW: of the first service, with all scopes and a few; READER: of all services, to read. */
export const KEYS = ['NONE', 'WRONG', 'ALL', 'FEW', 'READER'] as const;
export type KeyName = (typeof KEYS)[number];

const ENVELOPES = [
  'post',
  'get',
  'form',
  'no content type',
  'unknown operation',
  'null operation',
  'variables as list',
  'variables as text',
  'no variables',
  'list of requests',
  'no query',
  'not JSON',
  'extensions',
] as const;
type Envelope = (typeof ENVELOPES)[number];

interface Breakage {
  at: number;
  remove: number;
  insert: string;
}

interface RequestTree {
  key: KeyName;
  envelope: Envelope;
  accept: string;
  breakage: Breakage | null;
  operation: OperationNode;
}

export interface FuzzRequest {
  key: KeyName;
  envelope: Envelope;
  accept: string;
  /** What the document says it is; broken ones count as such. */
  kind: 'query' | 'mutation' | 'subscription' | 'broken';
  text: string;
  /** The variables as JSON text. */
  variables: string;
}

export interface HttpRequest {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  payload?: string;
}

export function requestsTo(schema: GraphQLSchema, words: Vocabulary): Arbitrary<FuzzRequest> {
  const breakage = fc.record<Breakage>({
    at: fc.nat(2_000),
    remove: fc.nat(3),
    insert: fc.oneof(
      fc.constantFrom('{', '}', '(', '"', '"""', '...', '$', '@', '#', '\0', '\ufeff', '🦓', '\\u{110000}'),
      fc.string({ maxLength: 4 }),
    ),
  });
  const trees = fc.record<RequestTree>({
    key: weighted(
      [1, fc.constantFrom('NONE', 'WRONG')],
      [12, fc.constant('ALL')],
      [3, fc.constantFrom('FEW', 'READER')],
    ),
    envelope: weighted<Envelope>([40, fc.constant('post')], [1, fc.constantFrom(...ENVELOPES)]),
    accept: weighted(
      [40, fc.constant('application/json')],
      [10, fc.constant('application/graphql-response+json')],
      [1, fc.constantFrom('*/*', 'text/html', 'nonsense')],
    ),
    breakage: weighted<Breakage | null>([25, fc.constant(null)], [1, breakage]),
    operation: operationsOf(schema, valuesOf(words)),
  });
  return trees.map(printRequest);
}

function printRequest({ key, envelope, accept, breakage, operation }: RequestTree): FuzzRequest {
  const { text, variables } = printDocument(operation);
  const kind = breakage === null ? operation.kind : 'broken';
  return { key, envelope, accept, kind, text: broken(text, breakage), variables: printJson(variables) };
}

function broken(text: string, breakage: Breakage | null): string {
  if (breakage === null) return text;
  const at = breakage.at % text.length;
  return text.slice(0, at) + breakage.insert + text.slice(at + breakage.remove);
}

/** The request as it goes over the wire, with the secret of its key. */
export function toHttp(request: FuzzRequest, secret: string | null): HttpRequest {
  const { envelope, accept, text, variables } = request;
  const headers: Record<string, string> = { accept, 'content-type': 'application/json' };
  if (secret !== null) headers.authorization = `Bearer ${secret}`;
  const query = JSON.stringify(text);
  const post = (payload: string): HttpRequest => ({ method: 'POST', url: '/graphql', headers, payload });
  const withVariables = (other: string): HttpRequest => post(`{"query":${query},"variables":${other}}`);
  switch (envelope) {
    case 'post':
      return withVariables(variables);
    case 'get': {
      // A lone half of a surrogate pair cannot stand in an address.
      const parameters = new URLSearchParams({ query: text, variables });
      return { method: 'GET', url: `/graphql?${parameters.toString()}`, headers };
    }
    case 'form':
      headers['content-type'] = 'application/x-www-form-urlencoded';
      return post(new URLSearchParams({ query: text }).toString());
    case 'no content type':
      delete headers['content-type'];
      return withVariables(variables);
    case 'unknown operation':
      return post(`{"query":${query},"variables":${variables},"operationName":"nobodyKnows"}`);
    case 'null operation':
      return post(`{"query":${query},"variables":${variables},"operationName":null}`);
    case 'variables as list':
      return withVariables(`[${variables}]`);
    case 'variables as text':
      return withVariables(JSON.stringify(variables));
    case 'no variables':
      return post(`{"query":${query}}`);
    case 'list of requests':
      return post(`[{"query":${query}},{"query":${query}}]`);
    case 'no query':
      return post(`{"variables":${variables}}`);
    case 'not JSON':
      return post(`{"query":${query}`);
    case 'extensions':
      return post(`{"query":${query},"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}},"__proto__":{}}`);
  }
}
