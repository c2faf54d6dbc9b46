/** What units would cost, in GraphQL. */
import { Arg, Authorized, Ctx as Context, Field, ID, InputType, Int, ObjectType, Query, Resolver } from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { FlatObject } from '../entities/columns';
import { estimateUsage, type UsageEstimate as Estimate } from '../services/usage-estimates';
import { RatedLine } from './rated-lines';

@InputType({
  description:
    'Units to be priced: of a metric as its contract is charged for it, or of a charge. A charge of mode QUANTITY needs the contract too, whose order has the price.',
})
export class EstimateUsageInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code, to the metric; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the contract; needed with `metric` and `onTopOfCurrent`.' })
  contractId?: string | null;

  @Field(() => String, { nullable: true, description: 'Code of the metric; or else `chargeId`.' })
  metric?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'Id of a charge, be its product on the order or not; or else `metric`.',
  })
  chargeId?: string | null;

  @Field(() => Decimal, {
    description:
      'How many units, as the metric would have counted them: whole ones for COUNT and UNIQUE_COUNT, negative ones only where it is `signed`.',
  })
  units!: string;

  @Field(() => FlatObject, {
    nullable: true,
    description: 'Labels of the units, where filters or groups of the charge give them another price.',
  })
  dimensions?: Record<string, unknown> | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'How many equal occurrences the units are, for metrics with `perEvent` only: 1 when left out, 0 without units only.',
  })
  events?: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "Days of the period, 1 to those of the plan's interval that ends with the open period: a minimum amount is due for the share. A full period when left out.",
  })
  days?: number | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      "Whether the units come on top of the open period's usage so far, and in its days: added to it, or the larger of both for MAX, the later for LATEST.",
  })
  onTopOfCurrent!: boolean;
}

@ObjectType({ description: 'What units would cost. Nothing of it is stored.' })
export class UsageEstimate {
  @Field(() => Date, { description: 'The instant it was worked out at.' })
  asOf!: Date;

  @Field(() => [RatedLine], {
    description: 'How the charge rates them, as a close would: a line for each of its buckets with a price.',
  })
  lines!: RatedLine[];

  @Field(() => Decimal, {
    description: "Sum of the lines' amounts: of the units alone, or with the usage so far.",
  })
  amount!: Decimal;

  @Field(() => String, { description: 'ISO 4217 code of the amounts.' })
  currency!: string;

  @Field(() => Decimal, {
    nullable: true,
    description: 'What the open period has come to without the units; null without `onTopOfCurrent`.',
  })
  currentAmount!: Decimal | null;

  @Field(() => Decimal, {
    nullable: true,
    description: 'What the units add: `amount` - `currentAmount`; null without `onTopOfCurrent`.',
  })
  difference!: Decimal | null;
}

@Resolver(() => UsageEstimate)
export class UsageEstimatesResolver {
  @Authorized('billing:read')
  @Query(() => UsageEstimate, {
    description:
      'What units would cost, by the rules that close a period: alone in a full period, or on top of the open one. CONFLICT when no charge, or more than one, prices the metric on the contract. Scope billing:read.',
  })
  estimateUsage(
    @Context() ctx: Ctx,
    @Arg('input', () => EstimateUsageInput, { description: 'The units.' }) input: EstimateUsageInput,
  ): Promise<Estimate> {
    return estimateUsage(ctx, input);
  }
}
