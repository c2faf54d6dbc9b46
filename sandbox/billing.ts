/** What Odoo's own modules do with subscriptions: the invoicing run, invoices by hand, credit notes, payments. */
import { addToDay } from './clock';
import { currencyDigits, isDelivered, orderLines, quantityToInvoice } from './compute';
import { amountOf, minus, sum } from './decimal';
import { missingError, userError } from './errors';
import type { FieldValue, Row } from './schema';
import type { Env } from './search';
import { createRow, refreshInvoiced, removeRow, touch, writeRows } from './write';

/** What the run did with one due order: the invoice it posted, or null where nothing was billable and only the date moved on. */
export interface RunOutcome {
  orderId: number;
  moveId: number | null;
}

/** Bills each due order (running, confirmed, next invoice on or before today), one transaction each. A draft made by hand holds its order back. */
export function runBilling(env: Env, orderIds?: readonly number[]): RunOutcome[] {
  const today = env.stamp.slice(0, 10);
  const due = env.store.rows('sale.order').filter((order) => isDue(env, order, today));
  const wanted = due.filter((order) => !orderIds || orderIds.includes(order.id)).sort((a, b) => a.id - b.id);
  return wanted.map((order) =>
    env.store.transaction(() => {
      const moveId = draftInvoice(env, order);
      if (moveId === null) moveDateOn(env, order.id);
      else postInvoice(env, moveId);
      return { orderId: order.id, moveId };
    }),
  );
}

function isDue(env: Env, order: Row, today: string): boolean {
  if (order.state !== 'sale' || order.subscription_state !== '3_progress') return false;
  if (typeof order.next_invoice_date !== 'string' || order.next_invoice_date > today) return false;
  return !env.store.meta.skipped.includes(order.id) && !hasDraft(env, order.id);
}

function hasDraft(env: Env, orderId: number): boolean {
  return orderLines(env.store, orderId).some((line) =>
    env.store
      .children('account.move.line', 'sale_line_ids', line.id)
      .some((invoiceLine) => env.store.get('account.move', invoiceLine.move_id)?.state === 'draft'),
  );
}

/** Quantity of a line for the next invoice. Ordered quantities of a subscription are billed every period, in every mode. */
function billable(env: Env, order: Row, line: Row): number {
  if (line.display_type) return 0;
  if (order.plan_id && !isDelivered(env.store, line)) return Number(line.product_uom_qty ?? 0);
  return quantityToInvoice(env.store, line);
}

/** Makes a draft invoice of what can be billed now; null when no line has anything to bill. */
export function draftInvoice(env: Env, order: Row): number | null {
  const lines = orderLines(env.store, order.id)
    .map((line) => ({ line, quantity: billable(env, order, line) }))
    .filter(({ line, quantity }) => quantity > 0 || (quantity < 0 && !isDelivered(env.store, line)));
  if (lines.length === 0) return null;
  const move = createRow(env, 'account.move', {
    move_type: 'out_invoice',
    name: false,
    invoice_date: false,
    ref: order.client_order_ref ?? false,
    invoice_origin: order.name,
    ...moveHead(env, order),
    partner_id: order.partner_invoice_id ?? order.partner_id,
  });
  const digits = currencyDigits(env.store, order.currency_id);
  for (const { line, quantity } of lines) {
    const [price, discount] = [Number(line.price_unit ?? 0), Number(line.discount ?? 0)];
    addMoveLine(env, move.id, {
      product_id: line.product_id ?? false,
      name: line.name ?? false,
      quantity,
      price_unit: price,
      discount,
      price_subtotal: amountOf({ quantity, price, discount }, digits),
      sale_line_ids: [line.id],
    });
  }
  finishMove(env, move.id);
  touch(env, 'sale.order', order.id);
  return move.id;
}

/** What an invoice and the credit note against it have in common. */
function moveHead(env: Env, source: Row): Record<string, FieldValue> {
  const own = { company_id: source.company_id ?? 1, currency_id: source.currency_id ?? 1 };
  return {
    ...own,
    state: 'draft',
    payment_state: 'not_paid',
    payment_reference: false,
    invoice_date_due: env.stamp.slice(0, 10),
  };
}

function addMoveLine(env: Env, moveId: number, values: Record<string, FieldValue>): void {
  env.store.insert('account.move.line', {
    create_uid: env.uid,
    create_date: env.stamp,
    write_uid: env.uid,
    write_date: env.stamp,
    display_type: 'product',
    ...values,
    move_id: moveId,
  });
}

/** Totals, the line of the receivable that every move has beside its products, and the invoiced quantities of the order lines. */
function finishMove(env: Env, moveId: number): void {
  const lines = env.store.children('account.move.line', 'move_id', moveId);
  const total = sum(lines.map((line) => Number(line.price_subtotal)));
  const amounts = { amount_untaxed: total, amount_tax: 0, amount_total: total, amount_residual: total };
  env.store.update('account.move', moveId, amounts);
  addMoveLine(env, moveId, { display_type: 'payment_term', quantity: 0, price_subtotal: 0, sale_line_ids: [] });
  refreshInvoiced(env, moveId);
}

function getMove(env: Env, moveId: number): Row {
  const move = env.store.get('account.move', moveId);
  if (!move) throw missingError('account.move', moveId, env.uid);
  return move;
}

/** Posts a draft: number and date appear, the subscription's next date moves on, and in mode `reset` the delivered quantities fall to 0. */
export function postInvoice(env: Env, moveId: number): void {
  const move = getMove(env, moveId);
  if (move.state !== 'draft') throw userError('The entry is not in draft.');
  const day = env.stamp.slice(0, 10);
  const prefix = `${move.move_type === 'out_refund' ? 'RINV' : 'INV'}/${day.slice(0, 4)}/`;
  const name = `${prefix}${String(env.store.nextNumber(prefix)).padStart(5, '0')}`;
  const values = { state: 'posted', name, payment_reference: name, invoice_date: day };
  writeRows(env, { model: 'account.move', ids: [moveId] }, values);
  for (const line of env.store.children('account.move.line', 'move_id', moveId))
    touch(env, 'account.move.line', line.id);
  if (move.move_type !== 'out_invoice') return;
  for (const order of subscriptionsOf(env, moveId)) {
    moveDateOn(env, order.id);
    if (env.store.meta.mode === 'reset') resetDelivered(env, order.id);
  }
}

function subscriptionsOf(env: Env, moveId: number): Row[] {
  const lineIds = env.store
    .children('account.move.line', 'move_id', moveId)
    .flatMap((l) => l.sale_line_ids as number[]);
  const orderIds = new Set(lineIds.map((id) => env.store.get('sale.order.line', id)?.order_id));
  return [...orderIds].map((id) => env.store.get('sale.order', id)).filter((order) => order?.plan_id) as Row[];
}

function resetDelivered(env: Env, orderId: number): void {
  const delivered = orderLines(env.store, orderId).filter((line) => isDelivered(env.store, line) && line.qty_delivered);
  for (const line of delivered) writeRows(env, { model: 'sale.order.line', ids: [line.id] }, { qty_delivered: 0 });
}

function moveDateOn(env: Env, orderId: number): void {
  const order = env.store.get('sale.order', orderId);
  const plan = env.store.get('sale.subscription.plan', order?.plan_id);
  if (!order || !plan || typeof order.next_invoice_date !== 'string') return;
  const [count, unit] = [Number(plan.billing_period_value), String(plan.billing_period_unit)];
  writeRows(
    env,
    { model: 'sale.order', ids: [orderId] },
    { next_invoice_date: addToDay(order.next_invoice_date, count, unit) },
  );
}

/** A credit note over the whole of a posted invoice, posted as well unless `post` is false. */
export function creditNote(env: Env, moveId: number, options: { post?: boolean } = {}): number {
  const move = getMove(env, moveId);
  if (move.state !== 'posted') throw userError('To reverse a journal entry, it has to be posted first.');
  const refund = createRow(env, 'account.move', {
    move_type: 'out_refund',
    name: false,
    ref: `Reversal of: ${String(move.name)}`,
    reversed_entry_id: moveId,
    invoice_date: env.stamp.slice(0, 10),
    invoice_origin: move.invoice_origin ?? false,
    partner_id: move.partner_id,
    ...moveHead(env, move),
  });
  const lines = env.store.children('account.move.line', 'move_id', moveId).filter((l) => l.display_type === 'product');
  for (const line of lines) {
    const { product_id, name, quantity, price_unit, discount, price_subtotal, sale_line_ids } = line;
    const copied = { product_id, name, quantity, price_unit, discount, price_subtotal, sale_line_ids };
    addMoveLine(env, refund.id, copied as Record<string, FieldValue>);
  }
  finishMove(env, refund.id);
  touch(env, 'account.move', moveId);
  if (options.post === false) return refund.id;
  postInvoice(env, refund.id);
  writeRows(env, { model: 'account.move', ids: [refund.id] }, { payment_state: 'paid', amount_residual: 0 });
  writeRows(env, { model: 'account.move', ids: [moveId] }, { payment_state: 'reversed', amount_residual: 0 });
  return refund.id;
}

/** Registers a payment of a posted invoice: of `amount`, or of all that is open. */
export function payInvoice(env: Env, moveId: number, amount?: number): void {
  const open = Number(getMove(env, moveId).amount_residual ?? 0);
  const residual = amount === undefined || amount >= open ? 0 : minus(open, amount);
  const values = { amount_residual: residual, payment_state: residual === 0 ? 'paid' : 'partial' };
  writeRows(env, { model: 'account.move', ids: [moveId] }, values);
}

/** Deletes a draft invoice; a posted one is refused. */
export function deleteDraft(env: Env, moveId: number): void {
  const move = getMove(env, moveId);
  if (move.state === 'posted') throw userError("You can't delete a posted journal item.");
  const orderIds = new Set(
    env.store
      .children('account.move.line', 'move_id', moveId)
      .flatMap((line) => line.sale_line_ids as number[])
      .map((id) => env.store.get('sale.order.line', id)?.order_id),
  );
  removeRow(env, 'account.move', moveId);
  for (const id of orderIds) if (env.store.get('sale.order', id)) touch(env, 'sale.order', Number(id));
}
