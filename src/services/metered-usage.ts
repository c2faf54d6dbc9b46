/**
 * The fast path of aggregation: what a metric counted for a contract in a time, by bucket, from the ledger itself. Equal to
 * domain/aggregate.ts, which defines it; never the rollup: a close must not depend on what it could have got wrong.
 */
import type { EntityManager } from 'typeorm';
import { type MeteredRange, type MeteredUnits, weightedAverage } from '../domain/aggregate';
import { type BucketName, type BucketRule, filtersByPriority } from '../domain/bucket';
import { Decimal, ZERO } from '../domain/decimal';
import { type MetricRules, roundUnits } from '../domain/metric';
import type { FreeAllowance, Occurrence } from '../domain/price';
import { headsOfContract, Parameters } from './ledger-sql';

/** What is metered: one metric of one contract. */
export interface MeteredMetric {
  contractId: string;
  metricId: string;
  rules: MetricRules;
  /** How its records are divided; null: not at all. */
  buckets: BucketRule | null;
}

export interface MeteredBucket extends MeteredUnits {
  name: BucketName;
}

interface BucketRow {
  filter: string | null;
  group: Record<string, string | null> | null;
  units: string;
  /** Of a weighted sum what the level is at the end. */
  level: string | null;
  events: string | null;
  records: string;
}

/** What the metric counted in `range`, one entry for each bucket that has records. */
export async function meteredUsage(
  tx: EntityManager,
  metric: MeteredMetric,
  range: MeteredRange,
): Promise<MeteredBucket[]> {
  const parameters = new Parameters();
  const counted = countedRecords(metric, range, parameters);
  const inPeriod = `filter (where counted_at >= ${parameters.add(range.start)})`;
  const { units, level } = aggregates(metric.rules, range, parameters);
  const rows = await tx.query<BucketRow[]>(
    `with ${counted}
     select filter, "group", ${units} as units, ${level} as level, sum(events) ${inPeriod} as events, count(*) ${inPeriod} as records
       from bucketed group by filter, "group"`,
    parameters.values,
  );
  return rows.map((row) => ({
    name: { filter: row.filter, group: row.group ?? {} },
    units: roundUnits(unitsOf(metric.rules, row, range), metric.rules.rounding),
    events: row.events === null ? ZERO : new Decimal(row.events),
    recordCount: Number(row.records),
  }));
}

function unitsOf({ aggregation }: MetricRules, row: BucketRow, { end, fullMicros }: MeteredRange): Decimal {
  const units = new Decimal(row.units);
  if (aggregation === 'LATEST') return Decimal.max(ZERO, units);
  if (aggregation !== 'WEIGHTED_SUM') return units;
  return end === null || fullMicros === null ? new Decimal(row.level ?? 0) : weightedAverage(units, fullMicros);
}

/** SQL over `bucketed` for the aggregation; for a weighted sum level × microseconds, and the level. */
function aggregates(
  { aggregation }: MetricRules,
  range: MeteredRange,
  parameters: Parameters,
): { units: string; level: string } {
  const level = 'null';
  switch (aggregation) {
    case 'SUM':
    case 'COUNT':
      return { units: 'sum(contribution)', level };
    case 'MAX':
      return { units: 'max(contribution)', level };
    case 'LATEST':
      return { units: '(array_agg(contribution order by counted_at desc, position desc))[1]', level };
    case 'UNIQUE_COUNT':
      return { units: `count(*) filter (where recency = 1 and operation is distinct from 'REMOVE')`, level };
    case 'WEIGHTED_SUM': {
      const [start, end] = [parameters.add(range.start), parameters.add(range.end)];
      const held = `extract(epoch from ${end}::timestamptz - greatest(window_end, ${start}::timestamptz))`;
      return { units: `coalesce(sum(contribution * ${held} * 1000000), 0)`, level: 'sum(contribution)' };
    }
  }
}

const COLUMNS = `coalesce(u.root, u.id) as position, u.counted_at, u.window_start, u.window_end, u.quantity,
  coalesce(u.events, 1) as events, u.revision, u.opening, u.reset, u.operation, u.dimensions, u.meter`;

/** Parts of a WITH clause: `bucketed` are the records that count in `range`, what each contributes, and its bucket. */
function countedRecords(metric: MeteredMetric, range: MeteredRange, parameters: Parameters): string {
  const { contractId, metricId, rules } = metric;
  const [contract, ofMetric] = [parameters.add(contractId), parameters.add(metricId)];
  const from = parameters.add(rules.recurring ? range.since : range.start);
  const end = range.end === null ? 'true' : `u.counted_at < ${parameters.add(range.end)}`;
  const heads = (condition: string): string =>
    headsOfContract(contract, COLUMNS, `u.metric_id = ${ofMetric} and ${condition}`);
  return `heads as (${heads(`u.counted_at >= ${from} and ${end}`)}),
    counted as (${contributed(rules, { heads, from })}),
    bucketed as (${bucketed(metric, parameters)})`;
}

interface Heads {
  /** A query for the metric's heads that meet a condition on `u`. */
  heads: (condition: string) => string;
  /** Place of the first instant that counts. */
  from: string;
}

const SERIES = 'partition by dimensions, meter order by counted_at, position';

/** What each record of `heads` contributes, by the metric's semantics. */
function contributed({ semantics, aggregation }: MetricRules, { heads, from }: Heads): string {
  switch (semantics) {
    case 'DELTA':
      return 'select *, quantity as contribution from heads';
    case 'WINDOW_TOTAL': {
      const sends = `select distinct on (dimensions, meter, window_start, window_end) * from heads
        order by dimensions, meter, window_start, window_end, revision desc nulls last, position desc`;
      const change = `quantity - lag(quantity, 1, 0) over (${SERIES})`;
      return `select *, ${aggregation === 'WEIGHTED_SUM' ? change : 'quantity'} as contribution from (${sends}) sends`;
    }
    case 'CUMULATIVE': {
      // The last reading before the time in question is what the first one in it is compared with.
      const before = `select b.* from (select distinct dimensions, meter from heads) s cross join lateral (
        select * from (${heads(`u.counted_at < ${from}`)}) h
         where h.dimensions is not distinct from s.dimensions and h.meter is not distinct from s.meter
         order by h.counted_at desc, h.position desc limit 1) b`;
      const increase = `case when reset then quantity - coalesce(opening, 0)
        else greatest(0, quantity - coalesce(lag(quantity) over (${SERIES}), opening, quantity)) end`;
      return `select * from (select *, ${increase} as contribution from (select * from heads union all ${before}) readings) r
        where counted_at >= ${from}`;
    }
  }
}

/** `counted` with the bucket of each record: of the filters that fit the first by priority, and the values grouped by. */
function bucketed({ buckets, rules: { uniqueBy } }: MeteredMetric, parameters: Parameters): string {
  const columns = ['c.*'];
  const joins: string[] = [];
  if (buckets !== null && buckets.filters.length > 0) {
    const filters = filtersByPriority(buckets).map(({ name, match }) => ({ name, match }));
    columns.push('f.name as filter');
    joins.push(`left join lateral (
        select o.value ->> 'name' as name from jsonb_array_elements(${parameters.add(JSON.stringify(filters))}::jsonb) with ordinality o
         where not exists (select 1 from jsonb_each(o.value -> 'match') m
                            where not coalesce(m.value ? (c.dimensions ->> m.key), false))
         order by o.ordinality limit 1) f on true`);
  } else columns.push('null as filter');
  if (buckets !== null && buckets.groupBy.length > 0) {
    columns.push(
      `(select jsonb_object_agg(k, c.dimensions -> k) from unnest(${parameters.add(buckets.groupBy)}::text[]) k) as "group"`,
    );
  } else columns.push('null::jsonb as "group"');
  const query = `select ${columns.join(', ')} from counted c ${joins.join(' ')}`;
  if (uniqueBy === null) return query;
  // Which record has the last word on a value, in its bucket.
  return `select *, row_number() over (partition by filter, "group", dimensions ->> ${parameters.add(uniqueBy)}
      order by counted_at desc, position desc) as recency from (${query}) b`;
}

/**
 * The first contributions of a bucket in the order of time: those before which less than `free.events` events, or without such
 * a limit no more than `free.units` units, were counted. A free allowance cannot reach beyond them.
 */
export async function firstOccurrences(
  tx: EntityManager,
  { metric, range, bucket }: { metric: MeteredMetric; range: MeteredRange; bucket: BucketName },
  free: FreeAllowance,
): Promise<Occurrence[]> {
  const parameters = new Parameters();
  const counted = countedRecords(metric, range, parameters);
  const group = Object.keys(bucket.group).length === 0 ? null : JSON.stringify(bucket.group);
  const [filter, ofGroup] = [parameters.add(bucket.filter), parameters.add(group)];
  const [events, units] = [parameters.add(free.events.toFixed()), parameters.add(free.units.toFixed())];
  const rows = await tx.query<{ quantity: string; events: string }[]>(
    `with ${counted}
     select quantity, events from (
       select contribution as quantity, events, counted_at, position,
              sum(events) over earlier as events_before, sum(contribution) over earlier as units_before
         from bucketed where filter is not distinct from ${filter}::text and "group" is not distinct from ${ofGroup}::jsonb
       window earlier as (order by counted_at, position rows between unbounded preceding and 1 preceding)) running
      where coalesce(case when ${events}::numeric > 0 then events_before < ${events}::numeric
                          else units_before <= ${units}::numeric end, true)
      order by counted_at, position`,
    parameters.values,
  );
  return rows.map((row) => ({ quantity: new Decimal(row.quantity), events: new Decimal(row.events) }));
}
