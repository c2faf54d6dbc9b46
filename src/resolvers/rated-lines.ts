/** Rated usage in GraphQL: previews, stored lines with their revisions, and the steps that explain an amount. */
import {
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  ObjectType,
  Query,
  registerEnumType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import type { PriceStepKind } from '../domain/price';
import { Adjustment } from '../entities/adjustment';
import { BillableLine } from '../entities/billable-line';
import { BillingPeriod } from '../entities/billing-period';
import { Charge } from '../entities/charge';
import { FlatObject } from '../entities/columns';
import { GapWaiver } from '../entities/gap-waiver';
import { SubscriptionLine } from '../entities/subscription-line';
import { type BillableLineOrder as BillableLineOrderName, billableLines } from '../services/billing-lists';
import { storedSteps } from '../services/billing-reads';
import { explainLine, type PreviewLine } from '../services/current-usage';
import {
  type Connection,
  connectionType,
  orderEnum,
  toConnection,
  type ListArguments,
  listArguments,
} from './connection';
import { ContractFilter } from './contract-filter';
import {
  adjustmentsByLineId,
  chargeById,
  explanationOfLine,
  gapWaiversByLineId,
  periodById,
  subscriptionLineById,
} from './loaders';

const BillableLineConnection = connectionType(BillableLine, 'BillableLine');

const BillableLineOrder = orderEnum<BillableLineOrderName>('BillableLineOrder', 'rated lines', {
  CREATED_AT_ASC: 'As they were rated, the first one first.',
  CREATED_AT_DESC: 'As they were rated, the newest first.',
});

const PriceStepKinds = {
  UNITS: 'UNITS',
  PACKAGES: 'PACKAGES',
  PERCENTAGE: 'PERCENTAGE',
  EVENTS: 'EVENTS',
  MINIMUM: 'MINIMUM',
} as const satisfies Record<PriceStepKind, PriceStepKind>;
registerEnumType(PriceStepKinds, {
  name: 'PriceStepKind',
  description: 'What a step of a price counts.',
  valuesConfig: {
    UNITS: { description: 'Units, each at the unit price.' },
    PACKAGES: { description: 'Packages begun, each at the price of a package.' },
    PERCENTAGE: { description: 'Units that are money, at a percentage: `unitPrice` is 0.029 for 2.9 %.' },
    EVENTS: { description: 'Events behind the units, each at the fixed price.' },
    MINIMUM: { description: 'What the other steps leave of the minimum amount.' },
  },
});

@ObjectType({ description: "One step of a price; the steps' amounts add up to the unrounded amount." })
export class PriceStep {
  @Field(() => PriceStepKinds, { description: 'What it counts.' })
  kind!: PriceStepKind;

  @Field(() => Decimal, { description: 'Units before the step.' })
  fromUnits!: Decimal;

  @Field(() => Decimal, { description: 'Units after the step.' })
  toUnits!: Decimal;

  @Field(() => Decimal, {
    description: 'What the unit price multiplies: units, packages or events; product units in mode QUANTITY.',
  })
  units!: Decimal;

  @Field(() => Decimal, { description: 'Price of one unit.' })
  unitPrice!: Decimal;

  @Field(() => Decimal, { description: 'Flat price of the step.' })
  flatPrice!: Decimal;

  @Field(() => Decimal, { description: 'Not rounded: units × unitPrice + flatPrice.' })
  amount!: Decimal;
}

@ObjectType({
  description: 'Usage of one charge in a period, counted and priced, as a preview or as a close shows it.',
})
export class RatedLine {
  @Field(() => Decimal, { description: "Units by the metric's aggregation, before free units." })
  units!: Decimal;

  @Field(() => Decimal, { description: 'Units after free units, never negative.' })
  billableUnits!: Decimal;

  @Field(() => Decimal, {
    description: 'What enters the balance: product units in mode QUANTITY, money in mode AMOUNT.',
  })
  value!: Decimal;

  @Field(() => Decimal, {
    description:
      "Money before tax and discount, rounded once, half away from zero, to the currency's decimals; in mode QUANTITY an estimate at the line's price.",
  })
  amount!: Decimal;

  @Field(() => String, { description: 'ISO 4217 code of `amount`.' })
  currency!: string;
}

@InputType({ description: 'Which rated lines; all conditions hold together.' })
export class BillableLineFilter extends ContractFilter {
  @Field(() => String, { nullable: true, description: 'Of the charges of this service, by code.' })
  service?: string | null;

  @Field(() => ID, { nullable: true, description: 'Of this period.' })
  periodId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Of this charge.' })
  chargeId?: string | null;

  @Field(() => String, { nullable: true, description: 'Of the charges of metrics with this code.' })
  metric?: string | null;

  @Field(() => Date, { nullable: true, description: 'Of periods that start at this instant or later.' })
  periodFrom?: string | null;

  @Field(() => Date, { nullable: true, description: 'Of periods that start before this instant.' })
  periodTo?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Only the newest revisions, which count, or only those that were replaced.',
  })
  newest?: boolean | null;
}

const BillableLinesArguments = listArguments({
  filter: BillableLineFilter,
  description: 'Which lines; all when left out.',
  order: BillableLineOrder,
  byDefault: 'CREATED_AT_DESC',
});

@Resolver(() => RatedLine)
export class RatedLinesResolver {
  @FieldResolver(() => Charge, { description: 'What was charged.' })
  charge(@Root() line: PreviewLine, @Context() ctx: Ctx): Promise<Charge | null> {
    return chargeById(ctx).load(line.charge.id);
  }

  @FieldResolver(() => SubscriptionLine, {
    nullable: true,
    description: 'The Odoo line that carries it; null when the order has none.',
  })
  async line(@Root() line: PreviewLine, @Context() ctx: Ctx): Promise<SubscriptionLine | null> {
    return line.line === null ? null : subscriptionLineById(ctx).load(line.line.id);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: "Name of the charge's filter that takes the usage; null for what no filter takes.",
  })
  bucketFilter(@Root() { bucket }: PreviewLine): string | null {
    return bucket.filter?.name ?? null;
  }

  @FieldResolver(() => FlatObject, {
    description:
      'The values of the dimensions that the charge groups by, null for a missing one; empty without groups.',
  })
  bucketGroup(@Root() { bucket }: PreviewLine): Readonly<Record<string, string | null>> {
    return bucket.group;
  }

  @FieldResolver(() => [PriceStep], { description: 'How the amount came about, step by step.' })
  explanation(@Root() line: PreviewLine): PriceStep[] {
    return line.steps;
  }

  @FieldResolver(() => String, { description: 'The same in one sentence, for an accountant.' })
  explanationText(@Root() line: PreviewLine): string {
    return explainLine(line);
  }
}

@Resolver(() => BillableLine)
export class BillableLinesResolver {
  @Authorized('billing:read')
  @Query(() => BillableLineConnection, {
    description: 'Rated lines with all their revisions. Scope billing:read.',
  })
  async billableLines(
    @Context() ctx: Ctx,
    @Args(() => BillableLinesArguments)
    { filter, orderBy, ...page }: ListArguments<BillableLineFilter, BillableLineOrderName>,
  ): Promise<Connection<BillableLine>> {
    return toConnection(await billableLines(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @FieldResolver(() => BillingPeriod, { description: 'The period that was rated.' })
  period(@Root() line: BillableLine, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(line.periodId);
  }

  @FieldResolver(() => Charge, { description: 'What was charged.' })
  charge(@Root() line: BillableLine, @Context() ctx: Ctx): Promise<Charge | null> {
    return chargeById(ctx).load(line.chargeId);
  }

  @FieldResolver(() => SubscriptionLine, {
    nullable: true,
    description: 'The Odoo line that carried it; null when the order had none.',
  })
  async line(@Root() line: BillableLine, @Context() ctx: Ctx): Promise<SubscriptionLine | null> {
    return line.subscriptionLineId === null ? null : subscriptionLineById(ctx).load(line.subscriptionLineId);
  }

  @FieldResolver(() => [PriceStep], { description: 'How the amount came about, step by step.' })
  explanation(@Root() line: BillableLine): PriceStep[] {
    return storedSteps(line);
  }

  @FieldResolver(() => String, { description: 'The same in one sentence, for an accountant.' })
  explanationText(@Root() line: BillableLine, @Context() ctx: Ctx): Promise<string | null> {
    return explanationOfLine(ctx).load(line);
  }

  @FieldResolver(() => [Adjustment], { description: 'What this revision changed against the one before.' })
  async adjustments(@Root() line: BillableLine, @Context() ctx: Ctx): Promise<Adjustment[]> {
    return (await adjustmentsByLineId(ctx).load(line.id)) ?? [];
  }

  @FieldResolver(() => [GapWaiver], {
    description: 'Missing usage of the metric in the period that a person let go: who, and why.',
  })
  async gapWaivers(@Root() line: BillableLine, @Context() ctx: Ctx): Promise<GapWaiver[]> {
    return (await gapWaiversByLineId(ctx).load(line.id)) ?? [];
  }
}

@Resolver(() => Adjustment)
export class AdjustmentsResolver {
  @FieldResolver(() => BillingPeriod, { description: 'The closed period whose truth changed.' })
  origin(@Root() adjustment: Adjustment, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(adjustment.originPeriodId);
  }

  @FieldResolver(() => BillingPeriod, { description: 'The period that was open then and takes the difference up.' })
  target(@Root() adjustment: Adjustment, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(adjustment.targetPeriodId);
  }
}
