/** The filters and groups of a charge as callers send them and as they are stored; bucket.ts says what they mean. */
import type { BucketRule, ChargeFilter } from './bucket';
import { type BillingError, clip } from './errors';
import { invalid, parseDecimal, parseText } from './parse';
import { parsePriceModel, type PriceModelJson, printPriceModel } from './price-model';

export interface FilterMatchJson {
  dimension: string;
  values: readonly string[];
}

/** The shape in which a filter is sent and stored: decimals as strings. */
export interface ChargeFilterJson {
  name: string;
  match: readonly FilterMatchJson[];
  freeUnits: string;
  price: PriceModelJson;
}

/** Filters of one charge at most. */
export const MAX_FILTERS = 50;
/** Dimensions of one filter at most. */
export const MAX_FILTER_DIMENSIONS = 10;
/** Values of one dimension of a filter at most. */
export const MAX_FILTER_VALUES = 100;
/** Dimensions to group by at most. */
export const MAX_GROUP_DIMENSIONS = 5;
const MAX_FILTER_NAME_LENGTH = 100;
/** As usage records take them. */
const MAX_DIMENSION_LENGTH = 100;
const MAX_VALUE_LENGTH = 200;

/**
 * Parses what was sent or stored. Names are unique, and no list of a filter is empty; free units are 0 or more.
 * @throws BillingError VALIDATION_FAILED with the path of the value at fault.
 */
export function parseBucketRule(filters: readonly ChargeFilterJson[], groupBy: readonly string[]): BucketRule {
  return { filters: parseFilters(filters), groupBy: parseGroupBy(groupBy) };
}

/** The inverse of `parseBucketRule` for its filters. */
export function printFilters(filters: readonly ChargeFilter[]): ChargeFilterJson[] {
  return filters.map(({ name, match, freeUnits, price }) => ({
    name,
    match: Object.entries(match).map(([dimension, values]) => ({ dimension, values })),
    freeUnits: freeUnits.toFixed(),
    price: printPriceModel(price),
  }));
}

function parseFilters(filters: readonly ChargeFilterJson[]): ChargeFilter[] {
  if (filters.length > MAX_FILTERS)
    throw invalid('filters', `filters must be at most ${MAX_FILTERS}, not ${filters.length}.`);
  const parsed = filters.map((filter, index) => parseFilter(filter, `filters[${index}]`));
  const names = parsed.map(({ name }) => name);
  const again = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (again >= 0) throw twice(`filters[${again}].name`, names[again] ?? '');
  return parsed;
}

function parseFilter({ name, match, freeUnits, price }: ChargeFilterJson, at: string): ChargeFilter {
  const units = parseDecimal(freeUnits, `${at}.freeUnits`);
  if (units.isNegative()) throw invalid(`${at}.freeUnits`, `${at}.freeUnits must be 0 or more.`);
  return {
    name: parseText(name, `${at}.name`, MAX_FILTER_NAME_LENGTH),
    match: parseMatch(match, `${at}.match`),
    freeUnits: units,
    price: parsePriceModel(price, `${at}.price`),
  };
}

function parseMatch(match: readonly FilterMatchJson[], at: string): ChargeFilter['match'] {
  if (match.length === 0 || match.length > MAX_FILTER_DIMENSIONS)
    throw invalid(at, `${at} must name 1 to ${MAX_FILTER_DIMENSIONS} dimensions, not ${match.length}.`);
  const names = parseDimensions(
    match.map(({ dimension }) => dimension),
    (index) => `${at}[${index}].dimension`,
  );
  return Object.fromEntries(
    match.map(({ values }, index) => [names[index] ?? '', parseValues(values, `${at}[${index}].values`)]),
  );
}

function parseValues(values: readonly string[], at: string): readonly string[] {
  if (values.length === 0 || values.length > MAX_FILTER_VALUES)
    throw invalid(at, `${at} must be 1 to ${MAX_FILTER_VALUES} values, not ${values.length}.`);
  return values.map((value, index) => {
    if (values.indexOf(value) !== index) throw twice(`${at}[${index}]`, value);
    // A value may be empty; a name may not.
    return value === '' ? '' : parseText(value, `${at}[${index}]`, MAX_VALUE_LENGTH);
  });
}

function parseGroupBy(groupBy: readonly string[]): string[] {
  if (groupBy.length > MAX_GROUP_DIMENSIONS)
    throw invalid('groupBy', `groupBy must be at most ${MAX_GROUP_DIMENSIONS} dimensions, not ${groupBy.length}.`);
  return parseDimensions(groupBy, (index) => `groupBy[${index}]`);
}

function parseDimensions(names: readonly string[], at: (index: number) => string): string[] {
  return names.map((name, index) => {
    if (names.indexOf(name) !== index) throw twice(at(index), name);
    return parseText(name, at(index), MAX_DIMENSION_LENGTH);
  });
}

function twice(field: string, text: string): BillingError {
  return invalid(field, `${field}: "${clip(text, 50)}" is there already.`);
}
