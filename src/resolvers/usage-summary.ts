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
import { Metric } from '../entities/metric';
import { type UsageGroup as Group, usageSummary, type UsageSummaryRow as Row } from '../services/usage-summary';
import { accountLinkById, contractById, metricById } from './loaders';
import { UsageGroup, UsageSummaryFilter } from './usage-inputs';

@ObjectType({ description: 'One metric in one group; what was not grouped by is null.' })
export class UsageSummaryRow implements Row {
  metricId!: string;
  accountLinkId!: string | null;
  contractId!: string | null;

  @Field(() => Date, { nullable: true, description: 'Start of the hour, day or month, not before `from`.' })
  start!: Date | null;

  @Field(() => Date, { nullable: true, description: 'First instant after the hour, day or month, not after `to`.' })
  end!: Date | null;

  @Field(() => Decimal, {
    description: "By the metric's aggregation within this group, in its unit; voided records do not count.",
  })
  quantity!: Decimal;

  @Field(() => Int, { description: 'How many records it is made of.' })
  recordCount!: number;
}

@ObjectType({ description: 'Totals of usage, one row a metric and group.' })
export class UsageSummary {
  @Field(() => [UsageSummaryRow], { description: 'At most 5,000 rows, in the order of time.' })
  rows!: UsageSummaryRow[];

  @Field(() => Date, { description: 'When the totals were read.' })
  asOf!: Date;
}

@Resolver(() => UsageSummaryRow)
export class UsageSummaryResolver {
  @Authorized('usage:read')
  @Query(() => UsageSummary, {
    description:
      'Totals of usage, one row a metric and group, read from hourly totals: as fast on a large ledger as on a small one. More than 5,000 rows are refused with LIMIT_EXCEEDED. Scope usage:read.',
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
    description: 'The contract; null unless grouped by CONTRACT, and for usage that has none yet.',
  })
  async contract(@Root() row: UsageSummaryRow, @Context() ctx: Ctx): Promise<Contract | null> {
    return row.contractId === null ? null : contractById(ctx).load(row.contractId);
  }
}
