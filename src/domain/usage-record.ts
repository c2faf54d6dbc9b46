/**
 * Usage as callers send it: its syntax, its normal form, and the rules that depend on the metric, the account link and the
 * clock. Knows nothing of what is stored; whether a key was used before is asked by services/usage-records.ts.
 */
import type { UniqueOperation } from './aggregate';
import type { Decimal } from './decimal';
import { asRefusal, BillingError, clip } from './errors';
import { invalid, parseDecimal, parseInstant, parseText } from './parse';
import type { MetricRules } from './metric';
import { type Dimensions, type UsageContent, usageContentHash } from './usage-content';

const DAY_MS = 86_400_000;
/** Longest window of a record. */
const MAX_WINDOW_MS = 32 * DAY_MS;
/** How far ahead of our clock a window may end: for callers whose clock is ahead. */
const MAX_AHEAD_MS = 5 * 60_000;

/** Of keys, accounts and other names. */
export const MAX_NAME_LENGTH = 200;
const MAX_METRIC_LENGTH = 100;
/** Events behind one record, and revisions: what GraphQL's Int can say. */
const MAX_INT = 2_147_483_647;
const MAX_DIMENSIONS = 20;
const MAX_DIMENSION_KEY_LENGTH = 100;

/** One counter as it came in, nothing believed yet but the JSON kinds. Undefined and null are the same: left out. */
export interface UsageInput {
  service?: string | null;
  idempotencyKey: string;
  account?: string | null;
  subscriptionId?: string | null;
  metric: string;
  windowStart: string;
  windowEnd: string;
  quantity: string;
  dimensions?: Readonly<Record<string, unknown>> | null;
  meter?: string | null;
  events?: number | null;
  revision?: number | null;
  opening?: string | null;
  reset?: boolean | null;
  operation?: UniqueOperation | null;
  source?: string | null;
}

/** A counter whose syntax is right, in its normal form. */
export interface UsageDraft extends UsageContent {
  readonly service: string | null;
  readonly idempotencyKey: string;
  readonly source: string | null;
  /** Hex SHA-256 of the canonical content. */
  readonly contentHash: string;
}

/** The draft, or why the syntax is wrong. Looks at nothing but the input itself. */
export function parseUsage(input: UsageInput): UsageDraft | BillingError {
  try {
    return readUsage(input);
  } catch (error) {
    return asRefusal(error);
  }
}

function readUsage(input: UsageInput): UsageDraft {
  // One literal: a copy of an object of so many fields costs more than all of its parsing.
  const draft = {
    service: optionalText(input.service, 'service'),
    idempotencyKey: parseText(input.idempotencyKey, 'idempotencyKey', MAX_NAME_LENGTH),
    account: optionalText(input.account, 'account'),
    subscriptionId: subscriptionId(input.subscriptionId),
    metric: parseText(input.metric, 'metric', MAX_METRIC_LENGTH),
    windowStart: parseInstant(input.windowStart, 'windowStart'),
    windowEnd: parseInstant(input.windowEnd, 'windowEnd'),
    quantity: parseDecimal(input.quantity, 'quantity'),
    dimensions: parseDimensions(input.dimensions),
    meter: optionalText(input.meter, 'meter'),
    events: parseWhole(input.events ?? null, 'events'),
    revision: parseWhole(input.revision ?? null, 'revision'),
    opening: input.opening === null || input.opening === undefined ? null : parseDecimal(input.opening, 'opening'),
    reset: input.reset === true ? (true as const) : null,
    operation: input.operation ?? null,
    source: optionalText(input.source, 'source'),
    contentHash: '',
  };
  if (draft.account === null && draft.subscriptionId === null) {
    throw invalid('account', 'Name the account, the subscription, or both.');
  }
  const lengthMs = draft.windowEnd.getTime() - draft.windowStart.getTime();
  if (lengthMs < 0) throw invalid('windowEnd', 'windowEnd lies before windowStart.');
  if (lengthMs > MAX_WINDOW_MS) throw invalid('windowEnd', 'A window is at most 32 days long.');
  draft.contentHash = usageContentHash(draft);
  return draft;
}

/** Why `draft` breaks a rule of its metric or lies ahead of the clock; null when it may be recorded at `now`. */
export function usageRefusal(draft: UsageDraft, metric: MetricRules, now: Date): BillingError | null {
  // The total of a window may be sent while it goes on.
  const bound = metric.semantics === 'WINDOW_TOTAL' ? 'windowStart' : 'windowEnd';
  if (draft[bound].getTime() > now.getTime() + MAX_AHEAD_MS) {
    return invalid(bound, `${bound} lies more than 5 minutes ahead of our clock.`);
  }
  return strayFieldRefusal(draft, metric) ?? quantityRefusal(draft.quantity, metric) ?? ownRefusal(draft, metric);
}

/** Why a field of `draft` says nothing to its metric. */
function strayFieldRefusal(draft: UsageDraft, metric: MetricRules): BillingError | null {
  if (draft.events !== null && !metric.perEvent) {
    return invalid('events', 'The metric counts no events: leave `events` out.');
  }
  if (draft.revision !== null && metric.semantics !== 'WINDOW_TOTAL') {
    return invalid('revision', 'revision belongs to WINDOW_TOTAL metrics: leave it out.');
  }
  for (const field of ['opening', 'reset'] as const) {
    if (draft[field] !== null && metric.semantics !== 'CUMULATIVE') {
      return invalid(field, `${field} belongs to CUMULATIVE metrics: leave it out.`);
    }
  }
  if (draft.operation !== null && metric.aggregation !== 'UNIQUE_COUNT') {
    return invalid('operation', 'operation belongs to UNIQUE_COUNT metrics: leave it out.');
  }
  return null;
}

/** What the metric wants of `draft` besides a quantity. */
function ownRefusal(draft: UsageDraft, { uniqueBy }: MetricRules): BillingError | null {
  const { opening, quantity, dimensions } = draft;
  if (opening?.isNegative() === true && !opening.isZero()) return invalid('opening', 'opening must be 0 or more.');
  if (opening?.gt(quantity) === true) {
    return invalid('opening', `The meter cannot have stood higher before, at ${opening.toFixed()}, than it reads.`);
  }
  if (uniqueBy !== null && (dimensions?.[uniqueBy] ?? '') === '') {
    return invalid('dimensions', `The metric counts the values of the dimension "${uniqueBy}": send one.`);
  }
  return null;
}

/** Why a metric does not take `quantity`; null when it does. */
export function quantityRefusal(
  quantity: Decimal,
  { aggregation, signed }: Pick<MetricRules, 'aggregation' | 'signed'>,
): BillingError | null {
  if (quantity.isNegative() && !quantity.isZero() && !signed) {
    return invalid('quantity', 'The metric takes no negative quantity.');
  }
  switch (aggregation) {
    case 'UNIQUE_COUNT':
      return quantity.eq(1) ? null : invalid('quantity', 'The metric counts different things, one a record: send 1.');
    case 'SUM':
    case 'MAX':
    case 'LATEST':
    case 'WEIGHTED_SUM':
      return null;
    case 'COUNT':
      return quantity.isInteger() ? null : invalid('quantity', 'The metric counts things: whole numbers only.');
  }
}

/**
 * Whether the last instant of the window, the one it counts at, lies in `[from, to)`; `to` null is without end. The last
 * instant is the start of an instant window, else the microsecond before its end.
 */
export function countsWithin(
  window: Pick<UsageContent, 'windowStart' | 'windowEnd'>,
  validity: { from: Date; to: Date | null },
): boolean {
  const isInstant = window.windowStart.getTime() === window.windowEnd.getTime();
  if (isInstant && validity.to !== null && window.windowEnd >= validity.to) return false;
  if (validity.to !== null && window.windowEnd > validity.to) return false;
  return isInstant ? window.windowEnd >= validity.from : window.windowEnd > validity.from;
}

/** A JSON number: GraphQL's Int keeps it below 2^31, other faces must. */
function parseWhole(value: number | null, field: 'events' | 'revision'): number | null {
  if (value === null || (Number.isSafeInteger(value) && value >= 0 && value <= MAX_INT)) return value;
  throw invalid(field, `${field} must be a whole number from 0 to ${MAX_INT}, not ${value}.`);
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function subscriptionId(value: string | null | undefined): string | null {
  if (value === null || value === undefined) return null;
  const id = value.toLowerCase();
  // Ids are opaque: one that we never made is not malformed, it is simply not there.
  if (!UUID.test(id)) throw new BillingError('NOT_FOUND', 'No such subscription.', { field: 'subscriptionId' });
  return id;
}

/** Values as text and none at all as null, so that `{}` and nothing, or 1 and "1", are the same. */
export function parseDimensions(value: Readonly<Record<string, unknown>> | null | undefined): Dimensions | null {
  if (value === null || value === undefined) return null;
  const entries = Object.entries(value);
  if (entries.length === 0) return null;
  if (entries.length > MAX_DIMENSIONS)
    throw invalid('dimensions', `dimensions must be at most ${MAX_DIMENSIONS}, not ${entries.length}.`);
  return Object.fromEntries(
    entries.map(([key, label]) => {
      if (typeof label !== 'string' && typeof label !== 'number' && typeof label !== 'boolean') {
        throw invalid('dimensions', `The dimension "${clip(key, 40)}" must be text, a number or true or false.`);
      }
      // A label may be empty; its name may not.
      const shown = label === '' ? '' : parseText(String(label), 'dimensions', MAX_NAME_LENGTH);
      return [parseText(key, 'dimensions', MAX_DIMENSION_KEY_LENGTH), shown];
    }),
  );
}

/** A name that may be left out. @throws BillingError VALIDATION_FAILED with `field`. */
export function optionalText(value: string | null | undefined, field: string): string | null {
  return value === null || value === undefined ? null : parseText(value, field, MAX_NAME_LENGTH);
}
