/** The usage records behind an invoice line, paged in the order of time: those of the periods it covers, and late usage. */
import type { Ctx } from '../ctx';
import type { UsageRecord } from '../entities/usage-record';
import { type Keyset, type Page, type PageArgs, pageBounds, pageOfRows } from './page';
import { bucketOfRecord } from './trace-buckets';
import type { RecordSource } from './trace-invoice-line';
import { CONTRACT, usageRecordsByIds } from './usage-reads';

/** How a record stands to what was billed. */
export type RecordPart = 'IN_PERIOD' | 'LATE_USAGE' | 'SINCE';

export interface TracedRecord {
  record: UsageRecord;
  part: RecordPart;
  periodId: string;
  /** The charge that rated it in its period; null when none did. */
  chargeId: string | null;
  bucket: string | null;
}

const ORDER: Keyset = {
  columns: [
    { sql: 'record.counted_at', type: 'timestamptz' },
    { sql: 'record.id', type: 'bigint' },
  ],
  direction: 'asc',
};

interface TracedRow {
  id: string;
  counted_at: string;
  part: RecordPart;
  period_id: string;
}

/**
 * A page of the records of `source`. Voided ones are among them: what they took back is part of the story.
 * @throws BillingError VALIDATION_FAILED naming `first` or `after`.
 */
export async function tracedRecords(ctx: Ctx, source: RecordSource, page: PageArgs): Promise<Page<TracedRecord>> {
  const { limit, after } = pageBounds(page, ORDER);
  const [afterCountedAt, afterId] = after ?? ['-infinity', '0'];
  const rows = await ctx.db.query<TracedRow[]>(SQL, [
    source.contractId,
    source.metricIds,
    source.from,
    source.to,
    source.originPeriodIds,
    source.lateAfter,
    source.asOf,
    afterCountedAt,
    afterId,
    limit,
  ]);
  const records = await usageRecordsByIds(
    ctx,
    rows.map(({ id }) => id),
  );
  return pageOfRows(
    rows.flatMap(({ id, counted_at: countedAt, part, period_id: periodId }) => {
      const record = records.get(id);
      return record === undefined
        ? []
        : [{ node: { record, part, periodId, ...ratedAs(source, record, periodId) }, cursor: [countedAt, id] }];
    }),
    page,
  );
}

/** The charge and bucket of a record in its period. */
function ratedAs(
  { worths, charges }: RecordSource,
  record: UsageRecord,
  periodId: string,
): Pick<TracedRecord, 'chargeId' | 'bucket'> {
  const rated = worths.find((worth) => {
    const charge = charges.get(worth.chargeId);
    if (worth.periodId !== periodId || charge?.metricId !== record.metricId) return false;
    return worth.bucket === bucketOfRecord(charge, record);
  });
  return { chargeId: rated?.chargeId ?? null, bucket: rated?.bucket ?? null };
}

/** Instants at which something of the chain of `record` came, or found this contract. */
const EVENTS = `
  select e.received_at as at, e.late from usage_record e where e.id = record.id or e.root = record.id
  union all
  select a.assigned_at, a.late from usage_assignment a
   where a.record_id = record.id or a.record_id in (select c.id from usage_record c where c.root = record.id)`;

/** It is a record of this line: of the time covered, or late in a period whose adjustments were taken up. */
const IS_PART = `record.kind = 'USAGE' and (record.counted_at, record.id) > ($8::timestamptz, $9::bigint)
  and record.counted_at >= $8::timestamptz
  and record.counted_at >= (select least($3, min(o.start_at)) from billing_period o where o.id = any($5::uuid[]))
  and ($4::timestamptz is null or record.counted_at < $4)
  and (record.counted_at >= $3 or (
    exists (select 1 from billing_period o where o.id = any($5::uuid[]) and record.counted_at >= o.start_at and record.counted_at < o.end_at)
    and exists (select 1 from (${EVENTS}) event where event.late and event.at > $6 and event.at <= $7)))
  and ${CONTRACT} = $1`;

/**
 * Each branch reads no more than a page in the order of its index: a contract may have millions of records in a period. Those
 * recorded for the contract, metric by metric, and those assigned to it later.
 */
const SQL = `
  with recorded as (
    select found.* from unnest($2::uuid[]) as metric(id)
     cross join lateral (
       select record.id, record.counted_at, record.received_at from usage_record record
        where record.contract_id = $1 and record.metric_id = metric.id and ${IS_PART}
        order by record.counted_at, record.id limit $10) found),
  assigned as (
    select distinct record.id, record.counted_at, record.received_at
      from usage_assignment a
      join usage_record given on given.id = a.record_id
      join usage_record record on record.id = coalesce(given.root, given.id)
     where a.contract_id = $1 and record.contract_id is distinct from $1 and record.metric_id = any($2) and ${IS_PART}),
  listed as (
    select * from recorded union all select * from assigned order by counted_at, id limit $10)
  select record.id, record.counted_at::text as counted_at, period.id as period_id,
         case when record.counted_at < $3 then 'LATE_USAGE'
              when (select max(at) from (
                      select record.received_at as at
                      union all
                      select a.assigned_at from usage_assignment a
                       where a.record_id = record.id or a.record_id in (select c.id from usage_record c where c.root = record.id)) came) > $7
                then 'SINCE'
              else 'IN_PERIOD' end as part
    from listed record
    join lateral (
      select p.id from billing_period p
       where p.contract_id = $1 and p.start_at <= record.counted_at and (p.end_at is null or record.counted_at < p.end_at)) period
      on true
   order by record.counted_at, record.id`;
