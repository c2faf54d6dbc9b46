/** What links and charges name of the mirror: whoever may see the link or charge may see it. */
import type { Ctx } from '../ctx';
import { Partner } from '../entities/partner';
import { Product } from '../entities/product';

/** Partners of account links, by our id. */
export async function partnersByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Partner>> {
  const query = ctx.db.createQueryBuilder(Partner, 'partner').where('partner.id = any(:ids)', { ids });
  return new Map((await query.getMany()).map((partner) => [partner.id, partner]));
}

/** Products of charges, by our id. */
export async function productsByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Product>> {
  const query = ctx.db.createQueryBuilder(Product, 'product').where('product.id = any(:ids)', { ids });
  return new Map((await query.getMany()).map((product) => [product.id, product]));
}
