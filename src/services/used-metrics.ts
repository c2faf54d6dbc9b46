/**
 * What the ledger holds of contracts, each in a time of its own, by metric: whether it is used, the totals where records simply
 * add up, and the mark of all its rows. One statement reads each row once.
 */
import type { EntityManager } from 'typeorm';
import type { MeteredRange } from '../domain/aggregate';
import { Decimal } from '../domain/decimal';
import { addsUp, type MetricRules } from '../domain/metric';
import { printInstant } from '../domain/instant';
import { METRIC_RULES } from './catalog-metric-rules';
import type { ContractState } from './contract-state';
import type { MeteredBucket } from './metered-usage';
import { sqlArray } from './sql-array';

export interface UsedMetric {
  metricId: string;
  rules: MetricRules;
  /** Whether something counts; rows may be there that do not. A recurring metric is used since its first record. */
  isUsed: boolean;
  /** What was counted, for a metric whose records add up and whose units are not rounded; null for the others. */
  plain: MeteredBucket[] | null;
  /**
   * How many rows the ledger has of it in the time (or before it, where they reach into later times), the sum of their ids, and
   * how often they were assigned. Rows are only ever added, so whatever changes what is effective changes this.
   */
  rowsMark: string;
}

/** The mark of a metric that the ledger has no rows of. */
export const NO_ROWS_MARK = '0 0 0';

interface UsedRow extends MetricRules {
  /** Which of those asked for, from 1. */
  place: number;
  metricId: string;
  serviceId: string;
  /** Something counts that was counted before the time. */
  stoodBefore: boolean;
  units: string | null;
  events: string | null;
  records: string;
  rowsMark: string;
}

/** A contract and the time in which its usage is asked for. */
export interface UsageTime {
  state: Pick<ContractState, 'id' | 'charges'>;
  range: MeteredRange;
}

const COLUMNS = 'u.id, u.metric_id, u.kind, u.corrects, u.quantity, u.events, u.counted_at >= t.starts_at as in_time';

// `found` are all rows that count for a contract or ever did. A correction counts where and when what it corrects counts, so the
// corrections of these rows are among them, and no row has to be asked whether it is corrected. The times come as arrays, by which
// PostgreSQL knows how many they are: taken for a hundred, they would have it read all of a large ledger. The first offset keeps each
// contract's rows a query of their own, which the index answers; the second one has each row judged once, and not once for every total.
const USED_SQL = `
  with times as (
    select * from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[])
      with ordinality as t(contract_id, starts_at, ends_at, place)),
  reaching as (select id from metric where recurring or semantics = 'CUMULATIVE'),
  found as materialized (
    select t.place, t.contract_id, u.* from times t cross join lateral (
      select ${COLUMNS} from usage_record u
       where u.contract_id = t.contract_id and u.counted_at >= t.starts_at and u.counted_at < t.ends_at
      union all
      select ${COLUMNS} from reaching r join usage_record u on u.metric_id = r.id
       where u.contract_id = t.contract_id and u.counted_at < t.starts_at
      union all
      select ${COLUMNS} from usage_record u
       where u.id in (select record_id from usage_assignment where contract_id = t.contract_id)
         and u.contract_id is distinct from t.contract_id and u.counted_at < t.ends_at
         and (u.counted_at >= t.starts_at or u.metric_id in (select id from reaching))
      offset 0) u),
  moves as (
    select f.place, f.id, f.metric_id, f.contract_id, a.id as move, a.contract_id as target
      from found f join usage_assignment a on a.record_id = f.id),
  newest as (select distinct on (place, id) * from moves order by place, id, move desc),
  judged as (
    select f.*, f.kind <> 'VOID' and correction.id is null and away.id is null as stands
      from found f
      left join found correction on correction.place = f.place and correction.corrects = f.id
      left join newest away on away.place = f.place and away.id = f.id and away.target <> away.contract_id
    offset 0),
  totals as (
    select place, metric_id, count(*) as rows, sum(id) as ids,
           sum(quantity) filter (where stands and in_time) as units,
           sum(coalesce(events, 1)) filter (where stands and in_time) as events,
           count(*) filter (where stands and in_time) as records,
           bool_or(stands and not in_time) as stood_before
      from judged group by place, metric_id),
  moved as (select place, metric_id, count(*) as times from moves group by place, metric_id)
  select place::integer, m.id as "metricId", ${METRIC_RULES}, totals.units, totals.events, totals.records,
         stood_before as "stoodBefore", m.service_id as "serviceId",
         totals.rows || ' ' || totals.ids || ' ' || coalesce(moved.times, 0) as "rowsMark"
    from totals join metric m on m.id = totals.metric_id left join moved using (place, metric_id)`;

/** By metric id, for each of `times` in their order: every metric of which the ledger has rows. */
export async function usedMetrics(
  tx: EntityManager,
  times: readonly UsageTime[],
): Promise<ReadonlyMap<string, UsedMetric>[]> {
  const rows = await tx.query<UsedRow[]>(USED_SQL, [
    sqlArray(times.map(({ state }) => state.id)),
    sqlArray(times.map(({ range }) => printInstant(range.start))),
    sqlArray(times.map(({ range }) => (range.end === null ? 'infinity' : printInstant(range.end)))),
  ]);
  const used = times.map(() => new Map<string, UsedMetric>());
  for (const { place, ...row } of rows) {
    const time = times[place - 1];
    if (time !== undefined) used[place - 1]?.set(row.metricId, toUsed(row, time));
  }
  return used;
}

function toUsed(
  { metricId, serviceId, stoodBefore, rowsMark, units, events, records, ...rules }: Omit<UsedRow, 'place'>,
  { state }: UsageTime,
): UsedMetric {
  const goesOn = rules.recurring && stoodBefore && state.charges.some((charge) => charge.serviceId === serviceId);
  const plain = plainUsage(rules, { units, events, records });
  return { metricId, rules, isUsed: records !== '0' || goesOn, plain, rowsMark };
}

function plainUsage(
  rules: MetricRules,
  { units, events, records }: Pick<UsedRow, 'units' | 'events' | 'records'>,
): MeteredBucket[] | null {
  if (!addsUp(rules) || rules.rounding !== null) return null;
  if (units === null || events === null) return [];
  const name = { filter: null, group: {} };
  return [{ name, units: new Decimal(units), events: new Decimal(events), recordCount: Number(records) }];
}
