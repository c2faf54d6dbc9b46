/** Contracts in GraphQL: their orders, billers and periods. */
import { Args, Ctx as Context, FieldResolver, Resolver, Root } from 'type-graphql';
import type { Ctx } from '../ctx';
import { BillerSpan } from '../entities/biller-span';
import { BillingPeriod } from '../entities/billing-period';
import { Contract } from '../entities/contract';
import { Service } from '../entities/service';
import { Subscription } from '../entities/subscription';
import { billingPeriods } from '../services/billing-reads';
import { BillingPeriodConnection } from './billing-periods';
import { type Connection, PageArguments, toConnection } from './connection';
import { openPeriodByContractId, serviceById, spansByContractId, subscriptionsByContractId } from './loaders';

@Resolver(() => Contract)
export class ContractsResolver {
  @FieldResolver(() => [Subscription], { description: 'Its orders in sequence, the oldest first.' })
  async subscriptions(@Root() contract: Contract, @Context() ctx: Ctx): Promise<Subscription[]> {
    return (await subscriptionsByContractId(ctx).load(contract.id)) ?? [];
  }

  @FieldResolver(() => [BillerSpan], { description: 'Who bills which service, and when.' })
  async billers(@Root() contract: Contract, @Context() ctx: Ctx): Promise<BillerSpan[]> {
    return (await spansByContractId(ctx).load(contract.id)) ?? [];
  }

  @FieldResolver(() => BillingPeriod, {
    nullable: true,
    description: 'The period that takes usage now; null until the order runs.',
  })
  openPeriod(@Root() contract: Contract, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return openPeriodByContractId(ctx).load(contract.id);
  }

  @FieldResolver(() => BillingPeriodConnection, { description: 'Its periods, the newest first.' })
  async periods(
    @Root() contract: Contract,
    @Context() ctx: Ctx,
    @Args(() => PageArguments) page: PageArguments,
  ): Promise<Connection<BillingPeriod>> {
    return toConnection(await billingPeriods(ctx, { contractId: contract.id }, page));
  }
}

@Resolver(() => BillerSpan)
export class BillerSpansResolver {
  @FieldResolver(() => Service, { description: 'Whose usage is billed.' })
  service(@Root() span: BillerSpan, @Context() ctx: Ctx): Promise<Service | null> {
    return serviceById(ctx).load(span.serviceId);
  }
}
