/** Opens a contract's first period, and lets the open one follow Odoo's next invoice date. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { advance, dayStart, earliestRunAt, firstPeriod } from '../domain/period';
import type { ContractState, PeriodState, SpanState } from './contract-state';

/** Opens the first period of an order that runs, when it has none yet (docs/domain.md). Returns whether the contract has periods. */
export async function openFirstPeriod(tx: EntityManager, ctx: Ctx, state: ContractState): Promise<boolean> {
  if (state.periods.length > 0) return true;
  const { nextInvoiceOn, startOn, plan, subscriptionState } = state.order;
  if (nextInvoiceOn === null || plan === null || subscriptionState !== 'IN_PROGRESS') return false;
  const first = firstPeriod(startOn, nextInvoiceOn, plan);
  await insertPeriods(tx, ctx, [{ contractId: state.id, ...first }]);
  const newest = await newestInvoice(tx, state);
  await tx.query('update contract set seen_next_invoice_on = $2, seen_invoice_odoo_id = $3 where id = $1', [
    state.id,
    nextInvoiceOn,
    newest,
  ]);
  return true;
}

/**
 * Lets the open period follow a changed next invoice date. To be called when the invoices of the same mirror pass are in, so
 * that a date moved by Odoo's run comes with its invoice. Returns whether the date moved back over a closed boundary.
 */
export async function followInvoiceDate(
  tx: EntityManager,
  ctx: Ctx,
  state: ContractState,
): Promise<{ movedBack: boolean }> {
  const open = state.periods.at(-1);
  const { nextInvoiceOn, plan } = state.order;
  const seenOn = state.seenNextInvoiceOn;
  if (open === undefined || nextInvoiceOn === null || plan === null || seenOn === null) return { movedBack: false };
  const newest = await newestInvoice(tx, state);
  await markSeams(tx, state);
  const change = {
    seenOn,
    nextInvoiceOn,
    newInvoice: newest > (state.seenInvoiceOdooId ?? 0),
    runCanHaveCome: open.endOn !== null && ctx.now >= earliestRunAt(open.endOn, ctx.config.invoiceRunAtMinutes),
  };
  const outcome = advance({ startOn: open.startOn, endOn: open.endOn }, change, plan);
  if (outcome.kind === 'MOVED_BACK') return { movedBack: true };
  if (outcome.kind === 'END_MOVES') await moveEnd(tx, ctx, open, outcome.endOn);
  // An invoice counts as seen with the date it moved; of one that is younger than the order's reading that date is to come.
  const seen = nextInvoiceOn === seenOn ? await newestInvoice(tx, state, { readBeforeOrder: true }) : newest;
  await tx.query(
    `update contract set seen_next_invoice_on = $2, seen_invoice_odoo_id = $3
      where id = $1 and (seen_next_invoice_on, seen_invoice_odoo_id) is distinct from ($2::date, $3::integer)`,
    [state.id, nextInvoiceOn, Math.max(seen, state.seenInvoiceOdooId ?? 0)],
  );
  return { movedBack: false };
}

async function moveEnd(tx: EntityManager, ctx: Ctx, open: PeriodState, endOn: string): Promise<void> {
  const end = dayStart(endOn, ctx.config.billingTimeZone);
  await tx.query('update billing_period set end_on = $2, end_at = $3 where id = $1', [open.id, endOn, end]);
  Object.assign(open, { endOn, end });
}

/** Invoices, drafts and credit notes that are there before the first write for a span cannot be made of what we wrote. */
async function markSeams(tx: EntityManager, state: ContractState): Promise<void> {
  const isNew = (span: SpanState): boolean => span.biller === 'ODOO' && span.invoicesAfterOdooId === null;
  if (!state.spans.some(isNew)) return;
  const [newest] = await tx.query<{ id: number }[]>(
    `select coalesce(max(invoice_odoo_id), 0) as id from invoice_line
      where sale_line_odoo_ids && array(select odoo_id from subscription_line where subscription_odoo_id = $1)`,
    [state.order.odooId],
  );
  const seam = newest?.id ?? 0;
  await tx.query(
    `update biller_span set invoices_after_odoo_id = $2
      where contract_id = $1 and biller = 'ODOO' and invoices_after_odoo_id is null`,
    [state.id, seam],
  );
  for (const span of state.spans.filter(isNew)) span.invoicesAfterOdooId = seam;
}

/**
 * Odoo id of the newest posted invoice of the order; 0 for none. `readBeforeOrder`: of those only that the mirror had when
 * it last read orders.
 */
async function newestInvoice(
  tx: EntityManager,
  state: ContractState,
  { readBeforeOrder = false } = {},
): Promise<number> {
  const [row] = await tx.query<{ newest: number }[]>(
    `select coalesce(max(i.odoo_id), 0) as newest
       from invoice i join invoice_line il on il.invoice_odoo_id = i.odoo_id
      where i.state = 'posted' and i.move_type = 'out_invoice' and il.sale_line_odoo_ids &&
        array(select odoo_id from subscription_line where subscription_odoo_id = $1)
        and (not $2 or i.synced_at <= (select as_of from sync_state where model = 'SUBSCRIPTION'))`,
    [state.order.odooId, readBeforeOrder],
  );
  return row?.newest ?? 0;
}

export interface NewPeriod {
  contractId: string;
  startOn: string;
  endOn: string | null;
  derived: boolean;
}

/** Inserts open periods, each of another contract. */
export async function insertPeriods(tx: EntityManager, ctx: Ctx, periods: readonly NewPeriod[]): Promise<void> {
  const zone = ctx.config.billingTimeZone;
  const rows = periods.map(({ contractId, startOn, endOn, derived }) => ({
    contract_id: contractId,
    start_on: startOn,
    end_on: endOn,
    start_at: dayStart(startOn, zone),
    end_at: endOn === null ? null : dayStart(endOn, zone),
    derived,
  }));
  await tx.query(
    `insert into billing_period (contract_id, start_on, end_on, start_at, end_at, derived, created_at)
     select p.*, $2 from json_to_recordset($1) as p(contract_id uuid, start_on date, end_on date, start_at timestamptz,
       end_at timestamptz, derived boolean)`,
    [JSON.stringify(rows), ctx.now],
  );
}
