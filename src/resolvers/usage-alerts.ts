/** Alerts on usage in GraphQL, and the thresholds that were reached. */
import {
  Arg,
  Args,
  ArgsType,
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
import { Decimal } from '../domain/decimal';
import { BillingPeriod } from '../entities/billing-period';
import { Contract } from '../entities/contract';
import { Metric } from '../entities/metric';
import { Service } from '../entities/service';
import { UsageAlert, UsageAlertKind } from '../entities/usage-alert';
import { UsageAlertEvent } from '../entities/usage-alert-event';
import {
  usageAlertEvents,
  type UsageAlertEventOrder as UsageAlertEventOrderName,
  usageAlerts,
} from '../services/usage-alert-lists';
import { archiveUsageAlert, createUsageAlert, updateUsageAlert } from '../services/usage-alerts';
import {
  ARCHIVED_FILTER,
  type Connection,
  connectionType,
  orderEnum,
  PageArguments,
  toConnection,
  type ListArguments,
  listArguments,
} from './connection';
import { contractById, metricById, periodById, serviceById, usageAlertById } from './loaders';

const UsageAlertConnection = connectionType(UsageAlert, 'UsageAlert');
const UsageAlertEventConnection = connectionType(UsageAlertEvent, 'UsageAlertEvent');

const UsageAlertEventOrder = orderEnum<UsageAlertEventOrderName>('UsageAlertEventOrder', 'the events of alerts', {
  CROSSED_AT_ASC: 'By the instant at which it was noticed, the oldest first.',
  CROSSED_AT_DESC: 'The same, the newest first.',
});

@InputType({
  description: 'An alert to make, on one metric of one contract: name the contract, the subscription or the account.',
})
export class CreateUsageAlertInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of the contract.' })
  contractId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Id of a subscription of it.' })
  subscriptionId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The service's own account id; it must have exactly one contract with an open period.",
  })
  account?: string | null;

  @Field(() => String, { description: 'Code of the metric.' })
  metric!: string;

  @Field(() => UsageAlertKind, { description: 'What to watch; never changed.' })
  kind!: UsageAlertKind;

  @Field(() => [Decimal], { description: '1 to 20, rising, above 0: units, or money.' })
  thresholds!: string[];

  @Field(() => String, { description: 'For people, 1 to 200 characters.' })
  name!: string;
}

@InputType({ description: 'What to change of an alert; what is left out stays as it is, and nothing can be cleared.' })
export class UpdateUsageAlertInput {
  @Field(() => ID, { description: 'Id of the alert.' })
  id!: string;

  @Field(() => String, { nullable: true, description: 'For people, 1 to 200 characters.' })
  name?: string | null;

  @Field(() => [Decimal], {
    nullable: true,
    description:
      'All of them: 1 to 20, rising, above 0. One that was reached in the open period is not reached again in it.',
  })
  thresholds?: string[] | null;
}

@InputType({ description: 'The alert to take out of use.' })
export class ArchiveUsageAlertInput {
  @Field(() => ID, { description: 'Id of the alert.' })
  id!: string;
}

@ObjectType({ description: 'The alert made.' })
export class CreateUsageAlertPayload {
  @Field(() => UsageAlert, { description: 'The alert made.' })
  usageAlert!: UsageAlert;
}

@ObjectType({ description: 'The alert changed.' })
export class UpdateUsageAlertPayload {
  @Field(() => UsageAlert, { description: 'The alert as it stands now.' })
  usageAlert!: UsageAlert;
}

@ObjectType({ description: 'The alert taken out of use.' })
export class ArchiveUsageAlertPayload {
  @Field(() => UsageAlert, { description: 'The alert as it stands now.' })
  usageAlert!: UsageAlert;
}

@InputType({ description: 'Which alerts; all conditions hold together.' })
export class UsageAlertFilter {
  @Field(() => String, { nullable: true, description: 'Of this service, by code.' })
  service?: string | null;

  @Field(() => String, { nullable: true, description: "On the contracts of a service's own account." })
  account?: string | null;

  @Field(() => ID, { nullable: true, description: 'On this contract.' })
  contractId?: string | null;

  @Field(() => String, { nullable: true, description: 'On metrics with this code.' })
  metric?: string | null;

  @Field(() => Boolean, { nullable: true, description: ARCHIVED_FILTER })
  archived?: boolean | null;
}

@ArgsType()
export class UsageAlertsArguments extends PageArguments {
  @Field(() => UsageAlertFilter, { nullable: true, description: 'Which alerts; all when left out.' })
  filter?: UsageAlertFilter | null;
}

@InputType({ description: 'Which events; all conditions hold together.' })
export class UsageAlertEventFilter {
  @Field(() => String, { nullable: true, description: 'Of the alerts of this service, by code.' })
  service?: string | null;

  @Field(() => String, { nullable: true, description: "On the contracts of a service's own account." })
  account?: string | null;

  @Field(() => ID, { nullable: true, description: 'On this contract.' })
  contractId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Of this alert.' })
  alertId?: string | null;

  @Field(() => Date, { nullable: true, description: 'Noticed at this instant or later.' })
  crossedFrom?: string | null;

  @Field(() => Date, { nullable: true, description: 'Noticed before this instant.' })
  crossedTo?: string | null;
}

const UsageAlertEventsArguments = listArguments({
  filter: UsageAlertEventFilter,
  description: 'Which events; all when left out.',
  order: UsageAlertEventOrder,
  byDefault: 'CROSSED_AT_DESC',
});

@Resolver(() => UsageAlert)
export class UsageAlertsResolver {
  @Authorized('billing:read')
  @Query(() => UsageAlertConnection, { description: 'Alerts on usage, the oldest first. Scope billing:read.' })
  async usageAlerts(
    @Context() ctx: Ctx,
    @Args(() => UsageAlertsArguments) { filter, ...page }: UsageAlertsArguments,
  ): Promise<Connection<UsageAlert>> {
    return toConnection(await usageAlerts(ctx, filter ?? {}, page));
  }

  @Authorized('catalog:write')
  @Mutation(() => CreateUsageAlertPayload, {
    nullable: true,
    description:
      'Makes an alert on the open periods of a contract. It is checked within a minute of usage, and at the close; what the open period has come to already counts. Scope catalog:write.',
  })
  createUsageAlert(
    @Context() ctx: Ctx,
    @Arg('input', () => CreateUsageAlertInput, { description: 'The alert to make.' }) input: CreateUsageAlertInput,
  ): Promise<CreateUsageAlertPayload> {
    return createUsageAlert(ctx, input);
  }

  @Authorized('catalog:write')
  @Mutation(() => UpdateUsageAlertPayload, {
    nullable: true,
    description: 'Changes the name or the thresholds of an alert. CONFLICT when it is archived. Scope catalog:write.',
  })
  updateUsageAlert(
    @Context() ctx: Ctx,
    @Arg('input', () => UpdateUsageAlertInput, { description: 'The alert, and what to change.' })
    input: UpdateUsageAlertInput,
  ): Promise<UpdateUsageAlertPayload> {
    return updateUsageAlert(ctx, input);
  }

  @Authorized('catalog:write')
  @Mutation(() => ArchiveUsageAlertPayload, {
    nullable: true,
    description: 'Takes an alert out of use; its events stay. Archiving it again changes nothing. Scope catalog:write.',
  })
  archiveUsageAlert(
    @Context() ctx: Ctx,
    @Arg('input', () => ArchiveUsageAlertInput, { description: 'The alert.' }) input: ArchiveUsageAlertInput,
  ): Promise<ArchiveUsageAlertPayload> {
    return archiveUsageAlert(ctx, input);
  }

  @FieldResolver(() => Service, { description: 'Whose alert it is.' })
  service(@Root() alert: UsageAlert, @Context() ctx: Ctx): Promise<Service | null> {
    return serviceById(ctx).load(alert.serviceId);
  }

  @FieldResolver(() => Contract, { description: 'Whose usage it watches.' })
  contract(@Root() alert: UsageAlert, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(alert.contractId);
  }

  @FieldResolver(() => Metric, { description: 'What it watches of it.' })
  metric(@Root() alert: UsageAlert, @Context() ctx: Ctx): Promise<Metric | null> {
    return metricById(ctx).load(alert.metricId);
  }
}

@Resolver(() => UsageAlertEvent)
export class UsageAlertEventsResolver {
  @Authorized('billing:read')
  @Query(() => UsageAlertEventConnection, {
    description:
      'Thresholds that usage has reached: one event for each alert, period and threshold, also when usage jumps over several at once. Scope billing:read.',
  })
  async usageAlertEvents(
    @Context() ctx: Ctx,
    @Args(() => UsageAlertEventsArguments)
    { filter, orderBy, ...page }: ListArguments<UsageAlertEventFilter, UsageAlertEventOrderName>,
  ): Promise<Connection<UsageAlertEvent>> {
    return toConnection(await usageAlertEvents(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @FieldResolver(() => UsageAlert, { description: 'Whose threshold it is, with its service, contract and metric.' })
  alert(@Root() event: UsageAlertEvent, @Context() ctx: Ctx): Promise<UsageAlert | null> {
    return usageAlertById(ctx).load(event.alertId);
  }

  @FieldResolver(() => BillingPeriod, { description: 'The period in which it was reached.' })
  period(@Root() event: UsageAlertEvent, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(event.periodId);
  }
}
