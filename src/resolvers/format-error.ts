/** Errors as GraphQL clients see them: ours by code, GraphQL's own as they are, anything else masked; all of them bounded. */
import { randomUUID } from 'node:crypto';
import { types } from 'node:util';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import { BillingError, clip, toProblem } from '../domain/errors';
import { asUnavailable, sqlState } from '../services/transaction';

/** Codes of GraphQL and Apollo for requests that never came to a resolver. */
export const PASSED_CODES: ReadonlySet<string> = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_SUPPORTED',
]);

/** What GraphQL adds when it stops looking for wrong variables; Apollo gives it no code. */
const TOO_MANY_WRONG = /^Too many errors processing variables/;

const MAX_LOCATIONS = 10;
const MAX_PATH_LENGTH = 40;
const MAX_PATH_NAME_LENGTH = 100;
const MAX_DETAILS_LENGTH = 16_000;
const MAX_ERRORS_BYTES = 48 * 1024;
const MAX_EMPTY_DATA_BYTES = 8 * 1024;

/** Apollo's `formatError`. What it masks is logged under the `errorId` it answers. */
export function formatErrors(log: Logger): (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError {
  return (formatted, error) => {
    const origin = error instanceof GraphQLError ? (error.originalError ?? error) : error;
    const code = TOO_MANY_WRONG.test(formatted.message) ? 'BAD_USER_INPUT' : formatted.extensions?.code;
    const isOurs = origin instanceof BillingError;
    if (!isOurs && typeof code === 'string' && PASSED_CODES.has(code)) {
      return bounded(formatted, formatted.message, { code, retryable: false });
    }
    const refusal = maskError(log, origin, { path: formatted.path });
    return bounded(formatted, refusal.message, extensionsOf(refusal));
  };
}

/** A BillingError for whatever was thrown: itself, UNAVAILABLE, or INTERNAL with the id under which it is logged. */
export function maskError(log: Logger, error: unknown, where: object): BillingError {
  const origin = asUnavailable(error);
  if (origin instanceof BillingError) return origin;
  const errorId = randomUUID();
  log.error({ errorId, ...where, ...describe(origin) }, 'a request failed by our mistake');
  return new BillingError('INTERNAL', 'Something went wrong on our side; the log knows it by errorId.', { errorId });
}

/** `{ code, retryable, field?, details? }`, as every face prints a BillingError. */
export function extensionsOf(error: BillingError): Record<string, unknown> {
  const { code, retryable, field, details } = toProblem(error);
  const isSmall = details !== null && JSON.stringify(details).length <= MAX_DETAILS_LENGTH;
  return {
    code,
    retryable,
    ...(field === null ? {} : { field: clip(field, MAX_PATH_NAME_LENGTH) }),
    ...(isSmall ? { details } : {}),
  };
}

/** The longest `details.retryAfterMs` of formatted errors in whole seconds, as the header says it; null when none waits. */
export function retryAfterSeconds(errors: readonly GraphQLFormattedError[] = []): number | null {
  const waits = errors.flatMap(({ extensions }) => {
    const details = extensions?.details as { retryAfterMs?: number } | undefined;
    return details?.retryAfterMs ?? [];
  });
  return waits.length === 0 ? null : Math.ceil(Math.max(...waits) / 1_000);
}

/** Leaves out the errors beyond 48 kB, saying how many, and a `data` that consists of nothing but many nulls. */
export function boundErrors(result: {
  errors?: readonly (GraphQLFormattedError | GraphQLError)[];
  data?: unknown;
}): void {
  if (result.errors === undefined) return;
  let bytes = 0;
  const kept = result.errors.filter((error) => {
    bytes += Buffer.byteLength(JSON.stringify(error)) + 1;
    return bytes <= MAX_ERRORS_BYTES;
  });
  const leftOut = result.errors.length - kept.length;
  if (leftOut > 0) {
    const extensions = { code: 'LIMIT_EXCEEDED', retryable: false };
    result.errors = [...kept, { message: `${leftOut} more errors are left out.`, extensions }];
  }
  if (isAllNull(result.data) && Buffer.byteLength(JSON.stringify(result.data)) > MAX_EMPTY_DATA_BYTES) {
    result.data = null;
  }
}

function isAllNull(data: unknown): data is object {
  return typeof data === 'object' && data !== null && Object.values(data).every((value) => value === null);
}

function bounded(
  formatted: GraphQLFormattedError,
  message: string,
  extensions: Record<string, unknown>,
): GraphQLFormattedError {
  const path = formatted.path
    ?.slice(0, MAX_PATH_LENGTH)
    .map((step) => (typeof step === 'string' ? clip(step, MAX_PATH_NAME_LENGTH) : step));
  return {
    message: clip(message),
    ...(formatted.locations === undefined ? {} : { locations: formatted.locations.slice(0, MAX_LOCATIONS) }),
    ...(path === undefined ? {} : { path }),
    extensions,
  };
}

/** Without the query and its parameters, which a driver's error carries along whole. */
function describe(error: unknown): Record<string, unknown> {
  if (!types.isNativeError(error)) return { thrown: typeof error };
  return {
    errorName: error.name,
    errorMessage: clip(error.message, 2_000),
    stack: error.stack,
    sqlState: sqlState(error),
  };
}
