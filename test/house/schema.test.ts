/** The committed schema is the built one, each part of it is described, and breaking changes do not slip through. */
import { readFile } from 'node:fs/promises';
import {
  buildSchema,
  getIntrospectionQuery,
  getNamedType,
  graphqlSync,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  parse,
  validate,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { printSorted, undecidedChanges } from '../../scripts/schema';
import { buildGraphqlSchema } from '../../src/resolvers/schema';
import { starterTabs } from '../../web/starter-tabs';

interface Described {
  name: string;
  description: string | null | undefined;
}

const named = (parent: string, parts: readonly Described[]): Described[] =>
  parts.map(({ name, description }) => ({ name: `${parent}.${name}`, description }));

function partsOf(type: GraphQLNamedType): Described[] {
  if (isObjectType(type) || isInterfaceType(type)) {
    const fields = Object.values(type.getFields());
    return [...named(type.name, fields), ...fields.flatMap(({ name, args }) => named(`${type.name}.${name}`, args))];
  }
  if (isInputObjectType(type)) return named(type.name, Object.values(type.getFields()));
  return isEnumType(type) ? named(type.name, type.getValues()) : [];
}

/** Types, fields, arguments, input fields, enum values and directives of our own. */
function everythingDescribable(schema: GraphQLSchema): Described[] {
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
  const directives = schema.getDirectives().filter((directive) => !isSpecifiedDirective(directive));
  return [
    ...types,
    ...types.flatMap(partsOf),
    ...named('directives', directives),
    ...directives.flatMap(({ name, args }) => named(`@${name}`, args)),
  ];
}

/** Begins like a sentence (or with a code word) and ends like one. */
const isSentence = (text: string): boolean => /^[A-Z0-9`"'[(-].*[.!?][`")\]]*$/s.test(text.trim());

let schema: GraphQLSchema;

beforeAll(() => {
  schema = buildGraphqlSchema();
});

it('schema.graphql is what the resolvers make (npm run build && node dist/scripts/schema.js emit)', async () => {
  expect(await readFile('schema.graphql', 'utf8')).toBe(printSorted(schema));
});

it('the schema answers when it is asked for all it has', () => {
  expect(graphqlSync({ schema, source: getIntrospectionQuery() }).errors).toBeUndefined();
});

it('printing does not depend on the order of definitions', () => {
  const forward = buildSchema('type Query { a: Int b: Int } enum E { X Y }');
  const backward = buildSchema('enum E { Y X } type Query { b: Int a: Int }');
  expect(printSorted(forward)).toBe(printSorted(backward));
});

it('every type, field, argument, input field and enum value is described in a sentence', () => {
  const described = everythingDescribable(schema);
  expect(described.length).toBeGreaterThan(300);
  const lacking = described.filter(({ description }) => !isSentence(description ?? ''));
  expect(lacking.map(({ name, description }) => `${name}: ${description ?? 'nothing'}`)).toEqual([]);
});

it('every root mutation field is nullable, so that a failing alias hides no receipt', () => {
  const fields = Object.values(schema.getMutationType()?.getFields() ?? {});
  expect(fields.length).toBeGreaterThan(0);
  expect(fields.filter(({ type }) => type !== getNamedType(type)).map(({ name }) => name)).toEqual([]);
});

describe('breaking changes', () => {
  const before = buildSchema('type Query { balances: [Int!]! viewer: String }');

  it('a removed field is breaking', async () => {
    const after = buildSchema('type Query { viewer: String }');
    const changes = await undecidedChanges(before, after, []);
    expect(changes.map(({ path }) => path)).toEqual(['Query.balances']);
  });

  it('a removed field that a decision page names is let through, one that is only like it is not', async () => {
    const after = buildSchema('type Query { viewer: String }');
    expect(await undecidedChanges(before, after, ['We removed `Query.balances`.'])).toEqual([]);
    expect(await undecidedChanges(before, after, ['We removed `Query.balancesOf`.'])).toHaveLength(1);
  });

  it('an added field is not breaking', async () => {
    const after = buildSchema('type Query { balances: [Int!]! viewer: String identities: Int }');
    expect(await undecidedChanges(before, after, [])).toEqual([]);
  });
});

it('the starter queries of GraphiQL are valid', () => {
  const tabs = starterTabs(new Date('2026-03-01T10:20:30.000Z'));
  expect(tabs).toHaveLength(4);
  const errors = tabs.flatMap(({ query }) => validate(schema, parse(query)));
  expect(errors.map(({ message }) => message)).toEqual([]);
});

it('the starter query that records usage sends the last full hour', () => {
  const variables = starterTabs(new Date('2026-03-01T10:20:30.000Z'))[1]?.variables ?? '';
  expect(JSON.parse(variables)).toMatchObject({
    input: { windowStart: '2026-03-01T09:00:00.000Z', windowEnd: '2026-03-01T10:00:00.000Z' },
  });
});

it('names its roots, so that the type Subscription is not taken for one', async () => {
  const read = buildSchema(await readFile('schema.graphql', 'utf8'));
  expect(read.getSubscriptionType()).toBeUndefined();
  expect(read.getQueryType()?.name).toBe('Query');
  expect(read.getMutationType()?.name).toBe('Mutation');
});
