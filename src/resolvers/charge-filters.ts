/** The filters of a charge in GraphQL. */
import { Field, InputType, ObjectType } from 'type-graphql';
import {
  MAX_FILTER_DIMENSIONS,
  MAX_FILTER_VALUES,
  MAX_FILTERS,
  MAX_GROUP_DIMENSIONS,
  parseBucketRule,
} from '../domain/charge-filter';
import { Decimal } from '../domain/decimal';
import type { PriceModel as Price } from '../domain/price-model';
import type { Charge } from '../entities/charge';
import { PriceModel, PriceModelInput } from './price-models';

export const FILTERS = `At most ${MAX_FILTERS} filters. A record is priced by the one filter that it matches: of several by the one with most dimensions, of those by the one with fewest values, of those by the first; matching none, by the charge itself.`;
export const GROUP_BY = `At most ${MAX_GROUP_DIMENSIONS} dimensions of which each combination of values is priced apart, with free units and tiers of its own.`;
/** Of payloads that bring a charge. */
export const WARNINGS =
  'Sentences on what was taken but may not be meant: filters that overlap though neither is narrower. At most 20; empty if there is nothing to say.';
const DIMENSION = 'Name of a dimension, at most 100 characters, as usage records carry it.';
const VALUES = `1 to ${MAX_FILTER_VALUES} values, compared as text; one of them must be the record's.`;
const MATCH = `1 to ${MAX_FILTER_DIMENSIONS} dimensions; a record must match all of them, and one that lacks a dimension does not.`;
const NAME = 'Its name, 1 to 100 characters, unique in the charge.';
const FREE_UNITS =
  'Units of the metric taken off before pricing, once a period, of this filter alone (in each of its groups); 0 or more.';

@InputType({ description: 'What one dimension of a record must be.' })
export class FilterMatchInput {
  @Field(() => String, { description: DIMENSION })
  dimension!: string;

  @Field(() => [String], { description: VALUES })
  values!: string[];
}

@InputType({ description: 'A price of its own for the records that match.' })
export class ChargeFilterInput {
  @Field(() => String, { description: NAME })
  name!: string;

  @Field(() => [FilterMatchInput], { description: MATCH })
  match!: FilterMatchInput[];

  @Field(() => Decimal, { defaultValue: '0', description: FREE_UNITS })
  freeUnits!: string;

  @Field(() => PriceModelInput, { description: 'The price of what matches.' })
  price!: PriceModelInput;
}

@ObjectType({ description: 'What one dimension of a record must be.' })
class FilterMatch {
  @Field(() => String, { description: DIMENSION })
  dimension!: string;

  @Field(() => [String], { description: VALUES })
  values!: readonly string[];
}

@ObjectType({ description: 'A price of its own for the records that match.' })
export class ChargeFilter {
  @Field(() => String, { description: NAME })
  name!: string;

  @Field(() => [FilterMatch], { description: MATCH })
  match!: FilterMatch[];

  @Field(() => Decimal, { description: FREE_UNITS })
  freeUnits!: Decimal;

  @Field(() => PriceModel, { description: 'The price of what matches.' })
  price!: Price;
}

/** The stored filters, their prices parsed. */
export function filterViews({ filters, groupBy }: Pick<Charge, 'filters' | 'groupBy'>): ChargeFilter[] {
  return parseBucketRule(filters, groupBy).filters.map(({ match, ...filter }) => ({
    ...filter,
    match: Object.entries(match).map(([dimension, values]) => ({ dimension, values })),
  }));
}
