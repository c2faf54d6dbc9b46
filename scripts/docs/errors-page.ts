/** docs/errors.md: every code with its status, what it means, what to do, and one that a client really got. */
import { ERROR_CATALOGUE, type ErrorCode, type ErrorKind } from '../../src/domain/errors';
import { PASSED_CODES } from '../../src/resolvers/format-error';
import { block } from './api-page';
import type { Reply } from './installation';
import type { Provoked } from './refusals';
import type { Stable } from './stable';

const HEAD = `<!-- Made by \`npm run docs\`; edit scripts/docs and the catalogue of codes in src/domain/errors.ts instead. -->

# Errors

Every error has a code, in \`errors[].extensions.code\`. Programs go by the code and by \`retryable\`; the message is for people
and may change.

\`\`\`json
{ "message": "…", "path": ["recordUsage"], "extensions": { "code": "…", "retryable": false, "field": "…", "details": {} } }
\`\`\`

- \`retryable\`: whether the same request, unchanged, can succeed later. \`recordUsage\` and \`recordUsageBatch\` may be sent again
  after any error: what was recorded the first time is answered as \`DUPLICATE\`.
- \`field\`: path of the value at fault, inside the input or the item; left out when there is none.
- \`details\`: what else is known, such as both values of a conflict; left out when there is nothing.

In a batch a refused item is data: \`rejections[].problem\` has the same parts, and the answer has no error.

**HTTP status.** Once GraphQL has begun to execute, the status is 200, and each field has its own fate: one mutation of a
document can fail beside another that was done. The status below is that of requests which are refused as a whole, before
GraphQL, and of other faces. No message is above 300 characters. New codes may be added: treat an unknown one by \`retryable\`.
`;

const GRAPHQL_HEAD = `## Codes of GraphQL

The request never came to a resolver, and nothing was done. None is retryable: the client has to be mended. For clients that
send \`Accept: application/graphql-response+json\` the first three have status 400.
`;

/** What GraphQL's own codes mean; each of those that pass must be here. */
const GRAPHQL_KINDS: Record<string, Pick<ErrorKind, 'status' | 'meaning' | 'remedy'>> = {
  GRAPHQL_PARSE_FAILED: {
    status: 200,
    meaning: 'The document is no GraphQL.',
    remedy: 'Mend the document at the place that `locations` names.',
  },
  GRAPHQL_VALIDATION_FAILED: {
    status: 200,
    meaning: 'The document does not fit the schema: an unknown field, a missing argument, a wrong type.',
    remedy: 'Compare it with the schema; GraphiQL shows the place.',
  },
  BAD_USER_INPUT: {
    status: 200,
    meaning: 'A variable does not have the type that the document declares.',
    remedy: 'Send the value in its type: quantities as text, instants as ISO 8601.',
  },
  OPERATION_RESOLUTION_FAILURE: {
    status: 400,
    meaning: 'The document has several operations, or not the one that `operationName` names.',
    remedy: 'Send the `operationName` of the one that is meant.',
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    status: 200,
    meaning: 'Only the hash of a document was sent; this API does not keep documents.',
    remedy: 'Switch persisted queries off in the client.',
  },
  BAD_REQUEST: {
    status: 400,
    meaning:
      'It is no GraphQL request over HTTP: no JSON (400), another content type (415), too large (413), another method (405), too slow (408).',
    remedy: 'Send `POST /graphql` with `Content-Type: application/json` and `{ "query": "…" }`.',
  },
};

/** The page before it is formatted. */
export function errorsPage(provoked: readonly Provoked[], tidy: Stable): string {
  const unknown = [...PASSED_CODES].filter((code) => GRAPHQL_KINDS[code] === undefined);
  if (unknown.length > 0) throw new Error(`Nothing is said of ${unknown.join(', ')} in scripts/docs/errors-page.ts.`);
  const codes = Object.keys(ERROR_CATALOGUE) as ErrorCode[];
  const section = (code: string): string => sectionOf(code, kindOf(code), { provoked, tidy });
  return [
    HEAD,
    '| code | status | retryable | what it means |',
    '| --- | --- | --- | --- |',
    ...codes.map((code) => row(code, ERROR_CATALOGUE[code])),
    ...Object.entries(GRAPHQL_KINDS).map(([code, kind]) => row(code, { ...kind, retryable: false })),
    '',
    ...codes.map(section),
    GRAPHQL_HEAD,
    ...Object.keys(GRAPHQL_KINDS).map(section),
  ].join('\n');
}

type Told = Pick<ErrorKind, 'meaning' | 'remedy'>;

function kindOf(code: string): Told {
  const kinds: Record<string, Told> = { ...ERROR_CATALOGUE, ...GRAPHQL_KINDS };
  const kind = kinds[code];
  if (kind === undefined) throw new Error(`${code} is not in the catalogue.`);
  return kind;
}

function row(code: string, { status, retryable, meaning }: Omit<ErrorKind, 'remedy'>): string {
  const sometimes = code === 'LIMIT_EXCEEDED';
  const cells = [
    `[\`${code}\`](#${code.toLowerCase()})`,
    sometimes ? `${status} or 400` : status,
    sometimes ? 'if it says when' : retryable ? 'yes' : 'no',
    meaning,
  ];
  return `| ${cells.join(' | ')} |`;
}

function sectionOf(
  code: string,
  { meaning, remedy }: Told,
  { provoked, tidy }: { provoked: readonly Provoked[]; tidy: Stable },
): string {
  const examples = provoked.filter((one) => one.code === code);
  if (examples.length === 0) throw new Error(`No example in scripts/docs/refusals.ts of ${code}.`);
  return [
    `### ${code}\n`,
    `${meaning} **What to do:** ${remedy}\n`,
    ...examples.map(({ sent, reply }) => `${sent}\n\n${block('json', JSON.stringify(tidy(answerOf(reply))))}\n`),
  ].join('\n');
}

/** Without where in the document it was, and without what the answer cost. */
function answerOf({ text }: Reply): unknown {
  const { errors, data } = JSON.parse(text) as { errors: object[]; data?: unknown };
  return { errors: errors.map((error) => ({ ...error, locations: undefined })), data };
}
