/** Plays the examples one after another on one installation, and checks that each ends as it says. */
import { strict as assert } from 'node:assert';
import { type GraphQLSchema, Kind, parse } from 'graphql';
import type { DemoInstance } from '../../src/boot/demo-instance';
import type { Caller, Chapter, Example, Variables } from './example';
import { exchange, graphqlRequest } from './installation';
import { mapTexts } from './stable';

export interface GraphqlAnswer {
  data?: unknown;
  errors?: { message: string; extensions: { code: string } }[];
  extensions?: unknown;
}

export interface Played {
  example: Example;
  /** As they were sent. */
  variables: Variables | undefined;
  answer: GraphqlAnswer;
}

/** What examples kept, by name. */
export type Kept = Map<string, unknown>;

/** Every example of the chapters with its answer. @throws when one is refused that should not be, or the other way round. */
export async function playChapters(
  demo: DemoInstance,
  chapters: readonly Chapter[],
  kept: Kept,
): Promise<Map<Example, Played>> {
  const played = new Map<Example, Played>();
  for (const example of chapters.flatMap(({ examples }) => examples)) {
    try {
      played.set(example, await playExample(demo, example, kept));
    } catch (error) {
      throw new Error(`The example "${example.title}": ${(error as Error).message}`, { cause: error });
    }
  }
  return played;
}

async function playExample(demo: DemoInstance, example: Example, kept: Kept): Promise<Played> {
  await example.odoo?.(demo.odoo);
  // Two examples at one instant would leave the order of what they make to chance.
  if (example.at === undefined) await demo.setClock(new Date(demo.now().getTime() + 1_000).toISOString());
  else if (example.idle) await demo.setClock(example.at);
  else await demo.moveTo(example.at);
  const variables = example.variables && (filledIn(example.variables, kept) as Variables);
  const key = keyOf(demo, example.caller ?? 'installation', kept);
  const reply = await exchange(demo, graphqlRequest(key, { query: example.document, variables }));
  const answer = JSON.parse(reply.text) as GraphqlAnswer;
  const refusals = answer.errors?.map(({ extensions, message }) => `${extensions.code}: ${message}`) ?? [];
  const asSaid = example.refused === undefined ? refusals.length === 0 : refusals[0]?.startsWith(example.refused);
  assert(
    asSaid,
    `should ${example.refused === undefined ? 'succeed' : `be refused with ${example.refused}`}: ${refusals}`,
  );
  for (const [name, place] of Object.entries(example.keep ?? {})) kept.set(name, valueAt(answer.data, place));
  return { example, variables, answer };
}

/** The key of a caller; those of `kept` are made by the examples. */
export function keyOf(demo: DemoInstance, caller: Caller, kept: Kept): string {
  return caller === 'installation' ? demo.key : String(found(kept, caller));
}

const REFERENCE = /^\{\{(\w+)\}\}$/;

/** The same variables with every "{{name}}" replaced by what was kept under the name, a number as a number. */
export function filledIn(variables: unknown, kept: Kept): unknown {
  return mapTexts(variables, (text) => {
    const name = REFERENCE.exec(text)?.[1];
    return name === undefined ? text : found(kept, name);
  });
}

function found(kept: Kept, name: string): unknown {
  assert(kept.has(name), `no earlier example keeps "${name}"`);
  return kept.get(name);
}

function valueAt(data: unknown, place: string): unknown {
  const value = place
    .split('.')
    .reduce<unknown>((inner, step) => (inner as Record<string, unknown> | undefined)?.[step], data);
  assert(value !== undefined && value !== null, `the answer has nothing at ${place}: ${JSON.stringify(data)}`);
  return value;
}

/** Root fields of the schema, as "Query.viewer", that no example asks for. */
export function withoutExample(schema: GraphQLSchema, chapters: readonly Chapter[]): string[] {
  const shown = new Set(chapters.flatMap(({ examples }) => examples).flatMap(({ document }) => rootFields(document)));
  return [schema.getQueryType(), schema.getMutationType()]
    .flatMap((type) => Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name}.${field}`))
    .filter((field) => !shown.has(field));
}

function rootFields(document: string): string[] {
  return parse(document).definitions.flatMap((definition) => {
    if (definition.kind !== Kind.OPERATION_DEFINITION) return [];
    const root = definition.operation === 'mutation' ? 'Mutation' : 'Query';
    return definition.selectionSet.selections.flatMap((selection) =>
      selection.kind === Kind.FIELD ? [`${root}.${selection.name.value}`] : [],
    );
  });
}
