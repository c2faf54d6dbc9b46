/**
 * Runs operations: those that record usage as code compiled from them, any other by graphql-js. What compiled code would
 * answer differently, it never gets to answer: it takes only plain operations, and wrong variables go on to graphql-js.
 */
import type { ApolloServerOptionsWithGateway } from '@apollo/server';
import {
  type DefinitionNode,
  type DocumentNode,
  execute,
  type ExecutionResult,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  visit,
} from 'graphql';
import { compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Ctx } from '../ctx';
import { ANONYMOUS } from './auth';
import { variablesCheck } from './fitting-variables';

const COMPILED_FIELDS: ReadonlySet<string> = new Set(['recordUsage', 'recordUsageBatch']);

export interface OperationRequest {
  document: DocumentNode;
  /** The one of the document that is meant; undefined when none is. */
  operation: OperationDefinitionNode | undefined;
  operationName: string | null | undefined;
  variables: Readonly<Record<string, unknown>> | undefined;
  ctx: Ctx;
}

export type Executor = (request: OperationRequest) => Promise<ExecutionResult>;

type Compilable = Pick<OperationRequest, 'document' | 'operationName'> & { operation: OperationDefinitionNode };
/** Undefined when the variables are not what it takes: nothing was resolved then. */
type Run = (request: Pick<OperationRequest, 'variables' | 'ctx'>) => Promise<ExecutionResult | undefined>;

/** An operation that runs as code of its own, and the request by which it is meant. */
export interface CompiledOperation extends Compilable {
  run: Run;
}

/**
 * An executor of its own memory: it compiles an operation when it comes for the second time as the same object, and tells
 * `onCompiled` of each that it runs as such.
 */
export function createExecutor(
  schema: GraphQLSchema,
  onCompiled: (compiled: CompiledOperation) => void = () => undefined,
): Executor {
  const known = new WeakMap<OperationDefinitionNode, Run | 'seen' | 'never'>();

  const compiled = ({ document, operation, operationName }: OperationRequest): Run | undefined => {
    if (operation === undefined) return undefined;
    const before = known.get(operation);
    if (typeof before === 'function') return before;
    if (before === undefined) known.set(operation, isPlainRecording(document, operation) ? 'seen' : 'never');
    if (before !== 'seen') return undefined;
    const run = compile({ document, operation, operationName });
    known.set(operation, run ?? 'never');
    return run;
  };

  const compile = ({ document, operation, operationName }: Compilable): Run | undefined => {
    const result = compileQuery(schema, document, operationName ?? undefined);
    if (!isCompiledQuery(result)) return undefined;
    const fit = variablesCheck(schema, operation);
    return async ({ variables, ctx }) => {
      // Compiled code lists every wrong value: a batch of them would hold the process for a second.
      if (!fit(variables)) return undefined;
      const { data, errors } = await result.query(undefined, ctx, variables);
      // An answer without data comes before any resolver: the variables are wrong. Mutations are nullable, so whatever was
      // resolved, though it failed, has data, and nothing is done twice.
      return data === undefined ? undefined : { data, errors: errors?.map(asGraphqlError) };
    };
  };

  return async (request) => {
    const { document, operation, operationName, variables, ctx } = request;
    // Who has no key gets nothing compiled.
    const run = ctx.actor === ANONYMOUS ? undefined : compiled(request);
    if (run !== undefined && operation !== undefined) onCompiled({ document, operation, operationName, run });
    return (
      (await run?.(request)) ??
      execute({ schema, document, contextValue: ctx, variableValues: variables, operationName })
    );
  };
}

/** Compiled code has errors of its own make, which cannot print themselves. */
function asGraphqlError({ message, path, locations, originalError }: GraphQLError): GraphQLError {
  return Object.assign(new GraphQLError(message, { path, originalError }), { locations });
}

/** Only fields that record usage at the root, their input from a variable that must be given, and no directive anywhere. */
function isPlainRecording(document: DocumentNode, operation: OperationDefinitionNode): boolean {
  const required = new Set(
    operation.variableDefinitions
      ?.filter(({ type, defaultValue }) => type.kind === Kind.NON_NULL_TYPE && defaultValue === undefined)
      .map(({ variable }) => variable.name.value),
  );
  const isRecording = (node: SelectionNode): boolean =>
    node.kind === Kind.FIELD &&
    COMPILED_FIELDS.has(node.name.value) &&
    node.arguments?.length === 1 &&
    node.arguments.every(({ value }) => value.kind === Kind.VARIABLE && required.has(value.name.value));
  return operation.selectionSet.selections.every(isRecording) && !hasDirective(document.definitions);
}

function hasDirective(definitions: readonly DefinitionNode[]): boolean {
  let found = false;
  for (const definition of definitions) visit(definition, { [Kind.DIRECTIVE]: () => void (found = true) });
  return found;
}

type Gateway = NonNullable<ApolloServerOptionsWithGateway<Ctx>['gateway']>;

/** The one opening that Apollo has for an executor of one's own. */
export function gatewayOf(schema: GraphQLSchema, onCompiled: (compiled: CompiledOperation) => void): Gateway {
  const run = createExecutor(schema, onCompiled);
  return {
    onSchemaLoadOrUpdate(callback) {
      callback({ apiSchema: schema, coreSupergraphSdl: '' });
      return () => undefined;
    },
    load: () =>
      Promise.resolve({
        executor: ({ document, operation, request: { operationName, variables }, context }) =>
          run({ document, operation, operationName, variables, ctx: context as Ctx }),
      }),
    stop: () => Promise.resolve(),
  };
}
