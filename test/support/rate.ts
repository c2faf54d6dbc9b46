/** Rates a charge without filters and groups: its one bucket. */
import { fixedBuckets } from '../../src/domain/bucket';
import { type ChargeTerms, type RatedCharge, rateCharge } from '../../src/domain/charge-rating';
import type { CountedUsage, Rating } from '../../src/domain/price';

export type PlainCharge = Omit<RatedCharge, 'filters' | 'groupBy'>;

export function rate(plain: PlainCharge, usage: CountedUsage, terms: ChargeTerms): Rating {
  const charge = { ...plain, filters: [], groupBy: [] };
  const [rated] = rateCharge(
    charge,
    fixedBuckets(charge).map((bucket) => ({ bucket, usage })),
    terms,
  );
  if (rated === undefined) throw new Error('a charge has a bucket');
  return rated;
}
