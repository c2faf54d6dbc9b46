/** Which metrics a contract has usage of in a time, with the totals of those whose records simply add up, all in one statement. */
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
  metricId: string;
  units: string | null;
  events: string;
  records: string;
}

/** By metric id. A recurring metric of a service on the contract counts as used since its first record. */
export async function usedMetrics(
  tx: EntityManager,
  { state, range }: { state: ContractState; range: MeteredRange },
): Promise<Map<string, UsedMetric>> {
  const services = [...new Set(state.charges.map(({ serviceId }) => serviceId))];
  const inRange = 'u.counted_at >= $2 and ($3::timestamptz is null or u.counted_at < $3)';
  const before = 'u.counted_at < $2 and u.metric_id = m.id';
  const rows = await tx.query<UsedRow[]>(
    `select m.id as "metricId", ${METRIC_RULES}, used.units, used.events, used.records
       from (select metric_id, sum(quantity) as units, sum(coalesce(events, 1)) as events, count(*) as records
               from (${headsOfContract('$1', 'u.metric_id, u.quantity, u.events', inRange)}) heads
              group by metric_id) used
       join metric m on m.id = used.metric_id
     union all
     select m.id, ${METRIC_RULES}, null, 0, 0 from metric m
      where m.recurring and m.service_id = any ($4)
        and not exists (${headsOfContract('$1', '1', `${inRange} and u.metric_id = m.id`)})
        and exists (${headsOfContract('$1', '1', before)})`,
    [state.id, range.start, range.end, services],
  );
  return new Map(rows.map((row) => [row.metricId, toUsed(row)]));
}

function toUsed({ metricId, units, events, records, ...rules }: UsedRow): UsedMetric {
  if (units === null || !addsUp(rules) || rules.rounding !== null) return { metricId, rules, plain: null };
  const name = { filter: null, group: {} };
  const counted = { units: new Decimal(units), events: new Decimal(events), recordCount: Number(records) };
  return { metricId, rules, plain: [{ name, ...counted }] };
}
