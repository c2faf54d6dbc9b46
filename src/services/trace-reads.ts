/** What both directions of a trace read of Odoo's invoices: the lines an actor may see, and the documents they stand on. */
import type { SelectQueryBuilder } from 'typeorm';
import type { Ctx } from '../ctx';
import { Invoice } from '../entities/invoice';
import { InvoiceLine } from '../entities/invoice-line';

/** Holds for lines that bill a line of an order of a partner the service has linked, on whose product no other service charges. */
const VISIBLE = `(:serviceId::uuid is null or (
  exists (
    select 1 from subscription_line l join subscription s on s.odoo_id = l.subscription_odoo_id
      join partner p on p.odoo_id = s.partner_odoo_id join account_link a on a.partner_id = p.id
     where l.odoo_id = any(invoice_line.sale_line_odoo_ids) and a.service_id = :serviceId::uuid)
  and not exists (
    select 1 from subscription_line l join product p on p.odoo_id = l.product_odoo_id join charge c on c.product_id = p.id
     where l.odoo_id = any(invoice_line.sale_line_odoo_ids) and c.service_id <> :serviceId::uuid)))`;

export function visibleInvoiceLines(ctx: Ctx): SelectQueryBuilder<InvoiceLine> {
  return ctx.db.createQueryBuilder(InvoiceLine, 'invoice_line').where(VISIBLE, { serviceId: ctx.actor.serviceId });
}

/** By our id. */
export async function invoiceLinesByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, InvoiceLine>> {
  const lines = await visibleInvoiceLines(ctx).andWhere('invoice_line.id = any(:ids)', { ids }).getMany();
  return new Map(lines.map((line) => [line.id, line]));
}

/** The invoices of which the actor sees a line; of what it shows, nothing is another service's. */
export async function invoicesByOdooIds(ctx: Ctx, odooIds: readonly number[]): Promise<Map<number, Invoice>> {
  const seen = visibleInvoiceLines(ctx).select('invoice_line.invoice_odoo_id');
  const invoices = await ctx.db
    .createQueryBuilder(Invoice, 'invoice')
    .where('invoice.odoo_id = any(:odooIds)', { odooIds })
    .andWhere(`invoice.odoo_id in (${seen.andWhere('invoice_line.invoice_odoo_id = any(:odooIds)').getQuery()})`)
    .setParameters(seen.getParameters())
    .getMany();
  return new Map(invoices.map((invoice) => [invoice.odooId, invoice]));
}
