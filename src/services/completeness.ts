/** The query for holes: what every series of a metric told of a time, and what is missing of it. */
import type { Ctx } from '../ctx';
import type { Span } from '../domain/completeness';
import { BillingError } from '../domain/errors';
import { invalid, parseInstant } from '../domain/parse';
import { CounterSemantics, type ExpectedWindows } from '../entities/metric';
import { notFound, searchable, visibleServiceId } from './access';
import { metricByCode } from './catalog-metrics';
import { contractInSight } from './contracts';
import { expectedUsage, type SeriesCompleteness, type UsageOwner } from './expected-usage';

/** Series of one answer. */
const MAX_SERIES = 1_000;
/** Of each kind of span of a series; fewer where there are many series, so that an answer has at most 20 times as many. */
const MAX_SPANS = 1_000;
const MAX_SPANS_IN_ALL = 20_000;
const MAX_DAYS = 92;
const DAY_MS = 24 * 3_600_000;

export interface CompletenessInput {
  service?: string | null;
  /** The service's own id of an account. */
  account?: string | null;
  contractId?: string | null;
  /** Code of a metric of the service. */
  metric: string;
  from: string;
  to: string;
}

/** One series, with at most the first `MAX_SPANS` of each kind of span. */
export interface SeriesReport extends SeriesCompleteness {
  /** Of the first of its links. */
  accountLinkId: string | null;
  complete: boolean;
  /** Also those that are not shown. */
  gapCount: number;
  /** Whether there are more spans than are shown. */
  cut: boolean;
  /** From when it was last seen until the end of the time asked for; null when it never was. */
  silenceSeconds: number | null;
}

export interface CompletenessReport {
  metricId: string;
  expects: ExpectedWindows | null;
  from: Date;
  /** Not ahead of `asOf`. */
  to: Date;
  asOf: Date;
  complete: boolean;
  series: SeriesReport[];
}

/**
 * What is covered and missing in `[from, to)`, at most 92 days and as far as they are past.
 * @throws BillingError NOT_FOUND for an unknown service, account, contract or metric; VALIDATION_FAILED naming `from`, `to` or
 * `contractId`; LIMIT_EXCEEDED beyond 1,000 series.
 */
export async function completeness(ctx: Ctx, input: CompletenessInput): Promise<CompletenessReport> {
  const range = parseRange(input, ctx.now);
  const serviceId = await visibleServiceId(ctx, input.service);
  const owner = await namedOwner(ctx, serviceId, input);
  const tx = ctx.db.manager;
  const metric = await metricByCode(tx, serviceId, input.metric);
  const zone = ctx.config.billingTimeZone;
  const wanted = { owner, serviceId, metricId: metric.id, step: metric.expects, range, zone };
  const series = await expectedUsage(tx, wanted, MAX_SERIES + 1);
  if (series.length > MAX_SERIES) {
    const message = `More than ${MAX_SERIES} series: ask for one account, or for less time.`;
    throw new BillingError('LIMIT_EXCEEDED', message, { maxSeries: MAX_SERIES });
  }
  const shown = Math.min(MAX_SPANS, Math.floor(MAX_SPANS_IN_ALL / Math.max(1, series.length)));
  // Only windows that all add up can overlap; of the others a later send takes the place of the one before.
  const mayOverlap = metric.semantics === CounterSemantics.DELTA;
  const reports = series
    .map((one) => (mayOverlap ? one : { ...one, overlaps: [] }))
    .map((one) => reportOf(one, range, shown));
  const complete = reports.every((report) => report.complete);
  return {
    metricId: metric.id,
    expects: metric.expects,
    from: range.start,
    to: range.end,
    asOf: ctx.now,
    complete,
    series: reports,
  };
}

function parseRange({ from, to }: CompletenessInput, now: Date): Span {
  const [start, end] = [parseInstant(from, 'from'), parseInstant(to, 'to')];
  if (end <= start) throw invalid('to', 'to must lie after from.');
  if (end.getTime() - start.getTime() > MAX_DAYS * DAY_MS)
    throw invalid('to', `to must lie at most ${MAX_DAYS} days after from.`);
  if (start >= now) throw invalid('from', 'from must not lie ahead.');
  return { start, end: end > now ? now : end };
}

async function namedOwner(
  ctx: Ctx,
  serviceId: string,
  { account, contractId }: CompletenessInput,
): Promise<UsageOwner> {
  const isNamed = [account, contractId].map((name) => name !== null && name !== undefined);
  if (isNamed[0] === isNamed[1]) throw invalid('contractId', 'Name either the account or the contract.');
  if (contractId !== null && contractId !== undefined)
    return { contractId: (await contractInSight(ctx, contractId)).id };
  const known = searchable(account ?? '');
  const links = await ctx.db.query<unknown[]>(
    'select 1 from account_link where service_id = $1 and account = $2 and archived_at is null limit 1',
    [serviceId, known],
  );
  if (links.length === 0) throw notFound('account link', 'account');
  return { account: known };
}

function reportOf(series: SeriesCompleteness, range: Span, shown: number): SeriesReport {
  const { covered, waived, gaps, overlaps, lastSeenAt } = series;
  const silentMs = lastSeenAt === null ? null : Math.max(0, range.end.getTime() - lastSeenAt.getTime());
  return {
    ...series,
    covered: covered.slice(0, shown),
    waived: waived.slice(0, shown),
    gaps: gaps.slice(0, shown),
    overlaps: overlaps.slice(0, shown),
    accountLinkId: series.linkIds[0] ?? null,
    complete: gaps.length === 0,
    gapCount: gaps.length,
    cut: [covered, waived, gaps, overlaps].some(({ length }) => length > shown),
    silenceSeconds: silentMs === null ? null : Math.floor(silentMs / 1000),
  };
}
