/** Which bucket of a charge a usage record falls into, as rating divides them. */
import { bucketOf } from '../domain/bucket';
import { parseBucketRule } from '../domain/charge-filter';
import type { Charge } from '../entities/charge';
import type { UsageRecord } from '../entities/usage-record';

/** The key of the bucket, as billable lines have it. */
export function bucketOfRecord(charge: Charge, { dimensions }: Pick<UsageRecord, 'dimensions'>): string {
  return bucketOf(parseBucketRule(charge.filters, charge.groupBy), dimensions).key;
}
