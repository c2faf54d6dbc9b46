/** What the mirror's smaller nouns answer besides their columns. */
import { Ctx as Context, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Ctx } from '../ctx';
import { Partner } from '../entities/partner';
import { Plan } from '../entities/plan';
import { Product } from '../entities/product';
import { MirrorModel } from '../entities/sync-run';
import { instantOfRow } from './loaders';

const AS_OF = 'It equals Odoo as of this instant, or a later one.';

/** The `asOf` of a mirrored row. */
export function asOfRow(
  ctx: Ctx,
  model: MirrorModel,
  row: { syncedAt: Date; goneAt: Date | null },
): Promise<Date | null> {
  return instantOfRow(ctx).load({ model, syncedAt: row.syncedAt, gone: row.goneAt !== null });
}

@Resolver(() => Partner)
export class PartnersResolver {
  @FieldResolver(() => Date, { description: AS_OF })
  asOf(@Root() partner: Partner, @Context() ctx: Ctx): Promise<Date | null> {
    return asOfRow(ctx, MirrorModel.PARTNER, partner);
  }
}

@Resolver(() => Plan)
export class PlansResolver {
  @FieldResolver(() => Date, { description: AS_OF })
  asOf(@Root() plan: Plan, @Context() ctx: Ctx): Promise<Date | null> {
    return asOfRow(ctx, MirrorModel.PLAN, plan);
  }
}

@Resolver(() => Product)
export class ProductsResolver {
  @FieldResolver(() => Boolean, {
    description: 'Whether Odoo bills what was delivered; only such a product can carry a charge.',
  })
  invoicedOnDelivery(@Root() product: Product): boolean {
    return product.invoicePolicy === 'delivery';
  }

  @FieldResolver(() => Date, { description: AS_OF })
  asOf(@Root() product: Product, @Context() ctx: Ctx): Promise<Date | null> {
    return asOfRow(ctx, MirrorModel.PRODUCT, product);
  }
}
