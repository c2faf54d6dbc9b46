/**
 * The one error class for what callers, Odoo or the state of the world did wrong, and the catalogue of its codes.
 * Our own mistakes are `node:assert` failures and never of this class.
 */

/** What a code means to a face: its HTTP status, and whether the same request can succeed later. */
export interface ErrorKind {
  status: number;
  retryable: boolean;
  /** One sentence for the manual: when a caller meets it and what to do. */
  meaning: string;
}

export const ERROR_CATALOGUE = {
  VALIDATION_FAILED: {
    status: 422,
    retryable: false,
    meaning: 'A value breaks a rule; `field` names it. Correct it and send again.',
  },
  NOT_FOUND: { status: 404, retryable: false, meaning: 'No such thing, or not one this key may see.' },
  CONFLICT: {
    status: 409,
    retryable: false,
    meaning: 'The state of the world forbids it now, or the code or account is taken already.',
  },
  IDEMPOTENCY_CONFLICT: {
    status: 409,
    retryable: false,
    meaning: 'The idempotency key was used with other content; `details` names the field and both values.',
  },
  UNAUTHENTICATED: { status: 401, retryable: false, meaning: 'No key, or one that is unknown, expired or revoked.' },
  FORBIDDEN: { status: 403, retryable: false, meaning: 'The key lacks the scope named in `details`.' },
  LIMIT_EXCEEDED: {
    status: 429,
    retryable: true,
    meaning: 'Too much at once; wait `details.retryAfterMs` or send less.',
  },
  UPSTREAM_REJECTED: {
    status: 422,
    retryable: false,
    meaning: 'Odoo refused the call; a person must look at `details`.',
  },
  UPSTREAM_UNAVAILABLE: { status: 503, retryable: true, meaning: 'Odoo cannot be reached now; try again later.' },
  UNAVAILABLE: { status: 503, retryable: true, meaning: 'Our database or queue cannot serve now; try again later.' },
  INTERNAL: { status: 500, retryable: true, meaning: 'Our mistake; `details.errorId` finds it in the log.' },
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
