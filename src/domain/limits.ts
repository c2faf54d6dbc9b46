/** How much one request may ask for, and how often it may come. docs/limits.md tells them to callers. */
import { BillingError } from './errors';

export const LIMITS = {
  /** Bytes of an HTTP body, for callers with a key and for those without. */
  bodyBytes: 5 * 1024 * 1024,
  anonymousBodyBytes: 64 * 1024,
  /** Milliseconds until a request that is still arriving is cut off. */
  requestTimeoutMs: 60_000,

  /** A GraphQL document: its UTF-16 units and tokens. */
  documentLength: 100_000,
  tokens: 10_000,
  /** Fields inside fields; fragments count where they are spread. */
  depth: 15,
  /** Whatever stands inside something else: selections, values, types. */
  syntaxDepth: 120,
  /** Fields and spreads as they are written. */
  selections: 2_000,
  /** Fields at the root of one operation. */
  rootFields: 50,
  /** Fields with an alias, and fields written again in one selection. */
  aliases: 100,
  fragments: 50,
  operations: 10,
  directives: 100,
  variableDefinitions: 100,

  /** Values, in `variables` and in the document: items of a list of objects, and of any other list. */
  listOfObjects: 1_000,
  list: 100,
  /** Keys of one object, and the length of a key. */
  keys: 50,
  keyLength: 1_000,
  /** UTF-16 units of one text; what a text means has smaller limits of its own. */
  textLength: 5_000,
  /** Objects and lists inside one another. */
  valueDepth: 10,
  /** All values together. */
  values: 50_000,

  /** What an operation may cost: see resolvers/cost.ts. */
  cost: 50_000,

  /** Requests from one address without a key, or with one not seen valid before. */
  anonymousRequestsPerMinute: 300,
} as const;

/** A number as people read it: "10,000". */
export function counted(value: number): string {
  return value.toLocaleString('en-US');
}

/**
 * The refusal of a request that asks for too much at once; it never succeeds unchanged.
 * @param what is too much, as a sentence begins: "The document has 12,000 tokens".
 */
export function tooMuch(
  what: string,
  { value, maximum }: { value: number; maximum: number },
  field?: string,
): BillingError {
  return new BillingError('LIMIT_EXCEEDED', `${what}; at most ${counted(maximum)} are taken.`, {
    ...(field === undefined ? {} : { field }),
    value,
    maximum,
  });
}
