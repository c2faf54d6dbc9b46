/** Random input values for the types of a schema: mostly such as mean something in the world under test, some hostile. */
import fc, { type Arbitrary } from 'fast-check';
import {
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  type GraphQLInputObjectType,
  type GraphQLInputType,
} from 'graphql';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** What has a meaning in the world, by the name of the argument or field, or by "Owner.name" where that differs. */
export interface Vocabulary {
  strings: Readonly<Record<string, readonly string[]>>;
  /** For texts that no name speaks of. */
  anyString: readonly string[];
  ints: Readonly<Record<string, readonly number[]>>;
  /** Never sent: numbers by which one service may reach another's things by the rules. */
  forbiddenInts: ReadonlySet<number>;
  cursors: readonly string[];
}

/** Stands in a request as it is, without quotes, where JSON or GraphQL would not print it. */
const RAW = /^#raw:(.*)#$/s;
const RAW_IN_JSON = /"#raw:((?:[^#"\\]|\\.)*)#"/g;
const raw = (text: string): string => `#raw:${text}#`;

/** What PostgreSQL takes in no text. */
const UNSTORABLE = ['\0', 'a\0b', '\ud800', 'x\udfff'];
const HOSTILE_STRINGS = [
  '',
  ' ',
  'a'.repeat(201),
  'ü'.repeat(5_000),
  '🦓'.repeat(120),
  '\u202e\u200b',
  'line\nbreak\r\t',
  `'; drop table service; --`,
  '" or 1=1 --',
  '%',
  '\\',
  '{"$gt":""}',
  '[]',
  'null',
  '__proto__',
  'constructor',
  '${7*7}',
  '../../etc/passwd',
  '٣',
  'NaN',
  '-0',
  '1e400',
];
const DECIMALS = ['0', '1', '7.25', '3', '+0.10', '0.000000000001', '999999999999999999.999999999999'];
const HOSTILE_DECIMALS = [
  '-1',
  '1e5',
  '.5',
  '5.',
  '1,5',
  '0x10',
  ' 1',
  '0.0000000000001',
  '9'.repeat(31),
  '9'.repeat(400),
];
const INSTANTS = [
  '2026-03-09T00:00:00Z',
  '2026-03-10T00:00:00Z',
  '2026-03-20T06:30:00.125Z',
  '2026-03-31T20:00:00-04:00',
  '2026-04-01T00:00:00Z',
  '2026-04-01T02:59:59.999Z',
  '2026-05-01T00:00:00Z',
];
const HOSTILE_INSTANTS = [
  '1970-01-01T00:00:00Z',
  '1969-12-31T23:59:59Z',
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '9999-12-31T23:59:59.999-23:59',
  '+275760-09-13T00:00:00Z',
  '+300000-01-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-03-09T24:00:00Z',
  '2026-03-09T00:00:60Z',
  '2026-03-09 00:00:00',
  '2026-03-09T00:00:00.123456Z',
  'infinity',
  'now',
];
const DAYS = ['2026-03-01', '2026-03-15', '2026-04-01', '2025-06-01'];
const HOSTILE_DAYS = ['1970-01-01', '9999-12-31', '0000-00-00', '2026-02-29', '10000-01-01', '-infinity', '26-3-1'];
const INTS = [0, 1, 2, 3, 24, 50, 200];
const HOSTILE_INTS: Json[] = [-1, 201, 2_147_483_647, -2_147_483_648, 2_147_483_648, 1.5, '1', true];
const CURSOR_PARTS = [
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '1',
  '-999999999999999999',
  '9999999999999999999',
  '2026-03-09 00:00:00+00',
  '2026-99-99 99:99:99+99',
  '999999-01-01 00:00:00+00',
  '2026-03-09 00:00:00.000001+15:59:59',
  '2026-02-30',
  '999999-12-31',
  'infinity',
  'a\0b',
];
const WRONG_KINDS: Json[] = [
  null,
  true,
  0,
  -1,
  1.5,
  '',
  [],
  [[]],
  [null],
  {},
  { a: { b: [{}] } },
  raw('1e400'),
  raw('-0'),
  raw('NaN'),
  raw('12345678901234567890123'),
  raw('$nothing'),
  raw('{"__proto__": {"x": 1}}'),
];

/** Who holds a value: an argument's field or an input type, and its name there. */
export interface Place {
  owner: string;
  name: string;
}

export type Values = (type: GraphQLInputType, place: Place) => Arbitrary<Json>;

/** Makes the values for each type and place once. */
export function valuesOf(words: Vocabulary): Values {
  const made = new Map<string, Arbitrary<Json>>();
  const values: Values = (type, place) => {
    const name = `${String(type)} ${place.owner}.${place.name}`;
    const known = made.get(name);
    if (known !== undefined) return known;
    const arbitrary = make(type, place);
    made.set(name, arbitrary);
    return arbitrary;
  };

  function make(type: GraphQLInputType, place: Place): Arbitrary<Json> {
    const good = goodValue(getNullableType(type), place);
    const nullWeight = isNonNullType(type) ? 1 : 10;
    return weighted([150, good], [nullWeight, fc.constant(null)], [2, fc.constantFrom(...WRONG_KINDS)]);
  }

  function goodValue(type: GraphQLInputType, place: Place): Arbitrary<Json> {
    if (isListType(type)) {
      const item = values(type.ofType, place);
      const many = fc.tuple(item, fc.constantFrom(60, 1_001)).map(([value, count]) => Array<Json>(count).fill(value));
      return weighted([30, fc.array(item, { maxLength: 3 })], [4, item], [1, many]);
    }
    if (isInputObjectType(type)) return inputObject(type);
    if (isEnumType(type)) {
      const names = type.getValues().map((value) => value.name);
      const hostile = fc.constantFrom('NOPE', '__proto__', 'not a name', ...names.map((name) => name.toLowerCase()));
      return weighted([40, fc.constantFrom(...names)], [1, hostile]);
    }
    return scalarValue(String(type), place);
  }

  function inputObject(type: GraphQLInputObjectType): Arbitrary<Json> {
    const fields = Object.values(type.getFields());
    const arbitraries = fields.map((field) => {
      const value = values(field.type, { owner: type.name, name: field.name });
      const absent = fc.constant(undefined);
      const pair = isRequiredInputField(field) ? weighted([80, value], [1, absent]) : weighted([2, value], [3, absent]);
      return pair.map((given) => [field.name, given] as const);
    });
    // Of an input of which exactly one field is given, all fields would be refused most of the time.
    const chosen = type.isOneOf ? fc.oneof(...arbitraries).map((pair) => [pair]) : fc.tuple(...arbitraries);
    return fc.tuple(chosen, weighted([60, fc.constant(null)], [1, fc.constant('nobodyKnows')])).map(([pairs, odd]) => {
      const given = pairs.filter((pair): pair is [string, Json] => pair[1] !== undefined);
      return Object.fromEntries(odd === null ? given : [...given, [odd, 1]]);
    });
  }

  function scalarValue(type: string, place: Place): Arbitrary<Json> {
    const known = words.strings[`${place.owner}.${place.name}`] ?? words.strings[place.name];
    const hostileText = weighted(
      [3, fc.constantFrom(...UNSTORABLE)],
      [2, fc.constantFrom(...HOSTILE_STRINGS)],
      [1, fc.string({ unit: 'binary', maxLength: 12 })],
    );
    switch (type) {
      case 'Int':
        return fc.oneof(
          { weight: 24, arbitrary: intFor(place) },
          { weight: 1, arbitrary: fc.constantFrom(...HOSTILE_INTS) },
        );
      case 'Float':
        return weighted([8, fc.double()], [1, fc.constantFrom(...HOSTILE_INTS)]);
      case 'Boolean':
        return weighted<Json>([30, fc.boolean()], [1, fc.constantFrom('true', 1)]);
      case 'Decimal':
        return weighted(
          [24, fc.constantFrom<Json>(...DECIMALS, 2)],
          [1, fc.constantFrom<Json>(...HOSTILE_DECIMALS, 1.5, 2 ** 53)],
          [1, hostileText],
        );
      case 'DateTime':
        return weighted(
          [30, fc.constantFrom(...INSTANTS)],
          [1, fc.constantFrom(...HOSTILE_INSTANTS)],
          [1, hostileText],
        );
      case 'Date':
        return weighted([10, fc.constantFrom(...DAYS)], [2, fc.constantFrom(...HOSTILE_DAYS)], [1, hostileText]);
      case 'Dimensions':
      case 'JSONObject':
        return dimensions(hostileText);
      default:
        if (place.name === 'after' || place.name === 'before') return cursor(words.cursors);
        if (place.name === 'idempotencyKey' && place.owner.endsWith('Input')) {
          const fresh = fc.nat(1_000_000).map((serial) => `fuzz-${serial}`);
          return weighted([12, fresh], [5, fc.constantFrom(...(known ?? words.anyString))], [1, hostileText]);
        }
        return weighted([16, fc.constantFrom(...(known ?? words.anyString))], [1, hostileText]);
    }
  }

  function intFor({ owner, name }: Place): Arbitrary<number> {
    const known = words.ints[`${owner}.${name}`] ?? words.ints[name];
    const any = fc.constantFrom(...INTS).filter((value) => !known || !words.forbiddenInts.has(value));
    return known ? weighted([6, fc.constantFrom(...known)], [1, any]) : any;
  }

  return values;
}

/** Each branch with its weight, of one common type. */
export function weighted<T>(...branches: [weight: number, arbitrary: Arbitrary<T>][]): Arbitrary<T> {
  return fc.oneof(...branches.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

function dimensions(hostileText: Arbitrary<string>): Arbitrary<Json> {
  const key = weighted([8, fc.constantFrom('region', 'tier', 'a-b', 'a b')], [1, hostileText]);
  const flat = fc.oneof(fc.constantFrom<Json>('eu', 'us', 1, 0.5, true), hostileText);
  const value = weighted<Json>([10, flat], [1, fc.constantFrom<Json>(null, [], {}, ['a'], { b: 1 })]);
  const many = fc.constant(Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`k${index}`, index])));
  return weighted<Json>([20, fc.dictionary(key, value, { maxKeys: 4 })], [1, many]);
}

/** Real cursors, some with a character changed, and well-made ones of other lists and of values that no column holds. */
function cursor(real: readonly string[]): Arbitrary<Json> {
  const known = fc.constantFrom(...real);
  const tampered = fc
    .tuple(known, fc.nat(200), fc.constantFrom('A', '_', '=', 'ü', ''))
    .map(([text, at, by]) => text.slice(0, at % text.length) + by + text.slice((at % text.length) + 1));
  const part: Arbitrary<Json> = fc.oneof(fc.constantFrom(...CURSOR_PARTS), fc.constantFrom<Json>(null, 1, {}, []));
  const made = fc
    .oneof(fc.array(fc.constantFrom<Json>(...CURSOR_PARTS), { maxLength: 3 }), fc.array(part, { maxLength: 3 }), part)
    .map(printCursor);
  const grafted = fc
    .tuple(known, fc.nat(3), fc.constantFrom<Json>(...CURSOR_PARTS))
    .map(([text, at, value]) => printCursor(partsOf(text).map((part, index) => (index === at ? value : part))));
  return weighted<Json>([6, known], [2, tampered], [3, grafted], [2, made], [1, fc.constantFrom(...HOSTILE_STRINGS)]);
}

function printCursor(value: Json): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function partsOf(text: string): Json[] {
  return JSON.parse(Buffer.from(text, 'base64url').toString()) as Json[];
}

/** A body or list of variables as JSON text, raw values as they are. */
export function printJson(value: unknown): string {
  return JSON.stringify(value).replace(RAW_IN_JSON, (_match, text: string) => JSON.parse(`"${text}"`) as string);
}

/** A value as a literal of the query language: enum values bare, objects without quotes around their keys. */
export function printLiteral(value: Json, type: GraphQLInputType | undefined): string {
  const plain = type === undefined ? undefined : getNullableType(type);
  if (Array.isArray(value)) {
    const item = isListType(plain) ? plain.ofType : undefined;
    return `[${value.map((each) => printLiteral(each, item)).join(', ')}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const fields = isInputObjectType(plain) ? plain.getFields() : {};
    const parts = Object.entries(value).map(([name, each]) => `${name}: ${printLiteral(each, typeIn(fields, name))}`);
    return `{${parts.join(', ')}}`;
  }
  if (typeof value !== 'string') return JSON.stringify(value);
  const rawText = RAW.exec(value)?.[1];
  if (rawText !== undefined) return rawText;
  const inner = isListType(plain) ? getNullableType(plain.ofType) : plain;
  return isEnumType(inner) && /^[A-Za-z_]\w*$/.test(value) ? value : JSON.stringify(value);
}

function typeIn(fields: Record<string, { type: GraphQLInputType }>, name: string): GraphQLInputType | undefined {
  return Object.hasOwn(fields, name) ? fields[name]?.type : undefined;
}
