/** Requests by which random ones have broken something, each with the code of the answer it must get. */

interface Found {
  what: string;
  text: string;
  variables?: object;
  code: string;
}

export const FOUND: Found[] = [
  {
    what: 'a subscription, which the schema has not',
    text: 'subscription { billableLines { pageInfo { endCursor } } }',
    code: 'GRAPHQL_VALIDATION_FAILED',
  },
  {
    what: 'a batch of which every item lacks something, beyond the errors that GraphQL counts',
    text: 'mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { recordedCount } }',
    variables: { input: { records: Array(60).fill({ metric: 'one' }) } },
    code: 'BAD_USER_INPUT',
  },
];
