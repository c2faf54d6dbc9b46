/**
 * The three identities that prove nothing was counted twice and nothing lost (docs/domain.md). Each side is worked out by another
 * road: records are counted in the ledger, units added by the pure function, money compared with Odoo's invoice lines.
 */
import type { Ctx } from '../ctx';
import { visibleServiceIdOrAll } from './access';
import { withChargesOf } from './balances';
import { contractInSight, contractVisible } from './contracts';
import { loadContractState } from './contract-state';
import { type MoneyIdentity, moneyIdentity } from './identity-of-money';
import { isSuperseded, presentContract } from './ledger-sql';
import { type UnitsIdentity, unitsIdentity } from './identity-of-units';

/** Counts of records per account and metric. */
export interface RecordsIdentity {
  accountLinkId: string;
  metricId: string;
  accepted: number;
  effective: number;
  superseded: number;
  voided: number;
  inPeriod: number;
  unassigned: number;
  beforeBilling: number;
  /** Counted after the newest period's end; the next period takes them when it opens. */
  afterEnd: number;
  /** accepted - effective - superseded - voided, plus effective - what it divides into; each must be 0. */
  difference: number;
}

/** Rows of each identity that an answer carries, those that do not hold first. */
const MAX_ROWS = 1_000;

export interface Identities {
  asOf: Date;
  /** Every difference is zero and nothing is unpriced, in all rows that were checked. */
  holds: boolean;
  /** Rows worked out, of which the answer carries at most 1,000 of each identity. */
  checked: number;
  records: RecordsIdentity[];
  units: UnitsIdentity[];
  money: MoneyIdentity[];
}

export interface IdentityFilter {
  service?: string | null;
  account?: string | null;
  contractId?: string | null;
}

interface Sight {
  serviceId: string | null;
  account: string | null;
  contractId: string | null;
}

/** Works out all identities in sight of the actor. Periods that wait for a new rating are left out of the units. */
export async function identities(ctx: Ctx, filter: IdentityFilter = {}): Promise<Identities> {
  const sight: Sight = {
    serviceId: await visibleServiceIdOrAll(ctx, filter.service),
    account: filter.account ?? null,
    contractId: filter.contractId ? (await contractInSight(ctx, filter.contractId)).id : null,
  };
  const records = await recordsIdentity(ctx, sight);
  const units: UnitsIdentity[] = [];
  const money: MoneyIdentity[] = [];
  for (const contractId of await contractsWithCharges(ctx, sight)) {
    const loaded = await loadContractState(ctx.db.manager, contractId);
    if (loaded === null) continue;
    const state = sight.serviceId === null ? loaded : withChargesOf(loaded, sight.serviceId);
    units.push(...(await unitsIdentity(ctx, state)));
    money.push(...(await moneyIdentity(ctx, state)));
  }
  const wrong = {
    records: (row: RecordsIdentity): boolean => row.difference !== 0,
    units: (row: UnitsIdentity): boolean => !row.difference.isZero() || !row.unpriced.isZero(),
    money: (row: MoneyIdentity): boolean => !row.difference.isZero(),
  };
  return {
    asOf: ctx.now,
    holds: !records.some(wrong.records) && !units.some(wrong.units) && !money.some(wrong.money),
    checked: records.length + units.length + money.length,
    records: wrongFirst(records, wrong.records),
    units: wrongFirst(units, wrong.units),
    money: wrongFirst(money, wrong.money),
  };
}

function wrongFirst<T>(rows: readonly T[], isWrong: (row: T) => boolean): T[] {
  return [...rows.filter(isWrong), ...rows.filter((row) => !isWrong(row))].slice(0, MAX_ROWS);
}

async function recordsIdentity(ctx: Ctx, sight: Sight): Promise<RecordsIdentity[]> {
  const rows = await ctx.db.query<RecordsRow[]>(RECORDS_SQL, [sight.serviceId, sight.account, sight.contractId]);
  return rows.map((row) => {
    const counts = {
      accepted: Number(row.accepted),
      effective: Number(row.effective),
      superseded: Number(row.superseded),
      voided: Number(row.voided),
      inPeriod: Number(row.in_period),
      unassigned: Number(row.unassigned),
      beforeBilling: Number(row.before_billing),
      afterEnd: Number(row.after_end),
    };
    const divided = counts.inPeriod + counts.unassigned + counts.beforeBilling + counts.afterEnd;
    const lost = Math.abs(counts.accepted - counts.effective - counts.superseded - counts.voided);
    const difference = lost + Math.abs(counts.effective - divided);
    return { accountLinkId: row.account_link_id, metricId: row.metric_id, ...counts, difference };
  });
}

interface RecordsRow {
  account_link_id: string;
  metric_id: string;
  accepted: string;
  effective: string;
  superseded: string;
  voided: string;
  in_period: string;
  unassigned: string;
  before_billing: string;
  after_end: string;
}

/** Corrections are counted from their side, what they correct from its own: neither follows from the other. */
const RECORDS_SQL = `
  with scoped as (
    select u.*, placed.contract, exists (select 1 from usage_record v where v.corrects = u.id) as is_corrected,
           ${isSuperseded({ record: 'u', metric: 'm', contract: 'placed.contract' })} as is_superseded
      from usage_record u join account_link l on l.id = u.account_link_id join metric m on m.id = u.metric_id
     cross join lateral (select ${presentContract('u')} as contract) placed
     where ($1::uuid is null or u.service_id = $1) and ($2::text is null or l.account = $2)),
  placed as (
    select s.*, s.kind <> 'VOID' and not s.is_corrected and not s.is_superseded as is_effective,
           (select count(*) from billing_period p where p.contract_id = s.contract
             and s.counted_at >= p.start_at and (p.end_at is null or s.counted_at < p.end_at)) as periods,
           (select min(p.start_at) from billing_period p where p.contract_id = s.contract) as first_start,
           (select max(p.end_at) from billing_period p where p.contract_id = s.contract) as last_end
      from scoped s where $3::uuid is null or s.contract = $3)
  select account_link_id, metric_id,
         count(*) filter (where kind <> 'VOID') as accepted,
         count(*) filter (where is_effective) as effective,
         count(*) filter (where kind = 'REPLACEMENT') + count(*) filter (where is_superseded and not is_corrected) as superseded,
         count(*) filter (where kind = 'VOID') as voided,
         coalesce(sum(periods) filter (where is_effective and contract is not null), 0) as in_period,
         count(*) filter (where is_effective and contract is null) as unassigned,
         count(*) filter (where is_effective and contract is not null and periods = 0
                            and (first_start is null or counted_at < first_start)) as before_billing,
         count(*) filter (where is_effective and contract is not null and periods = 0
                            and counted_at >= last_end) as after_end
    from placed group by account_link_id, metric_id order by account_link_id, metric_id`;

async function contractsWithCharges(ctx: Ctx, sight: Sight): Promise<string[]> {
  const rows = await ctx.db.query<{ id: string }[]>(
    `select c.id from contract c
      where ${contractVisible('$4')} and ($3::uuid is null or c.id = $3)
        and exists (
          select 1 from subscription s join subscription_line l on l.subscription_odoo_id = s.odoo_id
            join product p on p.odoo_id = l.product_odoo_id join charge ch on ch.product_id = p.id
           where s.contract_id = c.id and ($1::uuid is null or ch.service_id = $1))
        and ($2::text is null or exists (
          select 1 from account_link a join partner r on r.id = a.partner_id
            join subscription s on s.partner_odoo_id = r.odoo_id
           where s.contract_id = c.id and a.account = $2 and ($1::uuid is null or a.service_id = $1)))
      order by c.id`,
    [sight.serviceId, sight.account, sight.contractId, ctx.actor.serviceId],
  );
  return rows.map((row) => row.id);
}
