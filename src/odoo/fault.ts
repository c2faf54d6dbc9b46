/**
 * What went wrong with a call to Odoo, decided on status, content type and exception name, never on the text: the text is
 * translated. A rule on 5xx alone is wrong both ways: most 500s are the caller's mistake, and one 404 passes.
 */
import { BillingError, clip } from '../domain/errors';

/**
 * `retryable`: the same call can succeed later. `permanent`: it fails the same way for ever. `missing`: a record named in
 * the call, or one it refers to, is gone. `unauthenticated`: the key is wrong, expired or without rights to log in.
 */
export type FaultKind = 'retryable' | 'permanent' | 'missing' | 'unauthenticated';

/** What became of a write: it never left, Odoo refused it and kept nothing, or nobody knows without reading back. */
export type WriteOutcome = 'not-sent' | 'rejected' | 'unknown';

export interface FaultParts {
  kind: FaultKind;
  outcome: WriteOutcome;
  /** Odoo as a whole is in trouble, not this call: counts against the circuit. */
  serverTrouble: boolean;
  /** HTTP status; null without an answer. */
  status: number | null;
  /** The Python exception's name, "odoo.exceptions.UserError"; null when the answer was no JSON error. */
  odooName: string | null;
}

/** A failed call. `message` is cut to 300 characters; Odoo's traceback is never kept. */
export class OdooFault extends Error implements FaultParts {
  readonly kind: FaultKind;
  readonly outcome: WriteOutcome;
  readonly serverTrouble: boolean;
  readonly status: number | null;
  readonly odooName: string | null;

  constructor(message: string, parts: FaultParts) {
    super(clip(message));
    this.name = 'OdooFault';
    this.kind = parts.kind;
    this.outcome = parts.outcome;
    this.serverTrouble = parts.serverTrouble;
    this.status = parts.status;
    this.odooName = parts.odooName;
  }
}

/** The refusal as our callers see it: Odoo cannot serve now, or it refused and a person must look. */
export function toBillingError(fault: OdooFault): BillingError {
  const passing = fault.kind === 'retryable' || fault.kind === 'unauthenticated';
  return new BillingError(passing ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_REJECTED', fault.message, {
    odooStatus: fault.status,
    odooError: fault.odooName,
  });
}

export interface AnswerFacts {
  status: number;
  /** Odoo answers some errors in HTML, and what stands in front of it in anything. */
  isJson: boolean;
  /** `name` of a JSON error body; null when there is none. */
  odooName: string | null;
}

type Verdict = Pick<FaultParts, 'kind' | 'outcome' | 'serverTrouble'>;

const REJECTED: Verdict = { kind: 'permanent', outcome: 'rejected', serverTrouble: false };
const AGAIN: Verdict = { kind: 'retryable', outcome: 'rejected', serverTrouble: false };
const TROUBLE: Verdict = { kind: 'retryable', outcome: 'rejected', serverTrouble: true };
/** The transaction may have been committed before the answer was lost. */
const PERHAPS_DONE: Verdict = { kind: 'retryable', outcome: 'unknown', serverTrouble: true };

/** Rolled back by PostgreSQL after Odoo's own five attempts. */
const ROLLED_BACK = new Set([
  'psycopg2.errors.SerializationFailure',
  'psycopg2.errors.DeadlockDetected',
  'psycopg2.errors.LockNotAvailable',
]);
/** The database failed in mid-request: rolled back, except if it struck at the very commit. */
const DATABASE_TROUBLE = new Set([
  'psycopg2.InterfaceError',
  'psycopg2.OperationalError',
  'psycopg2.errors.AdminShutdown',
  'psycopg2.errors.QueryCanceled',
]);
/** Never Odoo's own: a proxy in front, or its host. */
const PROXY_TROUBLE = new Set([502, 503, 504]);

/** The verdict on an answer other than a 200 with JSON. */
export function classifyAnswer(facts: AnswerFacts): Verdict {
  const { status, isJson, odooName } = facts;
  if (status === 429) return TROUBLE;
  if (PROXY_TROUBLE.has(status)) return PERHAPS_DONE;
  if (!isJson || odooName === null) return classifyBare(status);
  if (status === 401) return { kind: 'unauthenticated', outcome: 'rejected', serverTrouble: false };
  if (status === 404 && odooName === 'odoo.exceptions.MissingError') {
    return { kind: 'missing', outcome: 'rejected', serverTrouble: false };
  }
  if (status === 409 || ROLLED_BACK.has(odooName)) return AGAIN;
  if (DATABASE_TROUBLE.has(odooName)) return PERHAPS_DONE;
  return REJECTED;
}

/** Answers without Odoo's JSON error: the HTML ones, and those of whatever stands in front. */
function classifyBare(status: number): Verdict {
  // "No database is selected": the header is wrong, or the database server is down. Never "record gone".
  if (status === 404) return TROUBLE;
  if (status === 401) return { kind: 'unauthenticated', outcome: 'rejected', serverTrouble: false };
  if (status >= 500) return PERHAPS_DONE;
  // A 200 without JSON is not from /json/2 at all; what happened behind it is anybody's guess.
  if (status < 300) return { kind: 'permanent', outcome: 'unknown', serverTrouble: false };
  return REJECTED;
}

/** Codes of connections that never came about: the request cannot have been seen. */
const NOT_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** The fault of a call that got no answer: refused, reset, closed, or given up by us. */
export function faultWithoutAnswer(error: unknown, timeoutMs: number): OdooFault {
  const { name, code } = namesOf(error);
  const timedOut = name === 'TimeoutError';
  const message = timedOut ? `Odoo did not answer within ${timeoutMs / 1000} s.` : `Odoo cannot be reached (${code}).`;
  return new OdooFault(message, {
    kind: 'retryable',
    outcome: NOT_SENT.has(code) ? 'not-sent' : 'unknown',
    serverTrouble: true,
    status: null,
    odooName: null,
  });
}

/** By shape, as errors of the platform need not be of this realm's `Error`. */
function namesOf(error: unknown): { name: string; code: string } {
  const { name, code, cause } = (error ?? {}) as { name?: unknown; code?: unknown; cause?: unknown };
  if (typeof code !== 'string' && cause !== undefined) return namesOf(cause);
  const known = typeof name === 'string' ? name : 'unknown';
  return { name: known, code: typeof code === 'string' ? code : known };
}
