/** From what was counted in each group to the rows of a usage summary: their time, and what carries on from one to the next. */
import { strict as assert } from 'node:assert';
import { DateTime } from 'luxon';
import type { EntityManager } from 'typeorm';
import { weightedAverage } from '../domain/aggregate';
import { Decimal, ZERO } from '../domain/decimal';
import { type MetricRules, roundUnits } from '../domain/metric';
import { dayOf, dayStart, type PlanInterval } from '../domain/period';
import { carriesOn } from '../domain/usage-summary';
import { meteredRange } from './rating';
import type { GroupTotal, SummaryQuestion } from './usage-summary-ledger';

const HOUR_MS = 3_600_000;

/** One metric in one group; what was not grouped by is null. */
export interface UsageSummaryRow {
  metricId: string;
  /** Of the metric: what `quantity` is. */
  aggregation: MetricRules['aggregation'];
  accountLinkId: string | null;
  /** Null too for usage without a contract. */
  contractId: string | null;
  /** The hour, day or month, cut to what was asked for; a billing period is whole. */
  start: Date | null;
  /** Null too for a period whose end is not known yet. */
  end: Date | null;
  quantity: Decimal;
  recordCount: number;
}

/** The time of a group. */
export interface GroupSpan {
  /** Start of the whole hour, day, month or period; null: all the time asked for, or none of a contract's periods. */
  bucket: Date | null;
  start: Date | null;
  end: Date | null;
  /** Of a billing period with an end. */
  fullMicros: Decimal | null;
}

/** Billing periods that have an instant in the time asked for, by contract, the oldest first. */
export async function periodSpans(
  tx: EntityManager,
  { from, to, zone }: SummaryQuestion,
  contractIds: readonly string[],
): Promise<Map<string, GroupSpan[]>> {
  interface Row {
    contractId: string;
    startOn: string;
    endOn: string | null;
    start: Date;
    end: Date | null;
    plan: PlanInterval | null;
  }
  const rows = await tx.query<Row[]>(
    `select p.contract_id as "contractId", p.start_on::text as "startOn", p.end_on::text as "endOn", p.start_at as start,
            p.end_at as end, plan.interval as plan
       from billing_period p
       left join lateral (
         select json_build_object('count', n.period_count, 'unit', n.period_unit) as interval
           from (select plan_odoo_id from subscription s where s.contract_id = p.contract_id
                  order by s.contract_sequence desc limit 1) s
           join plan n on n.odoo_id = s.plan_odoo_id
          where n.period_count is not null and n.period_unit is not null) plan on true
      where p.contract_id = any($1) and p.start_at < $3 and (p.end_at is null or p.end_at > $2)
      order by p.contract_id, p.start_at`,
    [contractIds, from, to],
  );
  const spans = new Map<string, GroupSpan[]>();
  for (const { contractId, plan, ...period } of rows) {
    const { start, end } = period;
    const { fullMicros } = meteredRange({ order: { plan }, periods: [] }, { period, zone });
    const own = spans.get(contractId);
    const span = { bucket: start, start, end, fullMicros };
    if (own === undefined) spans.set(contractId, [span]);
    else own.push(span);
  }
  return spans;
}

type Unit = NonNullable<SummaryQuestion['unit']>;

/** The hour, day or month of an instant, as far as it lies in `[from, to)`. */
function timeSpan(instant: Date | null, { unit, zone, from, to }: SummaryQuestion): GroupSpan {
  if (instant === null || unit === null) return NO_SPAN;
  const bucket = bucketStart(instant, unit, zone);
  const end = nextStart(bucket, unit, zone);
  return { bucket, start: bucket < from ? from : bucket, end: end > to ? to : end, fullMicros: null };
}

/** Of all the time asked for, or of none of a contract's periods. */
const NO_SPAN: GroupSpan = { bucket: null, start: null, end: null, fullMicros: null };

/** Every hour, day or month of `[from, to)` from the one of `first` on; the one span there is without a unit. */
function* timeSpans(question: SummaryQuestion, first: Date): Generator<GroupSpan> {
  const { unit, zone, from, to } = question;
  if (unit === null) {
    yield NO_SPAN;
    return;
  }
  let instant = first < from ? from : first;
  while (instant < to) {
    yield timeSpan(instant, question);
    instant = nextStart(instant, unit, zone);
  }
}

function bucketStart(instant: Date, unit: Unit, zone: string): Date {
  if (unit === 'HOUR') return new Date(instant.getTime() - (instant.getTime() % HOUR_MS));
  return dayStart(firstDay(instant, unit, zone), zone);
}

function nextStart(instant: Date, unit: Unit, zone: string): Date {
  if (unit === 'HOUR') return new Date(bucketStart(instant, unit, zone).getTime() + HOUR_MS);
  const first = DateTime.fromISO(firstDay(instant, unit, zone), { zone: 'utc' });
  return dayStart(first.plus(unit === 'DAY' ? { days: 1 } : { months: 1 }).toFormat('yyyy-MM-dd'), zone);
}

function firstDay(instant: Date, unit: 'DAY' | 'MONTH', zone: string): string {
  const day = dayOf(instant, zone);
  return unit === 'DAY' ? day : `${day.slice(0, 7)}-01`;
}

export interface RowsOfGroups {
  question: SummaryQuestion;
  rules: ReadonlyMap<string, MetricRules>;
  /** Of a question by billing period, by contract. */
  periods: ReadonlyMap<string, GroupSpan[]>;
  now: Date;
}

/** The rows of `totals`. What carries on has one in every span from its first record to `now`, with records or without. */
export function* rowsOf(totals: readonly GroupTotal[], given: RowsOfGroups): Generator<UsageSummaryRow> {
  const groups = new Map<string, GroupTotal[]>();
  for (const total of totals) {
    const name = `${total.metricId} ${total.accountLinkId} ${total.contractId}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [total]);
    else group.push(total);
  }
  for (const group of groups.values()) yield* rowsOfGroup(group, given);
}

/** What a row is made of: the total of its span, and the level at which the span began. */
interface Part {
  total: GroupTotal;
  span: GroupSpan;
  before: Decimal;
}

function* rowsOfGroup(group: readonly GroupTotal[], given: RowsOfGroups): Generator<UsageSummaryRow> {
  const { question, now } = given;
  const [example] = group;
  const rules = given.rules.get(example?.metricId ?? '');
  assert(example !== undefined && rules !== undefined, 'a total is of a metric that was asked for');
  const outside = group.find(({ place }) => place === 'NONE');
  if (outside !== undefined) yield rowOf({ total: outside, span: NO_SPAN, before: ZERO }, rules, question);
  const carries = carriesOn(rules, question);
  const earlier = group.find(({ place }) => place === 'BEFORE');
  const left = new Map(
    group
      .filter(({ place }) => place === 'IN')
      .map((total) => [nameOf(question.isPeriod ? total : timeSpan(total.bucket, question)), total]),
  );
  let [level, begun] = [earlier?.quantity ?? ZERO, earlier !== undefined];
  for (const span of spansOf(example.contractId, { left: left.values(), begun, carries }, given)) {
    const own = left.get(nameOf(span));
    begun ||= own !== undefined;
    if (own !== undefined || (carries && begun && (span.start ?? question.from) <= now)) {
      const total = own ?? { ...example, quantity: ZERO, held: ZERO, recordCount: 0 };
      yield rowOf({ total, span, before: carries ? level : ZERO }, rules, question);
    }
    left.delete(nameOf(span));
    if (left.size === 0 && (!carries || (span.end ?? question.to) > now)) break;
    level = level.plus(own?.quantity ?? ZERO);
  }
  assert(left.size === 0, 'every total has its span');
}

/** What is counted in a span, and the span itself, have the same. */
function nameOf({ bucket }: Pick<GroupSpan, 'bucket'>): number | null {
  return bucket?.getTime() ?? null;
}

/** The spans that may have a row, in the order of time where something carries on. */
function spansOf(
  contractId: string | null,
  { left, begun, carries }: { left: Iterable<GroupTotal>; begun: boolean; carries: boolean },
  { question, periods }: RowsOfGroups,
): Iterable<GroupSpan> {
  if (question.isPeriod) return periods.get(contractId ?? '') ?? [];
  const own = [...left].map(({ bucket }) => bucket);
  if (!carries) return own.map((bucket) => timeSpan(bucket, question));
  const first = Math.min(...own.map((bucket) => bucket?.getTime() ?? 0), question.to.getTime());
  return timeSpans(question, begun ? question.from : new Date(first));
}

function rowOf({ total, span, before }: Part, rules: MetricRules, question: SummaryQuestion): UsageSummaryRow {
  const { metricId, accountLinkId, contractId, recordCount } = total;
  const { start, end } = span;
  const quantity = quantityOf({ total, span, before }, rules);
  return {
    metricId,
    aggregation: rules.aggregation,
    accountLinkId,
    contractId,
    start,
    end,
    quantity: isBilled(span, question) ? roundUnits(quantity, rules.rounding) : quantity,
    recordCount,
  };
}

/** Whether a row is all that its contract counted in a billing period: the units that are charged for. */
function isBilled({ start }: GroupSpan, { isPeriod, byAccount, account }: SummaryQuestion): boolean {
  return isPeriod && start !== null && !byAccount && account === null;
}

function quantityOf({ total, span, before }: Part, { aggregation }: MetricRules): Decimal {
  const { start, end, fullMicros } = span;
  if (aggregation !== 'WEIGHTED_SUM' || start === null || end === null || fullMicros === null) {
    return before.plus(total.quantity);
  }
  const lengthMicros = new Decimal(end.getTime() - start.getTime()).times(1000);
  return weightedAverage(before.times(lengthMicros).plus(total.held), fullMicros);
}
