/**
 * Which metrics contracts have usage of, each in a time of its own, with the totals of those whose records simply add up: one
 * statement for all of them.
 */
import type { EntityManager } from 'typeorm';
import type { MeteredRange } from '../domain/aggregate';
import { Decimal } from '../domain/decimal';
import { addsUp, type MetricRules } from '../domain/metric';
import { METRIC_RULES } from './catalog-metric-rules';
import type { ContractState } from './contract-state';
import { headsOfContract } from './ledger-sql';
import type { MeteredBucket } from './metered-usage';

export interface UsedMetric {
  metricId: string;
  rules: MetricRules;
  /** What was counted, for a metric whose records add up and whose units are not rounded; null for the others. */
  plain: MeteredBucket[] | null;
}

interface UsedRow extends MetricRules {
  /** Which of those asked for, from 0. */
  place: number;
  metricId: string;
  units: string | null;
  events: string;
  records: string;
}

/** A contract and the time in which its usage is asked for. */
export interface UsageTime {
  state: Pick<ContractState, 'id' | 'charges'>;
  range: MeteredRange;
}

const IN_TIME = 'u.counted_at >= t.starts_at and u.counted_at < t.ends_at';

// The totals of each contract are a query of their own within it: PostgreSQL reads the contract's part of the ledger by its
// index, whatever it thinks of the ledger as a whole.
const USED_SQL = `
  with times as (
    select t.place, t.contract_id, t.starts_at, coalesce(t.ends_at, 'infinity') as ends_at, t.services
      from json_to_recordset($1) as t(place integer, contract_id uuid, starts_at timestamptz, ends_at timestamptz, services uuid[]))
  select t.place, m.id as "metricId", ${METRIC_RULES}, used.units, used.events, used.records
    from times t
   cross join lateral (
     select metric_id, sum(quantity) as units, sum(coalesce(events, 1)) as events, count(*) as records
       from (${headsOfContract('t.contract_id', 'u.metric_id, u.quantity, u.events', IN_TIME)}) heads
      group by metric_id) used
    join metric m on m.id = used.metric_id
  union all
  select t.place, m.id, ${METRIC_RULES}, null, 0, 0
    from times t join metric m on m.recurring and m.service_id = any (t.services)
   where not exists (${headsOfContract('t.contract_id', '1', `${IN_TIME} and u.metric_id = m.id`)})
     and exists (${headsOfContract('t.contract_id', '1', 'u.counted_at < t.starts_at and u.metric_id = m.id')})`;

/**
 * By metric id, for each of `times` in their order. A recurring metric of a service on the contract counts as used since its
 * first record.
 */
export async function usedMetrics(
  tx: EntityManager,
  times: readonly UsageTime[],
): Promise<ReadonlyMap<string, UsedMetric>[]> {
  const asked = times.map(({ state, range }, place) => ({
    place,
    contract_id: state.id,
    starts_at: range.start,
    ends_at: range.end,
    services: [...new Set(state.charges.map(({ serviceId }) => serviceId))],
  }));
  const rows = await tx.query<UsedRow[]>(USED_SQL, [JSON.stringify(asked)]);
  const used = times.map(() => new Map<string, UsedMetric>());
  for (const { place, ...row } of rows) used[place]?.set(row.metricId, toUsed(row));
  return used;
}

function toUsed({ metricId, units, events, records, ...rules }: Omit<UsedRow, 'place'>): UsedMetric {
  if (units === null || !addsUp(rules) || rules.rounding !== null) return { metricId, rules, plain: null };
  const name = { filter: null, group: {} };
  const counted = { units: new Decimal(units), events: new Decimal(events), recordCount: Number(records) };
  return { metricId, rules, plain: [{ name, ...counted }] };
}
