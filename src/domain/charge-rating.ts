/** Rates a whole charge: each of its buckets by its own price, and the minimum of all of them together. */
import { type Bucket, type BucketRule, fixedBuckets } from './bucket';
import { type Decimal, ZERO, roundTo, sum } from './decimal';
import { type BucketPrice, type CountedUsage, type Rating, type RatingTerms, rateBucket, toppedUp } from './price';

/** What rating needs to know of a charge. */
export interface RatedCharge extends BucketPrice, BucketRule {
  mode: 'QUANTITY' | 'AMOUNT';
  /** In money for a full period, 0 for none; mode AMOUNT only. */
  minimumAmount: Decimal;
}

/** Where a charge is rated, and how much of a period it is. */
export interface ChargeTerms extends RatingTerms {
  /** Whole days of the period and of the plan's full one: a minimum is due for the share. */
  days?: { used: number; full: number };
}

export interface RatedBucket extends Rating {
  bucket: Bucket;
}

/** A bucket with usage of the period. */
export interface UsedBucket<U> {
  bucket: Bucket;
  usage: U;
}

/**
 * The buckets that a charge is rated in: those with usage, and, where it has none, each filter and what no filter takes as it
 * stands: zero units may have a price too.
 */
export function bucketsToRate<U>(charge: BucketRule, used: readonly UsedBucket<U>[], nothing: U): UsedBucket<U>[] {
  const inUse = new Set(used.map(({ bucket }) => bucket.filter?.name ?? null));
  const unused = fixedBuckets(charge).filter(({ filter }) => !inUse.has(filter?.name ?? null));
  return [...unused.map((bucket) => ({ bucket, usage: nothing })), ...used].sort((one, other) =>
    one.bucket.key < other.bucket.key ? -1 : 1,
  );
}

/** The price of one bucket: its filter's, or the charge's own. */
export function bucketPrice(charge: RatedCharge, { filter }: Bucket): BucketPrice {
  return filter === null ? charge : { ...charge, price: filter.price, freeUnits: filter.freeUnits };
}

/**
 * Rates every bucket, rounded once each, half away from zero, to the currency's decimals. What all of them together leave of
 * the minimum, rounded by itself, is added to what no filter takes.
 */
export function rateCharge(
  charge: RatedCharge,
  buckets: readonly UsedBucket<CountedUsage>[],
  terms: ChargeTerms,
): RatedBucket[] {
  const rated = buckets.map(({ bucket, usage }) => ({
    ...rateBucket(bucketPrice(charge, bucket), usage, terms),
    bucket,
  }));
  const missing = minimumOf(charge, terms).minus(sum(rated.map(({ amount }) => amount)));
  if (missing.lte(0)) return rated;
  const plain = rated.find(({ bucket }) => bucket.key === '') ?? nothingRated(charge);
  const others = rated.filter((each) => each !== plain);
  return [{ ...toppedUp(plain, missing), bucket: plain.bucket }, ...others];
}

/** Where every group has a bucket of its own, the minimum stands on a line without units. */
function nothingRated(charge: BucketRule): RatedBucket {
  const [bucket] = fixedBuckets(charge);
  return { bucket: bucket as Bucket, units: ZERO, billableUnits: ZERO, value: ZERO, amount: ZERO, steps: [] };
}

function minimumOf({ minimumAmount }: RatedCharge, { days, places }: ChargeTerms): Decimal {
  return roundTo(days === undefined ? minimumAmount : minimumAmount.times(days.used).div(days.full), places);
}
