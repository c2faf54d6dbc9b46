/**
 * Which bucket of a charge a record falls into: by the charge's filters, each with a price of its own, and by the groups it
 * prices apart. Every record falls into exactly one bucket, whatever came before it.
 */
import { createHash } from 'node:crypto';
import type { Decimal } from './decimal';
import type { PriceModel } from './price-model';
import type { Dimensions } from './usage-content';

export interface ChargeFilter {
  /** Unique in its charge. */
  name: string;
  /** Dimensions, each with the values it may have; none of both lists is empty. */
  match: Readonly<Record<string, readonly string[]>>;
  freeUnits: Decimal;
  price: PriceModel;
}

/** What of a charge decides on the bucket. */
export interface BucketRule {
  filters: readonly ChargeFilter[];
  /** Dimensions of which each combination of values is priced apart. */
  groupBy: readonly string[];
}

export interface Bucket {
  /** Canonical and the same for ever, at most `MAX_KEY_LENGTH` characters: '' for what no filter takes, without groups. */
  key: string;
  /** Null: priced by the charge itself. */
  filter: ChargeFilter | null;
  /** A value of each of `groupBy`, null where the record has none; empty in a bucket without groups. */
  group: Readonly<Record<string, string | null>>;
}

/** Longer keys are replaced by their hash: a key is part of an index. */
export const MAX_KEY_LENGTH = 255;

/** The dimensions that the rule looks at, sorted: records that agree in them share a bucket. */
export function relevantDimensions({ filters, groupBy }: BucketRule): string[] {
  return [...new Set([...groupBy, ...filters.flatMap(({ match }) => Object.keys(match))])].sort();
}

/**
 * The one bucket of a record. Of the filters that match, the one with most dimensions takes it, of those the one with fewest
 * values, of those the first. A dimension that is missing matches no filter, and is a group of its own.
 */
export function bucketOf(rule: BucketRule, dimensions: Dimensions | null): Bucket {
  const has = dimensions ?? {};
  const filter = filtersByPriority(rule).find((candidate) => matches(candidate, has)) ?? null;
  return bucket(filter, Object.fromEntries(rule.groupBy.map((name) => [name, valueOf(has, name) ?? null])));
}

/** The buckets there are without any usage: what no filter takes, and each filter, without a group. */
export function fixedBuckets({ filters }: Pick<BucketRule, 'filters'>): Bucket[] {
  return [null, ...filters].map((filter) => bucket(filter, {}));
}

/** What a bucket is called by: the name of its filter, null for none, and the values it groups by. */
export interface BucketName {
  filter: string | null;
  group: Bucket['group'];
}

/** The bucket of a name. Records that were counted by it know no more. */
export function bucketNamed({ filters }: Pick<BucketRule, 'filters'>, { filter: name, group }: BucketName): Bucket {
  return bucket(filters.find((filter) => filter.name === name) ?? null, group);
}

/** The filters in the order in which they take a record: the first that matches has it. */
export function filtersByPriority({ filters }: Pick<BucketRule, 'filters'>): ChargeFilter[] {
  return filters.toSorted(comparePriority);
}

/** Two filters that can match the same record; the first of the pair takes it. */
export type FilterPair = readonly [ChargeFilter, ChargeFilter];

/**
 * Pairs of filters that can match the same record though neither is narrower: each has a dimension or a value that the other
 * lacks, or both are the same. Lago counts such a record twice, unless they are the same; here it always falls to one.
 */
export function overlaps(filters: readonly ChargeFilter[]): FilterPair[] {
  return filters.flatMap((one, index) =>
    filters
      .slice(index + 1)
      .filter((other) => canShare(one, other) && isWithin(one, other) === isWithin(other, one))
      .map((other): FilterPair => (comparePriority(other, one) < 0 ? [other, one] : [one, other])),
  );
}

function valueOf<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function matches({ match }: ChargeFilter, dimensions: Dimensions): boolean {
  return Object.entries(match).every(([name, values]) => {
    const value = valueOf(dimensions, name);
    return value !== undefined && values.includes(value);
  });
}

/** Below 0 when `one` takes a record that both match: more dimensions, of those fewer values. */
function comparePriority(one: ChargeFilter, other: ChargeFilter): number {
  return countKeys(other) - countKeys(one) || countValues(one) - countValues(other);
}

function countKeys({ match }: ChargeFilter): number {
  return Object.keys(match).length;
}

function countValues({ match }: ChargeFilter): number {
  return Object.values(match).reduce((count, values) => count + new Set(values).size, 0);
}

/** Whether a record can match both. */
function canShare(one: ChargeFilter, other: ChargeFilter): boolean {
  return Object.entries(one.match).every(([name, values]) => {
    const others = valueOf(other.match, name);
    return others === undefined || values.some((value) => others.includes(value));
  });
}

/** Whether `narrow` has all dimensions of `wide` and more of them, or the same ones with no value that `wide` lacks. */
function isWithin(narrow: ChargeFilter, wide: ChargeFilter): boolean {
  const wideNames = Object.keys(wide.match);
  if (!wideNames.every((name) => Object.hasOwn(narrow.match, name))) return false;
  if (Object.keys(narrow.match).length > wideNames.length) return true;
  return Object.entries(narrow.match).every(([name, values]) => {
    const others = valueOf(wide.match, name) ?? [];
    return values.every((value) => others.includes(value));
  });
}

function bucket(filter: ChargeFilter | null, group: Bucket['group']): Bucket {
  const parts = [
    ...(filter === null ? [] : [`"filter":${JSON.stringify(filter.name)}`]),
    ...(Object.keys(group).length === 0 ? [] : [`"group":${printSorted(group)}`]),
  ];
  const text = parts.length === 0 ? '' : `{${parts.join(',')}}`;
  return { key: text.length > MAX_KEY_LENGTH ? hashOf(text) : text, filter, group };
}

/** An object would put names that look like numbers first; this is sorted by the text of the names alone. */
function printSorted(group: Bucket['group']): string {
  const entries = Object.entries(group).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

function hashOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
