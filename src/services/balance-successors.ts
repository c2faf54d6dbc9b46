/**
 * Passes what is due on a product whose line left the order to the product that took its place: same metric, mode, currency and
 * units. Runs within a plan, under the contract's lane, so that a balance goes over exactly once.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { printDecimal } from '../domain/decimal';
import { clip } from '../domain/errors';
import { writeAudit } from './audit';
import { insertPassing } from './balance-entries';
import { duesOf } from './balances';
import { endOf } from './blocks';
import type { ChargeState, ContractState, PeriodState } from './contract-state';
import { fittingCharges } from './fitting-charges';
import { slotLine } from './slot-lines';

/** Passes every balance that has a successor, of whatever size and sign. */
export async function passBalances(tx: EntityManager, ctx: Ctx, state: ContractState): Promise<void> {
  const open = state.periods.at(-1);
  if (open === undefined || endOf(state) !== null) return;
  const leaving = chargesWithoutLine(state).filter((charge) => successorOf(state, open, charge.productId) !== null);
  if (leaving.length === 0) return;
  const dues = await duesOf(tx, state, ctx.config.quantityPlaces);
  for (const charge of leaving) {
    const successor = successorOf(state, open, charge.productId);
    const value = dues.get(charge.productId);
    if (successor === null || value === undefined || value.isZero()) continue;
    if (await mayStillBeBilled(tx, state, charge)) continue;
    const reason = clip(
      `the line of "${clip(charge.productName, 100)}" left the order, "${clip(successor.productName, 100)}" takes its place`,
    );
    await insertPassing(tx, ctx, {
      serviceId: charge.serviceId,
      contractId: state.id,
      periodId: open.id,
      fromProductId: charge.productId,
      toProductId: successor.productId,
      value,
      reason,
    });
    await writeAudit(tx, ctx, {
      action: 'balance.passed',
      subjectType: 'contract',
      subjectId: state.id,
      serviceId: charge.serviceId,
      details: { from: charge.productId, to: successor.productId, value: printDecimal(value), reason },
    });
  }
}

/** One charge of each product that no line of the order carries any more: its charges share service, mode and units. */
export function chargesWithoutLine(state: ContractState): ChargeState[] {
  const present = new Set(state.lines.map((line) => line.productId));
  const gone = state.charges.filter((charge) => !present.has(charge.productId));
  return gone.filter((charge, index) => gone.findIndex((other) => other.productId === charge.productId) === index);
}

/**
 * The charge that takes over from the product: of those that rate its metrics from now on all stand on one other product, which
 * has a slot on the order and agrees in mode, currency and units per product unit. Null without one.
 */
export function successorOf(state: ContractState, open: PeriodState, productId: string): ChargeState | null {
  const own = state.charges.filter((charge) => charge.productId === productId);
  const metrics = new Set(own.map((charge) => charge.metricId));
  const rating = fittingCharges(state, open).fitting.filter((charge) => metrics.has(charge.metricId));
  const [next] = rating;
  const [before] = own;
  if (next === undefined || before === undefined || next.productId === productId) return null;
  if (rating.some((charge) => charge.productId !== next.productId)) return null;
  if (slotLine(state, next.productId) === null) return null;
  const agrees =
    next.mode === before.mode &&
    next.currency === before.currency &&
    next.unitsPerProductUnit.eq(before.unitsPerProductUnit);
  return agrees ? next : null;
}

/** Whether an invoice, be it a draft, holds a line of the product and no slot has taken it up: its quantity is not due twice. */
export async function mayStillBeBilled(
  tx: EntityManager,
  state: ContractState,
  { productId, serviceId }: Pick<ChargeState, 'productId' | 'serviceId'>,
): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `select 1 from subscription_line l join product p on p.odoo_id = l.product_odoo_id
       join invoice_line il on il.sale_line_odoo_ids @> array[l.odoo_id]
       join invoice i on i.odoo_id = il.invoice_odoo_id
      where l.subscription_odoo_id = $1 and p.id = $2 and i.move_type = 'out_invoice' and i.state in ('draft', 'posted')
        and i.gone_at is null and il.gone_at is null
        and i.odoo_id > (select min(b.invoices_after_odoo_id) from biller_span b
                          where b.contract_id = $3 and b.service_id = $4 and b.biller = 'ODOO')
        and not exists (select 1 from slot_settlement s where s.invoice_line_id = il.id)
      limit 1`,
    [state.order.odooId, productId, state.id, serviceId],
  );
  return rows.length > 0;
}
