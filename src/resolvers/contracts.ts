/** Contracts in GraphQL: their orders, billers and periods. */
import { Arg, Args, Authorized, Ctx as Context, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import type { Ctx } from '../ctx';
import { BillerSpan } from '../entities/biller-span';
import { BillingPeriod } from '../entities/billing-period';
import { Contract } from '../entities/contract';
import { Partner } from '../entities/partner';
import { Service } from '../entities/service';
import { Subscription } from '../entities/subscription';
import type { ProductBalance } from '../services/balances';
import { contractInSight } from '../services/contracts';
import { Balance } from './balances';
import { BillingPeriodConnection } from './billing-periods';
import { type Connection, InnerPageArguments, toConnection } from './connection';
import {
  balancesByContractId,
  openPeriodByContractId,
  partnerByOdooId,
  periodPageByContractId,
  serviceById,
  spansByContractId,
  subscriptionsByContractId,
} from './loaders';

@Resolver(() => Contract)
export class ContractsResolver {
  @Authorized('catalog:read')
  @Query(() => Contract, { nullable: true, description: 'One contract. Scope catalog:read.' })
  contract(@Context() ctx: Ctx, @Arg('id', () => ID, { description: 'Our id of it.' }) id: string): Promise<Contract> {
    return contractInSight(ctx, id, 'id');
  }

  @FieldResolver(() => [Subscription], { description: 'Its orders in sequence, the oldest first.' })
  async subscriptions(@Root() contract: Contract, @Context() ctx: Ctx): Promise<Subscription[]> {
    return (await subscriptionsByContractId(ctx).load(contract.id)) ?? [];
  }

  @FieldResolver(() => Partner, {
    nullable: true,
    description: 'The customer on its newest order in sight.',
  })
  async partner(@Root() contract: Contract, @Context() ctx: Ctx): Promise<Partner | null> {
    const newest = (await subscriptionsByContractId(ctx).load(contract.id))?.at(-1);
    return newest === undefined ? null : partnerByOdooId(ctx).load(newest.partnerOdooId);
  }

  @Authorized('billing:read')
  @FieldResolver(() => [Balance], { description: 'What is due on each of its products. Scope billing:read.' })
  async balances(@Root() contract: Contract, @Context() ctx: Ctx): Promise<ProductBalance[]> {
    return (await balancesByContractId(ctx).load(contract.id)) ?? [];
  }

  @FieldResolver(() => [BillerSpan], { description: 'Who bills which service, and when.' })
  async billers(@Root() contract: Contract, @Context() ctx: Ctx): Promise<BillerSpan[]> {
    return (await spansByContractId(ctx).load(contract.id)) ?? [];
  }

  @Authorized('billing:read')
  @FieldResolver(() => BillingPeriod, {
    nullable: true,
    description: 'The period that takes usage now; null until the order runs. Scope billing:read.',
  })
  openPeriod(@Root() contract: Contract, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return openPeriodByContractId(ctx).load(contract.id);
  }

  @Authorized('billing:read')
  @FieldResolver(() => BillingPeriodConnection, { description: 'Its periods, the newest first. Scope billing:read.' })
  async periods(
    @Root() contract: Contract,
    @Context() ctx: Ctx,
    @Args(() => InnerPageArguments) page: InnerPageArguments,
  ): Promise<Connection<BillingPeriod>> {
    return toConnection(await periodPageByContractId(ctx, page).load(contract.id));
  }
}

@Resolver(() => BillerSpan)
export class BillerSpansResolver {
  @FieldResolver(() => Service, { description: 'Whose usage is billed.' })
  service(@Root() span: BillerSpan, @Context() ctx: Ctx): Promise<Service | null> {
    return serviceById(ctx).load(span.serviceId);
  }
}
