/** Prices in GraphQL: one type and one input a model, and the union and the one-of over them. */
import { createUnionType, Field, InputType, Int, ObjectType } from 'type-graphql';
import { Decimal } from '../domain/decimal';
import { MAX_FREE_EVENTS, MAX_TIERS } from '../domain/price-model';

const MONEY = "in the charge's currency, before tax; 0 or more, at most 30 digits, 12 of them after the point";
const UNIT_PRICE = `Price of one unit of the metric, ${MONEY}.`;
const RATE = 'Percent of the units, which are money then: 2.9 for 2.9 %; 0 or more.';
const UP_TO = 'Last amount of units in the tier, which belongs to it; null for the last tier, which is without end.';
const FLAT_PRICE = `Due once the tier is reached, ${MONEY}. The first tier is reached always, with no units too.`;
const TIERS = `1 to ${MAX_TIERS} tiers, rising.`;
const FREE_EVENTS = `How many of the first events of a period are free, with their units; 0 to ${MAX_FREE_EVENTS}. Together with the charge's free units whichever is used up first ends it.`;
const MODELS = {
  standard: 'Every unit at one price.',
  graduated: 'Each unit at the price of the tier it falls in.',
  graduatedPercentage: 'Each unit at the percentage of the tier it falls in.',
  package: 'Every begun package at one price.',
  percentage: 'A percentage of the units, which are money, and a fixed price for each event.',
  volume: 'All units at the price of the one tier that their total falls in.',
};

@ObjectType({ description: MODELS.standard })
class StandardPrice {
  model!: 'STANDARD';

  @Field(() => Decimal, { description: UNIT_PRICE })
  unitPrice!: Decimal;
}

@ObjectType({ description: 'A tier with a price for each of its units.' })
class PriceTier {
  @Field(() => Decimal, { nullable: true, description: UP_TO })
  upTo!: Decimal | null;

  @Field(() => Decimal, { description: UNIT_PRICE })
  unitPrice!: Decimal;

  @Field(() => Decimal, { description: FLAT_PRICE })
  flatPrice!: Decimal;
}

@ObjectType({ description: MODELS.graduated })
class GraduatedPrice {
  model!: 'GRADUATED';

  @Field(() => [PriceTier], { description: TIERS })
  tiers!: PriceTier[];
}

@ObjectType({ description: 'A tier with a percentage.' })
class PercentageTier {
  @Field(() => Decimal, { nullable: true, description: UP_TO })
  upTo!: Decimal | null;

  @Field(() => Decimal, { description: RATE })
  rate!: Decimal;

  @Field(() => Decimal, { description: FLAT_PRICE })
  flatPrice!: Decimal;
}

@ObjectType({ description: MODELS.graduatedPercentage })
class GraduatedPercentagePrice {
  model!: 'GRADUATED_PERCENTAGE';

  @Field(() => [PercentageTier], { description: TIERS })
  tiers!: PercentageTier[];
}

@ObjectType({ description: MODELS.package })
class PackagePrice {
  model!: 'PACKAGE';

  @Field(() => Decimal, { description: 'Units in a package; above 0.' })
  packageSize!: Decimal;

  @Field(() => Decimal, { description: `Price of a package, ${MONEY}.` })
  packagePrice!: Decimal;
}

@ObjectType({ description: MODELS.percentage })
class PercentagePrice {
  model!: 'PERCENTAGE';

  @Field(() => Decimal, { description: RATE })
  rate!: Decimal;

  @Field(() => Decimal, { description: `Price of each event, ${MONEY}.` })
  fixedPrice!: Decimal;

  @Field(() => Int, { description: FREE_EVENTS })
  freeEvents!: number;
}

@ObjectType({ description: MODELS.volume })
class VolumePrice {
  model!: 'VOLUME';

  @Field(() => [PriceTier], { description: TIERS })
  tiers!: PriceTier[];
}

export const PriceModel = createUnionType({
  name: 'PriceModel',
  description: 'How units become money.',
  types: () =>
    [StandardPrice, GraduatedPrice, GraduatedPercentagePrice, PackagePrice, PercentagePrice, VolumePrice] as const,
  resolveType: (price) => {
    switch (price.model) {
      case 'STANDARD':
        return StandardPrice;
      case 'GRADUATED':
        return GraduatedPrice;
      case 'GRADUATED_PERCENTAGE':
        return GraduatedPercentagePrice;
      case 'PACKAGE':
        return PackagePrice;
      case 'PERCENTAGE':
        return PercentagePrice;
      case 'VOLUME':
        return VolumePrice;
    }
  },
});

@InputType({ description: MODELS.standard })
export class StandardPriceInput {
  @Field(() => Decimal, { description: UNIT_PRICE })
  unitPrice!: string;
}

@InputType({ description: 'A tier with a price for each of its units.' })
export class PriceTierInput {
  @Field(() => Decimal, { nullable: true, description: UP_TO })
  upTo?: string | null;

  @Field(() => Decimal, { description: UNIT_PRICE })
  unitPrice!: string;

  @Field(() => Decimal, { defaultValue: '0', description: FLAT_PRICE })
  flatPrice!: string;
}

@InputType({ description: 'Tiers with prices.' })
export class TieredPriceInput {
  @Field(() => [PriceTierInput], { description: TIERS })
  tiers!: PriceTierInput[];
}

@InputType({ description: 'A tier with a percentage.' })
export class PercentageTierInput {
  @Field(() => Decimal, { nullable: true, description: UP_TO })
  upTo?: string | null;

  @Field(() => Decimal, { description: RATE })
  rate!: string;

  @Field(() => Decimal, { defaultValue: '0', description: FLAT_PRICE })
  flatPrice!: string;
}

@InputType({ description: MODELS.graduatedPercentage })
export class GraduatedPercentagePriceInput {
  @Field(() => [PercentageTierInput], { description: TIERS })
  tiers!: PercentageTierInput[];
}

@InputType({ description: MODELS.package })
export class PackagePriceInput {
  @Field(() => Decimal, { description: 'Units in a package; above 0.' })
  packageSize!: string;

  @Field(() => Decimal, { description: `Price of a package, ${MONEY}.` })
  packagePrice!: string;
}

@InputType({ description: MODELS.percentage })
export class PercentagePriceInput {
  @Field(() => Decimal, { description: RATE })
  rate!: string;

  @Field(() => Decimal, {
    defaultValue: '0',
    description: `Price of each event, ${MONEY}; above 0 only for metrics with \`perEvent\`.`,
  })
  fixedPrice!: string;

  @Field(() => Int, { defaultValue: 0, description: FREE_EVENTS })
  freeEvents!: number;
}

@InputType({ description: 'Exactly one model.' })
export class PriceModelInput {
  @Field(() => StandardPriceInput, { nullable: true, description: MODELS.standard })
  standard?: StandardPriceInput | null;

  @Field(() => TieredPriceInput, { nullable: true, description: MODELS.graduated })
  graduated?: TieredPriceInput | null;

  @Field(() => GraduatedPercentagePriceInput, { nullable: true, description: MODELS.graduatedPercentage })
  graduatedPercentage?: GraduatedPercentagePriceInput | null;

  @Field(() => PackagePriceInput, { nullable: true, description: MODELS.package })
  package?: PackagePriceInput | null;

  @Field(() => PercentagePriceInput, { nullable: true, description: MODELS.percentage })
  percentage?: PercentagePriceInput | null;

  @Field(() => TieredPriceInput, { nullable: true, description: MODELS.volume })
  volume?: TieredPriceInput | null;
}
