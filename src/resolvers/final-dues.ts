/** Final dues in GraphQL: what nothing will bill, and how a person settles it. */
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
  registerEnumType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { BalanceEntry } from '../entities/balance-entry';
import { Contract } from '../entities/contract';
import { FinalDue, FinalDueState } from '../entities/final-due';
import { Product } from '../entities/product';
import {
  type FinalDueOrder as FinalDueOrderName,
  finalDues,
  settleFinalDue,
  type SettleFinalDueInput as Settlement,
} from '../services/final-dues';
import {
  type Connection,
  connectionType,
  orderEnum,
  toConnection,
  type ListArguments,
  listArguments,
} from './connection';
import { ContractFilter } from './contract-filter';
import { balanceEntryById, contractById, finalDueById, productById } from './loaders';

const FinalDueConnection = connectionType(FinalDue, 'FinalDue');

const FinalDueOrder = orderEnum<FinalDueOrderName>('FinalDueOrder', 'final dues', {
  FOUND_AT_ASC: 'As they were found, the first one first.',
  FOUND_AT_DESC: 'As they were found, the newest first.',
});

const FinalDueSettlement = {
  INVOICED: 'INVOICED',
  CREDITED: 'CREDITED',
  WAIVED: 'WAIVED',
} as const satisfies { [K in Settlement['how']]: K };
registerEnumType(FinalDueSettlement, {
  name: 'FinalDueSettlement',
  description: 'How a person settles what nothing will bill.',
  valuesConfig: {
    INVOICED: {
      description:
        "By an invoice made in Odoo apart from the order's lines; one that is made of the order's own line is seen by itself.",
    },
    CREDITED: { description: 'By a credit note in Odoo: of a negative value only.' },
    WAIVED: { description: 'Nobody pays it.' },
  },
});

@InputType({ description: 'Which final dues; all conditions hold together.' })
export class FinalDueFilter extends ContractFilter {
  @Field(() => String, { nullable: true, description: 'Of the products of this service, by code.' })
  service?: string | null;

  @Field(() => [FinalDueState], { nullable: true, description: 'In one of these states.' })
  states?: FinalDueState[] | null;
}

const FinalDuesArguments = listArguments({
  filter: FinalDueFilter,
  description: 'Which items; all when left out.',
  order: FinalDueOrder,
  byDefault: 'FOUND_AT_DESC',
});

@InputType({ description: 'What was done about a final due.' })
export class SettleFinalDueInput {
  @Field(() => ID, { description: 'Id of the item.' })
  id!: string;

  @Field(() => FinalDueSettlement, { description: 'What was done.' })
  how!: Settlement['how'];

  @Field(() => String, { description: 'Why, or by which document, in 1 to 500 characters; kept with the entry.' })
  reason!: string;
}

@ObjectType({ description: 'The final due settled.' })
export class SettleFinalDuePayload {
  id!: string;

  @Field(() => FinalDue, { nullable: true, description: 'The item as it stands now.' })
  finalDue?: FinalDue | null;
}

@Resolver(() => FinalDue)
export class FinalDuesResolver {
  @Authorized('billing:read')
  @Query(() => FinalDueConnection, {
    description:
      'What is due and nothing will bill: of products that left their order without a successor, and of contracts that ended. Scope billing:read.',
  })
  async finalDues(
    @Context() ctx: Ctx,
    @Args(() => FinalDuesArguments) { filter, orderBy, ...page }: ListArguments<FinalDueFilter, FinalDueOrderName>,
  ): Promise<Connection<FinalDue>> {
    return toConnection(await finalDues(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @Authorized('billing:run')
  @Mutation(() => SettleFinalDuePayload, {
    nullable: true,
    description:
      'Takes a final due out of the balance, because a person invoiced it, credited it, or lets it go. Nothing is sent to Odoo. Scope billing:run.',
  })
  settleFinalDue(
    @Context() ctx: Ctx,
    @Arg('input', () => SettleFinalDueInput, { description: 'Which one, how, and why.' }) input: SettleFinalDueInput,
  ): Promise<SettleFinalDuePayload> {
    return settleFinalDue(ctx, input);
  }

  @FieldResolver(() => Contract, { nullable: true, description: 'Whose balance it is.' })
  contract(@Root() item: FinalDue, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(item.contractId);
  }

  @FieldResolver(() => Product, { nullable: true, description: 'The product whose balance it is.' })
  product(@Root() item: FinalDue, @Context() ctx: Ctx): Promise<Product | null> {
    return productById(ctx).load(item.productId);
  }

  @FieldResolver(() => BalanceEntry, {
    nullable: true,
    description: 'How it was settled, by whom and why; null unless it was.',
  })
  async entry(@Root() item: FinalDue, @Context() ctx: Ctx): Promise<BalanceEntry | null> {
    return item.balanceEntryId === null ? null : balanceEntryById(ctx).load(item.balanceEntryId);
  }
}

@Resolver(() => SettleFinalDuePayload)
export class SettleFinalDuePayloadResolver {
  @FieldResolver()
  finalDue(@Root() payload: SettleFinalDuePayload, @Context() ctx: Ctx): Promise<FinalDue | null> {
    return finalDueById(ctx).load(payload.id);
  }
}
