/** Making charges: which Odoo product carries a metric, at what price, for whom. A product belongs to one service. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { invalid, parseDay } from '../domain/parse';
import type { Charge } from '../entities/charge';
import { Plan } from '../entities/plan';
import { Product } from '../entities/product';
import { given, notFound, visibleServiceId } from './access';
import { lockServiceInUse, refuseArchived } from './catalog-change';
import { insertCharge, takenProduct } from './catalog-charge-store';
import { type ChargeTermsInput, overlapWarnings, parseTerms, refuseUnfitMetric } from './catalog-charge-terms';
import { metricByCode } from './catalog-metrics';
import { contractInSight } from './contracts';
import { ensureProductMirrored } from './mirror-ensure';
import { inTransaction } from './transaction';

export interface CreateChargeInput extends ChargeTermsInput {
  service?: string | null;
  /** Code of a metric of the service. */
  metric: string;
  productOdooId: number;
  /** A day; it rates periods that begin then or later. All when left out. */
  validFrom?: string | null;
  /** Of a recurring plan in Odoo: it rates the orders with this plan only. */
  planOdooId?: number | null;
  /** It rates this contract only. */
  contractId?: string | null;
}

export interface MadeCharge {
  charge: Charge;
  /** Sentences on what was taken but may not be meant. */
  warnings: string[];
}

/**
 * Lets a product carry a metric. The product must be a service invoiced on delivered quantities: only those have a quantity
 * we may write.
 * @throws BillingError NOT_FOUND for an unknown metric, product, plan or contract, CONFLICT when the product's charges forbid
 * this one.
 */
export async function createCharge(ctx: Ctx, input: CreateChargeInput): Promise<MadeCharge> {
  const terms = parseTerms(input);
  const validFrom = given(input.validFrom, (day) => parseDay(day, 'validFrom'));
  const serviceId = await visibleServiceId(ctx, input.service);
  await refuseForeignProduct(ctx, serviceId, input.productOdooId);
  const binding = await bindingOf(ctx, input);
  await ensureProductMirrored(ctx, input.productOdooId, 'productOdooId');
  return inTransaction(ctx, async (tx) => {
    await lockServiceInUse(tx, serviceId);
    const metric = await metricByCode(tx, serviceId, input.metric);
    refuseArchived(metric, { noun: 'metric', name: metric.code, field: 'metric' });
    refuseUnfitMetric(metric, input);
    const product = await meterableProduct(tx, input.productOdooId);
    await refuseUnknownCurrency(tx, terms.currency);
    const of = { serviceId, metricId: metric.id, productId: product.id };
    const charge = await insertCharge(tx, ctx, { ...terms, ...of, ...binding, validFrom });
    return { charge, warnings: overlapWarnings(terms) };
  });
}

/** What the charge rates: all contracts, those of a plan, or one. */
async function bindingOf(
  ctx: Ctx,
  { planOdooId, contractId }: CreateChargeInput,
): Promise<Pick<Charge, 'planOdooId' | 'contractId'>> {
  const plan = planOdooId ?? null;
  if (plan !== null && contractId)
    throw invalid('contractId', 'Bind the charge to a plan or to a contract, not to both.');
  if (plan !== null && !(await ctx.db.manager.existsBy(Plan, { odooId: plan }))) throw notFound('plan', 'planOdooId');
  return { planOdooId: plan, contractId: contractId ? (await contractInSight(ctx, contractId)).id : null };
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
