/** Account links in GraphQL. */
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { AccountLink } from '../entities/account-link';
import { Contract } from '../entities/contract';
import { Partner } from '../entities/partner';
import { Service } from '../entities/service';
import { createAccountLink, listAccountLinks } from '../services/account-links';
import { connectionType, PageArguments, toConnection, type Connection } from './connection';
import { contractById, partnerById, serviceById } from './loaders';

const AccountLinkConnection = connectionType(AccountLink, 'AccountLink');

@InputType({ description: 'A link to make.' })
export class CreateAccountLinkInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => String, { description: "The service's own id of the account, 1 to 200 characters." })
  account!: string;

  @Field(() => Int, { description: "Odoo's id of the partner who pays; need not be mirrored yet." })
  partnerOdooId!: number;

  @Field(() => Date, { nullable: true, description: 'Usage counted earlier is refused; left out: now.' })
  validFrom?: string | null;

  @Field(() => Date, {
    nullable: true,
    description: 'Usage counted from then on is refused; left out: the link stays.',
  })
  validTo?: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "Odoo's id of a subscription of the partner's company: the account's usage goes to its contract. Left out: to the only contract that fits.",
  })
  subscriptionOdooId?: number | null;
}

@InputType({ description: 'Which links are wanted; what is left out does not narrow.' })
export class AccountLinkFilter {
  @Field(() => String, { nullable: true, description: 'Service code.' })
  service?: string | null;

  @Field(() => String, { nullable: true, description: "The service's own id of the account." })
  account?: string | null;

  @Field(() => Int, { nullable: true, description: "Odoo's id of the partner who pays." })
  partnerOdooId?: number | null;
}

@ObjectType({ description: 'The link made.' })
export class CreateAccountLinkPayload {
  @Field(() => AccountLink, { description: 'The link made.' })
  accountLink!: AccountLink;
}

@Resolver(() => AccountLink)
export class AccountLinksResolver {
  @Authorized('catalog:read')
  @Query(() => AccountLinkConnection, { description: 'Account links, the oldest first. Scope catalog:read.' })
  async accountLinks(
    @Context() ctx: Ctx,
    @Args(() => PageArguments) page: PageArguments,
    @Arg('filter', () => AccountLinkFilter, { nullable: true, description: 'Which links are wanted.' })
    filter: AccountLinkFilter | null = null,
  ): Promise<Connection<AccountLink>> {
    return toConnection(await listAccountLinks(ctx, filter ?? {}, page));
  }

  @Authorized('catalog:write')
  @Mutation(() => CreateAccountLinkPayload, {
    nullable: true,
    description: "Ties a service's account to the Odoo partner who pays for it. Scope catalog:write.",
  })
  createAccountLink(
    @Context() ctx: Ctx,
    @Arg('input', () => CreateAccountLinkInput, { description: 'The link to make.' }) input: CreateAccountLinkInput,
  ): Promise<CreateAccountLinkPayload> {
    return createAccountLink(ctx, input);
  }

  @FieldResolver(() => Service, { description: 'The service whose account it is.' })
  service(@Root() link: AccountLink, @Context() ctx: Ctx): Promise<Service | null> {
    return serviceById(ctx).load(link.serviceId);
  }

  @FieldResolver(() => Partner, { description: 'The Odoo partner who pays.' })
  partner(@Root() link: AccountLink, @Context() ctx: Ctx): Promise<Partner | null> {
    return partnerById(ctx).load(link.partnerId);
  }

  @FieldResolver(() => Contract, {
    nullable: true,
    description: 'Where usage sent for the account goes; null: to the only contract that fits.',
  })
  async contract(@Root() link: AccountLink, @Context() ctx: Ctx): Promise<Contract | null> {
    return link.contractId === null ? null : contractById(ctx).load(link.contractId);
  }
}
