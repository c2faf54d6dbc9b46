/**
 * Totals of metrics whose records do not simply add up, by group, from the ledger itself. Equal to domain/usage-summary.ts,
 * which defines them.
 */
import type { EntityManager } from 'typeorm';
import { Decimal } from '../domain/decimal';
import type { MetricRules } from '../domain/metric';
import { carriesOn } from '../domain/usage-summary';
import { headsOfContract, headsOfLink, Parameters } from './ledger-sql';

/** What is asked, once it is understood. */
export interface SummaryQuestion {
  from: Date;
  to: Date;
  unit: 'HOUR' | 'DAY' | 'MONTH' | null;
  /** By billing period. */
  isPeriod: boolean;
  byAccount: boolean;
  byContract: boolean;
  account: string | null;
  contractId: string | null;
  /** The billing zone: days and months are cut in it. */
  zone: string;
}

/** What decides on the statement: metrics that agree in it are read together. */
export type CountingShape = Pick<MetricRules, 'aggregation' | 'semantics' | 'recurring'>;

/**
 * What was counted in one group: BEFORE the time asked for, where something carries on; IN a span of it; or in NONE of the
 * contract's billing periods.
 */
export interface GroupTotal {
  metricId: string;
  accountLinkId: string | null;
  contractId: string | null;
  place: 'BEFORE' | 'IN' | 'NONE';
  /** Start of the hour, day, month or period. */
  bucket: Date | null;
  /** By the aggregation; where something carries on, what changed in the span. */
  quantity: Decimal;
  /** Of a level in a period with an end: what changed, times the microseconds until the end. */
  held: Decimal;
  recordCount: number;
}

interface TotalRow {
  metric_id: string;
  account_link_id: string | null;
  contract_id: string | null;
  place: GroupTotal['place'];
  bucket: Date | null;
  quantity: string;
  held: string | null;
  records: string;
}

/** At most `limit` totals of `metricIds`, all counting as `shape` says. */
export async function ledgerTotals(
  tx: EntityManager,
  question: SummaryQuestion,
  { metricIds, shape, limit }: { metricIds: readonly string[]; shape: CountingShape; limit: number },
): Promise<GroupTotal[]> {
  const parameters = new Parameters();
  const parts = [
    `pairs as (${pairsOf(question, { metricIds, shape }, parameters)})`,
    `heads as (${headsOf('pairs', 'u.counted_at >= w.lower and u.counted_at < w.upper')})`,
    `contributed as (${contributedBy(shape)})`,
    `grouped as (${groupedBy(question, parameters)})`,
    `measured as (${measuredBy(shape, question)})`,
  ];
  const { aggregation } = shape;
  const total = aggregation === 'MAX' ? 'max(measure)' : 'sum(measure)';
  const rows = await tx.query<TotalRow[]>(
    `with ${parts.join(',\n')}
     select metric_id, group_link as account_link_id, group_contract as contract_id, place, bucket, ${total} as quantity,
            sum(measure * extract(epoch from bucket_end - window_end) * 1000000) as held, count(*) as records
       from measured group by metric_id, group_link, group_contract, place, bucket limit ${limit}`,
    parameters.values,
  );
  return rows.map((row) => ({
    metricId: row.metric_id,
    accountLinkId: row.account_link_id,
    contractId: row.contract_id,
    place: row.place,
    bucket: row.bucket,
    quantity: new Decimal(row.quantity),
    held: new Decimal(row.held ?? 0),
    recordCount: Number(row.records),
  }));
}

/** Contracts, or account links without one, and metrics; each with the time to read. The rollup knows who has usage. */
function pairsOf(
  question: SummaryQuestion,
  { metricIds, shape }: { metricIds: readonly string[]; shape: CountingShape },
  parameters: Parameters,
): string {
  // Each place is added where it is used: PostgreSQL wants to know the type of every parameter.
  const at = (instant: Date): string => `${parameters.add(instant)}::timestamptz`;
  const [account, contract] = [parameters.add(question.account), parameters.add(question.contractId)];
  const carries = carriesOn(shape, question);
  const overlapping = (): string => `from billing_period p where p.contract_id = w.contract_id
    and p.start_at < ${at(question.to)} and (p.end_at is null or p.end_at > ${at(question.from)})`;
  const first = (): string =>
    question.isPeriod ? `least(${at(question.from)}, (select min(p.start_at) ${overlapping()}))` : at(question.from);
  const lower = carries ? `timestamptz '-infinity'` : first();
  const last = question.isPeriod
    ? `greatest(${at(question.to)}, (select max(coalesce(p.end_at, 'infinity')) ${overlapping()}))`
    : at(question.to);
  const sinceFrom = question.isPeriod || carries ? '' : ` and u.hour >= ${at(question.from)}`;
  const inTime = question.isPeriod ? 'true' : `u.hour < ${at(question.to)}${sinceFrom}`;
  return `select w.*, ${lower} as lower, ${last} as upper
      from (
        select distinct u.contract_id, case when u.contract_id is null then u.account_link_id end as link_id, u.metric_id
          from usage_rollup u join account_link l on l.id = u.account_link_id
         where u.metric_id = any(${parameters.add(metricIds)}) and u.records > 0 and ${inTime}
           and (${account}::text is null or l.account = ${account})
           and (${contract}::uuid is null or u.contract_id = ${contract})) w`;
}

const COLUMNS = `u.account_link_id, u.metric_id, coalesce(u.root, u.id) as position, u.counted_at, u.window_start, u.window_end,
  u.quantity, u.revision, u.opening, u.reset, u.operation, u.dimensions, u.meter`;

/** The heads that meet `condition` of what `pairs` names, with their owner. */
function headsOf(pairs: string, condition: string): string {
  return `select w.contract_id, w.link_id, w.lower, coalesce(w.contract_id, w.link_id) as owner, h.*
      from ${pairs} w cross join lateral (${ofOwner(condition)}) h`;
}

/** Heads of pair `w`. */
function ofOwner(condition: string): string {
  const ofMetric = `u.metric_id = w.metric_id and ${condition}`;
  return `${headsOfContract('w.contract_id', COLUMNS, ofMetric)}
      union all ${headsOfLink('w.link_id', COLUMNS, ofMetric)}`;
}

const SERIES = 'owner, metric_id, dimensions, meter';

/** What each record contributes, by the metric's semantics. */
function contributedBy({ semantics }: CountingShape): string {
  switch (semantics) {
    case 'DELTA':
      return 'select *, quantity as contribution from heads';
    case 'WINDOW_TOTAL':
      return `select distinct on (${SERIES}, window_start, window_end) *, quantity as contribution from heads
        order by ${SERIES}, window_start, window_end, revision desc nulls last, position desc`;
    case 'CUMULATIVE': {
      // The last reading before the time in question is what the first one in it is compared with.
      const series = `(select distinct contract_id, link_id, lower, metric_id, dimensions, meter from heads)`;
      const before = `select w.contract_id, w.link_id, w.lower, coalesce(w.contract_id, w.link_id) as owner, h.*
        from ${series} w cross join lateral (
          select * from (${ofOwner('u.counted_at < w.lower')}) b
           where b.dimensions is not distinct from w.dimensions and b.meter is not distinct from w.meter
           order by b.counted_at desc, b.position desc limit 1) h`;
      const previous = `lag(quantity) over (partition by ${SERIES} order by counted_at, position)`;
      const increase = `case when reset then quantity - coalesce(opening, 0)
        else greatest(0, quantity - coalesce(${previous}, opening, quantity)) end`;
      return `select * from (select *, ${increase} as contribution from (select * from heads union all ${before}) readings) r
        where counted_at >= lower`;
    }
  }
}

/** `contributed` of the accounts asked for, with its group. */
function groupedBy(question: SummaryQuestion, parameters: Parameters): string {
  const from = parameters.add(question.from);
  const account = parameters.add(question.account);
  const narrowed = `contributed c join account_link l on l.id = c.account_link_id
      and (${account}::text is null or l.account = ${account})`;
  const who = `c.*, ${question.byAccount ? 'c.account_link_id' : 'null::uuid'} as group_link,
      ${question.byContract ? 'c.contract_id' : 'null::uuid'} as group_contract`;
  if (!question.isPeriod) {
    const [unit, zone] = [parameters.add(question.unit), parameters.add(question.zone)];
    const isBefore = `c.counted_at < ${from}`;
    return `select ${who}, case when ${isBefore} then 'BEFORE' else 'IN' end as place, null::timestamptz as bucket_end,
        case when not ${isBefore} then date_trunc(${unit}::text, c.counted_at, ${zone}::text) end as bucket from ${narrowed}`;
  }
  return `select ${who}, p.end_at as bucket_end, case when p.end_at is null or p.end_at > ${from} then p.start_at end as bucket,
        case when p.id is null then 'NONE' when p.end_at <= ${from} then 'BEFORE' else 'IN' end as place
      from ${narrowed}
      left join billing_period p on p.contract_id = c.contract_id and p.start_at <= c.counted_at
       and (p.end_at is null or p.end_at > c.counted_at)
     where p.id is not null or (c.counted_at >= ${from} and c.counted_at < ${parameters.add(question.to)})`;
}

/** What each record adds to its group; of a MAX what it is. */
function measuredBy(shape: CountingShape, question: SummaryQuestion): string {
  const span = carriesOn(shape, question) ? `place = 'NONE'` : 'place, bucket';
  const group = `metric_id, group_link, group_contract, ${span}`;
  const inOrder = 'order by counted_at, position';
  switch (shape.aggregation) {
    case 'SUM':
    case 'COUNT':
    case 'MAX':
      return 'select *, contribution as measure from grouped';
    case 'LATEST': {
      const recency = `row_number() over (partition by ${group}, owner order by counted_at desc, position desc)`;
      return `select *, case when ${recency} = 1 then greatest(contribution, 0) else 0 end as measure from grouped`;
    }
    case 'WEIGHTED_SUM': {
      const before = `lag(contribution, 1, 0) over (partition by ${group}, owner, dimensions, meter ${inOrder})`;
      const measure = shape.semantics === 'WINDOW_TOTAL' ? `contribution - ${before}` : 'contribution';
      return `select *, ${measure} as measure from grouped`;
    }
    case 'UNIQUE_COUNT': {
      // A value is present while it is so for one owner at least.
      const stated = `select g.*, g.dimensions ->> m.unique_by as value,
          case when g.operation = 'REMOVE' or not coalesce(g.dimensions ? m.unique_by, false) then 0 else 1 end as state
        from grouped g join metric m on m.id = g.metric_id`;
      const changed = `select *, state - lag(state, 1, 0) over (partition by ${group}, owner, value ${inOrder}) as change
        from (${stated}) s`;
      const owners = `select *, sum(change) over (partition by ${group}, value ${inOrder} rows unbounded preceding) as present
        from (${changed}) c`;
      return `select *, (present > 0)::integer - (present - change > 0)::integer as measure from (${owners}) o`;
    }
  }
}
