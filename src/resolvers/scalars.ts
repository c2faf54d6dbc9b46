/**
 * The custom scalars of the API. They check the JSON kind only and hand the text on: its content is judged by
 * domain/parse.ts, so that a bad value in a batch is the refusal of its own item. Decorators name them by the classes of
 * `SCALARS_MAP`; an input field of Decimal, Date or Day is a `string` in code.
 */
import { GraphQLError, GraphQLScalarType, Kind, valueFromASTUntyped, type ValueNode } from 'graphql';
import type { BuildSchemaOptions } from 'type-graphql';
import { Decimal, printDecimal } from '../domain/decimal';
import { Day, FlatObject, JsonObject } from '../entities/columns';

/** In: text, for `parseDecimal`. Out: `Decimal`. */
const DecimalScalar = new GraphQLScalarType<string, string>({
  name: 'Decimal',
  description:
    'Exact decimal as a string, "1234.5", of at most 30 digits, 12 of them after the point. Whole JSON numbers are taken too; JSON fractions are refused, because they went through a float.',
  serialize: (value) => {
    if (value instanceof Decimal) return printDecimal(value);
    // The default of an input field is printed in its incoming form.
    if (typeof value === 'string') return value;
    throw new TypeError(`Not a Decimal: ${typeof value}`);
  },
  parseValue: (value) => {
    if (typeof value === 'string') return value;
    if (typeof value !== 'number') throw refused('Decimal', 'a string');
    if (Number.isSafeInteger(value)) return String(value);
    throw refused('Decimal', 'a string: a JSON number with a fraction or above 2^53 went through a float');
  },
  parseLiteral: (node) => {
    if (node.kind === Kind.STRING || node.kind === Kind.INT) return node.value;
    throw refused('Decimal', 'a string');
  },
});

/** In: text, for `parseInstant`. Out: `Date`. */
const DateTimeScalar = textScalar({
  name: 'DateTime',
  description:
    'Instant in RFC 3339 with an offset, at most to the millisecond; answered in UTC, "2026-03-01T05:00:00.000Z".',
  serialize: (value) => {
    if (value instanceof Date) return value.toISOString();
    throw new TypeError(`Not a Date: ${typeof value}`);
  },
});

/** In: text, for `parseDay`. Out: "YYYY-MM-DD", as `date` columns are read. */
const DateScalar = textScalar({
  name: 'Date',
  description: 'Calendar day in the billing time zone, "2026-03-01".',
  serialize: (value) => {
    if (typeof value === 'string') return value;
    throw new TypeError(`Not a day: ${typeof value}`);
  },
});

/** In: an object, for domain/usage-record.ts. */
const DimensionsScalar = objectScalar({
  name: 'Dimensions',
  description:
    'Flat JSON object of at most 20 keys of at most 100 characters; values are strings of at most 200 characters, numbers or booleans, compared as text.',
});

const JSONObjectScalar = objectScalar({
  name: 'JSONObject',
  description: 'JSON object whose shape depends on its place.',
});

/** `@Field(() => Date)` is a DateTime, `@Field(() => Day)` a Date. */
export const SCALARS_MAP: NonNullable<BuildSchemaOptions['scalarsMap']> = [
  { type: Decimal, scalar: DecimalScalar },
  { type: Date, scalar: DateTimeScalar },
  { type: Day, scalar: DateScalar },
  { type: FlatObject, scalar: DimensionsScalar },
  { type: JsonObject, scalar: JSONObjectScalar },
];

interface TextScalar {
  name: string;
  description: string;
  serialize(value: unknown): string;
}

function textScalar({ name, description, serialize }: TextScalar): GraphQLScalarType<string, string> {
  const parse = (value: unknown): string => {
    if (typeof value === 'string') return value;
    throw refused(name, 'a string');
  };
  const parseLiteral = (node: ValueNode): string => parse(node.kind === Kind.STRING ? node.value : undefined);
  return new GraphQLScalarType({ name, description, serialize, parseValue: parse, parseLiteral });
}

type JsonRecord = Record<string, unknown>;

function objectScalar(named: { name: string; description: string }): GraphQLScalarType<JsonRecord, JsonRecord> {
  const parse = (value: unknown): JsonRecord => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw refused(named.name, 'a JSON object');
    return value as JsonRecord;
  };
  return new GraphQLScalarType({
    ...named,
    serialize: (value) => value as JsonRecord,
    parseValue: parse,
    parseLiteral: (node, variables) => parse(valueFromASTUntyped(node, variables)),
  });
}

function refused(name: string, expected: string): GraphQLError {
  return new GraphQLError(`${name} must be ${expected}.`);
}
