/**
 * The one error class for what callers, Odoo or the state of the world did wrong, and the catalogue of its codes.
 * Our own mistakes are `node:assert` failures and never of this class.
 */

/** What a code means to a face: its HTTP status, whether the same request can succeed later, and what the manual says of it. */
export interface ErrorKind {
  /** Of a request that is refused as a whole; GraphQL answers 200 once it has begun to execute. */
  status: number;
  retryable: boolean;
  /** When a caller meets it. */
  meaning: string;
  /** What a caller does then. */
  remedy: string;
}

export const ERROR_CATALOGUE = {
  VALIDATION_FAILED: {
    status: 422,
    retryable: false,
    meaning: 'A value breaks a rule; `field` names the value, the message the rule.',
    remedy: 'Correct the value and send again.',
  },
  NOT_FOUND: {
    status: 404,
    retryable: false,
    meaning: 'No such thing, or not one this key may see.',
    remedy: "Check the id or code that `field` names, and the key: a service's key sees its own rows only.",
  },
  CONFLICT: {
    status: 409,
    retryable: false,
    meaning: 'The state of the world forbids it now, or the code or account is taken already.',
    remedy: 'Read what is there; the message says what stands in the way.',
  },
  IDEMPOTENCY_CONFLICT: {
    status: 409,
    retryable: false,
    meaning:
      'The idempotency key was used with other content; `field` and `details` name the difference and both values.',
    remedy: 'Find out which is right. A wrong record is voided, and the right one is sent under a new key.',
  },
  UNAUTHENTICATED: {
    status: 401,
    retryable: false,
    meaning: 'No key, or one that is unknown, expired or revoked.',
    remedy: 'Send a valid key in the header `Authorization: Bearer fb_…`.',
  },
  FORBIDDEN: {
    status: 403,
    retryable: false,
    meaning: 'The key lacks the scope named in `details`.',
    remedy: 'Use a key with this scope, or have one made.',
  },
  LIMIT_EXCEEDED: {
    status: 429,
    retryable: true,
    meaning: 'Too much at once, or too often; only the latter is retryable, and has `details.retryAfterMs`.',
    remedy: 'Wait that long and send again unchanged; without it, send less at once.',
  },
  UPSTREAM_REJECTED: {
    status: 422,
    retryable: false,
    meaning: 'Odoo refused the call.',
    remedy: 'A person must look at the message and `details`, and mend the cause in Odoo.',
  },
  UPSTREAM_UNAVAILABLE: {
    status: 503,
    retryable: true,
    meaning: 'Odoo cannot be reached now.',
    remedy: 'Send again later.',
  },
  UNAVAILABLE: {
    status: 503,
    retryable: true,
    meaning: 'Our database or queue cannot serve now.',
    remedy:
      'Send again unchanged, after `details.retryAfterMs` or with growing pauses: an idempotency key makes that safe.',
  },
  INTERNAL: {
    status: 500,
    retryable: true,
    meaning: 'Our mistake; `details.errorId` finds it in the log.',
    remedy: 'Send again later; if it stays, tell the operators the `errorId`.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;

/** No text that leaves us is longer, whatever a caller sent. */
export const MAX_MESSAGE_LENGTH = 300;

export interface ErrorDetails {
  /** Path of the offending value, inside the input or the item: "windowEnd". */
  field?: string;
  [name: string]: unknown;
}

/** A refusal with a code of the catalogue. `message` is cut to 300 characters; `details.field` names the value at fault. */
export class BillingError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(clip(message));
    this.name = 'BillingError';
    this.code = code;
    this.details = details;
  }

  get retryable(): boolean {
    // A limit on one request is not lifted by waiting; one on how often they come says how long to wait.
    if (this.code === 'LIMIT_EXCEEDED') return this.details.retryAfterMs !== undefined;
    return ERROR_CATALOGUE[this.code].retryable;
  }
}

/** A refusal as data, as batch results and stored attempts carry it. */
export interface Problem {
  code: ErrorCode;
  message: string;
  field: string | null;
  retryable: boolean;
  details: Record<string, unknown> | null;
}

/** What was caught, as the value of a refusal. @throws whatever is none. */
export function asRefusal(error: unknown): BillingError {
  if (error instanceof BillingError) return error;
  throw error;
}

/** The same refusal as data: the field apart, the other details together, null when there are none. */
export function toProblem(error: BillingError): Problem {
  const { field, ...details } = error.details;
  return {
    code: error.code,
    message: error.message,
    field: field ?? null,
    retryable: error.retryable,
    details: Object.keys(details).length > 0 ? details : null,
  };
}

/** `text`, shortened to `length` characters with an ellipsis when it is longer. */
export function clip(text: string, length: number = MAX_MESSAGE_LENGTH): string {
  // Half of a surrogate pair is no text: PostgreSQL refuses it in JSON.
  return text.length <= length ? text : `${text.slice(0, length - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
