/** Compares the rollup with the ledger it is made from. Differences are reported and left alone: a person must know the cause. */
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { isHead } from './ledger-sql';

/** Account links compared in one statement. */
const LINKS_PER_SLICE = 50;
/** Differences reported in full; beyond it they are only counted. */
const MAX_REPORTED = 1_000;

/** One hour in which the two sides do not say the same. */
export interface RollupDifference {
  accountLinkId: string;
  contractId: string | null;
  metricId: string;
  hour: Date;
  /** By the ledger, its effective records added up. */
  ledger: { quantity: Decimal; records: number };
  /** By the rollup. */
  rollup: { quantity: Decimal; records: number };
}

export interface RollupReport {
  checkedLinks: number;
  differenceCount: number;
  /** At most 1,000 of them. */
  differences: RollupDifference[];
}

interface DifferenceRow {
  account_link_id: string;
  contract_id: string | null;
  metric_id: string;
  hour: Date;
  ledger_quantity: string;
  ledger_records: string;
  rollup_quantity: string;
  rollup_records: string;
}

/** One statement sees one instant, so recording may go on meanwhile: both sides change in the same transaction. */
const COMPARE = `
  select account_link_id, contract_id, metric_id, hour,
         sum(ledger_quantity) as ledger_quantity, sum(ledger_records) as ledger_records,
         sum(rollup_quantity) as rollup_quantity, sum(rollup_records) as rollup_records
    from (
      select r.account_link_id, coalesce(a.contract_id, r.contract_id) as contract_id, r.metric_id,
             date_trunc('hour', r.counted_at, 'UTC') as hour,
             r.quantity as ledger_quantity, 1 as ledger_records, 0 as rollup_quantity, 0 as rollup_records
        from usage_record r
        left join lateral (
          select contract_id from usage_assignment a where a.record_id = r.id order by a.id desc limit 1) a on true
       where r.account_link_id = any($1) and ${isHead('r')}
      union all
      select account_link_id, contract_id, metric_id, hour, 0, 0, quantity, records
        from usage_rollup where account_link_id = any($1)) sides
   group by account_link_id, contract_id, metric_id, hour
  having sum(ledger_quantity) <> sum(rollup_quantity) or sum(ledger_records) <> sum(rollup_records)
   order by account_link_id, contract_id, metric_id, hour`;

/** Compares every account link of every service, slice by slice; logs and returns what differs. */
export async function checkRollup(ctx: Ctx): Promise<RollupReport> {
  const report: RollupReport = { checkedLinks: 0, differenceCount: 0, differences: [] };
  let links: { id: string }[] = [];
  do {
    links = await ctx.db.query<{ id: string }[]>(
      'select id from account_link where $1::uuid is null or id > $1 order by id limit $2',
      [links.at(-1)?.id ?? null, LINKS_PER_SLICE],
    );
    const rows = await ctx.db.query<DifferenceRow[]>(COMPARE, [links.map(({ id }) => id)]);
    report.checkedLinks += links.length;
    report.differenceCount += rows.length;
    report.differences.push(...rows.slice(0, MAX_REPORTED - report.differences.length).map(asDifference));
  } while (links.length === LINKS_PER_SLICE);
  if (report.differenceCount > 0) {
    const { differenceCount, differences } = report;
    ctx.log.error({ differenceCount, first: differences[0] }, 'the usage rollup differs from the ledger');
  }
  return report;
}

function asDifference(row: DifferenceRow): RollupDifference {
  return {
    accountLinkId: row.account_link_id,
    contractId: row.contract_id,
    metricId: row.metric_id,
    hour: row.hour,
    ledger: { quantity: new Decimal(row.ledger_quantity), records: Number(row.ledger_records) },
    rollup: { quantity: new Decimal(row.rollup_quantity), records: Number(row.rollup_records) },
  };
}
