/** The fast path of aggregation: units and records of each metric of a contract in a time, from the ledger itself. */
import type { EntityManager } from 'typeorm';
import { Decimal } from '../domain/decimal';
import type { Occurrence } from '../domain/price';

export interface MetricTotal {
  units: Decimal;
  /** Events behind the units; a record that does not say stands for one. */
  events: Decimal;
  recordCount: number;
}

/** Half-open; an end of null is without end. */
export interface TimeRange {
  start: Date;
  end: Date | null;
}

/**
 * Totals by metric id of the records effective now: not voided, and of this contract by their newest assignment. Never the
 * rollup: a close must not depend on what it could have got wrong.
 */
export async function usageTotals(
  tx: EntityManager,
  contractId: string,
  range: TimeRange,
): Promise<Map<string, MetricTotal>> {
  const rows = await tx.query<{ metric_id: string; units: string; events: string; records: string }[]>(
    `select metric_id, sum(quantity) as units, sum(coalesce(events, 1)) as events, count(*) as records
       from (${effectiveRecords('u.metric_id, u.quantity, u.events')}) as effective
      group by metric_id`,
    [contractId, range.start, range.end],
  );
  return new Map(
    rows.map((row) => [
      row.metric_id,
      { units: new Decimal(row.units), events: new Decimal(row.events), recordCount: Number(row.records) },
    ]),
  );
}

/**
 * The first effective records of a metric in the order of time: those before which less than `free.events` events, or without
 * such a limit no more than `free.units` units, were counted. A free allowance cannot reach beyond them.
 */
export async function firstOccurrences(
  tx: EntityManager,
  { contractId, metricId, range }: { contractId: string; metricId: string; range: TimeRange },
  free: { events: number; units: Decimal },
): Promise<Occurrence[]> {
  const rows = await tx.query<{ quantity: string; events: string }[]>(
    `select quantity, events from (
       select quantity, events, counted_at, id,
              sum(events) over earlier as events_before, sum(quantity) over earlier as units_before
         from (${effectiveRecords('u.id, u.metric_id, u.counted_at, u.quantity, coalesce(u.events, 1) as events')}) effective
        where metric_id = $4
       window earlier as (order by counted_at, id rows between unbounded preceding and 1 preceding)) running
      where coalesce(case when $5 > 0 then events_before < $5 else units_before <= $6 end, true)
      order by counted_at, id`,
    [contractId, range.start, range.end, metricId, free.events, free.units.toFixed()],
  );
  return rows.map((row) => ({ quantity: new Decimal(row.quantity), events: new Decimal(row.events) }));
}

/**
 * A query for `columns` of the effective records `u` of contract $1 counted in [$2, $3). The two branches keep the index on
 * (contract, metric, counted_at) in use: records that knew their contract at once, and those assigned later.
 */
export function effectiveRecords(columns: string): string {
  const effective = `u.kind <> 'VOID' and not exists (select 1 from usage_record v where v.corrects = u.id)
        and u.counted_at >= $2 and ($3::timestamptz is null or u.counted_at < $3)`;
  return `
      select ${columns} from usage_record u
       where u.contract_id = $1 and ${effective}
         and not exists (select 1 from usage_assignment a where a.record_id = u.id)
      union all
      select ${columns} from usage_assignment a join usage_record u on u.id = a.record_id
       where a.contract_id = $1 and ${effective}
         and not exists (select 1 from usage_assignment b where b.record_id = a.record_id and b.id > a.id)`;
}
