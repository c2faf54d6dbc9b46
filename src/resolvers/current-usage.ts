/** The preview of the open period in GraphQL. */
import {
  Args,
  ArgsType,
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
import { BillingBlock } from '../entities/billing-block';
import { BillingPeriod } from '../entities/billing-period';
import { Contract } from '../entities/contract';
import { type CurrentUsage as Preview, currentUsage, type CurrentUsageInput } from '../services/current-usage';
import { blocksByPeriodId, contractById, periodById } from './loaders';
import { RatedLine } from './rated-lines';

@ObjectType({ description: 'The open period of a contract as it would be billed if it closed now.' })
export class CurrentUsage {
  @Field(() => Date, { description: 'The instant it was worked out at.' })
  asOf!: Date;

  @Field(() => [RatedLine], { description: 'One for each charge whose product is on the order, also without usage.' })
  lines!: RatedLine[];

  @Field(() => Decimal, { description: "Sum of the lines' amounts." })
  amount!: Decimal;

  @Field(() => String, { description: "ISO 4217 code of the order's currency." })
  currency!: string;
}

@ArgsType()
class CurrentUsageArguments implements CurrentUsageInput {
  @Field(() => ID, { nullable: true, description: 'Id of the contract.' })
  contractId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of a subscription of it.' })
  subscriptionId?: string | null;

  @Field(() => String, { nullable: true, description: "The service's own account id; it must have one contract only." })
  account?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Service code, to the account; needed only with a key of the whole installation.',
  })
  service?: string | null;
}

@Resolver(() => CurrentUsage)
export class CurrentUsageResolver {
  @Authorized('billing:read')
  @Query(() => CurrentUsage, {
    nullable: true,
    description:
      'What the open period would be billed at if it closed now. Name the contract, the subscription or the account; null before the first period. Scope billing:read.',
  })
  currentUsage(
    @Context() ctx: Ctx,
    @Args(() => CurrentUsageArguments) named: CurrentUsageArguments,
  ): Promise<Preview | null> {
    return currentUsage(ctx, named);
  }

  @FieldResolver(() => Contract, { description: 'Whose usage it is.' })
  contract(@Root() usage: Preview, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(usage.contractId);
  }

  @FieldResolver(() => BillingPeriod, { description: 'The open period.' })
  period(@Root() usage: Preview, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(usage.periodId);
  }

  @FieldResolver(() => [BillingBlock], { description: 'What stands in the way of writing the period.' })
  async obstacles(@Root() usage: Preview, @Context() ctx: Ctx): Promise<BillingBlock[]> {
    return (await blocksByPeriodId(ctx).load(usage.periodId)) ?? [];
  }
}
