/** Column transformers, and the classes that stand for scalars in `@Field(() => …)`: resolvers/schema.ts maps them. */
import type { ColumnOptions, ValueTransformer } from 'typeorm';
import { Decimal } from '../domain/decimal';

const decimalTransformer: ValueTransformer = {
  to: (value: Decimal | null | undefined) => (value instanceof Decimal ? value.toFixed() : value),
  from: (value: string | null) => (value === null ? null : new Decimal(value)),
};

/** A `numeric` column as Decimal, exact in both directions. */
export function decimalColumn(options: ColumnOptions = {}): ColumnOptions {
  return { type: 'numeric', transformer: decimalTransformer, ...options };
}

/** A `jsonb` array of decimals as strings: the driver would read an array of `numeric` as floats. */
export function decimalListColumn(): ColumnOptions {
  const transformer: ValueTransformer = {
    to: (values: Decimal[] | null | undefined) => values?.map((value) => value.toFixed()),
    from: (values: string[] | null) => values?.map((value) => new Decimal(value)),
  };
  return { type: 'jsonb', transformer };
}

/** Stands for the GraphQL scalar Date: a calendar day, a string "2026-03-01" in code. */
export class Day {}

/** Stands for the GraphQL scalar JSONObject. */
export class JsonObject {}

/** Stands for the GraphQL scalar Dimensions: a flat JSON object. */
export class FlatObject {}
