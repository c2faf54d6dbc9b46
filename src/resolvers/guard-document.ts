/**
 * The guard of GraphQL documents, before they are validated: some of GraphQL's own rules compare every field with every
 * other, and a field costs a caller two bytes. What a valid document costs to execute is counted by cost.ts.
 */
import {
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type ListValueNode,
  parse,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { BillingError } from '../domain/errors';
import { counted, LIMITS, tooMuch } from '../domain/limits';

/** Documents that passed, by their own length: the few that a client sends are looked at once. */
const passed = new LRUCache<string, true>({ maxSize: 4_000_000, sizeCalculation: (_, text) => text.length + 1 });

/**
 * A document that does not parse passes: GraphQL says best what is wrong with it.
 * @throws BillingError LIMIT_EXCEEDED with what is too much, `value` and `maximum`.
 */
export function guardDocument(text: string): void {
  if (passed.has(text)) return;
  atMost(text.length, 'documentLength', 'characters');
  const document = parsed(text);
  if (document !== null) guardShape(document);
  passed.set(text, true);
}

function parsed(text: string): DocumentNode | null {
  try {
    return parse(text, { noLocation: true });
  } catch (error) {
    // The parser calls itself for each level.
    if (error instanceof RangeError) throw new BillingError('LIMIT_EXCEEDED', 'The document is nested too deeply.');
    return null;
  }
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

function guardShape(document: DocumentNode): void {
  atMost(document.tokenCount ?? 0, 'tokens', 'tokens');
  const { definitions } = document;
  const fragments: Fragments = new Map(definitions.filter(isFragment).map((each) => [each.name.value, each]));
  const fragmentCount = definitions.filter(isFragment).length;
  atMost(fragmentCount, 'fragments', 'fragments');
  atMost(definitions.length - fragmentCount, 'operations', 'operations');
  const schemaFields = guardCounts(document);
  const depth = deepest(fragments, () => true);
  const lists = deepest(fragments, ({ name }) => SCHEMA_LISTS.has(name.value));
  for (const field of schemaFields) {
    if (field.selectionSet !== undefined && lists(field.selectionSet) > 1) throw refusedIntrospection('nested lists');
  }
  for (const definition of definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    atMost(depth(definition.selectionSet), 'depth', 'levels of fields');
    atMost(rootFields(definition.selectionSet, fragments), 'rootFields', 'fields at its root');
  }
}

/** What is counted as it is written, whatever it means. Answers the fields that ask for the schema. */
function guardCounts(document: DocumentNode): FieldNode[] {
  const schemaFields: FieldNode[] = [];
  const count = { selections: 0, aliases: 0, directives: 0, variableDefinitions: 0 };
  // How many fields of the schema, or fragments on its types, the visit stands in.
  let inSchema = 0;
  let level = 0;
  visit(document, {
    enter: () => {
      level += 1;
      atMost(level, 'syntaxDepth', 'levels of syntax');
    },
    leave: () => {
      level -= 1;
    },
  });
  visit(document, {
    SelectionSet: ({ selections }) => {
      count.selections += selections.length;
      count.aliases += aliases(selections);
    },
    Directive: () => {
      count.directives += 1;
    },
    VariableDefinition: () => {
      count.variableDefinitions += 1;
    },
    ListValue: guardList,
    Field: {
      enter: (field) => {
        if (asksForSchema(field)) schemaFields.push(field);
        if (field.alias !== undefined && (inSchema > 0 || field.name.value === '__schema')) {
          throw refusedIntrospection('aliases');
        }
        if (asksForSchema(field)) inSchema += 1;
      },
      leave: (field) => {
        if (asksForSchema(field)) inSchema -= 1;
      },
    },
    FragmentDefinition: {
      enter: (fragment) => {
        if (isOnSchema(fragment)) inSchema += 1;
      },
      leave: (fragment) => {
        if (isOnSchema(fragment)) inSchema -= 1;
      },
    },
  });
  atMost(count.selections, 'selections', 'fields and spreads');
  atMost(count.aliases, 'aliases', 'aliased or repeated fields');
  atMost(count.directives, 'directives', 'directives');
  atMost(count.variableDefinitions, 'variableDefinitions', 'variables');
  return schemaFields;
}

/** Fields with an alias, and those that answer to a name the selection has already. */
function aliases(selections: SelectionSetNode['selections']): number {
  const names = new Set<string>();
  return selections.filter((selection) => {
    if (selection.kind !== Kind.FIELD) return false;
    const isRepeated = names.has(selection.name.value);
    names.add(selection.name.value);
    return selection.alias !== undefined || isRepeated;
  }).length;
}

function guardList({ values }: ListValueNode): void {
  const ofObjects = values.every(({ kind }) => kind === Kind.OBJECT);
  atMost(values.length, ofObjects ? 'listOfObjects' : 'list', 'items in one list');
}

/** How deep selections go by the fields that `counts`, through fragments. One that contains itself is refused by GraphQL. */
function deepest(
  fragments: Fragments,
  counts: (field: FieldNode) => boolean,
): (selectionSet: SelectionSetNode) => number {
  const known = new Map<string, number>();
  const ofFragment = (name: string): number => {
    const depth = known.get(name);
    if (depth !== undefined) return depth;
    known.set(name, 0);
    const fragment = fragments.get(name);
    const found = fragment === undefined ? 0 : of(fragment.selectionSet);
    known.set(name, found);
    return found;
  };
  const of = ({ selections }: SelectionSetNode): number =>
    selections.reduce((most, selection) => {
      if (selection.kind === Kind.FRAGMENT_SPREAD) return Math.max(most, ofFragment(selection.name.value));
      const below = selection.selectionSet === undefined ? 0 : of(selection.selectionSet);
      return Math.max(most, selection.kind === Kind.FIELD && counts(selection) ? below + 1 : below);
    }, 0);
  return of;
}

function rootFields(selectionSet: SelectionSetNode, fragments: Fragments): number {
  const spread = new Set<string>();
  const of = ({ selections }: SelectionSetNode): number =>
    selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FIELD) return sum + 1;
      if (selection.kind === Kind.INLINE_FRAGMENT) return sum + of(selection.selectionSet);
      const fragment = fragments.get(selection.name.value);
      if (fragment === undefined || spread.has(selection.name.value)) return sum;
      spread.add(selection.name.value);
      return sum + of(fragment.selectionSet);
    }, 0);
  return of(selectionSet);
}

/** Lists of the schema from whose items one comes to the whole schema again. */
const SCHEMA_LISTS = new Set(['fields', 'inputFields', 'interfaces', 'possibleTypes']);

function asksForSchema({ name }: FieldNode): boolean {
  return name.value === '__schema' || name.value === '__type';
}

function isOnSchema({ typeCondition }: FragmentDefinitionNode): boolean {
  return typeCondition.name.value.startsWith('__');
}

function isFragment(definition: DefinitionNode): definition is FragmentDefinitionNode {
  return definition.kind === Kind.FRAGMENT_DEFINITION;
}

function refusedIntrospection(what: string): BillingError {
  return new BillingError(
    'LIMIT_EXCEEDED',
    `The schema is read without ${what}, so that reading it all is the most that is asked.`,
  );
}

function atMost(value: number, limit: keyof typeof LIMITS, unit: string): void {
  const maximum = LIMITS[limit];
  if (value > maximum) throw tooMuch(`The document has ${counted(value)} ${unit}`, { value, maximum });
}
