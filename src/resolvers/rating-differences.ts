/** Rating differences in GraphQL: what newer rating code would rate otherwise, decided by a person. */
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { BillingPeriod } from '../entities/billing-period';
import { Charge } from '../entities/charge';
import { Day } from '../entities/columns';
import { RatingDifference, RatingDifferenceState } from '../entities/rating-difference';
import {
  decideRatingDifference,
  type RatingDifferenceOrder as RatingDifferenceOrderName,
  ratingDifferences,
  rerateClosedPeriods,
} from '../services/rating-differences';
import {
  type Connection,
  connectionType,
  orderEnum,
  toConnection,
  type ListArguments,
  listArguments,
} from './connection';
import { ContractFilter } from './contract-filter';
import { chargeById, periodById, ratingDifferenceById } from './loaders';

const RatingDifferenceConnection = connectionType(RatingDifference, 'RatingDifference');

const RatingDifferenceOrder = orderEnum<RatingDifferenceOrderName>('RatingDifferenceOrder', 'rating differences', {
  FOUND_AT_ASC: 'As they were found, the first one first.',
  FOUND_AT_DESC: 'As they were found, the newest first.',
});

@InputType({ description: 'Which rating differences; all conditions hold together.' })
export class RatingDifferenceFilter extends ContractFilter {
  @Field(() => String, { nullable: true, description: 'Of the charges of this service, by code.' })
  service?: string | null;

  @Field(() => [RatingDifferenceState], { nullable: true, description: 'In one of these states.' })
  states?: RatingDifferenceState[] | null;
}

const RatingDifferencesArguments = listArguments({
  filter: RatingDifferenceFilter,
  description: 'Which differences; all when left out.',
  order: RatingDifferenceOrder,
  byDefault: 'FOUND_AT_DESC',
});

@InputType({ description: 'What a person says to a rating difference.' })
export class DecideRatingDifferenceInput {
  @Field(() => ID, { description: 'Id of the difference.' })
  id!: string;

  @Field(() => Boolean, {
    description:
      'True: the line gets a new revision, and the difference enters the balance. False: the line stays as it was billed.',
  })
  accept!: boolean;

  @Field(() => String, { description: 'Why, in 1 to 500 characters; kept with the decision.' })
  reason!: string;
}

@ObjectType({ description: 'The rating difference decided.' })
export class DecideRatingDifferencePayload {
  id!: string;

  @Field(() => RatingDifference, { nullable: true, description: 'The difference as it stands now.' })
  ratingDifference?: RatingDifference | null;
}

@InputType({ description: 'Which closed periods to rate again.' })
export class RerateClosedPeriodsInput {
  @Field(() => ID, { description: 'Id of the contract.' })
  contractId!: string;

  @Field(() => String, { description: 'Why, in 1 to 500 characters; kept in the audit entry.' })
  reason!: string;

  @Field(() => Day, {
    nullable: true,
    description: 'Only periods that start before this day: to go on behind the first 60.',
  })
  before?: string | null;
}

@ObjectType({ description: 'The periods that are rated again within moments.' })
export class RerateClosedPeriodsPayload {
  periodIds!: string[];

  @Field(() => [BillingPeriod], { description: 'The periods, the newest first.' })
  periods?: BillingPeriod[];

  @Field(() => Boolean, { description: 'Whether earlier periods were left out.' })
  hasMore!: boolean;
}

@Resolver(() => RatingDifference)
export class RatingDifferencesResolver {
  @Authorized('billing:read')
  @Query(() => RatingDifferenceConnection, {
    description:
      'Closed lines that a newer version of the rating code would rate otherwise, though their usage is the same. Scope billing:read.',
  })
  async ratingDifferences(
    @Context() ctx: Ctx,
    @Args(() => RatingDifferencesArguments)
    { filter, orderBy, ...page }: ListArguments<RatingDifferenceFilter, RatingDifferenceOrderName>,
  ): Promise<Connection<RatingDifference>> {
    return toConnection(await ratingDifferences(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @Authorized('billing:run')
  @Mutation(() => DecideRatingDifferencePayload, {
    nullable: true,
    description:
      'Takes a rating difference over into the balance, or keeps what was stored, once and for all for these two versions. CONFLICT when it was decided before, or the usage changed since. Scope billing:run.',
  })
  decideRatingDifference(
    @Context() ctx: Ctx,
    @Arg('input', () => DecideRatingDifferenceInput, { description: 'Which one, and what is to become of it.' })
    input: DecideRatingDifferenceInput,
  ): Promise<DecideRatingDifferencePayload> {
    return decideRatingDifference(ctx, input);
  }

  @Authorized('billing:run')
  @Mutation(() => RerateClosedPeriodsPayload, {
    nullable: true,
    description:
      'Has the newest 60 closed periods of a contract rated again, as after an upgrade. What only newer rating code changes is reported in `ratingDifferences` and changes no balance; what usage changes, or a charge that took up units that nothing priced before, enters the balance as ever. Scope billing:run.',
  })
  rerateClosedPeriods(
    @Context() ctx: Ctx,
    @Arg('input', () => RerateClosedPeriodsInput, { description: 'Whose periods, and why.' })
    input: RerateClosedPeriodsInput,
  ): Promise<RerateClosedPeriodsPayload> {
    return rerateClosedPeriods(ctx, input);
  }

  @FieldResolver(() => BillingPeriod, { nullable: true, description: 'The closed period.' })
  period(@Root() difference: RatingDifference, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(difference.periodId);
  }

  @FieldResolver(() => Charge, { nullable: true, description: 'The charge of the line.' })
  charge(@Root() difference: RatingDifference, @Context() ctx: Ctx): Promise<Charge | null> {
    return chargeById(ctx).load(difference.chargeId);
  }
}

@Resolver(() => DecideRatingDifferencePayload)
export class DecideRatingDifferencePayloadResolver {
  @FieldResolver()
  ratingDifference(
    @Root() payload: DecideRatingDifferencePayload,
    @Context() ctx: Ctx,
  ): Promise<RatingDifference | null> {
    return ratingDifferenceById(ctx).load(payload.id);
  }
}

@Resolver(() => RerateClosedPeriodsPayload)
export class RerateClosedPeriodsPayloadResolver {
  @FieldResolver()
  async periods(@Root() { periodIds }: RerateClosedPeriodsPayload, @Context() ctx: Ctx): Promise<BillingPeriod[]> {
    const periods = await periodById(ctx).loadMany(periodIds);
    return periods.filter((period): period is BillingPeriod => period instanceof BillingPeriod);
  }
}
