/** Billing periods in GraphQL: reading, closing, confirming. */
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
import { BillableLine } from '../entities/billable-line';
import { BillingBlock } from '../entities/billing-block';
import { BillingPeriod, BillingPeriodState } from '../entities/billing-period';
import { Day } from '../entities/columns';
import { Contract } from '../entities/contract';
import { WriteBack } from '../entities/write-back';
import { type BillingPeriodOrder as BillingPeriodOrderName, billingPeriods } from '../services/billing-lists';
import { confirmPeriod } from '../services/period-confirm';
import { closePeriod } from '../services/period-closes';
import type { RatedLine as Rated } from '../services/rating';
import {
  type Connection,
  connectionType,
  orderEnum,
  toConnection,
  type ListArguments,
  listArguments,
} from './connection';
import { ContractFilter } from './contract-filter';
import { blocksByPeriodId, contractById, linesByPeriodId, periodById, writeBacksByPeriodId } from './loaders';
import { RatedLine } from './rated-lines';

export const BillingPeriodConnection = connectionType(BillingPeriod, 'BillingPeriod');

const BillingPeriodOrder = orderEnum<BillingPeriodOrderName>('BillingPeriodOrder', 'billing periods', {
  START_AT_ASC: 'By their start, the earliest first.',
  START_AT_DESC: 'By their start, the latest first.',
});

@InputType({ description: 'Which periods; all conditions hold together.' })
export class BillingPeriodFilter extends ContractFilter {
  @Field(() => String, { nullable: true, description: 'Code of a service: of the contracts of its linked partners.' })
  service?: string | null;

  @Field(() => [BillingPeriodState], { nullable: true, description: 'In one of these states.' })
  states?: BillingPeriodState[] | null;

  @Field(() => Date, { nullable: true, description: 'That start at this instant or later.' })
  startFrom?: string | null;

  @Field(() => Date, { nullable: true, description: 'That start before this instant.' })
  startTo?: string | null;

  @Field(() => Date, { nullable: true, description: 'That end at this instant or later.' })
  endFrom?: string | null;

  @Field(() => Date, { nullable: true, description: 'That end before this instant.' })
  endTo?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Only those with something in the way of writing them, or only those without.',
  })
  blocked?: boolean | null;
}

const BillingPeriodsArguments = listArguments({
  filter: BillingPeriodFilter,
  description: 'Which periods; all when left out.',
  order: BillingPeriodOrder,
  byDefault: 'START_AT_DESC',
});

@InputType({ description: 'The period to close.' })
export class ClosePeriodInput {
  @Field(() => ID, { description: 'Id of the period.' })
  periodId!: string;

  @Field(() => Boolean, { defaultValue: false, description: 'Only show what would be billed; nothing is stored.' })
  dryRun!: boolean;
}

@InputType({ description: 'The derived period to confirm.' })
export class ConfirmPeriodInput {
  @Field(() => ID, { description: 'Id of the period.' })
  id!: string;

  @Field(() => Day, {
    nullable: true,
    description:
      'Its true first day in the billing time zone, when the derived one is wrong. Usage before it is never billed.',
  })
  start?: string | null;
}

@ObjectType({ description: 'The period closed, or looked at.' })
export class ClosePeriodPayload {
  periodId!: string;
  rating!: { lines: Rated[] } | null;

  @Field(() => BillingPeriod, { nullable: true, description: 'The period as it stands now.' })
  period?: BillingPeriod | null;

  @Field(() => [RatedLine], { description: 'What was stored, or would be. Empty when the period was closed before.' })
  lines?: Rated[];
}

@ObjectType({ description: 'The period confirmed.' })
export class ConfirmPeriodPayload {
  periodId!: string;

  @Field(() => BillingPeriod, { nullable: true, description: 'The period as it stands now.' })
  period?: BillingPeriod | null;
}

@Resolver(() => BillingPeriod)
export class BillingPeriodsResolver {
  @Authorized('billing:read')
  @Query(() => BillingPeriodConnection, { description: 'Billing periods. Scope billing:read.' })
  async billingPeriods(
    @Context() ctx: Ctx,
    @Args(() => BillingPeriodsArguments)
    { filter, orderBy, ...page }: ListArguments<BillingPeriodFilter, BillingPeriodOrderName>,
  ): Promise<Connection<BillingPeriod>> {
    return toConnection(await billingPeriods(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @Authorized('billing:run')
  @Mutation(() => ClosePeriodPayload, {
    nullable: true,
    description:
      'Closes a period whose end and grace have passed, or only shows what would be billed. Closing a closed one is harmless. Scope billing:run.',
  })
  closePeriod(
    @Context() ctx: Ctx,
    @Arg('input', () => ClosePeriodInput, { description: 'The period to close.' }) input: ClosePeriodInput,
  ): Promise<ClosePeriodPayload> {
    return closePeriod(ctx, input);
  }

  @Authorized('billing:run')
  @Mutation(() => ConfirmPeriodPayload, {
    nullable: true,
    description:
      'Confirms the start of a period that was derived because the order was first seen running. Scope billing:run.',
  })
  confirmPeriod(
    @Context() ctx: Ctx,
    @Arg('input', () => ConfirmPeriodInput, { description: 'The period to confirm.' }) input: ConfirmPeriodInput,
  ): Promise<ConfirmPeriodPayload> {
    return confirmPeriod(ctx, input);
  }

  @FieldResolver(() => Contract, { description: 'Whose time it is.' })
  contract(@Root() period: BillingPeriod, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(period.contractId);
  }

  @FieldResolver(() => [BillableLine], {
    description: 'The newest rating of each charge, also without usage. Empty while the period is open.',
  })
  async lines(@Root() period: BillingPeriod, @Context() ctx: Ctx): Promise<BillableLine[]> {
    return (await linesByPeriodId(ctx).load(period.id)) ?? [];
  }

  @FieldResolver(() => [WriteBack], { description: 'What was written to Odoo for it, the oldest first.' })
  async writeBacks(@Root() period: BillingPeriod, @Context() ctx: Ctx): Promise<WriteBack[]> {
    return (await writeBacksByPeriodId(ctx).load(period.id)) ?? [];
  }

  @FieldResolver(() => [BillingBlock], { description: 'What stands in the way of writing it now.' })
  async blocks(@Root() period: BillingPeriod, @Context() ctx: Ctx): Promise<BillingBlock[]> {
    return (await blocksByPeriodId(ctx).load(period.id)) ?? [];
  }
}

@Resolver(() => ClosePeriodPayload)
export class ClosePeriodPayloadResolver {
  @FieldResolver()
  period(@Root() payload: ClosePeriodPayload, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(payload.periodId);
  }

  @FieldResolver()
  lines(@Root() payload: ClosePeriodPayload): Rated[] {
    return payload.rating?.lines ?? [];
  }
}

@Resolver(() => ConfirmPeriodPayload)
export class ConfirmPeriodPayloadResolver {
  @FieldResolver()
  period(@Root() payload: ConfirmPeriodPayload, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(payload.periodId);
  }
}
