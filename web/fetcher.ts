/** Sends GraphiQL's requests to /graphql of the same origin, with the key as it is stored at that moment. */
import type { GraphiQLProps } from 'graphiql';
import { loadKey } from './api-key';

type Fetcher = GraphiQLProps['fetcher'];

/** Answers what the server said, also with a status above 399: its body explains the refusal better than a status could. */
export const fetcher: Fetcher = async (params, options) => {
  const { key } = loadKey();
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
      ...options?.headers,
    },
    body: JSON.stringify(params),
  });
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    return { errors: [{ message: `HTTP ${response.status} without JSON: ${body.slice(0, 300)}` }] };
  }
};
