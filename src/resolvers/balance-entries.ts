/** Entries of balances in GraphQL: waiving what is due, and all that was done to balances by name. */
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
import { Decimal } from '../domain/decimal';
import { BalanceEntry, BalanceEntryKind } from '../entities/balance-entry';
import { BillingPeriod } from '../entities/billing-period';
import { Contract } from '../entities/contract';
import { Product } from '../entities/product';
import { type BalanceEntryOrder as BalanceEntryOrderName, balanceEntries } from '../services/balance-entries';
import { type WaiveBalanceResult, waiveBalance } from '../services/waivers';
import {
  type Connection,
  connectionType,
  orderEnum,
  toConnection,
  type ListArguments,
  listArguments,
} from './connection';
import { ContractFilter } from './contract-filter';
import { balanceEntryById, contractById, periodById, productById } from './loaders';

const BalanceEntryConnection = connectionType(BalanceEntry, 'BalanceEntry');

const BalanceEntryOrder = orderEnum<BalanceEntryOrderName>('BalanceEntryOrder', 'entries of balances', {
  CREATED_AT_ASC: 'As they were made, the first one first.',
  CREATED_AT_DESC: 'As they were made, the newest first.',
});

@InputType({ description: 'Which entries of balances; all conditions hold together.' })
export class BalanceEntryFilter extends ContractFilter {
  @Field(() => String, { nullable: true, description: 'Of the products of this service, by code.' })
  service?: string | null;

  @Field(() => Int, { nullable: true, description: "Of this product, by Odoo's id." })
  productOdooId?: number | null;

  @Field(() => [BalanceEntryKind], { nullable: true, description: 'Of one of these kinds.' })
  kinds?: BalanceEntryKind[] | null;
}

const BalanceEntriesArguments = listArguments({
  filter: BalanceEntryFilter,
  description: 'Which entries; all when left out.',
  order: BalanceEntryOrder,
  byDefault: 'CREATED_AT_DESC',
});

@InputType({ description: 'What to let go of what is due on one product of a contract.' })
export class WaiveBalanceInput {
  @Field(() => ID, { description: 'Id of the contract.' })
  contractId!: string;

  @Field(() => Int, { description: "The product whose balance it is, by Odoo's id." })
  productOdooId!: number;

  @Field(() => Decimal, {
    description:
      "In product units (QUANTITY), or in money with the currency's digits (AMOUNT). At most what is due; negative only while the balance is, when a person gave back in Odoo what was billed too much.",
  })
  value!: string;

  @Field(() => String, { description: 'Why, in 1 to 500 characters; kept with the entry.' })
  reason!: string;

  @Field(() => String, {
    nullable: true,
    description:
      'Names this waiver within the service, without limit of time: sent again with the same content it is the same waiver, with other content IDEMPOTENCY_CONFLICT.',
  })
  idempotencyKey?: string | null;
}

@ObjectType({ description: 'The waiver. The line in Odoo is set to what is left within moments.' })
export class WaiveBalancePayload {
  entryId!: string;
  status!: WaiveBalanceResult['status'];

  @Field(() => BalanceEntry, { nullable: true, description: 'The entry it made.' })
  entry?: BalanceEntry | null;

  @Field(() => Boolean, { description: 'Whether the key had made the entry before, so that nothing changed now.' })
  isDuplicate?: boolean;
}

@Resolver(() => BalanceEntry)
export class BalanceEntriesResolver {
  @Authorized('billing:read')
  @Query(() => BalanceEntryConnection, {
    description: 'What was done to balances by name: waived, settled, written off, passed on. Scope billing:read.',
  })
  async balanceEntries(
    @Context() ctx: Ctx,
    @Args(() => BalanceEntriesArguments)
    { filter, orderBy, ...page }: ListArguments<BalanceEntryFilter, BalanceEntryOrderName>,
  ): Promise<Connection<BalanceEntry>> {
    return toConnection(await balanceEntries(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @Authorized('billing:run')
  @Mutation(() => WaiveBalancePayload, {
    nullable: true,
    description:
      'Lets go of what is due on one product of a contract, or of a part of it, with a name and a reason: it will not be billed. Of what is due by the closed periods; the usage of the open one cannot be waived yet. VALIDATION_FAILED with `details.due` when it is more than is due. Scope billing:run.',
  })
  waiveBalance(
    @Context() ctx: Ctx,
    @Arg('input', () => WaiveBalanceInput, { description: 'What to let go, and why.' }) input: WaiveBalanceInput,
  ): Promise<WaiveBalancePayload> {
    return waiveBalance(ctx, input);
  }

  @FieldResolver(() => Contract, { nullable: true, description: 'Whose balance it changed.' })
  contract(@Root() entry: BalanceEntry, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(entry.contractId);
  }

  @FieldResolver(() => Product, { nullable: true, description: 'The product whose balance it changed.' })
  product(@Root() entry: BalanceEntry, @Context() ctx: Ctx): Promise<Product | null> {
    return productById(ctx).load(entry.productId);
  }

  @FieldResolver(() => BillingPeriod, { nullable: true, description: 'The period that was open then.' })
  period(@Root() entry: BalanceEntry, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(entry.periodId);
  }

  @FieldResolver(() => BalanceEntry, {
    nullable: true,
    description: 'The other side of a balance passed on; null for all other kinds.',
  })
  async counterpart(@Root() entry: BalanceEntry, @Context() ctx: Ctx): Promise<BalanceEntry | null> {
    return entry.counterpartId === null ? null : balanceEntryById(ctx).load(entry.counterpartId);
  }
}

@Resolver(() => WaiveBalancePayload)
export class WaiveBalancePayloadResolver {
  @FieldResolver()
  entry(@Root() payload: WaiveBalancePayload, @Context() ctx: Ctx): Promise<BalanceEntry | null> {
    return balanceEntryById(ctx).load(payload.entryId);
  }

  @FieldResolver()
  isDuplicate(@Root() payload: WaiveBalancePayload): boolean {
    return payload.status === 'DUPLICATE';
  }
}
