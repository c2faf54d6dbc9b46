/** The few calls we make to Odoo, in our words. Many2one come as bare ids, archived records are shown, texts in English. */
import assert from 'node:assert';
import { z } from 'zod';
import type { Decimal } from '../domain/decimal';
import type { OdooAnswer, OdooClient } from './client';
import { OdooFault } from './fault';
import type { Domain, OdooModel } from './models';
import { decimalOf, numberOf, odooId, optionalDay, printDatetime, subscriptionStateOf, text } from './values';

/** Explicit, so that neither the user's language nor his time zone decides what is mirrored. */
const CONTEXT = { lang: 'en_US', tz: 'UTC', active_test: false } as const;

export interface Window {
  /** Records written at this second or later; null: all. */
  from: Date | null;
  /** Only ids above it. */
  afterId: number;
  /** Most records of the page. */
  limit: number;
  /** Further conditions, beside the model's own. */
  domain?: Domain;
}

export interface Page {
  /** Raw records in ascending order of their ids. */
  records: { id: number }[];
  serverTime: Date;
}

// Looked at, not copied: each model reads the fields of its own.
const recordList = z.array(z.custom<{ id: number }>(hasOdooId));

function hasOdooId(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'id' in value && odooId.safeParse(value.id).success;
}

/**
 * One page of the records written since `from`, by id. There is no upper bound of `write_date`: a record changed while
 * we walk would leave such a window and be seen a pass later. Never by (write_date, id): Odoo compares seconds but sorts
 * microseconds, and such a walk loses rows.
 */
export async function readWindow(odoo: OdooClient, model: OdooModel, window: Window): Promise<Page> {
  const written = window.from === null ? [] : [['write_date', '>=', printDatetime(window.from)]];
  return searchRead(odoo, model, {
    domain: [...model.domain, ...(window.domain ?? []), ...written, ['id', '>', window.afterId]],
    limit: window.limit,
  });
}

/** The records of `ids` that exist and concern us, by id; the others are left out. */
export async function readByIds(odoo: OdooClient, model: OdooModel, ids: readonly number[]): Promise<Page> {
  return searchRead(odoo, model, { domain: [...model.domain, ['id', 'in', ids]], limit: ids.length });
}

/** Ids, ascending, of the records that concern us, above `afterId`, at most `limit`. */
export async function searchIds(
  odoo: OdooClient,
  model: OdooModel,
  search: { domain?: Domain; afterId: number; limit: number },
): Promise<number[]> {
  const domain = [...model.domain, ...(search.domain ?? []), ['id', '>', search.afterId]];
  const answer = await odoo.call({
    model: model.name,
    method: 'search',
    kind: 'page',
    body: { domain, order: 'id', limit: search.limit, context: CONTEXT },
  });
  return parseAnswer(z.array(odooId), answer, `${model.name}/search`);
}

/** Odoo's clock now; also the cheapest proof that server, database and key work. */
export async function readServerTime(odoo: OdooClient): Promise<Date> {
  const answer = await odoo.call({ model: 'res.users', method: 'context_get', kind: 'read', body: {} });
  return answer.serverTime;
}

async function searchRead(
  odoo: OdooClient,
  model: OdooModel,
  search: { domain: Domain; limit: number },
): Promise<Page> {
  const answer = await odoo.call({
    model: model.name,
    method: 'search_read',
    kind: 'page',
    body: { ...search, fields: model.fields, order: 'id', load: null, context: CONTEXT },
  });
  const records = parseAnswer(recordList, answer, `${model.name}/search_read`);
  return { records, serverTime: answer.serverTime };
}

/** One line of an order as Odoo stands at this moment, read in one transaction. */
export interface SlotReading {
  lineOdooId: number;
  deliveredQuantity: Decimal;
  invoicedQuantity: Decimal;
  toInvoiceQuantity: Decimal;
  unitPrice: Decimal;
  /** In percent. */
  discount: Decimal;
  productOdooId: number | null;
  orderOdooId: number;
  /** draft, sent, sale, cancel */
  orderState: string;
  locked: boolean;
  /** As in the mirror, "IN_PROGRESS"; null when Odoo has none. */
  subscriptionState: string | null;
  currencyOdooId: number;
  /** "2026-03-01" */
  nextInvoiceOn: string | null;
}

const SLOT_SPECIFICATION = {
  qty_delivered: {},
  qty_invoiced: {},
  qty_to_invoice: {},
  price_unit: {},
  discount: {},
  product_id: {},
  write_date: {},
  order_id: {
    fields: { next_invoice_date: {}, state: {}, locked: {}, subscription_state: {}, currency_id: {} },
  },
} as const;

const exact = z.number().transform(decimalOf);
const slotAnswer = z.array(
  z
    .object({
      id: odooId,
      qty_delivered: exact,
      qty_invoiced: exact,
      qty_to_invoice: exact,
      price_unit: exact,
      discount: exact,
      product_id: z.union([z.literal(false).transform(() => null), odooId]),
      order_id: z.object({
        id: odooId,
        next_invoice_date: optionalDay,
        state: text,
        locked: z.boolean(),
        subscription_state: subscriptionStateOf,
        currency_id: odooId,
      }),
    })
    .transform((line): SlotReading => ({
      lineOdooId: line.id,
      deliveredQuantity: line.qty_delivered,
      invoicedQuantity: line.qty_invoiced,
      toInvoiceQuantity: line.qty_to_invoice,
      unitPrice: line.price_unit,
      discount: line.discount,
      productOdooId: line.product_id,
      orderOdooId: line.order_id.id,
      orderState: line.order_id.state,
      locked: line.order_id.locked,
      subscriptionState: line.order_id.subscription_state,
      currencyOdooId: line.order_id.currency_id,
      nextInvoiceOn: line.order_id.next_invoice_date,
    })),
);

/** The line as it stands, or null when Odoo has no such line. @throws OdooFault */
export async function readSlot(odoo: OdooClient, lineOdooId: number): Promise<SlotReading | null> {
  const answer = await odoo.call({
    model: 'sale.order.line',
    method: 'web_read',
    kind: 'read',
    body: { ids: [lineOdooId], specification: SLOT_SPECIFICATION, context: CONTEXT },
  });
  const [slot] = parseAnswer(slotAnswer, answer, 'sale.order.line/web_read');
  return slot ?? null;
}

/**
 * Sets `qty_delivered` of one line and reads it back in the same transaction: the reading shows what Odoo stored, rounded
 * its way. Absolute, so that it may be repeated.
 * @throws OdooFault whose `outcome` tells whether the write may have happened; `missing` when the line is gone.
 */
export async function saveDelivered(odoo: OdooClient, lineOdooId: number, quantity: Decimal): Promise<SlotReading> {
  // web_save without an id would create a line.
  assert(Number.isInteger(lineOdooId) && lineOdooId > 0, 'a line is written by its id');
  const answer = await odoo.call({
    model: 'sale.order.line',
    method: 'web_save',
    kind: 'write',
    body: {
      ids: [lineOdooId],
      vals: { qty_delivered: numberOf(quantity) },
      specification: SLOT_SPECIFICATION,
      context: CONTEXT,
    },
  });
  const [slot] = parseAnswer(slotAnswer, answer, 'sale.order.line/web_save');
  if (slot?.lineOdooId === lineOdooId) return slot;
  throw unreadable('sale.order.line/web_save: another record');
}

function parseAnswer<T>(schema: z.ZodType<T>, answer: OdooAnswer, call: string): T {
  const result = schema.safeParse(answer.value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw unreadable(`${call}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

/** A 200 that we do not understand: a write behind it has happened, or not. */
function unreadable(what: string): OdooFault {
  return new OdooFault(`Odoo's answer is not what was asked for: ${what}`, {
    kind: 'permanent',
    outcome: 'unknown',
    serverTrouble: false,
    status: 200,
    odooName: null,
  });
}
