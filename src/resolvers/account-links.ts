/** Account links in GraphQL. */
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
import type { Subscription } from '../entities/subscription';
import {
  archiveAccountLink,
  createAccountLink,
  endAccountLink,
  listAccountLinks,
  updateAccountLink,
} from '../services/account-links';
import {
  ARCHIVED_FILTER,
  connectionType,
  InnerPageArguments,
  PageArguments,
  toConnection,
  type Connection,
} from './connection';
import {
  contractById,
  partnerById,
  serviceById,
  subscriptionPageByContractId,
  subscriptionPageByPartnerOdooId,
} from './loaders';
import { SubscriptionConnection } from './subscriptions';

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

@InputType({ description: 'What to change of a link; what is left out stays as it is.' })
export class UpdateAccountLinkInput {
  @Field(() => ID, { description: 'Id of the link.' })
  id!: string;

  @Field(() => Date, {
    nullable: true,
    description:
      'Usage counted from then on is refused; null: the link stays. It can lie neither before usage that is recorded, nor in the time of another link of the account.',
  })
  validTo?: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "Odoo's id of a subscription of the partner's company: usage recorded from now on goes to its contract. Null takes the pin away. What is recorded with a contract already stays there.",
  })
  subscriptionOdooId?: number | null;
}

@InputType({ description: 'The link to end.' })
export class EndAccountLinkInput {
  @Field(() => ID, { description: 'Id of the link.' })
  id!: string;

  @Field(() => Date, {
    nullable: true,
    description: 'Usage counted from then on is refused; left out: now. It cannot lie before usage that is recorded.',
  })
  at?: string | null;
}

@InputType({ description: 'The link to take back.' })
export class ArchiveAccountLinkInput {
  @Field(() => ID, { description: 'Id of the link.' })
  id!: string;
}

@InputType({ description: 'Which links are wanted; what is left out does not narrow.' })
export class AccountLinkFilter {
  @Field(() => String, { nullable: true, description: 'Service code.' })
  service?: string | null;

  @Field(() => String, { nullable: true, description: "The service's own id of the account." })
  account?: string | null;

  @Field(() => Int, { nullable: true, description: "Odoo's id of the partner who pays." })
  partnerOdooId?: number | null;

  @Field(() => Date, { nullable: true, description: 'That hold at this instant.' })
  validAt?: string | null;

  @Field(() => Boolean, { nullable: true, description: ARCHIVED_FILTER })
  archived?: boolean | null;
}

@ObjectType({ description: 'The link made.' })
export class CreateAccountLinkPayload {
  @Field(() => AccountLink, { description: 'The link made.' })
  accountLink!: AccountLink;
}

@ObjectType({ description: 'The link changed.' })
export class UpdateAccountLinkPayload {
  @Field(() => AccountLink, { description: 'The link as it stands now.' })
  accountLink!: AccountLink;
}

@ObjectType({ description: 'The link ended.' })
export class EndAccountLinkPayload {
  @Field(() => AccountLink, { description: 'The link as it stands now.' })
  accountLink!: AccountLink;
}

@ObjectType({ description: 'The link taken back.' })
export class ArchiveAccountLinkPayload {
  @Field(() => AccountLink, { description: 'The link as it stands now.' })
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

  @Authorized('catalog:write')
  @Mutation(() => UpdateAccountLinkPayload, {
    nullable: true,
    description: 'Changes until when a link holds, or which contract it is pinned to. Scope catalog:write.',
  })
  updateAccountLink(
    @Context() ctx: Ctx,
    @Arg('input', () => UpdateAccountLinkInput, { description: 'The link, and what to change.' })
    input: UpdateAccountLinkInput,
  ): Promise<UpdateAccountLinkPayload> {
    return updateAccountLink(ctx, input);
  }

  @Authorized('catalog:write')
  @Mutation(() => EndAccountLinkPayload, {
    nullable: true,
    description:
      'Ends a link, so that the account can be linked to another partner from then on. Ending one that has ended by then changes nothing. Scope catalog:write.',
  })
  endAccountLink(
    @Context() ctx: Ctx,
    @Arg('input', () => EndAccountLinkInput, { description: 'The link, and when it ends.' })
    input: EndAccountLinkInput,
  ): Promise<EndAccountLinkPayload> {
    return endAccountLink(ctx, input);
  }

  @Authorized('catalog:write')
  @Mutation(() => ArchiveAccountLinkPayload, {
    nullable: true,
    description:
      'Takes back a link that was made by mistake and has no usage, so that the account can be linked anew from its beginning. Archiving it again changes nothing. Scope catalog:write.',
  })
  archiveAccountLink(
    @Context() ctx: Ctx,
    @Arg('input', () => ArchiveAccountLinkInput, { description: 'The link.' }) input: ArchiveAccountLinkInput,
  ): Promise<ArchiveAccountLinkPayload> {
    return archiveAccountLink(ctx, input);
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

  @FieldResolver(() => SubscriptionConnection, {
    description: "The partner's subscriptions, or those of the contract it is pinned to, those first seen first.",
  })
  async subscriptions(
    @Root() link: AccountLink,
    @Context() ctx: Ctx,
    @Args(() => InnerPageArguments) page: InnerPageArguments,
  ): Promise<Connection<Subscription>> {
    if (link.contractId !== null) {
      return toConnection(await subscriptionPageByContractId(ctx, page).load(link.contractId));
    }
    const partner = await partnerById(ctx).load(link.partnerId);
    if (partner === null) return toConnection<Subscription>(null);
    return toConnection(await subscriptionPageByPartnerOdooId(ctx, page).load(partner.odooId));
  }
}
