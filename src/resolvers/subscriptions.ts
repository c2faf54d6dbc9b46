/** Subscriptions and their lines in GraphQL. */
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Charge } from '../entities/charge';
import { Contract } from '../entities/contract';
import { Partner } from '../entities/partner';
import { Plan } from '../entities/plan';
import { Product } from '../entities/product';
import { Subscription, SubscriptionState } from '../entities/subscription';
import { SubscriptionLine } from '../entities/subscription-line';
import { MirrorModel } from '../entities/sync-run';
import { Day } from '../entities/columns';
import {
  listSubscriptions,
  subscriptionInSight,
  type SubscriptionOrder as SubscriptionOrderName,
} from '../services/mirror-reads';
import {
  connectionType,
  orderEnum,
  toConnection,
  type Connection,
  type ListArguments,
  listArguments,
} from './connection';
import {
  chargesByProductOdooId,
  contractById,
  currencyCodeByOdooId,
  linesBySubscriptionOdooId,
  partnerByOdooId,
  planByOdooId,
  productByOdooId,
  subscriptionByOdooId,
} from './loaders';
import { asOfRow } from './mirror-nouns';

export const SubscriptionConnection = connectionType(Subscription, 'Subscription');

const SubscriptionOrder = orderEnum<SubscriptionOrderName>('SubscriptionOrder', 'subscriptions', {
  FIRST_SEEN_AT_ASC: 'As they were first seen here, the first one first.',
  FIRST_SEEN_AT_DESC: 'As they were first seen here, the newest first.',
  NEXT_INVOICE_ON_ASC: 'By the day of their next invoice, the earliest first, those without one last.',
  NEXT_INVOICE_ON_DESC: 'By the day of their next invoice, those without one first, then the latest.',
});

@InputType({ description: 'Which subscriptions are wanted; all conditions hold together.' })
export class SubscriptionFilter {
  @Field(() => String, { nullable: true, description: 'Code of a service that has linked the partner.' })
  service?: string | null;

  @Field(() => String, { nullable: true, description: "A service's own id of an account linked to the partner." })
  account?: string | null;

  @Field(() => Int, { nullable: true, description: "Odoo's id of the order." })
  odooId?: number | null;

  @Field(() => Int, { nullable: true, description: "Odoo's id of the customer on the order." })
  partnerOdooId?: number | null;

  @Field(() => ID, { nullable: true, description: 'Our id of the contract.' })
  contractId?: string | null;

  @Field(() => [SubscriptionState], { nullable: true, description: 'In one of these states.' })
  states?: SubscriptionState[] | null;

  @Field(() => Day, { nullable: true, description: 'Whose next invoice is due on this day or later.' })
  nextInvoiceFrom?: string | null;

  @Field(() => Day, { nullable: true, description: 'Whose next invoice is due before this day.' })
  nextInvoiceTo?: string | null;
}

const SubscriptionsArguments = listArguments({
  filter: SubscriptionFilter,
  description: 'Which subscriptions are wanted.',
  order: SubscriptionOrder,
  byDefault: 'FIRST_SEEN_AT_ASC',
});

@Resolver(() => Subscription)
export class SubscriptionsResolver {
  @Authorized('catalog:read')
  @Query(() => Subscription, { nullable: true, description: 'One subscription. Scope catalog:read.' })
  subscription(
    @Context() ctx: Ctx,
    @Arg('id', () => ID, { description: 'Our id of it.' }) id: string,
  ): Promise<Subscription> {
    return subscriptionInSight(ctx, id);
  }

  @Authorized('catalog:read')
  @Query(() => SubscriptionConnection, {
    description: 'Subscriptions; a service sees those of the partners it has linked. Scope catalog:read.',
  })
  async subscriptions(
    @Context() ctx: Ctx,
    @Args(() => SubscriptionsArguments)
    { filter, orderBy, ...page }: ListArguments<SubscriptionFilter, SubscriptionOrderName>,
  ): Promise<Connection<Subscription>> {
    return toConnection(await listSubscriptions(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @FieldResolver(() => Partner, { description: 'The customer on the order.' })
  partner(@Root() subscription: Subscription, @Context() ctx: Ctx): Promise<Partner | null> {
    return partnerByOdooId(ctx).load(subscription.partnerOdooId);
  }

  @FieldResolver(() => Plan, { nullable: true, description: 'How often it is invoiced; null when it has no plan.' })
  async plan(@Root() subscription: Subscription, @Context() ctx: Ctx): Promise<Plan | null> {
    return subscription.planOdooId === null ? null : planByOdooId(ctx).load(subscription.planOdooId);
  }

  @FieldResolver(() => String, { description: 'Currency of the order, three letters: "USD".' })
  currency(@Root() subscription: Subscription, @Context() ctx: Ctx): Promise<string | null> {
    return currencyCodeByOdooId(ctx).load(subscription.currencyOdooId);
  }

  @FieldResolver(() => [SubscriptionLine], { description: "Its lines in sight, in the order of Odoo's ids." })
  lines(@Root() subscription: Subscription, @Context() ctx: Ctx): Promise<SubscriptionLine[] | null> {
    return linesBySubscriptionOdooId(ctx).load(subscription.odooId);
  }

  @FieldResolver(() => Contract, { description: 'The contract to which its usage and periods belong.' })
  contract(@Root() subscription: Subscription, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(subscription.contractId);
  }

  @FieldResolver(() => Date, { description: 'It equals Odoo as of this instant, or a later one.' })
  asOf(@Root() subscription: Subscription, @Context() ctx: Ctx): Promise<Date | null> {
    return asOfRow(ctx, MirrorModel.SUBSCRIPTION, subscription);
  }
}

@Resolver(() => SubscriptionLine)
export class SubscriptionLinesResolver {
  @FieldResolver(() => Subscription, { description: 'The order it stands on.' })
  subscription(@Root() line: SubscriptionLine, @Context() ctx: Ctx): Promise<Subscription | null> {
    return subscriptionByOdooId(ctx).load(line.subscriptionOdooId);
  }

  @FieldResolver(() => Product, { nullable: true, description: 'What it sells; null for sections and notes.' })
  async product(@Root() line: SubscriptionLine, @Context() ctx: Ctx): Promise<Product | null> {
    return line.productOdooId === null ? null : productByOdooId(ctx).load(line.productOdooId);
  }

  @FieldResolver(() => [Charge], { description: 'The charges in sight whose usage the line carries.' })
  async charges(@Root() line: SubscriptionLine, @Context() ctx: Ctx): Promise<Charge[] | null> {
    return line.productOdooId === null ? [] : chargesByProductOdooId(ctx).load(line.productOdooId);
  }

  @FieldResolver(() => Date, { description: 'It equals Odoo as of this instant, or a later one.' })
  asOf(@Root() line: SubscriptionLine, @Context() ctx: Ctx): Promise<Date | null> {
    return asOfRow(ctx, MirrorModel.SUBSCRIPTION_LINE, line);
  }
}
