/** Computed fields: what Odoo derives from other records, and the names it shows for them. Everything here is read, never stored. */
import { amountOf, divided, minus, roundTo, sum } from './decimal';
import { emptyValue, fieldOf, readData, type Entity, type FieldValue, type Row } from './schema';
import type { Store } from './store';

type Getter = (store: Store, row: Row) => FieldValue;

/** Display names of records of models that the sandbox does not hold. */
const NAMES = readData<{ names: Record<string, Record<string, string>> }>('world.json').names;

/** The variant and its template have the same id here. */
const ALIASES: Record<string, string> = { 'product.template': 'product.product' };

const num = (row: Row | undefined, field: string): number => Number(row?.[field] ?? 0);
const orderOf = (store: Store, line: Row): Row | undefined => store.get('sale.order', line.order_id);
const productOf = (store: Store, line: Row): Row | undefined => store.get('product.product', line.product_id);
const ids = (rows: readonly Row[]): number[] => rows.map((row) => row.id);

export function orderLines(store: Store, orderId: number): Row[] {
  return store
    .children('sale.order.line', 'order_id', orderId)
    .sort((a, b) => num(a, 'sequence') - num(b, 'sequence') || a.id - b.id);
}

/** Invoice lines made from an order line, of moves that are not cancelled. */
function invoiceLinesOf(store: Store, lineId: number): { line: Row; move: Row }[] {
  return store.children('account.move.line', 'sale_line_ids', lineId).flatMap((line) => {
    const move = store.get('account.move', line.move_id);
    return move && move.state !== 'cancel' ? [{ line, move }] : [];
  });
}

export function currencyDigits(store: Store, currencyId: FieldValue | undefined): number {
  const currency = store.get('res.currency', currencyId);
  return currency ? num(currency, 'decimal_places') : 2;
}

export function isDelivered(store: Store, line: Row): boolean {
  return productOf(store, line)?.invoice_policy === 'delivery';
}

/** Price of a product in a currency; multiplied in binary floats, as Odoo does it (99 x 1.36 = 134.64000000000001). */
export function listPrice(store: Store, productId: FieldValue | undefined, currencyId: FieldValue | undefined): number {
  const rate = num(store.get('res.currency', currencyId), 'rate') || 1;
  return num(store.get('product.product', productId), 'list_price') * rate;
}

/** Quantity invoiced over the life of the line: drafts count, credit notes count against it. */
export function quantityInvoiced(store: Store, lineId: number): number {
  const signed = invoiceLinesOf(store, lineId).map(({ line, move }) =>
    move.move_type === 'out_refund' ? -num(line, 'quantity') : num(line, 'quantity'),
  );
  return roundTo(sum(signed), 2);
}

function amountOfLine(store: Store, line: Row, quantity: number): number {
  const digits = currencyDigits(store, orderOf(store, line)?.currency_id);
  return amountOf({ quantity, price: num(line, 'price_unit'), discount: num(line, 'discount') }, digits);
}

export function subtotalOf(store: Store, line: Row): number {
  return amountOfLine(store, line, num(line, 'product_uom_qty'));
}

/**
 * What the next invoice would take of a line. Subscriptions are billed a period at a time: the whole quantity, less what a draft
 * already holds. Plain orders, and subscriptions in mode `running`, are billed over their life: the quantity less what was invoiced.
 */
export function quantityToInvoice(store: Store, line: Row): number {
  const order = orderOf(store, line);
  if (order?.state !== 'sale' || line.display_type) return 0;
  const quantity = num(line, isDelivered(store, line) ? 'qty_delivered' : 'product_uom_qty');
  if (!order.plan_id || store.meta.mode === 'running') return minus(quantity, num(line, 'qty_invoiced'));
  const drafted = invoiceLinesOf(store, line.id).filter(({ move }) => move.state === 'draft');
  return minus(quantity, sum(drafted.map((found) => num(found.line, 'quantity'))));
}

function lineInvoiceStatus(store: Store, line: Row): string {
  if (orderOf(store, line)?.state !== 'sale' || line.display_type) return 'no';
  if (quantityToInvoice(store, line) !== 0) return 'to invoice';
  return num(line, 'qty_invoiced') >= num(line, 'product_uom_qty') ? 'invoiced' : 'no';
}

function orderInvoiceStatus(store: Store, order: Row): string {
  if (order.state !== 'sale') return 'no';
  const lines = orderLines(store, order.id).filter((line) => !line.display_type);
  const statuses = lines.map((line) => lineInvoiceStatus(store, line));
  if (statuses.includes('to invoice')) return 'to invoice';
  return lines.length > 0 && statuses.every((status) => status === 'invoiced') ? 'invoiced' : 'no';
}

export function orderTotal(store: Store, orderId: number): number {
  return sum(orderLines(store, orderId).map((line) => num(line, 'price_subtotal')));
}

const MONTHS: Record<string, number> = { week: 7 / 30.4375, month: 1, year: 12 };

function recurringMonthly(store: Store, order: Row): number {
  const plan = store.get('sale.subscription.plan', order.plan_id);
  if (!plan) return 0;
  const recurring = orderLines(store, order.id).filter((line) => productOf(store, line)?.recurring_invoice);
  const months = num(plan, 'billing_period_value') * (MONTHS[String(plan.billing_period_unit)] ?? 1);
  const total = sum(recurring.map((line) => num(line, 'price_subtotal')));
  return divided(total, months, currencyDigits(store, order.currency_id));
}

function invoicesOf(store: Store, order: Row): Row[] {
  const lines = orderLines(store, order.id).flatMap((line) =>
    store.children('account.move.line', 'sale_line_ids', line.id),
  );
  const moveIds = [...new Set(lines.map((line) => line.move_id))];
  return moveIds.map((id) => store.get('account.move', id)).filter((move) => move !== undefined);
}

function amountInvoiced(store: Store, order: Row): number {
  const posted = invoicesOf(store, order).filter((move) => move.state === 'posted');
  return sum(posted.map((move) => (move.move_type === 'out_refund' ? -1 : 1) * num(move, 'amount_total')));
}

const orderField =
  (field: string): Getter =>
  (store, line) =>
    orderOf(store, line)?.[field] ?? false;

function commercialPartner(store: Store, row: Row): Row {
  const parent = store.get('res.partner', row.parent_id);
  return parent ? commercialPartner(store, parent) : row;
}

const moveField =
  (field: string): Getter =>
  (store, line) =>
    store.get('account.move', line.move_id)?.[field] ?? false;

const COMPUTED: Record<string, Record<string, Getter>> = {
  'sale.order': {
    is_subscription: (_store, row) => Boolean(row.plan_id),
    order_line: (store, row) => ids(orderLines(store, row.id)),
    amount_untaxed: (store, row) => orderTotal(store, row.id),
    amount_total: (store, row) => orderTotal(store, row.id),
    recurring_monthly: recurringMonthly,
    invoice_status: orderInvoiceStatus,
    invoice_ids: (store, row) => ids(invoicesOf(store, row)),
    invoice_count: (store, row) => invoicesOf(store, row).length,
    amount_invoiced: amountInvoiced,
    amount_to_invoice: (store, row) =>
      sum(orderLines(store, row.id).map((line) => amountOfLine(store, line, quantityToInvoice(store, line)))),
  },
  'sale.order.line': {
    state: orderField('state'),
    company_id: orderField('company_id'),
    currency_id: orderField('currency_id'),
    order_partner_id: orderField('partner_id'),
    product_template_id: (_store, row) => row.product_id ?? false,
    qty_delivered_method: () => 'manual',
    price_total: (_store, row) => row.price_subtotal ?? 0,
    qty_to_invoice: quantityToInvoice,
    invoice_status: lineInvoiceStatus,
    invoice_lines: (store, row) => ids(store.children('account.move.line', 'sale_line_ids', row.id)),
  },
  'res.partner': {
    child_ids: (store, row) => ids(store.children('res.partner', 'parent_id', row.id)),
    commercial_partner_id: (store, row) => commercialPartner(store, row).id,
    currency_id: () => 1,
  },
  'account.move': {
    invoice_line_ids: (store, row) =>
      ids(
        store.children('account.move.line', 'move_id', row.id).filter((line) => line.display_type !== 'payment_term'),
      ),
    line_ids: (store, row) => ids(store.children('account.move.line', 'move_id', row.id)),
    commercial_partner_id: (store, row) => {
      const partner = store.get('res.partner', row.partner_id);
      return partner ? commercialPartner(store, partner).id : false;
    },
  },
  'account.move.line': {
    parent_state: moveField('state'),
    move_name: moveField('name'),
    company_id: moveField('company_id'),
    currency_id: moveField('currency_id'),
    partner_id: moveField('partner_id'),
    price_total: (_store, row) => row.price_subtotal ?? 0,
  },
  'product.product': {
    product_tmpl_id: (_store, row) => row.id,
    currency_id: () => 1,
  },
};

/** The value of a field as the server sees it: computed, stored, or empty. */
export function valueOf(store: Store, { model, row }: Entity, field: string): FieldValue {
  if (field === 'display_name') return displayName(store, model, row);
  const getter = COMPUTED[model]?.[field];
  if (getter) return getter(store, row);
  return row[field] ?? emptyValue(fieldOf(model, field)?.type ?? 'char');
}

function displayName(store: Store, model: string, row: Row): string {
  const name = row.name ? String(row.name) : '';
  if (model === 'product.product') return row.default_code ? `[${String(row.default_code)}] ${name}` : name;
  if (model === 'account.move') {
    const shown = name || `Draft Invoice (*${row.id})`;
    return row.ref ? `${shown} (${String(row.ref)})` : shown;
  }
  const parent = model === 'res.partner' ? store.get('res.partner', row.parent_id) : orderOf(store, row);
  if (model === 'res.partner') return parent ? `${String(parent.name)}, ${name}` : name;
  if (model === 'sale.order.line') return `${String(parent?.name)} - ${name}`;
  return name;
}

/** The name behind a many2one, also of a model the sandbox does not hold. */
export function nameBehind(store: Store, model: string, id: number): string {
  const known = ALIASES[model] ?? model;
  const row = store.get(known, id);
  return row ? displayName(store, known, row) : (NAMES[model]?.[String(id)] ?? `${model},${id}`);
}
