/**
 * What an operation costs, counted from its text and the `first` of its connections before anything is read: about one
 * point for each object of the answer, if every list is as long as it may be.
 */
import assert from 'node:assert/strict';
import type { ApolloServerPlugin } from '@apollo/server';
import {
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  GraphQLError,
  type GraphQLField,
  type GraphQLFieldMap,
  type GraphQLNamedOutputType,
  type GraphQLSchema,
  isCompositeType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  Kind,
  type NamedTypeNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import type { Ctx } from '../ctx';
import { counted, LIMITS, tooMuch } from '../domain/limits';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from '../services/page';

/** Points of a mutation besides its answer: it writes, locks and leaves traces. */
const MUTATION_COST = 10;
/** How long a list is taken to be that is bounded by nature, such as the lines of an order. */
const LIST_LENGTH = 10;
/** Lists that may be longer, and are no pages. */
const LIST_LENGTHS: Readonly<Record<string, number>> = {
  'RecordUsageBatchPayload.results': LIMITS.listOfObjects,
  'RecordUsageBatchPayload.rejections': LIMITS.listOfObjects,
  'RerateClosedPeriodsPayload.periods': 60,
  'UsageSummary.rows': 1_000,
};
/** Fields that work something out over many rows. */
const FIELD_COSTS: Readonly<Record<string, number>> = {
  'Query.balances': 50,
  'Query.currentUsage': 100,
  'Query.estimateUsage': 100,
  'Query.identities': 1_000,
  'Query.traceInvoiceLine': 50,
  'Query.traceRecord': 50,
  'Query.usageSummary': 100,
  'Query.__schema': 100,
  'Query.__type': 10,
};

interface Request {
  schema: GraphQLSchema;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Readonly<Record<string, unknown>>;
}

/** Costs of operations that no variable changes. */
const known = new WeakMap<OperationDefinitionNode, number>();

/** The points of a valid operation. */
export function costOf(request: Request): number {
  const before = known.get(request.operation);
  if (before !== undefined) return before;
  const { cost, hasVariableSizes } = countCost(request);
  if (!hasVariableSizes) known.set(request.operation, cost);
  return cost;
}

/** Where a selection stands: on a type, in a connection of at most `pageSize` nodes. */
interface Place {
  type: GraphQLNamedOutputType;
  pageSize: number;
}

function countCost({ schema, document, operation, variables }: Request): { cost: number; hasVariableSizes: boolean } {
  const fragments = new Map(document.definitions.filter(isFragment).map((each) => [each.name.value, each]));
  // A fragment that spreads another one twice would otherwise be counted once for each path to it.
  const ofFragments = new Map<string, number>();
  let hasVariableSizes = false;

  const ofSelection = (selectionSet: SelectionSetNode | undefined, place: Place): number =>
    selectionSet?.selections.reduce((sum, selection) => {
      if (selection.kind === Kind.FIELD) return sum + ofField(selection, place);
      if (selection.kind === Kind.FRAGMENT_SPREAD) return sum + ofFragment(selection.name.value, place);
      return sum + ofSelection(selection.selectionSet, within(place, selection.typeCondition));
    }, 0) ?? 0;

  const ofFragment = (name: string, place: Place): number => {
    const id = `${name} ${place.pageSize}`;
    const fragment = fragments.get(name);
    const cost = ofFragments.get(id) ?? ofSelection(fragment?.selectionSet, within(place, fragment?.typeCondition));
    ofFragments.set(id, cost);
    return cost;
  };

  const ofField = (node: FieldNode, place: Place): number => {
    const own = FIELD_COSTS[`${place.type.name}.${node.name.value}`] ?? 0;
    const field = fieldsOf(place.type)[node.name.value];
    if (field === undefined) return own;
    const type = getNamedType(field.type);
    if (isLeafType(type)) return own;
    const below = ofSelection(node.selectionSet, { type, pageSize: pageSize(node, field) });
    const each = (isFree(type) ? 0 : 1) + below;
    const length = isListType(getNullableType(field.type)) ? listLength(field, place) : 1;
    return own + (place.type === schema.getMutationType() ? MUTATION_COST : 0) + length * each;
  };

  const within = (place: Place, condition: NamedTypeNode | undefined): Place => {
    const type = condition === undefined ? undefined : schema.getType(condition.name.value);
    return isCompositeType(type) ? { ...place, type } : place;
  };

  const pageSize = (node: FieldNode, field: GraphQLField<unknown, unknown>): number => {
    if (!field.args.some(({ name }) => name === 'first')) return DEFAULT_PAGE_SIZE;
    const value = node.arguments?.find(({ name }) => name.value === 'first')?.value;
    hasVariableSizes ||= value?.kind === Kind.VARIABLE;
    return bounded(value?.kind === Kind.VARIABLE ? variableSize(value.name.value) : value);
  };

  const variableSize = (name: string): unknown =>
    variables[name] ??
    operation.variableDefinitions?.find(({ variable }) => variable.name.value === name)?.defaultValue;

  const type = schema.getRootType(operation.operation);
  assert(type, 'a valid operation has a root');
  return { cost: ofSelection(operation.selectionSet, { type, pageSize: DEFAULT_PAGE_SIZE }), hasVariableSizes };
}

/** A page size as a number of JSON or as it stands in the document; one that will be refused counts as the nearest. */
function bounded(value: unknown): number {
  const literal = value as ValueNode | undefined;
  const size =
    typeof value === 'number' ? value : literal?.kind === Kind.INT ? Number(literal.value) : DEFAULT_PAGE_SIZE;
  return Math.min(Math.max(size, 1), MAX_PAGE_SIZE);
}

function listLength({ name }: GraphQLField<unknown, unknown>, { type, pageSize }: Place): number {
  if (isConnection(type) && (name === 'nodes' || name === 'edges')) return pageSize;
  return LIST_LENGTHS[`${type.name}.${name}`] ?? LIST_LENGTH;
}

function fieldsOf(type: GraphQLNamedOutputType): GraphQLFieldMap<unknown, unknown> {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields() : {};
}

function isConnection({ name }: GraphQLNamedOutputType): boolean {
  return name.endsWith('Connection');
}

/** Parts of a page that are made of its nodes. */
function isFree({ name }: GraphQLNamedOutputType): boolean {
  return name.endsWith('Edge') || name === 'PageInfo';
}

function isFragment(definition: DefinitionNode): definition is FragmentDefinitionNode {
  return definition.kind === Kind.FRAGMENT_DEFINITION;
}

/** As `extensions` tell what an operation costs. */
export function toldCost(requested: number): { requested: number; maximum: number } {
  return { requested, maximum: LIMITS.cost };
}

/** Refuses operations that cost too much before anything is read, and tells every other one's cost in `extensions`. */
export const costs: ApolloServerPlugin<Ctx> = {
  requestDidStart: async () => {
    let requested: number | undefined;
    return {
      didResolveOperation: async ({ schema, document, operation, request }) => {
        // GraphQL refuses it: which of several operations is meant is not said.
        if (operation === undefined) return;
        requested = costOf({ schema, document, operation, variables: request.variables ?? {} });
        if (requested > LIMITS.cost) {
          const refusal = tooMuch(`The operation costs ${counted(requested)} points`, {
            value: requested,
            maximum: LIMITS.cost,
          });
          throw new GraphQLError(refusal.message, { originalError: refusal, extensions: { http: { status: 400 } } });
        }
      },
      willSendResponse: async ({ response: { body } }) => {
        if (requested === undefined || body.kind !== 'single') return;
        const { extensions } = body.singleResult;
        body.singleResult.extensions = { ...extensions, cost: toldCost(requested) };
      },
    };
  },
};
