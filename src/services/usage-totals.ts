/** The fast path of aggregation: units and records of each metric of a contract in a time, from the ledger itself. */
import type { EntityManager } from 'typeorm';
import { Decimal } from '../domain/decimal';

export interface MetricTotal {
  units: Decimal;
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
  const rows = await tx.query<{ metric_id: string; units: string; records: string }[]>(
    `select metric_id, sum(quantity) as units, count(*) as records
       from (${effectiveRecords('u.metric_id, u.quantity')}) as effective
      group by metric_id`,
    [contractId, range.start, range.end],
  );
  return new Map(
    rows.map((row) => [row.metric_id, { units: new Decimal(row.units), recordCount: Number(row.records) }]),
  );
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
