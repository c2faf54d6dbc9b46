/** The identity of money: what periods are worth, against Odoo's invoice lines straight from the mirror. */
import type { Ctx } from '../ctx';
import { balanceOf } from '../domain/balance';
import { Decimal, ZERO, sum } from '../domain/decimal';
import { billableValues } from './balances';
import type { ContractState } from './contract-state';

export interface MoneyIdentity {
  contractId: string;
  productId: string;
  truth: Decimal;
  /** Quantities of Odoo's posted invoice lines since the seam, straight from the mirror. */
  billed: Decimal;
  waived: Decimal;
  settled: Decimal;
  passed: Decimal;
  /** What is due by the slots' settlements. */
  balance: Decimal;
  difference: Decimal;
}

/** One row a product of the contract. */
export async function moneyIdentity(ctx: Ctx, state: ContractState): Promise<MoneyIdentity[]> {
  const values = await billableValues(ctx.db.manager, state, null);
  const rows: MoneyIdentity[] = [];
  for (const [productId, { periods, moves }] of values) {
    const balance = balanceOf(periods, ctx.config.quantityPlaces, moves);
    // An early invoice bills the open period, which is not in the truth yet.
    const early = await billedAhead(ctx, state, productId);
    const truth = sum(periods.map((period) => period.truth));
    const billed = (await invoicedSinceSeam(ctx, state, productId)).minus(early);
    rows.push({
      contractId: state.id,
      productId,
      truth,
      billed,
      ...moves,
      balance: balance.due,
      difference: truth.plus(moves.passed).minus(billed).minus(moves.waived).minus(moves.settled).minus(balance.due),
    });
  }
  return rows;
}

async function billedAhead(ctx: Ctx, state: ContractState, productId: string): Promise<Decimal> {
  const [row] = await ctx.db.query<{ billed: string }[]>(
    `select coalesce(sum(s.billed), 0) as billed from slot_settlement s join billing_period p on p.id = s.period_id
      where s.contract_id = $1 and s.product_id = $2 and p.state = 'OPEN'`,
    [state.id, productId],
  );
  return new Decimal(row?.billed ?? 0);
}

/** A span without a baseline has not been planned yet: no invoice can be made of what we wrote. */
async function invoicedSinceSeam(ctx: Ctx, state: ContractState, productId: string): Promise<Decimal> {
  if (state.periods.length === 0) return ZERO;
  const [row] = await ctx.db.query<{ billed: string }[]>(
    `select coalesce(sum(il.quantity), 0) as billed
       from invoice_line il join invoice i on i.odoo_id = il.invoice_odoo_id
       join subscription_line l on l.odoo_id = any (il.sale_line_odoo_ids) join product p on p.odoo_id = l.product_odoo_id
      where l.subscription_odoo_id = $1 and p.id = $2 and i.state = 'posted' and i.move_type = 'out_invoice'
        and i.odoo_id > (select min(b.invoices_after_odoo_id) from biller_span b
                           join charge c on c.service_id = b.service_id
                          where b.contract_id = $3 and b.biller = 'ODOO' and c.product_id = p.id)`,
    [state.order.odooId, productId, state.id],
  );
  return new Decimal(row?.billed ?? 0);
}
