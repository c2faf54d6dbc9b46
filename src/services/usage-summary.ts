/** Totals for dashboards, read from the hourly rollup: as fast on a large ledger as on a small one. */
import { DateTime } from 'luxon';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { parseInstant } from '../domain/parse';
import { asUuid, given, searchable, visibleServiceIdOrAll } from './access';

/** Rows of one answer. */
const MAX_ROWS = 5_000;
const HOUR_MS = 3_600_000;

const TIME_GROUPS = ['HOUR', 'DAY', 'MONTH'] as const;
type TimeGroup = (typeof TIME_GROUPS)[number];
export type UsageGroup = 'ACCOUNT' | 'CONTRACT' | TimeGroup;

/** Records counted in `[from, to)`. */
export interface UsageSummaryFilter {
  service?: string | null;
  account?: string | null;
  contractId?: string | null;
  metrics?: readonly string[] | null;
  from: string;
  to: string;
}

/** One metric in one group; what was not grouped by is null. */
export interface UsageSummaryRow {
  metricId: string;
  accountLinkId: string | null;
  /** Null too for usage without a contract. */
  contractId: string | null;
  /** The hour, day or month, cut to what was asked for. */
  start: Date | null;
  end: Date | null;
  quantity: Decimal;
  recordCount: number;
}

interface SummaryRow {
  metric_id: string;
  account_link_id: string | null;
  contract_id: string | null;
  bucket: Date | null;
  quantity: string;
  records: string;
}

const SUMMARY = `
  select metric_id, account_link_id, contract_id, bucket, sum(quantity) as quantity, sum(records) as records
    from (
      select u.metric_id, u.quantity, u.records, date_trunc($3, u.hour, $4) as bucket,
             case when $5 then u.account_link_id end as account_link_id, case when $6 then u.contract_id end as contract_id
        from usage_rollup u
        join metric m on m.id = u.metric_id
        join account_link l on l.id = u.account_link_id
       where u.hour >= $1 and u.hour < $2
         and ($7::uuid is null or m.service_id = $7)
         and ($8::text is null or l.account = $8)
         and ($9::uuid is null or u.contract_id = $9)
         and ($10::text[] is null or m.code = any($10))) counted
   group by metric_id, account_link_id, contract_id, bucket
  having sum(records) > 0
   order by bucket, metric_id, account_link_id, contract_id
   limit ${MAX_ROWS + 1}`;

/**
 * Totals of the effective records by metric and by what `groupBy` names; at most one of HOUR, DAY and MONTH, in the billing
 * time zone. Names that nothing has give no rows.
 * @throws BillingError VALIDATION_FAILED naming `from` or `to` off the full hour, or `groupBy`; LIMIT_EXCEEDED beyond 5,000 rows.
 */
export async function usageSummary(
  ctx: Ctx,
  filter: UsageSummaryFilter,
  groupBy: readonly UsageGroup[],
): Promise<{ rows: UsageSummaryRow[]; asOf: Date }> {
  const range = { from: fullHour(filter.from, 'from'), to: fullHour(filter.to, 'to') };
  if (range.to <= range.from) throw invalid('to', 'to must lie after from.');
  const unit = timeGroup(groupBy);
  const zone = ctx.config.billingTimeZone;
  const rows = await ctx.db.query<SummaryRow[]>(SUMMARY, [
    range.from,
    range.to,
    unit?.toLowerCase() ?? null,
    zone,
    groupBy.includes('ACCOUNT'),
    groupBy.includes('CONTRACT'),
    await visibleServiceIdOrAll(ctx, filter.service),
    given(filter.account, searchable),
    given(filter.contractId, (id) => asUuid(id, 'contract', 'contractId')),
    given(filter.metrics, (codes) => codes.map(searchable)),
  ]);
  if (rows.length > MAX_ROWS) {
    const advice = `More than ${MAX_ROWS} rows: ask for less time, a coarser group, or one account.`;
    throw new BillingError('LIMIT_EXCEEDED', advice, { maxRows: MAX_ROWS });
  }
  const summarized = rows.map((row) => ({
    metricId: row.metric_id,
    accountLinkId: row.account_link_id,
    contractId: row.contract_id,
    ...cut(row.bucket, { unit, zone, ...range }),
    quantity: new Decimal(row.quantity),
    recordCount: Number(row.records),
  }));
  return { rows: summarized, asOf: ctx.now };
}

/** The rollup has nothing finer than the hour. */
function fullHour(text: string, field: 'from' | 'to'): Date {
  const instant = parseInstant(text, field);
  if (instant.getTime() % HOUR_MS === 0) return instant;
  throw invalid(field, `${field} must be a full hour: totals are kept by the hour.`);
}

function timeGroup(groupBy: readonly UsageGroup[]): TimeGroup | null {
  const [unit = null, ...others] = TIME_GROUPS.filter((candidate) => groupBy.includes(candidate));
  if (others.length === 0) return unit;
  throw invalid('groupBy', 'Only one of HOUR, DAY and MONTH can be grouped by.');
}

/** The hour, day or month that begins at `bucket`, as far as it lies in `[from, to)`. */
function cut(
  bucket: Date | null,
  { unit, zone, from, to }: { unit: TimeGroup | null; zone: string; from: Date; to: Date },
): { start: Date | null; end: Date | null } {
  if (bucket === null || unit === null) return { start: null, end: null };
  const end = unit === 'HOUR' ? new Date(bucket.getTime() + HOUR_MS) : nextStart(bucket, unit, zone);
  return { start: bucket < from ? from : bucket, end: end > to ? to : end };
}

function nextStart(bucket: Date, unit: 'DAY' | 'MONTH', zone: string): Date {
  const name = unit === 'DAY' ? 'day' : 'month';
  return DateTime.fromJSDate(bucket, { zone })
    .plus({ [name]: 1 })
    .startOf(name)
    .toJSDate();
}

function invalid(field: string, message: string): BillingError {
  return new BillingError('VALIDATION_FAILED', message, { field });
}
