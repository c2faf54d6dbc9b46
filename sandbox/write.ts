/** Changing records: refusals, prices, derived amounts, and whose `write_date` a change moves. */
import { coerceValues } from './coerce';
import { currencyDigits, listPrice, orderTotal, quantityInvoiced, subtotalOf } from './compute';
import { roundTo } from './decimal';
import { missingError, typeError, userError, validationError, valueError } from './errors';
import { fieldOf, type Entity, type FieldValue, type Row } from './schema';
import type { Env } from './search';

type Vals = Record<string, unknown>;

/** Fields of a line that a locked order refuses, by the name Odoo shows. */
const LOCKED_FIELDS: Record<string, string> = {
  product_uom_qty: 'Quantity',
  price_unit: 'Unit Price',
  product_id: 'Product',
  name: 'Description',
  discount: 'Discount (%)',
  product_uom_id: 'Unit',
  tax_ids: 'Taxes',
};

/** Writes the same values on several records, all or nothing within the caller's transaction. */
export function writeRows(env: Env, target: { model: string; ids: readonly unknown[] }, vals: unknown): void {
  const { model, ids } = target;
  if (typeof vals !== 'object' || vals === null) throw typeError(`'${typeof vals}' object is not a mapping`);
  if (Array.isArray(vals)) throw typeError("unhashable type: 'dict'");
  const rows = ids.map((id) => {
    const row = typeof id === 'number' ? env.store.get(model, id) : undefined;
    if (!row) throw missingError(model, id, env.uid);
    return row;
  });
  for (const row of rows) writeRow(env, { model, row }, vals as Vals);
}

function writeRow(env: Env, { model, row }: Entity, vals: Vals): void {
  if (model === 'sale.order.line') writeLine(env, row, vals);
  else if (model === 'sale.order') writeOrder(env, row, vals);
  else {
    if (model === 'account.move') refusePosted(env, row, vals);
    store(env, { model, id: row.id }, coerceValues(env, model, vals));
    if (model === 'account.move' && 'state' in vals) refreshInvoiced(env, row.id);
  }
}

/** Stores values with the marks of a write. A `write_date` among the values wins: it plays a transaction that began earlier. */
function store(env: Env, target: { model: string; id: number }, values: Record<string, FieldValue>): Row {
  return env.store.update(target.model, target.id, { write_uid: env.uid, write_date: env.stamp, ...values });
}

/** Moves the `write_date` of a record of which a stored computed field changed. */
export function touch(env: Env, model: string, id: number): void {
  store(env, { model, id }, {});
}

function writeLine(env: Env, line: Row, vals: Vals): void {
  const order = env.store.get('sale.order', line.order_id);
  refuseLocked(env, order, vals);
  const values = coerceValues(env, 'sale.order.line', vals);
  if (line.display_type && values.product_uom_qty) {
    throw validationError('Forbidden values on non-accountable sale order line');
  }
  const total = order ? orderTotal(env.store, order.id) : 0;
  const recomputed = { ...repriced(env, line, values), ...withoutDiscount(env, values) };
  const written = store(env, { model: 'sale.order.line', id: line.id }, { ...values, ...recomputed });
  const priced = ['product_uom_qty', 'price_unit', 'discount', 'product_id'].some((name) => name in values);
  if (priced) env.store.update('sale.order.line', line.id, { price_subtotal: subtotalOf(env.store, written) });
  if (order && orderTotal(env.store, order.id) !== total) touch(env, 'sale.order', order.id);
}

/**
 * A write of the ordered quantity puts today's list price back, unless the price is in the same write, something was invoiced, or the
 * price was set by hand and differs once both are rounded to the currency.
 */
function repriced(env: Env, line: Row, values: Record<string, FieldValue>): Record<string, FieldValue> {
  const order = env.store.get('sale.order', line.order_id);
  const productId = values.product_id ?? line.product_id;
  if (!order || !productId || line.display_type) return {};
  if (!('product_uom_qty' in values || 'product_id' in values) || 'price_unit' in values) return {};
  const digits = currencyDigits(env.store, order.currency_id);
  const [own, computed] = [Number(line.price_unit ?? 0), Number(line.technical_price_unit ?? 0)];
  const byHand = roundTo(own, digits) !== roundTo(computed, digits);
  if (!('product_id' in values) && (byHand || Number(line.qty_invoiced ?? 0) > 0)) return {};
  const price = listPrice(env.store, productId, order.currency_id);
  return { price_unit: price, technical_price_unit: price };
}

/** With the Discounts feature on, a write of the ordered quantity takes away a discount that is not in the same write. */
function withoutDiscount(env: Env, values: Record<string, FieldValue>): Record<string, FieldValue> {
  return env.store.meta.discounts && 'product_uom_qty' in values && !('discount' in values) ? { discount: 0 } : {};
}

function refuseLocked(env: Env, order: Row | undefined, vals: Vals): void {
  if (env.unchecked || !order?.locked) return;
  const refused = Object.entries(LOCKED_FIELDS).filter(([name]) => name in vals);
  if (refused.length === 0) return;
  const labels = refused.map(([, label]) => label).join('\n');
  throw userError(`It is forbidden to modify the following fields in a locked order:\n${labels}`);
}

function writeOrder(env: Env, order: Row, vals: Vals): void {
  const { order_line: commands, ...own } = vals;
  if (!env.unchecked && 'pricelist_id' in own && order.state === 'sale') {
    throw userError('You cannot change the pricelist of a confirmed order !');
  }
  store(env, { model: 'sale.order', id: order.id }, coerceValues(env, 'sale.order', own));
  if (Array.isArray(commands)) for (const command of commands) applyLineCommand(env, order.id, command);
}

/** `[0, 0, {…}]` adds a line; `[1, id, {…}]` writes one, whichever order it belongs to, as Odoo does. */
function applyLineCommand(env: Env, orderId: number, command: unknown): void {
  const [kind, id, vals] = Array.isArray(command) ? (command as unknown[]) : [];
  if (kind === 1) writeRows(env, { model: 'sale.order.line', ids: [id] }, vals);
  else if (kind === 0) createRow(env, 'sale.order.line', { ...(vals as Vals), order_id: orderId });
  else throw valueError(`The sandbox does not play the command ${JSON.stringify(command)}`);
}

function refusePosted(env: Env, move: Row, vals: Vals): void {
  if (env.unchecked || move.state !== 'posted') return;
  throw userError(`You cannot modify the following readonly fields on a posted move: ${Object.keys(vals).join(', ')}`);
}

/** Makes one record with Odoo's defaults for what is not given. */
export function createRow(env: Env, model: string, vals: Vals): Row {
  const { order_line: commands, ...own } = vals;
  const values = { ...defaults(env, model, own), ...coerceValues(env, model, own) };
  const stamps = { create_uid: env.uid, create_date: env.stamp, write_uid: env.uid, write_date: env.stamp };
  const row = env.store.insert(model, { ...stamps, ...values });
  if (model === 'sale.order.line') {
    const price = listPrice(env.store, row.product_id, env.store.get('sale.order', row.order_id)?.currency_id);
    const priced = env.store.update(model, row.id, {
      technical_price_unit: price,
      price_unit: row.price_unit ?? price,
    });
    env.store.update(model, row.id, { price_subtotal: subtotalOf(env.store, priced) });
    if (env.store.get('sale.order', row.order_id)) touch(env, 'sale.order', Number(row.order_id));
  }
  if (Array.isArray(commands)) for (const command of commands) applyLineCommand(env, row.id, command);
  return env.store.get(model, row.id) ?? row;
}

function defaults(env: Env, model: string, vals: Vals): Record<string, FieldValue> {
  const id = env.store.nextId(model);
  const active: Record<string, FieldValue> = fieldOf(model, 'active') ? { active: true } : {};
  switch (model) {
    case 'sale.order': {
      if (!vals.partner_id) throw validationError("Missing required value for the field 'Customer' (partner_id).");
      const partner = Number(vals.partner_id);
      const name = `S${String(id).padStart(5, '0')}`;
      const state: Record<string, FieldValue> = vals.plan_id ? { subscription_state: '1_draft' } : {};
      const parties = { partner_invoice_id: partner, partner_shipping_id: partner, company_id: 1, currency_id: 1 };
      return { name, state: 'draft', locked: false, date_order: env.stamp, ...parties, ...state };
    }
    case 'sale.order.line':
      return lineDefaults(env, vals);
    case 'res.partner':
      if (!vals.name) throw validationError('Contacts require a name');
      return { lang: 'en_US', type: 'contact', ...active };
    case 'product.product':
      return { type: 'service', invoice_policy: 'order', recurring_invoice: true, uom_id: 1, ...active };
    default:
      return active;
  }
}

function lineDefaults(env: Env, vals: Vals): Record<string, FieldValue> {
  if (!env.store.get('sale.order', Number(vals.order_id ?? 0))) throw valueError('Expected singleton: sale.order()');
  const product = env.store.get('product.product', Number(vals.product_id ?? 0));
  const code = product?.default_code ? `[${String(product.default_code)}] ` : '';
  if (!product || vals.display_type) return { sequence: 10, product_uom_qty: 0, price_unit: 0 };
  return {
    sequence: 10,
    name: `${code}${String(product.name)}`,
    product_uom_id: product.uom_id ?? 1,
    product_uom_qty: 1,
  };
}

/** Counts again what is invoiced of the order lines behind an invoice; lines of which it changed get a new `write_date`. */
export function refreshInvoiced(env: Env, moveId: number): void {
  for (const invoiceLine of env.store.children('account.move.line', 'move_id', moveId)) {
    for (const id of invoiceLine.sale_line_ids as number[]) refreshLine(env, id);
  }
}

/** Stores the invoiced quantity of an order line anew. */
function refreshLine(env: Env, lineId: number): void {
  if (!env.store.get('sale.order.line', lineId)) return;
  store(env, { model: 'sale.order.line', id: lineId }, { qty_invoiced: quantityInvoiced(env.store, lineId) });
}

/** Removes a record; lines go with their order or invoice, and what was derived from them follows. */
export function removeRow(env: Env, model: string, id: number): void {
  const row = env.store.get(model, id);
  if (!row) throw missingError(model, id, env.uid);
  if (model === 'sale.order') {
    for (const line of env.store.children('sale.order.line', 'order_id', id))
      env.store.remove('sale.order.line', line.id);
  }
  const billed: number[] = [];
  if (model === 'account.move') {
    for (const line of env.store.children('account.move.line', 'move_id', id)) {
      billed.push(...(line.sale_line_ids as number[]));
      env.store.remove('account.move.line', line.id);
    }
  }
  env.store.remove(model, id);
  for (const lineId of billed) refreshLine(env, lineId);
  if (model === 'sale.order.line' && env.store.get('sale.order', row.order_id)) {
    touch(env, 'sale.order', Number(row.order_id));
  }
}
