/**
 * Totals for dashboards. Of metrics whose records simply add up they are read from the hourly rollup: as fast on a large ledger
 * as on a small one. Of all others each group is counted by the metric's own function, from the ledger.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { Decimal, ZERO } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { addsUp, type MetricRules } from '../domain/metric';
import { invalid, parseInstant } from '../domain/parse';
import { carriesOn } from '../domain/usage-summary';
import { asUuid, given, searchable, visibleServiceIdOrAll } from './access';
import { METRIC_RULES } from './catalog-metric-rules';
import { type CountingShape, type GroupTotal, ledgerTotals, type SummaryQuestion } from './usage-summary-ledger';
import { periodSpans, rowsOf, type UsageSummaryRow } from './usage-summary-spans';

/** Rows of one answer. */
const MAX_ROWS = 5_000;
const HOUR_MS = 3_600_000;

const TIME_GROUPS = ['HOUR', 'DAY', 'MONTH', 'PERIOD'] as const;
export type UsageGroup = 'ACCOUNT' | 'CONTRACT' | (typeof TIME_GROUPS)[number];

/** Records counted in `[from, to)`. */
export interface UsageSummaryFilter {
  service?: string | null;
  account?: string | null;
  contractId?: string | null;
  metrics?: readonly string[] | null;
  from: string;
  to: string;
}

/**
 * Totals of the effective records by metric and by what `groupBy` names; at most one of HOUR, DAY, MONTH and PERIOD, days and
 * months in the billing time zone. Names that nothing has give no rows.
 * @throws BillingError VALIDATION_FAILED naming `from` or `to` off the full hour, or `groupBy`; LIMIT_EXCEEDED beyond 5,000 rows.
 */
export async function usageSummary(
  ctx: Ctx,
  filter: UsageSummaryFilter,
  groupBy: readonly UsageGroup[],
): Promise<{ rows: UsageSummaryRow[]; asOf: Date }> {
  const range = { from: fullHour(filter.from, 'from'), to: fullHour(filter.to, 'to') };
  if (range.to <= range.from) throw invalid('to', 'to must lie after from.');
  const group = timeGroup(groupBy);
  const serviceId = await visibleServiceIdOrAll(ctx, filter.service);
  const question: SummaryQuestion = {
    ...range,
    unit: group === 'PERIOD' ? null : group,
    isPeriod: group === 'PERIOD',
    byAccount: groupBy.includes('ACCOUNT'),
    byContract: groupBy.includes('CONTRACT') || group === 'PERIOD',
    account: given(filter.account, searchable),
    contractId: given(filter.contractId, (id) => asUuid(id, 'contract', 'contractId')),
    zone: ctx.config.billingTimeZone,
  };
  const rules = await metricRules(
    ctx.db.manager,
    serviceId,
    given(filter.metrics, (codes) => codes.map(searchable)),
  );
  const totals = await groupTotals(ctx.db.manager, question, rules);
  const contracts = new Set(totals.flatMap(({ contractId }) => contractId ?? []));
  const periods = question.isPeriod ? await periodSpans(ctx.db.manager, question, [...contracts]) : new Map();
  const rows: UsageSummaryRow[] = [];
  for (const row of rowsOf(totals, { question, rules, periods, now: ctx.now })) {
    if (rows.push(row) > MAX_ROWS) throw tooManyRows();
  }
  return { rows: rows.sort(byTime), asOf: ctx.now };
}

/** The metrics asked for, by id. */
async function metricRules(
  tx: EntityManager,
  serviceId: string | null,
  codes: readonly string[] | null,
): Promise<Map<string, MetricRules>> {
  const rows = await tx.query<(MetricRules & { id: string })[]>(
    `select m.id, ${METRIC_RULES} from metric m
      where ($1::uuid is null or m.service_id = $1) and ($2::text[] is null or m.code = any($2))`,
    [serviceId, codes],
  );
  return new Map(rows.map(({ id, ...rules }) => [id, rules]));
}

/** What was counted in each group: of metrics that add up in one statement, of the others in one for each way of counting. */
async function groupTotals(
  tx: EntityManager,
  question: SummaryQuestion,
  metrics: ReadonlyMap<string, MetricRules>,
): Promise<GroupTotal[]> {
  const adding = [...metrics].filter(([, rules]) => addsUp(rules)).map(([id]) => id);
  const totals = await rollupTotals(tx, question, adding);
  const shapes = new Map<string, { shape: CountingShape; metricIds: string[] }>();
  for (const [id, rules] of metrics) {
    if (addsUp(rules)) continue;
    const { aggregation, semantics, recurring } = rules;
    const name = `${aggregation} ${semantics} ${recurring}`;
    const known = shapes.get(name);
    if (known === undefined) shapes.set(name, { shape: { aggregation, semantics, recurring }, metricIds: [id] });
    else known.metricIds.push(id);
  }
  for (const { shape, metricIds } of shapes.values()) {
    // What carries on may have a total from before the time beside its first row.
    const limit = (carriesOn(shape, question) ? 2 : 1) * MAX_ROWS;
    const found = await ledgerTotals(tx, question, { metricIds, shape, limit: limit + 1 });
    if (found.length > limit) throw tooManyRows();
    totals.push(...found);
  }
  return totals;
}

interface RollupRow {
  metric_id: string;
  account_link_id: string | null;
  contract_id: string | null;
  bucket: Date | null;
  in_period: boolean;
  quantity: string;
  records: string;
}

/** A period begins and ends with a full hour, like all that the rollup keeps. */
const ROLLUP = `
  select metric_id, account_link_id, contract_id, bucket, in_period, sum(quantity) as quantity, sum(records) as records
    from (
      select u.metric_id, u.quantity, u.records, case when $6 then p.start_at else date_trunc($3, u.hour, $4) end as bucket,
             p.id is not null as in_period, case when $5 then u.account_link_id end as account_link_id,
             case when $7 then u.contract_id end as contract_id
        from usage_rollup u
        join account_link l on l.id = u.account_link_id
        left join billing_period p on $6 and p.contract_id = u.contract_id and u.hour >= p.start_at
         and (p.end_at is null or u.hour < p.end_at) and p.start_at < $2 and (p.end_at is null or p.end_at > $1)
       where (p.id is not null or (u.hour >= $1 and u.hour < $2))
         and u.metric_id = any($8)
         and ($9::text is null or l.account = $9)
         and ($10::uuid is null or u.contract_id = $10)) counted
   group by metric_id, account_link_id, contract_id, bucket, in_period
  having sum(records) > 0
   limit ${MAX_ROWS + 1}`;

async function rollupTotals(
  tx: EntityManager,
  question: SummaryQuestion,
  metricIds: readonly string[],
): Promise<GroupTotal[]> {
  if (metricIds.length === 0) return [];
  const { from, to, unit, zone, isPeriod } = question;
  const rows = await tx.query<RollupRow[]>(ROLLUP, [
    ...[from, to, unit?.toLowerCase() ?? null, zone, question.byAccount, isPeriod, question.byContract],
    ...[metricIds, question.account, question.contractId],
  ]);
  if (rows.length > MAX_ROWS) throw tooManyRows();
  return rows.map((row) => ({
    metricId: row.metric_id,
    accountLinkId: row.account_link_id,
    contractId: row.contract_id,
    place: isPeriod && !row.in_period ? 'NONE' : 'IN',
    bucket: row.bucket,
    quantity: new Decimal(row.quantity),
    held: ZERO,
    recordCount: Number(row.records),
  }));
}

/** By time, what has none last; then by metric, account link and contract. */
function byTime(one: UsageSummaryRow, other: UsageSummaryRow): number {
  const time = (one.start?.getTime() ?? Infinity) - (other.start?.getTime() ?? Infinity);
  if (time < 0 || time > 0) return time;
  const [name, otherName] = [one, other].map((row) =>
    [row.metricId, row.accountLinkId ?? '~', row.contractId ?? '~'].join(' '),
  ) as [string, string];
  return name < otherName ? -1 : 1;
}

/** The rollup has nothing finer than the hour. */
function fullHour(text: string, field: 'from' | 'to'): Date {
  const instant = parseInstant(text, field);
  if (instant.getTime() % HOUR_MS === 0) return instant;
  throw invalid(field, `${field} must be a full hour: totals are kept by the hour.`);
}

function timeGroup(groupBy: readonly UsageGroup[]): (typeof TIME_GROUPS)[number] | null {
  const [group = null, ...others] = TIME_GROUPS.filter((candidate) => groupBy.includes(candidate));
  if (others.length === 0) return group;
  throw invalid('groupBy', 'Only one of HOUR, DAY, MONTH and PERIOD can be grouped by.');
}

function tooManyRows(): BillingError {
  const advice = `More than ${MAX_ROWS} rows: ask for less time, a coarser group, or one account.`;
  return new BillingError('LIMIT_EXCEEDED', advice, { maxRows: MAX_ROWS });
}
