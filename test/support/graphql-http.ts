/** GraphQL over real HTTP, and what an answer means to a caller that tries again. */
import type { GraphqlAnswer } from './app';

/** Longer than anything may take: an answer that is not there by then will not come. */
const ANSWER_LIMIT_MS = 60_000;

export interface Call {
  key: string | null;
  query: string;
  variables?: Record<string, unknown> | undefined;
}

/** Sends one operation to the API at `url`. @throws when the connection fails or no answer comes. */
export async function post(url: string, { key, query, variables }: Call): Promise<GraphqlAnswer> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const body = await response.text();
  const { data, errors } = JSON.parse(body) as Pick<GraphqlAnswer, 'data' | 'errors'>;
  return { status: response.status, headers: Object.fromEntries(response.headers), data, errors, body };
}

/** `OK`, or each code of the answer with whether it can be retried: "UNAVAILABLE, retryable". */
export function outcomeOf({ errors }: GraphqlAnswer): string {
  if (errors === undefined) return 'OK';
  const codes = errors.map(
    ({ extensions }) => `${String(extensions.code)}, ${extensions.retryable === true ? 'retryable' : 'final'}`,
  );
  return [...new Set(codes)].join('; ');
}
