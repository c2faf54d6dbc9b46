/**
 * What "the same content" means for an idempotency key: the canonical form of what was sent, its hash, and the field in
 * which two contents differ. Nothing that was resolved, and not `source`, is part of it.
 */
import { hash } from 'node:crypto';
import type { UniqueOperation } from './aggregate';
import { type Decimal, printDecimal } from './decimal';
import { printInstant } from './instant';

/** Flat labels; values are compared as text. */
export type Dimensions = Readonly<Record<string, string>>;

/** What a caller says was counted. Null is what was left out: it equals nothing but null. */
export interface UsageContent {
  readonly account: string | null;
  readonly subscriptionId: string | null;
  readonly metric: string;
  readonly windowStart: Date;
  readonly windowEnd: Date;
  readonly quantity: Decimal;
  readonly dimensions: Dimensions | null;
  readonly meter: string | null;
  readonly events: number | null;
  readonly revision: number | null;
  readonly opening: Decimal | null;
  /** Never false: what is not reset says nothing. */
  readonly reset: true | null;
  readonly operation: UniqueOperation | null;
}

export interface ContentConflict {
  /** The first field that differs, by the name it has in the input. */
  readonly field: string;
  readonly recorded: unknown;
  readonly sent: unknown;
}

/** Each field as it is compared and printed, in the order of the canonical form: never reorder, hashes are kept for ever. */
const PRINTED = {
  account: (content: UsageContent) => content.account,
  subscriptionId: (content: UsageContent) => content.subscriptionId,
  metric: (content: UsageContent) => content.metric,
  windowStart: (content: UsageContent) => printInstant(content.windowStart),
  windowEnd: (content: UsageContent) => printInstant(content.windowEnd),
  quantity: (content: UsageContent) => printDecimal(content.quantity),
  dimensions: (content: UsageContent) => content.dimensions,
  meter: (content: UsageContent) => content.meter,
  events: (content: UsageContent) => printWhole(content.events),
  revision: (content: UsageContent) => printWhole(content.revision),
  opening: (content: UsageContent) => (content.opening === null ? null : printDecimal(content.opening)),
  reset: (content: UsageContent) => (content.reset === null ? null : 'true'),
  operation: (content: UsageContent) => content.operation,
} as const;
const FIELDS = Object.keys(PRINTED) as (keyof typeof PRINTED)[];
/** Every form holds the first eight; later fields only where they are given, by name, so that older hashes stay what they were. */
const FIRST_FIELDS = FIELDS.slice(0, 8);
const LATER_FIELDS = FIELDS.slice(8);

/** Hex SHA-256 of the canonical form: equal exactly when every field is. "1.50" and "1.5" are one quantity. */
export function usageContentHash(content: UsageContent): string {
  const form: unknown[] = ['USAGE'];
  for (const field of FIRST_FIELDS) form.push(comparable(PRINTED[field](content)));
  for (const field of LATER_FIELDS) {
    const printed = PRINTED[field](content);
    if (printed !== null) form.push([field, comparable(printed)]);
  }
  return sha256(form);
}

/** The same for a correction: what it corrects, the quantity from now on (null: taken out), and why. */
export function correctionContentHash(content: { target: string; reason: string; quantity: Decimal | null }): string {
  const { target, reason, quantity } = content;
  return sha256(quantity === null ? ['VOID', target, reason] : ['REPLACEMENT', target, printDecimal(quantity), reason]);
}

/** The first field in which `sent` differs from `recorded`; null when they are the same content. */
export function contentConflict(recorded: UsageContent, sent: UsageContent): ContentConflict | null {
  for (const field of FIELDS) {
    const values = { recorded: PRINTED[field](recorded), sent: PRINTED[field](sent) };
    if (JSON.stringify(comparable(values.recorded)) !== JSON.stringify(comparable(values.sent))) {
      return { field, ...values };
    }
  }
  return null;
}

function printWhole(value: number | null): string | null {
  return value === null ? null : String(value);
}

/** One text for equal dimensions, however they were ordered; null for none. */
export function printDimensions(dimensions: Dimensions | null): string | null {
  return dimensions === null ? null : JSON.stringify(comparable(dimensions));
}

/** Dimensions as sorted pairs: an object would put keys that look like numbers first. */
function comparable(printed: string | Dimensions | null): unknown {
  if (printed === null || typeof printed === 'string') return printed;
  return Object.entries(printed).sort(([one], [other]) => (one < other ? -1 : 1));
}

function sha256(form: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(form), 'hex');
}
