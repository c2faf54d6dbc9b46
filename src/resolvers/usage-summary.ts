/** Totals of usage in GraphQL. */
import {
  Arg,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { AccountLink } from '../entities/account-link';
import { Contract } from '../entities/contract';
import { Aggregation, Metric } from '../entities/metric';
import { type UsageGroup as Group, usageSummary } from '../services/usage-summary';
import type { UsageSummaryRow as Row } from '../services/usage-summary-spans';
import { accountLinkById, contractById, metricById } from './loaders';
import { UsageGroup, UsageSummaryFilter } from './usage-inputs';

@ObjectType({ description: 'One metric in one group; what was not grouped by is null.' })
export class UsageSummaryRow implements Row {
  metricId!: string;
  accountLinkId!: string | null;
  contractId!: string | null;

  @Field(() => Aggregation, { description: "The metric's aggregation: what `quantity` is." })
  aggregation!: Row['aggregation'];

  @Field(() => Date, {
    nullable: true,
    description: 'Start of the hour, day or month, not before `from`; of a billing period its own start.',
  })
  start!: Date | null;

  @Field(() => Date, {
    nullable: true,
    description:
      'First instant after the hour, day or month, not after `to`; of a billing period its own end, null while it is not known.',
  })
  end!: Date | null;

  @Field(() => Decimal, {
    description:
      "By the metric's aggregation within this group, in its unit; voided records do not count. SUM and COUNT: what was added in the group, of a meter what it rose up to readings in the group. MAX: the largest. LATEST: the last one, those of several contracts added up. UNIQUE_COUNT: the different values of all contracts; when the metric recurs, those present at the end of the group. WEIGHTED_SUM: the level at the end of the group, those of several contracts added up. Not rounded. Grouped by PERIOD, not by ACCOUNT and without `account`, it is what is charged for the whole period: weighted by time, with what a recurring metric carries on, and after the metric's rounding.",
  })
  quantity!: Decimal;

  @Field(() => Int, { description: 'Records counted in the group itself; 0 where only what came before carries on.' })
  recordCount!: number;
}

@ObjectType({ description: 'Totals of usage, one row a metric and group.' })
export class UsageSummary {
  @Field(() => [UsageSummaryRow], {
    description:
      'At most 5,000 rows, in the order of time; those without a time come last. A level (WEIGHTED_SUM) and the values present (UNIQUE_COUNT), where the metric recurs, have a row in every group from their first record until now, with records or without.',
  })
  rows!: UsageSummaryRow[];

  @Field(() => Date, { description: 'When the totals were read.' })
  asOf!: Date;
}

@Resolver(() => UsageSummaryRow)
export class UsageSummaryResolver {
  @Authorized('usage:read')
  @Query(() => UsageSummary, {
    description:
      'Totals of usage, one row a metric and group. Metrics whose records add up (SUM and COUNT of DELTA that do not recur) are read from hourly totals, as fast on a large ledger as on a small one; the others are counted from the ledger. More than 5,000 rows are refused with LIMIT_EXCEEDED. Scope usage:read.',
  })
  usageSummary(
    @Context() ctx: Ctx,
    @Arg('filter', () => UsageSummaryFilter, { description: 'Which records are totalled.' }) filter: UsageSummaryFilter,
    @Arg('groupBy', () => [UsageGroup], {
      defaultValue: [UsageGroup.DAY],
      description: 'What is totalled by besides the metric; an empty list gives one row a metric.',
    })
    groupBy: Group[],
  ): Promise<UsageSummary> {
    return usageSummary(ctx, filter, groupBy);
  }

  @FieldResolver(() => Metric, { description: 'What was counted.' })
  metric(@Root() row: UsageSummaryRow, @Context() ctx: Ctx): Promise<Metric | null> {
    return metricById(ctx).load(row.metricId);
  }

  @FieldResolver(() => AccountLink, {
    nullable: true,
    description: 'The account link; null unless grouped by ACCOUNT.',
  })
  async accountLink(@Root() row: UsageSummaryRow, @Context() ctx: Ctx): Promise<AccountLink | null> {
    return row.accountLinkId === null ? null : accountLinkById(ctx).load(row.accountLinkId);
  }

  @FieldResolver(() => Contract, {
    nullable: true,
    description: 'The contract; null unless grouped by CONTRACT or PERIOD, and for usage that has none yet.',
  })
  async contract(@Root() row: UsageSummaryRow, @Context() ctx: Ctx): Promise<Contract | null> {
    return row.contractId === null ? null : contractById(ctx).load(row.contractId);
  }
}
