/** Balances in GraphQL: what is due on each product of a contract. */
import {
  Arg,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { ChargeMode } from '../entities/charge';
import { Contract } from '../entities/contract';
import { Product } from '../entities/product';
import { type ProductBalance, balances } from '../services/balances';
import { contractById, productById } from './loaders';

@ObjectType({
  description:
    'What is due on one product of a contract, in units of the product (QUANTITY) or money (AMOUNT): due = truth + passed - billed - waived - settled; target = due, not below zero, rounded as Odoo rounds.',
})
export class Balance {
  @Field(() => ChargeMode, { description: 'Who prices, and so what the figures count.' })
  mode!: ChargeMode;

  @Field(() => Decimal, { description: 'What the closed periods that Odoo bills are worth now.' })
  truth!: Decimal;

  @Field(() => Decimal, { description: "What Odoo's posted invoices billed of it." })
  billed!: Decimal;

  @Field(() => Decimal, {
    description: 'What a person let go, by name, and what was written off as too little for any invoice.',
  })
  waived!: Decimal;

  @Field(() => Decimal, {
    description: "What a person invoiced in Odoo apart from the line, or credited (then negative), at the line's end.",
  })
  settled!: Decimal;

  @Field(() => Decimal, {
    description: 'What came from products whose place this one took on the order, less what went to the next one.',
  })
  passed!: Decimal;

  @Field(() => Decimal, { description: 'What is still due; may be negative.' })
  due!: Decimal;

  @Field(() => Decimal, { description: 'What the slot would be set to for it.' })
  target!: Decimal;

  @Field(() => Decimal, {
    description: 'What stays in the balance, due - target, by rounding or because it is negative.',
  })
  remainder!: Decimal;

  @Field(() => Date, { description: 'The instant it was worked out at.' })
  asOf!: Date;
}

@Resolver(() => Balance)
export class BalancesResolver {
  @Authorized('billing:read')
  @Query(() => [Balance], {
    description:
      'What is due on each product of a contract: truth, billed, waived, settled, passed on, and the target that follows. Scope billing:read.',
  })
  balances(
    @Context() ctx: Ctx,
    @Arg('contractId', () => ID, { description: 'Id of the contract.' }) contractId: string,
  ): Promise<ProductBalance[]> {
    return balances(ctx, contractId);
  }

  @FieldResolver(() => Contract, { description: 'Whose balance it is.' })
  contract(@Root() balance: ProductBalance, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(balance.contractId);
  }

  @FieldResolver(() => Product, { description: 'The product whose line takes it up.' })
  product(@Root() balance: ProductBalance, @Context() ctx: Ctx): Promise<Product | null> {
    return productById(ctx).load(balance.productId);
  }
}
