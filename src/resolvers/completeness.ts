/** Completeness of usage in GraphQL: what is covered and missing, and letting go what is missing. */
import {
  Arg,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import type { Dimensions } from '../domain/usage-content';
import { AccountLink } from '../entities/account-link';
import { FlatObject } from '../entities/columns';
import { Contract } from '../entities/contract';
import { GapWaiver } from '../entities/gap-waiver';
import { ExpectedWindows, Metric } from '../entities/metric';
import { completeness, type CompletenessReport, type SeriesReport } from '../services/completeness';
import { waiveGap } from '../services/gap-waivers';
import { accountLinkById, contractById, metricById } from './loaders';

const SERVICE = 'Service code; needed only with a key of the whole installation.';

@InputType({ description: 'Whose usage of which metric is looked at, and of what time.' })
export class CompletenessInput {
  @Field(() => String, { nullable: true, description: SERVICE })
  service?: string | null;

  @Field(() => String, { nullable: true, description: "The service's own account id; or name the contract." })
  account?: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the contract; or name the account.' })
  contractId?: string | null;

  @Field(() => String, { description: 'Code of the metric.' })
  metric!: string;

  @Field(() => Date, { description: 'First instant of the time; it is past.' })
  from!: string;

  @Field(() => Date, {
    description: 'First instant after it, at most 92 days later; what lies ahead of now is left out.',
  })
  to!: string;
}

@ObjectType({ description: 'A time, [start, end).' })
export class TimeSpan {
  @Field(() => Date, { description: 'First instant.' })
  start!: Date;

  @Field(() => Date, { description: 'First instant after it.' })
  end!: Date;
}

@ObjectType({
  description:
    'What one series told of the time asked for. `covered`, `waived` and `gaps` make up the time in which it is expected.',
})
export class SeriesCompleteness {
  contractId!: string | null;
  accountLinkId!: string | null;

  @Field(() => FlatObject, { nullable: true, description: 'Labels that all its records have; null: none.' })
  dimensions!: Dimensions | null;

  @Field(() => String, { nullable: true, description: 'The reporting instance; null where nobody said.' })
  meter!: string | null;

  @Field(() => Boolean, { description: 'Whether it has no gaps.' })
  complete!: boolean;

  @Field(() => [TimeSpan], { description: 'What its windows cover, at most 1,000 spans.' })
  covered!: TimeSpan[];

  @Field(() => [TimeSpan], { description: 'What is missing, at most 1,000 spans; `gapCount` counts all.' })
  gaps!: TimeSpan[];

  @Field(() => Int, { description: 'How many gaps there are.' })
  gapCount!: number;

  @Field(() => [TimeSpan], { description: 'What is missing and was let go by `waiveGap`, at most 1,000 spans.' })
  waived!: TimeSpan[];

  @Field(() => [TimeSpan], {
    description:
      'What two windows or more cover, at most 1,000 spans: no mistake by itself where windows may overlap, but often one.',
  })
  overlaps!: TimeSpan[];

  @Field(() => Boolean, {
    description: 'Whether some of the lists have more than is shown; with very many series each list is shorter.',
  })
  cut!: boolean;

  @Field(() => Date, {
    nullable: true,
    description:
      'End of its last window that began in the time asked for, or in the 32 days before; null when nothing came.',
  })
  lastSeenAt!: Date | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'Seconds from `lastSeenAt` to the end of the time asked for, now at the latest; null when nothing came.',
  })
  silenceSeconds!: number | null;
}

@ObjectType({ description: 'What is covered and missing of a metric in a time, series by series.' })
export class Completeness {
  metricId!: string;

  @Field(() => ExpectedWindows, {
    nullable: true,
    description: 'What the metric expects to be covered; null: nothing, so that nothing is missing.',
  })
  expects!: ExpectedWindows | null;

  @Field(() => Date, { description: 'First instant looked at.' })
  from!: Date;

  @Field(() => Date, { description: 'First instant after what was looked at.' })
  to!: Date;

  @Field(() => Date, { description: 'When it was read.' })
  asOf!: Date;

  @Field(() => Boolean, { description: 'Whether no series has a gap.' })
  complete!: boolean;

  @Field(() => [SeriesCompleteness], {
    description:
      'At most 1,000: every series seen in the time or in the 32 days before it, and one without labels for each account link that sent nothing at all.',
  })
  series!: SeriesCompleteness[];
}

@InputType({ description: 'Missing usage to let go.' })
export class WaiveGapInput {
  @Field(() => String, { nullable: true, description: SERVICE })
  service?: string | null;

  @Field(() => ID, { description: 'Id of the billing period.' })
  periodId!: string;

  @Field(() => String, { description: 'Code of the metric.' })
  metric!: string;

  @Field(() => Date, { description: 'First instant to let go, within the period.' })
  from!: string;

  @Field(() => Date, { description: 'First instant after it, not after the end of the period.' })
  to!: string;

  @Field(() => String, { nullable: true, description: 'Who decided it, for people; 1 to 200 characters.' })
  name?: string | null;

  @Field(() => String, { description: 'Why, for people; 1 to 500 characters, kept for ever.' })
  reason!: string;
}

@ObjectType({ description: 'What was let go.' })
export class WaiveGapPayload {
  @Field(() => GapWaiver, { description: 'The waiver; it is printed on the rated lines of the metric.' })
  waiver!: GapWaiver;
}

@Resolver(() => Completeness)
export class CompletenessResolver {
  @Authorized('usage:read')
  @Query(() => Completeness, {
    description:
      'Which time the records of a metric cover, and where some are missing. Expected are the steps the metric names, while the link is valid, the contract runs and the metric is in use. More than 1,000 series are refused with LIMIT_EXCEEDED. Scope usage:read.',
  })
  completeness(
    @Context() ctx: Ctx,
    @Arg('input', () => CompletenessInput, { description: 'Whose usage, and of what time.' }) input: CompletenessInput,
  ): Promise<CompletenessReport> {
    return completeness(ctx, input);
  }

  @Authorized('billing:run')
  @Mutation(() => WaiveGapPayload, {
    nullable: true,
    description:
      'Lets go what is missing of a metric in a part of a period, in all series of the contract: the block USAGE_GAP is lifted by the next plan once no gap is left, and what it held back is billed. Usage that comes later still counts. Waiving the same time again changes nothing. Scope billing:run.',
  })
  waiveGap(
    @Context() ctx: Ctx,
    @Arg('input', () => WaiveGapInput, { description: 'What to let go, and why.' }) input: WaiveGapInput,
  ): Promise<WaiveGapPayload> {
    return waiveGap(ctx, input);
  }

  @FieldResolver(() => Metric, { description: 'What is counted.' })
  metric(@Root() { metricId }: CompletenessReport, @Context() ctx: Ctx): Promise<Metric | null> {
    return metricById(ctx).load(metricId);
  }
}

@Resolver(() => SeriesCompleteness)
export class SeriesCompletenessResolver {
  @FieldResolver(() => Contract, { nullable: true, description: 'Whose usage it is; null while it has no contract.' })
  async contract(@Root() { contractId }: SeriesReport, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractId === null ? null : contractById(ctx).load(contractId);
  }

  @FieldResolver(() => AccountLink, {
    nullable: true,
    description: 'The account link that sends it; of several the oldest.',
  })
  async accountLink(@Root() { accountLinkId }: SeriesReport, @Context() ctx: Ctx): Promise<AccountLink | null> {
    return accountLinkId === null ? null : accountLinkById(ctx).load(accountLinkId);
  }
}
