/** Charges: which Odoo product carries a metric, and at what price. A product belongs to one service. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { printDecimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { invalid, parseInstant } from '../domain/parse';
import { Charge } from '../entities/charge';
import { Metric } from '../entities/metric';
import { Product } from '../entities/product';
import { enqueue } from '../queue';
import { asUuid, notFound, searchable, visibleServiceId, visibleServiceIdOrAll } from './access';
import { writeAudit } from './audit';
import { lockService, lockServiceInUse, refuseArchived, storeChanges } from './catalog-change';
import { type CreateChargeInput, parseTerms, refuseUnfitMetric } from './catalog-charge-terms';
import { metricByCode } from './catalog-metrics';
import { bumpCatalogVersion } from './catalog-version';
import { ensureProductMirrored } from './mirror-ensure';
import { byId, fetchPage, narrowToArchived, type Page, type PageArgs } from './page';
import { inTransaction, violatedConstraint } from './transaction';
import { lockAllLanes } from './usage-lanes';

/**
 * Lets a product carry a metric. The product must be a service invoiced on delivered quantities: only those have a quantity
 * we may write.
 * @throws BillingError NOT_FOUND for an unknown metric or product, CONFLICT when the product's charges forbid this one.
 */
export async function createCharge(ctx: Ctx, input: CreateChargeInput): Promise<{ charge: Charge }> {
  const terms = parseTerms(input);
  const serviceId = await visibleServiceId(ctx, input.service);
  await refuseForeignProduct(ctx, serviceId, input.productOdooId);
  await ensureProductMirrored(ctx, input.productOdooId, 'productOdooId');
  return inTransaction(ctx, async (tx) => {
    await lockServiceInUse(tx, serviceId);
    const metric = await metricByCode(tx, serviceId, input.metric);
    refuseArchived(metric, { noun: 'metric', name: metric.code, field: 'metric' });
    refuseUnfitMetric(metric, input);
    const product = await meterableProduct(tx, input.productOdooId);
    await refuseUnknownCurrency(tx, terms.currency);
    const charge = tx.create(Charge, {
      ...terms,
      serviceId,
      metricId: metric.id,
      productId: product.id,
      validFrom: null,
      validTo: null,
      createdAt: ctx.now,
      archivedAt: null,
    });
    await tx.save(charge).catch((error: unknown) => refuseViolation(ctx, error));
    await bumpCatalogVersion(tx, [serviceId]);
    await writeAudit(tx, ctx, {
      action: 'charge.created',
      subjectType: 'charge',
      subjectId: charge.id,
      serviceId,
      details: {
        ...terms,
        freeUnits: printDecimal(terms.freeUnits),
        unitsPerProductUnit: printDecimal(terms.unitsPerProductUnit),
        minimumAmount: printDecimal(terms.minimumAmount),
        metric: metric.code,
        productOdooId: product.odooId,
      },
    });
    // The product's lines become metered: their slots need a first value, and waiting records may have found their contract.
    await enqueue(tx, 'advance-contracts', {}, { jobKey: 'advance-contracts' });
    await enqueue(tx, 'assign-usage', {}, { jobKey: 'assign-usage' });
    return { charge };
  });
}

export interface ArchiveChargeInput {
  id: string;
  /** Now when not given; may lie in the past. */
  from?: string | null;
}

/**
 * Takes a charge out of use: periods that begin at `from` or later are not rated with it, those that began before are, the open
 * ones to their end. What is due on its product stays due, and its slot goes on being written. A new charge of the metric takes
 * over where this one ends. Archiving it again changes nothing, unless an earlier `from` is named.
 * @throws BillingError NOT_FOUND; VALIDATION_FAILED for a `from` ahead; CONFLICT when a later period was rated with it already.
 */
export async function archiveCharge(ctx: Ctx, input: ArchiveChargeInput): Promise<{ charge: Charge }> {
  const archivedAt = input.from ? parseInstant(input.from, 'from') : ctx.now;
  if (archivedAt > ctx.now)
    throw invalid('from', 'from must not lie ahead: archive the charge when the time has come.');
  const id = asUuid(input.id, 'charge');
  const known = (await chargesByIds(ctx, [id])).get(id);
  if (known === undefined) throw notFound('charge', 'id');
  return inTransaction(ctx, async (tx) => {
    // A close that rates with the charge now has stored its lines before they are looked for.
    await lockAllLanes(tx);
    await lockService(tx, known.serviceId);
    const charge = await tx.findOneByOrFail(Charge, { id });
    if (charge.archivedAt !== null && (!input.from || archivedAt >= charge.archivedAt)) return { charge };
    await refuseRated(tx, charge, archivedAt);
    await storeChanges(tx, ctx, {
      entity: Charge,
      row: charge,
      values: { archivedAt },
      action: 'charge.archived',
      serviceId: charge.serviceId,
    });
    // Two charges that both fitted may have become one: the contracts with the product are planned again.
    await tx.query(
      `update contract set planned_as_of = null where id in (
         select s.contract_id from subscription s join subscription_line l on l.subscription_odoo_id = s.odoo_id
           join product p on p.odoo_id = l.product_odoo_id where p.id = $1)`,
      [charge.productId],
    );
    await enqueue(tx, 'advance-contracts', {}, { jobKey: 'advance-contracts' });
    await enqueue(tx, 'assign-usage', {}, { jobKey: 'assign-usage' });
    return { charge };
  });
}

/** What is rated stays: a charge cannot end before a period that was closed with it. */
async function refuseRated(tx: EntityManager, charge: Charge, archivedAt: Date): Promise<void> {
  const [rated] = await tx.query<{ newest: Date | null }[]>(
    `select max(p.start_at) as newest from billable_line l join billing_period p on p.id = l.period_id
      where l.charge_id = $1 and p.start_at >= $2`,
    [charge.id, archivedAt],
  );
  const newest = rated?.newest ?? null;
  if (newest === null) return;
  const message = `The period that began at ${newest.toISOString()} was rated with the charge: it can end after that only.`;
  throw new BillingError('CONFLICT', message, { field: 'from' });
}

export interface ChargeFilter {
  service?: string | null;
  metric?: string | null;
  productOdooId?: number | null;
  /** Only those out of use, or only those in use. */
  archived?: boolean | null;
}

/** Charges of a service, of one metric, or all that the caller may see, the oldest first. */
export async function listCharges(ctx: Ctx, filter: ChargeFilter, page: PageArgs): Promise<Page<Charge>> {
  const serviceId = await visibleServiceIdOrAll(ctx, filter.service);
  const query = ctx.db.createQueryBuilder(Charge, 'charge');
  if (serviceId !== null) query.andWhere('charge.service_id = :serviceId', { serviceId });
  if (filter.metric !== null && filter.metric !== undefined) {
    query.innerJoin(Metric, 'metric', 'metric.id = charge.metric_id');
    query.andWhere('metric.code = :code', { code: searchable(filter.metric) });
  }
  if (filter.productOdooId !== null && filter.productOdooId !== undefined) {
    query.innerJoin(Product, 'product', 'product.id = charge.product_id');
    query.andWhere('product.odoo_id = :productOdooId', { productOdooId: filter.productOdooId });
  }
  narrowToArchived(query, 'charge', filter.archived);
  return fetchPage(query, byId('charge'), page);
}

export async function chargesByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Charge>> {
  const charges = await visibleCharges(ctx, 'id', ids);
  return new Map(charges.map((charge) => [charge.id, charge]));
}

/** Of each metric all charges, the oldest first. */
export async function chargesByMetricIds(ctx: Ctx, metricIds: readonly string[]): Promise<Map<string, Charge[]>> {
  return groupedBy(await visibleCharges(ctx, 'metric_id', metricIds), 'metricId');
}

/** Of each product all charges that the caller may see, the oldest first. */
export async function chargesByProductIds(ctx: Ctx, productIds: readonly string[]): Promise<Map<string, Charge[]>> {
  return groupedBy(await visibleCharges(ctx, 'product_id', productIds), 'productId');
}

async function visibleCharges(
  ctx: Ctx,
  column: 'id' | 'metric_id' | 'product_id',
  ids: readonly string[],
): Promise<Charge[]> {
  const query = ctx.db.createQueryBuilder(Charge, 'charge').where(`charge.${column} = any(:ids)`, { ids });
  if (ctx.actor.serviceId !== null)
    query.andWhere('charge.service_id = :serviceId', { serviceId: ctx.actor.serviceId });
  return query.orderBy('charge.id').getMany();
}

function groupedBy(charges: readonly Charge[], property: 'metricId' | 'productId'): Map<string, Charge[]> {
  const groups = new Map<string, Charge[]>();
  for (const charge of charges) {
    const group = groups.get(charge[property]);
    if (group === undefined) groups.set(charge[property], [charge]);
    else group.push(charge);
  }
  return groups;
}

/** To a service's key another service's product looks like none; asked before Odoo is, so that the answers do not differ. */
async function refuseForeignProduct(ctx: Ctx, serviceId: string, productOdooId: number): Promise<void> {
  const [foreign] = await ctx.db.query<unknown[]>(
    `select 1 from charge join product on product.id = charge.product_id
      where product.odoo_id = $1 and charge.service_id <> $2 limit 1`,
    [productOdooId, serviceId],
  );
  if (foreign !== undefined) throw takenProduct(ctx);
}

function takenProduct(ctx: Ctx): BillingError {
  if (ctx.actor.serviceId !== null) return notFound('product', 'productOdooId');
  return new BillingError('CONFLICT', 'The product carries charges of another service, and can serve one only.', {
    field: 'productOdooId',
  });
}

async function meterableProduct(tx: EntityManager, odooId: number): Promise<Product> {
  const product = await tx.findOneBy(Product, { odooId });
  if (product === null) throw notFound('product', 'productOdooId');
  if (product.type === 'service' && product.invoicePolicy === 'delivery') return product;
  throw new BillingError(
    'VALIDATION_FAILED',
    'The product must be a service that Odoo invoices on delivered quantities.',
    { field: 'productOdooId', type: product.type, invoicePolicy: product.invoicePolicy },
  );
}

async function refuseUnknownCurrency(tx: EntityManager, code: string | null): Promise<void> {
  if (code === null) return;
  const known = /^[A-Z]{3}$/.test(code)
    ? await tx.query<unknown[]>('select 1 from currency where code = $1', [code])
    : [];
  if (known.length === 0)
    throw invalid('currency', 'currency must be three letters of a currency that Odoo uses: "USD".');
}

/** What each of the table's constraints says to a caller. */
const VIOLATIONS: Readonly<Record<string, { field: string; message: string }>> = {
  charge_metric_product_key: { field: 'productOdooId', message: 'The product carries this metric already.' },
  charge_product_mode_excl: { field: 'mode', message: 'The other charges of the product have the other mode.' },
  charge_product_currency_excl: {
    field: 'currency',
    message: 'The other charges of the product are in another currency.',
  },
  charge_product_factor_excl: {
    field: 'unitsPerProductUnit',
    message: 'The other charges of the product have another unitsPerProductUnit.',
  },
};

function refuseViolation(ctx: Ctx, error: unknown): never {
  const constraint = violatedConstraint(error) ?? '';
  if (constraint === 'charge_product_service_excl') throw takenProduct(ctx);
  const violation = VIOLATIONS[constraint];
  if (violation === undefined) throw error;
  throw new BillingError('CONFLICT', violation.message, { field: violation.field });
}
