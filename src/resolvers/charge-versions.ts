/** Versions of a charge in GraphQL. */
import {
  Arg,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { Charge } from '../entities/charge';
import { Day } from '../entities/columns';
import { createChargeVersion } from '../services/catalog-charge-versions';
import { ChargeFilterInput, FILTERS, GROUP_BY, WARNINGS } from './charge-filters';
import { chargeById, nextVersionById } from './loaders';
import { PriceModelInput } from './price-models';

@InputType({
  description:
    'Other terms of a charge for the periods that begin on a day or later. What is left out stays as it is; metric, product, mode, currency, `unitsPerProductUnit` and what the charge is bound to always stay.',
})
export class CreateChargeVersionInput {
  @Field(() => ID, { description: 'Id of the newest version of the charge.' })
  id!: string;

  @Field(() => Day, {
    description:
      'The version rates the periods that begin on this day or later: after the first day of each period that was closed with the version before. As early as the newest version begins, or earlier, if that one rated nothing yet: it is withdrawn then.',
  })
  validFrom!: string;

  @Field(() => PriceModelInput, { nullable: true, description: 'The new price.' })
  price?: PriceModelInput | null;

  @Field(() => Decimal, { nullable: true, description: 'Units of the metric taken off before pricing, 0 or more.' })
  freeUnits?: string | null;

  @Field(() => Decimal, {
    nullable: true,
    description: 'Least amount of a full period, 0 or more; only in mode AMOUNT.',
  })
  minimumAmount?: string | null;

  @Field(() => [ChargeFilterInput], {
    nullable: true,
    description: `All filters, for they are taken over or replaced together; an empty list ends them. ${FILTERS} Only in mode AMOUNT.`,
  })
  filters?: ChargeFilterInput[] | null;

  @Field(() => [String], { nullable: true, description: `${GROUP_BY} An empty list ends them. Only in mode AMOUNT.` })
  groupBy?: string[] | null;
}

@ObjectType({ description: 'The version made.' })
export class CreateChargeVersionPayload {
  @Field(() => Charge, { description: 'The new version.' })
  charge!: Charge;

  @Field(() => [String], { description: WARNINGS })
  warnings!: string[];
}

@Resolver(() => Charge)
export class ChargeVersionsResolver {
  @Authorized('catalog:write')
  @Mutation(() => CreateChargeVersionPayload, {
    nullable: true,
    description:
      'Makes the next version of a charge: other terms for the periods that begin on a day or later. What is rated stays. Scope catalog:write.',
  })
  createChargeVersion(
    @Context() ctx: Ctx,
    @Arg('input', () => CreateChargeVersionInput, { description: 'The charge, the day, and what changes.' })
    input: CreateChargeVersionInput,
  ): Promise<CreateChargeVersionPayload> {
    return createChargeVersion(ctx, input);
  }

  @FieldResolver(() => Charge, { nullable: true, description: 'The version it took over from.' })
  async previous(@Root() charge: Charge, @Context() ctx: Ctx): Promise<Charge | null> {
    return charge.previousId === null ? null : chargeById(ctx).load(charge.previousId);
  }

  @FieldResolver(() => Charge, { nullable: true, description: 'The version that takes over on `validTo`.' })
  next(@Root() charge: Charge, @Context() ctx: Ctx): Promise<Charge | null> {
    return nextVersionById(ctx).load(charge.id);
  }
}
