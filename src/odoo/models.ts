/**
 * The Odoo models we mirror: which records, which fields, and how a record becomes a row of the mirror, keyed by the
 * table's columns, every value in the form in which it is compared.
 */
import { z } from 'zod';
import type { MirrorRow } from '../domain/mirror-plan';
import {
  datetime,
  decimalText,
  idList,
  odooId,
  optionalDay,
  optionalId,
  optionalText,
  subscriptionStateOf,
  text,
} from './values';

export type Domain = readonly unknown[];

export interface OdooModel {
  /** "sale.order" */
  name: string;
  /** Records that concern us; an empty domain: all. */
  domain: Domain;
  fields: readonly string[];
  /** A record as a row, or the zod error that names the field at fault. */
  parse(record: unknown): z.ZodSafeParseResult<MirrorRow>;
}

type RowOf<T> = (record: T) => MirrorRow;

function defineModel<T extends z.ZodRawShape>(
  name: string,
  definition: { domain: Domain; shape: T; row: RowOf<z.output<z.ZodObject<T>>> },
): OdooModel {
  const { domain, shape, row } = definition;
  const schema = z.object(shape).transform(row);
  const fields = Object.keys(shape).filter((field) => field !== 'id');
  return { name, domain, fields, parse: (record) => schema.safeParse(record) };
}

const common = { id: odooId, write_date: datetime };

export const currencyModel = defineModel('res.currency', {
  domain: [],
  shape: { ...common, name: text, decimal_places: z.int().min(0).max(6) },
  row: (record) => ({
    odoo_id: record.id,
    code: record.name,
    decimal_places: record.decimal_places,
    write_date: record.write_date,
  }),
});

export const planModel = defineModel('sale.subscription.plan', {
  domain: [],
  shape: {
    ...common,
    name: text,
    billing_period_value: z.int().positive(),
    billing_period_unit: z.enum(['week', 'month', 'year']),
    active: z.boolean(),
  },
  row: (record) => ({
    odoo_id: record.id,
    name: record.name,
    period_count: record.billing_period_value,
    period_unit: record.billing_period_unit,
    active: record.active,
    write_date: record.write_date,
  }),
});

export const partnerModel = defineModel('res.partner', {
  domain: [],
  shape: {
    ...common,
    name: optionalText,
    display_name: optionalText,
    email: optionalText,
    ref: optionalText,
    commercial_partner_id: odooId,
    active: z.boolean(),
  },
  row: (record) => ({
    odoo_id: record.id,
    // An address of a company may have no name of its own.
    name: record.name ?? record.display_name ?? '',
    email: record.email,
    ref: record.ref,
    commercial_partner_odoo_id: record.commercial_partner_id,
    active: record.active,
    write_date: record.write_date,
  }),
});

export const productModel = defineModel('product.product', {
  domain: [],
  shape: {
    ...common,
    name: text,
    default_code: optionalText,
    type: text,
    invoice_policy: z.enum(['order', 'delivery']),
    active: z.boolean(),
  },
  row: (record) => ({
    odoo_id: record.id,
    name: record.name,
    code: record.default_code,
    type: record.type,
    invoice_policy: record.invoice_policy,
    active: record.active,
    write_date: record.write_date,
  }),
});

export const subscriptionModel = defineModel('sale.order', {
  domain: [['is_subscription', '=', true]],
  shape: {
    ...common,
    name: text,
    client_order_ref: optionalText,
    state: text,
    subscription_state: subscriptionStateOf,
    locked: z.boolean(),
    partner_id: odooId,
    plan_id: optionalId,
    currency_id: odooId,
    start_date: optionalDay,
    next_invoice_date: optionalDay,
    end_date: optionalDay,
  },
  row: (record) => ({
    odoo_id: record.id,
    name: record.name,
    reference: record.client_order_ref,
    order_state: record.state,
    subscription_state: record.subscription_state,
    locked: record.locked,
    partner_odoo_id: record.partner_id,
    plan_odoo_id: record.plan_id,
    currency_odoo_id: record.currency_id,
    start_on: record.start_date,
    next_invoice_on: record.next_invoice_date,
    end_on: record.end_date,
    write_date: record.write_date,
  }),
});

export const subscriptionLineModel = defineModel('sale.order.line', {
  domain: [['order_id.is_subscription', '=', true]],
  shape: {
    ...common,
    order_id: odooId,
    product_id: optionalId,
    name: optionalText,
    display_type: optionalText,
    product_uom_qty: decimalText,
    qty_delivered: decimalText,
    qty_delivered_method: optionalText,
    qty_invoiced: decimalText,
    price_unit: decimalText,
    discount: decimalText,
  },
  row: (record) => ({
    odoo_id: record.id,
    subscription_odoo_id: record.order_id,
    product_odoo_id: record.product_id,
    description: record.name ?? '',
    display_type: record.display_type,
    ordered_quantity: record.product_uom_qty,
    delivered_quantity: record.qty_delivered,
    delivered_method: record.qty_delivered_method,
    invoiced_quantity: record.qty_invoiced,
    unit_price: record.price_unit,
    discount: record.discount,
    write_date: record.write_date,
  }),
});

const CUSTOMER_MOVES = ['out_invoice', 'out_refund'] as const;

export const invoiceModel = defineModel('account.move', {
  domain: [
    ['move_type', 'in', CUSTOMER_MOVES],
    ['invoice_line_ids.sale_line_ids.order_id.is_subscription', '=', true],
  ],
  shape: {
    ...common,
    name: optionalText,
    move_type: z.enum(CUSTOMER_MOVES),
    state: z.enum(['draft', 'posted', 'cancel']),
    payment_state: text,
    partner_id: optionalId,
    currency_id: odooId,
    invoice_date: optionalDay,
    amount_untaxed: decimalText,
    amount_total: decimalText,
    amount_residual: decimalText,
  },
  row: (record) => ({
    odoo_id: record.id,
    name: record.name,
    move_type: record.move_type,
    state: record.state,
    payment_state: record.payment_state,
    partner_odoo_id: record.partner_id,
    currency_odoo_id: record.currency_id,
    invoice_on: record.invoice_date,
    amount_untaxed: record.amount_untaxed,
    amount_total: record.amount_total,
    amount_residual: record.amount_residual,
    write_date: record.write_date,
  }),
});

export const invoiceLineModel = defineModel('account.move.line', {
  domain: [
    ['move_id.move_type', 'in', CUSTOMER_MOVES],
    ['sale_line_ids.order_id.is_subscription', '=', true],
  ],
  shape: {
    ...common,
    move_id: odooId,
    sale_line_ids: idList,
    product_id: optionalId,
    quantity: decimalText,
    price_unit: decimalText,
    price_subtotal: decimalText,
  },
  row: (record) => ({
    odoo_id: record.id,
    invoice_odoo_id: record.move_id,
    sale_line_odoo_ids: record.sale_line_ids,
    product_odoo_id: record.product_id,
    quantity: record.quantity,
    unit_price: record.price_unit,
    subtotal: record.price_subtotal,
    write_date: record.write_date,
  }),
});
