/** Random documents over a schema, as trees that shrink, and their text. */
import fc, { type Arbitrary } from 'fast-check';
import {
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { printLiteral, weighted, type Json, type Values } from './values';

/** Levels of objects below a root field. Edges and nodes count, so that a list of a list still fits. */
const DEPTH = 5;
const MAX_SELECTIONS = 5;
/** Never asked: nothing of the service would succeed any more. The walk through the services covers it. */
const SPARED = new Set(['archiveService']);

interface ArgumentNode {
  name: string;
  type: GraphQLInputType;
  value: Json;
  asVariable: boolean;
}

interface DirectiveNode {
  name: string;
  condition: 'true' | 'false' | 'variable' | 'missing' | 'wrong';
}

interface FieldNode {
  kind: 'field';
  name: string;
  alias: string | null;
  arguments: ArgumentNode[];
  directives: DirectiveNode[];
  selections: SelectionNode[] | null;
}

interface FragmentNode {
  kind: 'fragment';
  /** Null: an inline fragment without a condition. */
  on: string | null;
  /** Written once at the end of the document, and spread. */
  named: boolean;
  directives: DirectiveNode[];
  selections: SelectionNode[];
}

type SelectionNode = FieldNode | FragmentNode;

export interface OperationNode {
  kind: 'query' | 'mutation' | 'subscription';
  name: string | null;
  selections: SelectionNode[];
}

export interface Document {
  text: string;
  variables: Record<string, Json>;
}

/** Operations of the schema: queries more often than mutations. */
export function operationsOf(schema: GraphQLSchema, values: Values): Arbitrary<OperationNode> {
  const selections = selectionsOf(schema, values);
  const operation = (kind: OperationNode['kind'], root: GraphQLNamedType | null | undefined) => {
    if (!root) throw new Error(`the schema has no ${kind}`);
    const name = weighted<string | null>([3, fc.constant(null)], [1, fc.constantFrom('Fuzz', 'query', 'on', '__x')]);
    return fc.record({ kind: fc.constant(kind), name, selections: selections(root, DEPTH) });
  };
  const [query, mutation] = [schema.getQueryType(), schema.getMutationType()];
  return weighted<OperationNode>(
    [50, operation('query', query)],
    [40, operation('mutation', mutation)],
    [1, operation('mutation', query)],
    [1, operation('subscription', query)],
  );
}

type Selections = (type: GraphQLNamedType, depth: number) => Arbitrary<SelectionNode[]>;

function selectionsOf(schema: GraphQLSchema, values: Values): Selections {
  const made = new Map<string, Arbitrary<SelectionNode[]>>();

  const selections: Selections = (type, depth) => {
    const key = `${type.name} ${depth}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const arbitrary = make(type, depth);
    made.set(key, arbitrary);
    return arbitrary;
  };

  function make(type: GraphQLNamedType, depth: number): Arbitrary<SelectionNode[]> {
    const isRoot = type === schema.getQueryType() || type === schema.getMutationType();
    const all = isObjectType(type) ? Object.values(type.getFields()) : [];
    const fields = isRoot ? all.filter(({ name }) => !SPARED.has(name)) : all;
    const open = fields.filter((field) => depth > 0 || isLeafType(getNamedType(field.type)));
    const field = fc.oneof(...open.map((each) => ({ weight: 4, arbitrary: fieldOf(each, depth) })), {
      weight: isRoot ? 1 : 2,
      arbitrary: oddField('__typename'),
    });
    const odd = fc.constantFrom('nobodyKnows', '__schema', 'constructor').chain(oddField);
    const parts: [number, Arbitrary<SelectionNode>][] = [
      [600, field],
      [1, odd],
    ];
    if (depth > 0) parts.push([isAbstractType(type) ? 1_200 : 30, fragment(type, depth)]);
    const maxLength = isRoot ? 3 : MAX_SELECTIONS;
    const several = fc.array(weighted(...parts), { minLength: 1, maxLength });
    // Fields under one name with unlike arguments make a document invalid, so they are rare.
    const unlike = fc.uniqueArray(weighted(...parts), { minLength: 1, maxLength, selector: answeredAs });
    return weighted([30, unlike], [1, several]);
  }

  function fieldOf(field: GraphQLField<unknown, unknown>, depth: number): Arbitrary<FieldNode> {
    const type = getNamedType(field.type);
    const given = fc.tuple(
      ...field.args.map((argument) =>
        argumentOf(argument, values(argument.type, { owner: field.name, name: argument.name })),
      ),
    );
    return fc.record({
      kind: fc.constant('field' as const),
      name: fc.constant(field.name),
      alias: weighted<string | null>(
        [5, fc.constant(null)],
        [field.args.length > 0 ? 5 : 1, fc.nat(30).map((serial) => `a${serial}`)],
      ),
      arguments: given.map((all) => all.filter((argument) => argument !== null)),
      directives,
      selections: isLeafType(type) ? fc.constant(null) : selections(type, depth - 1),
    });
  }

  function fragment(type: GraphQLNamedType, depth: number): Arbitrary<FragmentNode> {
    const targets = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
    return fc.constantFrom(...targets).chain((target) =>
      fc.record({
        kind: fc.constant('fragment' as const),
        on: weighted<string | null>(
          [40, fc.constant(target.name)],
          [8, fc.constant(isAbstractType(type) ? target.name : null)],
          [1, fc.constantFrom('Query', 'Nothing')],
        ),
        named: fc.boolean(),
        directives,
        selections: selections(target, depth - 1),
      }),
    );
  }

  return selections;
}

const goodDirective = fc.record<DirectiveNode>({
  name: fc.constantFrom('include', 'skip'),
  condition: fc.constantFrom('true', 'false', 'variable'),
});
const oddDirective = fc.record<DirectiveNode>({
  name: fc.constantFrom('include', 'defer', 'nobodyKnows'),
  condition: fc.constantFrom('true', 'missing', 'wrong'),
});
const directives: Arbitrary<DirectiveNode[]> = weighted(
  [400, fc.constant<DirectiveNode[]>([])],
  [20, fc.tuple(goodDirective)],
  [1, fc.array(fc.oneof(goodDirective, oddDirective), { minLength: 1, maxLength: 2 })],
);

/** The name in the answer; fragments are taken as all different. */
function answeredAs(selection: SelectionNode): unknown {
  return selection.kind === 'field' ? (selection.alias ?? selection.name) : selection;
}

function oddField(name: string): Arbitrary<FieldNode> {
  return fc.constant({ kind: 'field', name, alias: null, arguments: [], directives: [], selections: null });
}

function argumentOf(argument: GraphQLArgument, value: Arbitrary<Json>): Arbitrary<ArgumentNode | null> {
  const given = fc.record({
    name: weighted([150, fc.constant(argument.name)], [1, fc.constant('nobodyKnows')]),
    type: fc.constant(argument.type),
    value,
    asVariable: fc.boolean(),
  });
  return isRequiredArgument(argument)
    ? weighted<ArgumentNode | null>([60, given], [1, fc.constant(null)])
    : weighted<ArgumentNode | null>([1, given], [1, fc.constant(null)]);
}

/** The text of a document and the values of its variables. */
export function printDocument(operation: OperationNode): Document {
  const variables: Record<string, Json> = {};
  const declared: string[] = [];
  const fragments: string[] = [];

  const variable = (type: string, value: Json): string => {
    const name = `v${declared.length}`;
    variables[name] = value;
    declared.push(`$${name}: ${type}`);
    return `$${name}`;
  };
  const printDirective = ({ name, condition }: DirectiveNode): string => {
    if (condition === 'missing') return ` @${name}`;
    if (condition === 'wrong') return ` @${name}(if: "yes")`;
    return ` @${name}(if: ${condition === 'variable' ? variable('Boolean!', true) : condition})`;
  };
  const printArgument = ({ name, type, value, asVariable }: ArgumentNode): string =>
    `${name}: ${asVariable ? variable(String(type), value) : printLiteral(value, type)}`;
  const printSelection = (selection: SelectionNode): string => {
    const conditions = selection.directives.map(printDirective).join('');
    if (selection.kind === 'field') {
      const { name, alias } = selection;
      const given = selection.arguments.length === 0 ? '' : `(${selection.arguments.map(printArgument).join(', ')})`;
      const below = selection.selections === null ? '' : ` ${printSelections(selection.selections)}`;
      return `${alias === null ? '' : `${alias}: `}${name}${given}${conditions}${below}`;
    }
    const { on, named, selections } = selection;
    const body = printSelections(selections);
    if (on === null || !named) return `...${on === null ? '' : ` on ${on}`}${conditions} ${body}`;
    const name = `F${fragments.length}`;
    fragments.push(`fragment ${name} on ${on} ${body}`);
    return `...${name}${conditions}`;
  };
  const printSelections = (selections: SelectionNode[]): string => `{ ${selections.map(printSelection).join(' ')} }`;

  const body = printSelections(operation.selections);
  const head = declared.length === 0 ? '' : `(${declared.join(', ')})`;
  const name = operation.name === null ? '' : ` ${operation.name}`;
  return { text: [`${operation.kind}${name}${head} ${body}`, ...fragments].join('\n'), variables };
}
