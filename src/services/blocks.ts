/** Finds what stands in the way of writing a contract's slots, and keeps the standing blocks: since when, lifted when. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { balanceOf } from '../domain/balance';
import { BlockReason } from '../entities/billing-block';
import type { ContractState, LineState, PeriodState } from './contract-state';
import type { BillableValues, ProductValues } from './balances';
import { fittingCharges } from './fitting-charges';
import { seamOf } from './settlements';
import { isAmbiguous } from './slot-lines';

/** A block as found now. `productId` null concerns the whole contract. */
export interface FoundBlock {
  periodId: string;
  reason: BlockReason | keyof typeof BlockReason;
  productId: string | null;
  lineId: string | null;
}

const MESSAGES: Record<BlockReason, string> = {
  LINE_MISSING: 'The order has no line with the product: add one in Odoo; what is due waits.',
  FINAL_DUE: 'Nothing will bill what is due: add a line with the product in Odoo, or settle it by settleFinalDue.',
  AMBIGUOUS_LINE:
    'Two lines of the order carry the product: pin one of them, and the other is emptied, or remove one in Odoo.',
  AMBIGUOUS_CHARGE:
    'Two charges of one metric fit the order: pin one of them, or leave only one of their products on it.',
  ORDER_CANCELLED: 'The order is cancelled or gone from Odoo: confirm it again, or settle what finalDues lists.',
  CONTRACT_ENDED: 'The order was renewed or churned in Odoo: settle what finalDues lists.',
  CREDIT_NOTE:
    'A credit note or a cancelled invoice touches the line: decide in Odoo whether its usage is billed again.',
  CURRENCY_MISMATCH: "The order's currency is not the charge's: use an order in the charge's currency.",
  PRICE_NOT_ONE: 'The line must cost 1.00 without discount, for its quantity is the amount.',
  PERIOD_UNCONFIRMED: 'The period was derived when the order was first seen running: confirm its start.',
  DATE_MOVED_BACK: 'The next invoice date moved back over a closed boundary: move it forward in Odoo.',
  PREVIOUS_NOT_INVOICED: 'The slot still holds an earlier period that Odoo has not invoiced.',
  HELD_BY_DRAFT: 'A draft invoice holds the line: post or delete it in Odoo.',
  USAGE_GAP: 'Usage is missing that the metric expects: send it, zeros as well, or waive the gap.',
  READ_BACK_DIFFERS: 'Odoo kept another quantity than the one written.',
  REFUSED_BY_ODOO: 'Odoo refused the write.',
};

/** The sentence of a block: what it means and what to do. */
export function blockMessage(reason: BlockReason | keyof typeof BlockReason): string {
  return MESSAGES[reason];
}

/** What stops every line of the contract. */
export function contractObstacles(state: ContractState, open: PeriodState, movedBack: boolean): FoundBlock[] {
  const end = endOf(state);
  const reasons: BlockReason[] = end === null ? [] : [end];
  if (movedBack) reasons.push(BlockReason.DATE_MOVED_BACK);
  return reasons.map((reason) => ({ periodId: open.id, reason, productId: null, lineId: null }));
}

/** Why Odoo bills nothing more of the contract's order; null while it does. */
export function endOf({ order }: ContractState): BlockReason.ORDER_CANCELLED | BlockReason.CONTRACT_ENDED | null {
  if (order.gone || order.orderState === 'cancel') return BlockReason.ORDER_CANCELLED;
  const isOver = order.subscriptionState === 'RENEWED' || order.subscriptionState === 'CHURNED';
  return isOver ? BlockReason.CONTRACT_ENDED : null;
}

/** What stops one metered line; blocks name the period that waits. */
export async function lineObstacles(
  tx: EntityManager,
  state: ContractState,
  line: LineState,
  periodId: string,
): Promise<FoundBlock[]> {
  const charges = state.charges.filter((charge) => charge.productId === line.productId);
  const period = state.periods.find((candidate) => candidate.id === periodId);
  const ambiguous = period === undefined ? new Set() : fittingCharges(state, period).ambiguous;
  const reasons: BlockReason[] = [];
  if (await isAmbiguous(tx, state, line)) reasons.push(BlockReason.AMBIGUOUS_LINE);
  if (charges.some((charge) => ambiguous.has(charge.metricId))) reasons.push(BlockReason.AMBIGUOUS_CHARGE);
  if (charges.some((charge) => charge.currency !== null && charge.currency !== state.order.currency)) {
    reasons.push(BlockReason.CURRENCY_MISMATCH);
  }
  const isAmount = charges.some((charge) => charge.mode === 'AMOUNT');
  if (isAmount && !(line.unitPrice.eq(1) && line.discount.isZero())) reasons.push(BlockReason.PRICE_NOT_ONE);
  if (await hasCreditNote(tx, state, line)) reasons.push(BlockReason.CREDIT_NOTE);
  return reasons.map((reason) => ({ periodId, reason, productId: line.productId, lineId: line.id }));
}

/**
 * Products whose line is gone while something of them is due, or while their charge still rates the contract's usage; those
 * in `except` wait for a person already.
 */
export async function missingLines(
  tx: EntityManager,
  state: ContractState,
  open: PeriodState,
  { values, except }: { values: BillableValues; except: ReadonlySet<string | null> },
): Promise<FoundBlock[]> {
  const present = new Set(state.lines.map((line) => line.productId));
  const written = await tx.query<{ product_id: string }[]>(
    'select distinct product_id from write_back where contract_id = $1',
    [state.id],
  );
  const rating = new Set(fittingCharges(state, open).fitting.map((charge) => charge.productId));
  return written
    .filter((row) => !present.has(row.product_id) && !except.has(row.product_id))
    .filter((row) => rating.has(row.product_id) || isDue(values.get(row.product_id)))
    .map((row) => ({ periodId: open.id, reason: BlockReason.LINE_MISSING, productId: row.product_id, lineId: null }));
}

function isDue(values: ProductValues | undefined): boolean {
  return values !== undefined && !balanceOf(values.periods, 0, values.moves).due.isZero();
}

/**
 * A posted or draft credit note on the line, younger than the seam, or a cancelled invoice that a slot was settled with.
 */
async function hasCreditNote(tx: EntityManager, state: ContractState, line: LineState): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `select 1 from invoice_line il join invoice i on i.odoo_id = il.invoice_odoo_id
      where il.sale_line_odoo_ids @> array[$1::integer]
        and ((i.move_type = 'out_refund' and i.state <> 'cancel' and i.gone_at is null and i.odoo_id > $2)
          or ((i.state <> 'posted' or i.gone_at is not null) and exists
               (select 1 from slot_settlement s where s.invoice_line_id = il.id)))
      limit 1`,
    [line.odooId, seamOf(state, line)],
  );
  return rows.length > 0;
}

/** Stores blocks that are new and lifts those that are no longer found. */
export async function storeBlocks(
  tx: EntityManager,
  ctx: Ctx,
  contractId: string,
  found: readonly FoundBlock[],
): Promise<void> {
  const rows = found.map((block) => ({
    period_id: block.periodId,
    product_id: block.productId,
    subscription_line_id: block.lineId,
    reason: block.reason,
    message: blockMessage(block.reason),
  }));
  const recordset = `json_to_recordset($2::json) as f
     (period_id uuid, product_id uuid, subscription_line_id uuid, reason text, message text)`;
  await tx.query(
    `update billing_block b set lifted_at = $3
      where b.contract_id = $1 and b.lifted_at is null and not exists (
        select 1 from ${recordset}
         where (f.period_id, f.product_id, f.subscription_line_id, f.reason)
           is not distinct from (b.period_id, b.product_id, b.subscription_line_id, b.reason))`,
    [contractId, JSON.stringify(rows), ctx.now],
  );
  await tx.query(
    `insert into billing_block (contract_id, period_id, product_id, subscription_line_id, reason, message, since)
     select $1, f.period_id, f.product_id, f.subscription_line_id, f.reason, f.message, $3 from ${recordset}
     on conflict (period_id, product_id, subscription_line_id, reason) where lifted_at is null do nothing`,
    [contractId, JSON.stringify(rows), ctx.now],
  );
}
