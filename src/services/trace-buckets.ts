/** Which bucket of a charge a record falls into: the one place that a trace asks. */
import type { BillableLine } from '../entities/billable-line';
import type { UsageRecord } from '../entities/usage-record';

/** A charge has one bucket, named '', that takes every record of its metric. */
export const bucketOfRecord: (
  chargeId: BillableLine['chargeId'],
  record: Pick<UsageRecord, 'dimensions'>,
) => BillableLine['bucket'] = () => '';
