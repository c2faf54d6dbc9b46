/** Reading the mirror: lists and loaders, each within what the actor may see of Odoo. */
import type { SelectQueryBuilder } from 'typeorm';
import type { Ctx } from '../ctx';
import type { Charge } from '../entities/charge';
import { Currency } from '../entities/currency';
import { Partner } from '../entities/partner';
import { Plan } from '../entities/plan';
import { Product } from '../entities/product';
import { Subscription, type SubscriptionState } from '../entities/subscription';
import { SubscriptionLine } from '../entities/subscription-line';
import type { MirrorModel } from '../entities/sync-run';
import { SyncState } from '../entities/sync-state';
import { parseDay } from '../domain/parse';
import { asUuid, given, notFound, searchable, visibleServiceIdOrAll } from './access';
import { chargesByProductIds } from './catalog-charge-reads';
import { fetchPage, fetchPages, orders, type Page, type PageArgs } from './page';

/** Holds for orders of partners that the service has linked. */
const ORDER_VISIBLE = `(:serviceId::uuid is null or exists (
  select 1 from partner p join account_link l on l.partner_id = p.id
   where p.odoo_id = subscription.partner_odoo_id and l.service_id = :serviceId::uuid))`;

/** Holds for products on which no other service charges. */
const PRODUCT_VISIBLE = `(:serviceId::uuid is null or not exists (
  select 1 from charge c where c.product_id = product.id and c.service_id <> :serviceId::uuid))`;

const LINE_VISIBLE = `(:serviceId::uuid is null or (
  not exists (
    select 1 from product p join charge c on c.product_id = p.id
     where p.odoo_id = line.product_odoo_id and c.service_id <> :serviceId::uuid)
  and exists (
    select 1 from subscription s join partner p on p.odoo_id = s.partner_odoo_id join account_link l on l.partner_id = p.id
     where s.odoo_id = line.subscription_odoo_id and l.service_id = :serviceId::uuid)))`;

const PARTNER_VISIBLE = `(:serviceId::uuid is null or exists (
  select 1 from account_link l where l.partner_id = partner.id and l.service_id = :serviceId::uuid))`;

function visibleSubscriptions(ctx: Ctx): SelectQueryBuilder<Subscription> {
  return ctx.db
    .createQueryBuilder(Subscription, 'subscription')
    .where(ORDER_VISIBLE, { serviceId: ctx.actor.serviceId });
}

function visibleLines(ctx: Ctx): SelectQueryBuilder<SubscriptionLine> {
  return ctx.db.createQueryBuilder(SubscriptionLine, 'line').where(LINE_VISIBLE, { serviceId: ctx.actor.serviceId });
}

export interface SubscriptionFilter {
  service?: string | null;
  account?: string | null;
  odooId?: number | null;
  partnerOdooId?: number | null;
  contractId?: string | null;
  states?: readonly SubscriptionState[] | null;
  /** Days, `[from, to)`. */
  nextInvoiceFrom?: string | null;
  nextInvoiceTo?: string | null;
}

const ID = { sql: 'subscription.id', type: 'uuid' } as const;
const SUBSCRIPTION_ORDERS = {
  ...orders('FIRST_SEEN_AT', [ID]),
  // Orders without a next invoice come last.
  ...orders('NEXT_INVOICE_ON', [
    { sql: `coalesce(subscription.next_invoice_on, date '9999-12-31')`, type: 'date' },
    ID,
  ]),
};
export type SubscriptionOrder = keyof typeof SUBSCRIPTION_ORDERS;

/** Subscriptions in sight. @throws BillingError NOT_FOUND naming `service`, VALIDATION_FAILED naming a day. */
export async function listSubscriptions(
  ctx: Ctx,
  filter: SubscriptionFilter,
  { order, page }: { order: SubscriptionOrder; page: PageArgs },
): Promise<Page<Subscription>> {
  const query = visibleSubscriptions(ctx);
  if (filter.service || filter.account) {
    const linkedServiceId = await visibleServiceIdOrAll(ctx, filter.service);
    query.andWhere(
      `exists (select 1 from partner p join account_link l on l.partner_id = p.id
        where p.odoo_id = subscription.partner_odoo_id
          and (:linkedServiceId::uuid is null or l.service_id = :linkedServiceId::uuid)
          and (:account::text is null or l.account = :account::text))`,
      { linkedServiceId, account: given(filter.account, searchable) },
    );
  }
  const narrow = (name: string, condition: string, value: unknown): void => {
    if (value !== null && value !== undefined) query.andWhere(condition, { [name]: value });
  };
  narrow('odooId', 'subscription.odoo_id = :odooId', filter.odooId);
  narrow('partnerOdooId', 'subscription.partner_odoo_id = :partnerOdooId', filter.partnerOdooId);
  const contractId = given(filter.contractId, (id) => asUuid(id, 'contract', 'contractId'));
  narrow('contractId', 'subscription.contract_id = :contractId', contractId);
  narrow('states', 'subscription.subscription_state = any(:states)', filter.states);
  const from = given(filter.nextInvoiceFrom, (day) => parseDay(day, 'nextInvoiceFrom'));
  narrow('nextInvoiceFrom', 'subscription.next_invoice_on >= :nextInvoiceFrom', from);
  const to = given(filter.nextInvoiceTo, (day) => parseDay(day, 'nextInvoiceTo'));
  narrow('nextInvoiceTo', 'subscription.next_invoice_on < :nextInvoiceTo', to);
  return fetchPage(query, SUBSCRIPTION_ORDERS[order], page);
}

/** The same page of each partner's subscriptions, those first seen first, in one statement. */
export function subscriptionPagesByPartnerOdooIds(
  ctx: Ctx,
  partnerOdooIds: readonly number[],
  page: PageArgs,
): Promise<Map<number, Page<Subscription>>> {
  const of = { parents: partnerOdooIds, parent: 'subscription.partner_odoo_id', page };
  return fetchPages(visibleSubscriptions(ctx), SUBSCRIPTION_ORDERS.FIRST_SEEN_AT_ASC, of);
}

/** The same page of each contract's subscriptions. */
export function subscriptionPagesByContractIds(
  ctx: Ctx,
  contractIds: readonly string[],
  page: PageArgs,
): Promise<Map<string, Page<Subscription>>> {
  const of = { parents: contractIds, parent: 'subscription.contract_id', page };
  return fetchPages(visibleSubscriptions(ctx), SUBSCRIPTION_ORDERS.FIRST_SEEN_AT_ASC, of);
}

/** @throws BillingError NOT_FOUND, the same for unknown and foreign ids. */
export async function subscriptionInSight(ctx: Ctx, id: string): Promise<Subscription> {
  const query = visibleSubscriptions(ctx).andWhere('subscription.id = :id', { id: asUuid(id, 'subscription') });
  const found = await query.getOne();
  if (found === null) throw notFound('subscription', 'id');
  return found;
}

export async function subscriptionsByOdooIds(ctx: Ctx, odooIds: readonly number[]): Promise<Map<number, Subscription>> {
  const query = visibleSubscriptions(ctx).andWhere('subscription.odoo_id = any(:odooIds)', { odooIds });
  return new Map((await query.getMany()).map((subscription) => [subscription.odooId, subscription]));
}

/** The orders of contracts, in their sequence. */
export async function subscriptionsByContractIds(
  ctx: Ctx,
  contractIds: readonly string[],
): Promise<Map<string, Subscription[]>> {
  const query = visibleSubscriptions(ctx)
    .andWhere('subscription.contract_id = any(:contractIds)', { contractIds })
    .orderBy('subscription.contract_sequence');
  return groupBy(contractIds, await query.getMany(), (subscription) => subscription.contractId);
}

/** The lines of orders, in the order of Odoo's ids. */
export async function linesBySubscriptionOdooIds(
  ctx: Ctx,
  odooIds: readonly number[],
): Promise<Map<number, SubscriptionLine[]>> {
  const query = visibleLines(ctx)
    .andWhere('line.subscription_odoo_id = any(:odooIds)', { odooIds })
    .orderBy('line.odoo_id');
  return groupBy(odooIds, await query.getMany(), (line) => line.subscriptionOdooId);
}

/** By our id. */
export async function subscriptionLinesByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, SubscriptionLine>> {
  const found = await visibleLines(ctx).andWhere('line.id = any(:ids)', { ids }).getMany();
  return new Map(found.map((line) => [line.id, line]));
}

export async function partnersByOdooIds(ctx: Ctx, odooIds: readonly number[]): Promise<Map<number, Partner>> {
  const found = await ctx.db
    .createQueryBuilder(Partner, 'partner')
    .where(PARTNER_VISIBLE, { serviceId: ctx.actor.serviceId })
    .andWhere('partner.odoo_id = any(:odooIds)', { odooIds })
    .getMany();
  return new Map(found.map((partner) => [partner.odooId, partner]));
}

export async function productsByOdooIds(ctx: Ctx, odooIds: readonly number[]): Promise<Map<number, Product>> {
  const found = await ctx.db
    .createQueryBuilder(Product, 'product')
    .where(PRODUCT_VISIBLE, { serviceId: ctx.actor.serviceId })
    .andWhere('product.odoo_id = any(:odooIds)', { odooIds })
    .getMany();
  return new Map(found.map((product) => [product.odooId, product]));
}

/** The charges in sight on products, by Odoo's id of the product. */
export async function chargesByProductOdooIds(ctx: Ctx, odooIds: readonly number[]): Promise<Map<number, Charge[]>> {
  const products = [...(await productsByOdooIds(ctx, odooIds)).values()];
  const charges = await chargesByProductIds(
    ctx,
    products.map((product) => product.id),
  );
  const none = odooIds.map((odooId): [number, Charge[]] => [odooId, []]);
  return new Map([
    ...none,
    ...products.map((product): [number, Charge[]] => [product.odooId, charges.get(product.id) ?? []]),
  ]);
}

/** Plans are nobody's: whoever sees an order may see its plan. */
export async function plansByOdooIds(ctx: Ctx, odooIds: readonly number[]): Promise<Map<number, Plan>> {
  const found = await ctx.db
    .createQueryBuilder(Plan, 'plan')
    .where('plan.odoo_id = any(:odooIds)', { odooIds })
    .getMany();
  return new Map(found.map((plan) => [plan.odooId, plan]));
}

/** "USD", by Odoo's id of the currency. */
export async function currencyCodesByOdooIds(ctx: Ctx, odooIds: readonly number[]): Promise<Map<number, string>> {
  const found = await ctx.db
    .createQueryBuilder(Currency, 'currency')
    .where('currency.odoo_id = any(:odooIds)', { odooIds })
    .getMany();
  return new Map(found.map((currency) => [currency.odooId, currency.code]));
}

/** A row of the mirror by what decides how fresh it is. */
export interface Dated {
  model: MirrorModel;
  syncedAt: Date;
  gone: boolean;
}

/**
 * The instant as of which each row equals Odoo: that of the last complete walk of its model, as a row that was not read
 * then had not changed; or its own, when it was read later. A row that is gone stays as it was then.
 */
export async function instantsOfRows(ctx: Ctx, rows: readonly Dated[]): Promise<Map<Dated, Date>> {
  const states = await ctx.db.manager.find(SyncState);
  const asOf = new Map(states.map((state) => [state.model, state.asOf]));
  return new Map(
    rows.map((row) => {
      const walked = asOf.get(row.model) ?? null;
      return [row, row.gone || walked === null || walked < row.syncedAt ? row.syncedAt : walked];
    }),
  );
}

function groupBy<K, T>(keys: readonly K[], rows: readonly T[], keyOf: (row: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>(keys.map((key) => [key, []]));
  for (const row of rows) groups.get(keyOf(row))?.push(row);
  return groups;
}
