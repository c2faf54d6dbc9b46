/** The heads of the ledger as the pure definitions of domain/aggregate.ts take them: every record of a metric and contract. */
import type { EntityManager } from 'typeorm';
import type { CountedRecord, UniqueOperation } from '../domain/aggregate';
import { Decimal } from '../domain/decimal';
import type { Dimensions } from '../domain/usage-content';
import { headsOfContract } from './ledger-sql';

export interface LedgerRecord extends CountedRecord {
  dimensions: Dimensions | null;
}

interface HeadRow {
  position: string;
  window_start: Date;
  window_end: Date;
  quantity: string;
  events: string;
  series: string;
  dimensions: Dimensions | null;
  revision: number | null;
  opening: string | null;
  reset: boolean | null;
  value: string | null;
  operation: UniqueOperation | null;
}

/** All heads of the contract's records of the metric, whenever they count. `uniqueBy`: the dimension that is counted. */
export async function ledgerRecords(
  tx: EntityManager,
  { contractId, metricId, uniqueBy }: { contractId: string; metricId: string; uniqueBy: string | null },
): Promise<LedgerRecord[]> {
  const columns = `coalesce(u.root, u.id) as position, u.window_start, u.window_end, u.quantity, coalesce(u.events, 1) as events,
    jsonb_build_array(u.dimensions, u.meter)::text as series, u.dimensions, u.revision, u.opening, u.reset,
    u.dimensions ->> $3 as value, u.operation`;
  const rows = await tx.query<HeadRow[]>(headsOfContract('$1', columns, 'u.metric_id = $2'), [
    contractId,
    metricId,
    uniqueBy ?? '',
  ]);
  return rows.map((row) => ({
    position: BigInt(row.position),
    windowStart: row.window_start,
    windowEnd: row.window_end,
    quantity: new Decimal(row.quantity),
    events: new Decimal(row.events),
    series: row.series,
    dimensions: row.dimensions,
    revision: row.revision,
    opening: row.opening === null ? null : new Decimal(row.opening),
    reset: row.reset === true,
    value: uniqueBy === null ? null : row.value,
    operation: row.operation,
  }));
}
