/** Refusals as a caller is told them: the code and the field for its program, the message for a person. */
import type { GraphqlAnswer, TestApp } from './app';

export interface Refusal {
  code: unknown;
  field: unknown;
  message: string;
}

/** The first refusal of an answer; null when it holds none. */
export function refusalOf({ errors }: GraphqlAnswer): Refusal | null {
  const [error] = errors ?? [];
  return error === undefined
    ? null
    : { code: error.extensions.code, field: error.extensions.field, message: error.message };
}

/** What a field of the root that takes one `input` is refused with; null when it is not. */
export async function refused(
  { test, key }: { test: TestApp; key: string },
  name: string,
  input: Record<string, unknown>,
): Promise<Refusal | null> {
  const kind = ['completeness', 'estimateUsage'].includes(name) ? 'query' : 'mutation';
  const type = `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Input!`;
  return refusalOf(
    await test.gql(key, `${kind} ($input: ${type}) { ${name}(input: $input) { __typename } }`, { input }),
  );
}

/** A row of a table: what is wrong, the input's part that makes it so, and what the caller is told. */
export type RefusedInput = [
  what: string,
  change: Record<string, unknown>,
  code: string,
  field: string,
  message: string,
];
