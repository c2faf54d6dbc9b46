/** Reading charges: those of a service that the caller may see, by themselves or by what they carry. */
import type { Ctx } from '../ctx';
import { Charge } from '../entities/charge';
import { Metric } from '../entities/metric';
import { Product } from '../entities/product';
import { searchable, visibleServiceIdOrAll } from './access';
import { isInForce } from './catalog-charge-store';
import { byId, fetchPage, narrowToArchived, type Page, type PageArgs } from './page';

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

/** Of each charge the version that took over from it. */
export async function nextVersionsByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Charge>> {
  const versions = (await visibleCharges(ctx, 'previous_id', ids)).filter(isInForce);
  return new Map(versions.flatMap((version) => (version.previousId === null ? [] : [[version.previousId, version]])));
}

async function visibleCharges(
  ctx: Ctx,
  column: 'id' | 'metric_id' | 'product_id' | 'previous_id',
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
