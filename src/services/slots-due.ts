/** Finds the contracts that have something to plan, and plans them. */
import type { Ctx } from '../ctx';
import { writeTimes } from '../domain/period';
import { boundHere } from './charge-binding';
import { NEWEST_CHANGE, planContract } from './slots';

/** An intent older than this is looked at again. */
const STALE_AFTER_MS = 10 * 60_000;

/** Plans every contract that has something to plan; one that fails does not stop the others. */
export async function planChangedContracts(ctx: Ctx): Promise<{ planned: number; failed: number }> {
  const report = { planned: 0, failed: 0 };
  for (const contractId of await contractsToPlan(ctx)) {
    try {
      await planContract(ctx, contractId);
      report.planned += 1;
    } catch (error) {
      ctx.log.error({ err: error, contractId }, 'contract could not be planned');
      report.failed += 1;
    }
  }
  return report;
}

/** Contracts that a mirrored change, a due provisional write or a new charge gives something to plan, at most `limit`. */
async function contractsToPlan(ctx: Ctx, limit = 5000): Promise<string[]> {
  const soon = new Date(ctx.now.getTime() + ctx.config.leadTimeMs + 26 * 3_600_000);
  const rows = await ctx.db.query<{ id: string; changed: boolean; end_on: string | null }[]>(
    `select c.id, (c.planned_as_of is distinct from ${NEWEST_CHANGE} or ${UNWRITTEN_LINE} or ${UNMARKED_SEAM} or ${DIRTY_PERIOD} or ${STALE_INTENT}) as changed,
            (select p.end_on::text from billing_period p where p.contract_id = c.id and p.state = 'OPEN' and p.end_at <= $1
               and exists (select 1 from biller_span b where b.contract_id = c.id and b.biller = 'ODOO')
               and not exists (select 1 from write_back w where w.period_id = p.id and w.kind = 'PROVISIONAL' and w.state <> 'SUPERSEDED')) as end_on
       from contract c order by c.id`,
    [soon, new Date(ctx.now.getTime() - STALE_AFTER_MS)],
  );
  const { billingTimeZone: zone, graceMs, leadTimeMs, invoiceRunAtMinutes } = ctx.config;
  const isDue = (endOn: string): boolean => {
    const { provisionalAt } = writeTimes(endOn, { zone, graceMs, leadTimeMs, invoiceRunAtMinutes });
    return provisionalAt !== null && ctx.now >= provisionalAt;
  };
  return rows
    .filter((row) => row.changed || (row.end_on !== null && isDue(row.end_on)))
    .slice(0, limit)
    .map((row) => row.id);
}

/** A line that Odoo bills for us and that no intent was made for yet: first sight, a new charge, or a service gone LIVE. */
const UNWRITTEN_LINE = `exists (
  select 1 from subscription s
    join subscription_line l on l.subscription_odoo_id = s.odoo_id and l.gone_at is null
    join product p on p.odoo_id = l.product_odoo_id
    join charge ch on ch.product_id = p.id and ${boundHere('ch')}
    join biller_span b on b.contract_id = c.id and b.service_id = ch.service_id and b.biller = 'ODOO' and b.ends_at is null
   where s.contract_id = c.id and not exists (select 1 from write_back w where w.subscription_line_id = l.id))`;

/** A contract that was handed to Odoo since its last plan. */
const UNMARKED_SEAM = `exists (
  select 1 from biller_span b join billing_period p on p.contract_id = b.contract_id
   where b.contract_id = c.id and b.biller = 'ODOO' and b.invoices_after_odoo_id is null)`;

const DIRTY_PERIOD = `exists (select 1 from billing_period p where p.contract_id = c.id and p.dirty)`;

/** An intent that has waited for long: its job gave up, or was never there because writes were off. */
const STALE_INTENT = `exists (
  select 1 from write_back w
   where w.contract_id = c.id and w.state in ('PENDING', 'UNKNOWN') and w.updated_at < $2)`;
