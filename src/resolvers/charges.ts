/** Charges in GraphQL, with their prices. */
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
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { parsePriceModel, type PriceModel as Price } from '../domain/price-model';
import { Charge, ChargeMode, GapPolicy } from '../entities/charge';
import { Day } from '../entities/columns';
import { Contract } from '../entities/contract';
import { Metric } from '../entities/metric';
import { Plan } from '../entities/plan';
import { Product } from '../entities/product';
import { archiveCharge } from '../services/catalog-charge-archive';
import { listCharges } from '../services/catalog-charge-reads';
import { createCharge } from '../services/catalog-charges';
import { ChargeFilter, ChargeFilterInput, FILTERS, filterViews, GROUP_BY, WARNINGS } from './charge-filters';
import { ARCHIVED_FILTER, connectionType, PageArguments, toConnection, type Connection } from './connection';
import { contractById, metricById, planByOdooId, productById } from './loaders';
import { PriceModel, PriceModelInput } from './price-models';

const ChargeConnection = connectionType(Charge, 'Charge');

@InputType({
  description:
    'A charge to make. `price`, `currency`, `minimumAmount`, `filters` and `groupBy` belong to mode AMOUNT and are refused in mode QUANTITY, where Odoo prices.',
})
export class CreateChargeInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => String, { description: 'Code of the metric.' })
  metric!: string;

  @Field(() => Int, {
    description:
      "Odoo's id of the product, a service invoiced on delivered quantities. A product serves one service, and its charges share mode, currency and `unitsPerProductUnit`.",
  })
  productOdooId!: number;

  @Field(() => ChargeMode, { description: 'Who prices the usage.' })
  mode!: ChargeMode;

  @Field(() => PriceModelInput, { nullable: true, description: 'The price; required in mode AMOUNT.' })
  price?: PriceModelInput | null;

  @Field(() => String, {
    nullable: true,
    description: 'Currency of the price, three letters that Odoo knows: "USD"; required in mode AMOUNT.',
  })
  currency?: string | null;

  @Field(() => Decimal, {
    defaultValue: '0',
    description: 'Units of the metric taken off before pricing, once a period; 0 or more.',
  })
  freeUnits!: string;

  @Field(() => Decimal, {
    defaultValue: '1',
    description:
      'How many units of the metric one unit of the product is: 1000 for "API calls (1k)". Above 0; 1 in mode AMOUNT.',
  })
  unitsPerProductUnit!: string;

  @Field(() => Decimal, {
    defaultValue: '0',
    description:
      'Least amount of a full period, in `currency`, 0 or more: what the price leaves is added, by days for a part of a period. Only in mode AMOUNT.',
  })
  minimumAmount!: string;

  @Field(() => [ChargeFilterInput], { nullable: true, description: `${FILTERS} Only in mode AMOUNT.` })
  filters?: ChargeFilterInput[] | null;

  @Field(() => [String], { nullable: true, description: `${GROUP_BY} Only in mode AMOUNT.` })
  groupBy?: string[] | null;

  @Field(() => Day, {
    nullable: true,
    description: 'It rates the periods that begin on this day or later; left out: however early they begin.',
  })
  validFrom?: string | null;

  @Field(() => Int, {
    nullable: true,
    description:
      "Odoo's id of a recurring plan: the charge rates the contracts whose order has this plan only, and before those that are bound to nothing.",
  })
  planOdooId?: number | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'The charge rates this contract only, and before those that are bound to a plan or to nothing. Not together with `planOdooId`.',
  })
  contractId?: string | null;

  @Field(() => GapPolicy, {
    defaultValue: GapPolicy.BILL_KNOWN,
    description: 'What becomes of a period when usage is missing that the metric expects.',
  })
  onGap!: GapPolicy;
}

@ObjectType({ description: 'The charge made.' })
export class CreateChargePayload {
  @Field(() => Charge, { description: 'The charge made.' })
  charge!: Charge;

  @Field(() => [String], { description: WARNINGS })
  warnings!: string[];
}

@InputType({ description: 'The charge to take out of use.' })
export class ArchiveChargeInput {
  @Field(() => ID, { description: 'Id of the charge.' })
  id!: string;

  @Field(() => Date, {
    nullable: true,
    description:
      'Periods that begin then or later are not rated with it. Left out: now, so that the open periods are rated with it to their end. It may lie in the past, as far as no later period was closed with the charge.',
  })
  from?: string | null;
}

@ObjectType({ description: 'The charge taken out of use.' })
export class ArchiveChargePayload {
  @Field(() => Charge, { description: 'The charge as it stands now.' })
  charge!: Charge;
}

@ArgsType()
export class ChargesArguments extends PageArguments {
  @Field(() => String, { nullable: true, description: 'Code of the service whose charges are wanted.' })
  service?: string | null;

  @Field(() => String, { nullable: true, description: 'Code of the metric whose charges are wanted.' })
  metric?: string | null;

  @Field(() => Int, { nullable: true, description: "Odoo's id of the product whose charges are wanted." })
  productOdooId?: number | null;

  @Field(() => Boolean, { nullable: true, description: ARCHIVED_FILTER })
  archived?: boolean | null;
}

@Resolver(() => Charge)
export class ChargesResolver {
  @Authorized('catalog:read')
  @Query(() => ChargeConnection, { description: 'Charges, the oldest first. Scope catalog:read.' })
  async charges(
    @Context() ctx: Ctx,
    @Args(() => ChargesArguments) filter: ChargesArguments,
  ): Promise<Connection<Charge>> {
    return toConnection(await listCharges(ctx, filter, filter));
  }

  @Authorized('catalog:write')
  @Mutation(() => CreateChargePayload, {
    nullable: true,
    description: 'Lets an Odoo product carry a metric. Scope catalog:write.',
  })
  createCharge(
    @Context() ctx: Ctx,
    @Arg('input', () => CreateChargeInput, { description: 'The charge to make.' }) input: CreateChargeInput,
  ): Promise<CreateChargePayload> {
    return createCharge(ctx, input);
  }

  @Authorized('catalog:write')
  @Mutation(() => ArchiveChargePayload, {
    nullable: true,
    description:
      'Takes a charge out of use from the next period on; what is rated stays, and what is due on its product stays due and is still written to Odoo. A new charge of the metric, on the same product or another, takes over where this one ends. Of several versions the last one is archived first. Archiving it again changes nothing, unless an earlier instant is named. Scope catalog:write.',
  })
  archiveCharge(
    @Context() ctx: Ctx,
    @Arg('input', () => ArchiveChargeInput, { description: 'The charge, and from when on.' }) input: ArchiveChargeInput,
  ): Promise<ArchiveChargePayload> {
    return archiveCharge(ctx, input);
  }

  @FieldResolver(() => Metric, { description: 'What is charged.' })
  metric(@Root() charge: Charge, @Context() ctx: Ctx): Promise<Metric | null> {
    return metricById(ctx).load(charge.metricId);
  }

  @FieldResolver(() => Product, { description: 'The Odoo product whose subscription line carries it.' })
  product(@Root() charge: Charge, @Context() ctx: Ctx): Promise<Product | null> {
    return productById(ctx).load(charge.productId);
  }

  @FieldResolver(() => PriceModel, {
    nullable: true,
    description: "The price; null in mode QUANTITY, where Odoo's price list holds.",
  })
  price(@Root() charge: Charge): Price | null {
    return charge.price === null ? null : parsePriceModel(charge.price);
  }
  @FieldResolver(() => [ChargeFilter], {
    description: 'Filters, each with a price of its own for the records that match it; the oldest of equals first.',
  })
  filters(@Root() charge: Charge): ChargeFilter[] {
    return filterViews(charge);
  }

  @FieldResolver(() => Plan, {
    nullable: true,
    description: 'It rates the contracts whose order has this plan only; null: no matter which plan.',
  })
  async plan(@Root() charge: Charge, @Context() ctx: Ctx): Promise<Plan | null> {
    return charge.planOdooId === null ? null : planByOdooId(ctx).load(charge.planOdooId);
  }

  @FieldResolver(() => Contract, {
    nullable: true,
    description: 'It rates this contract only; null: no matter which contract.',
  })
  async contract(@Root() charge: Charge, @Context() ctx: Ctx): Promise<Contract | null> {
    return charge.contractId === null ? null : contractById(ctx).load(charge.contractId);
  }
}
