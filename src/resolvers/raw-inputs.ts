/**
 * The fields that record usage take their input as GraphQL coerced it. type-graphql copies every argument into instances of
 * the input classes, which costs a batch more than checking its syntax, and nothing needs the classes.
 */
import assert from 'node:assert/strict';
import type { GraphQLFieldConfig, GraphQLSchema } from 'graphql';
import { getMetadataStorage } from 'type-graphql';
import type { Ctx } from '../ctx';
import type { Scope } from '../domain/scope';
import { authChecker } from './auth';
import type { RecordUsageBatchInput, RecordUsageInput } from './usage-inputs';
import { UsageRecordsResolver } from './usage-records';

type Resolve = NonNullable<GraphQLFieldConfig<unknown, Ctx>['resolve']>;

const resolver = new UsageRecordsResolver();

const RAW: Readonly<Record<string, Resolve>> = {
  recordUsage: (_, { input }, ctx, info) => resolver.recordUsage(ctx, input as RecordUsageInput, info),
  recordUsageBatch: (_, { input }, ctx, info) => resolver.recordUsageBatch(ctx, input as RecordUsageBatchInput, info),
};

/** Replaces their resolvers in `schema`, and gives it back. What they demand of a key stays as declared. */
export function takeRawInputs(schema: GraphQLSchema): GraphQLSchema {
  const fields = schema.getMutationType()?.getFields() ?? {};
  for (const [name, resolve] of Object.entries(RAW)) {
    const field = fields[name];
    const roles = getMetadataStorage().mutations.find(({ schemaName }) => schemaName === name)?.roles;
    assert(field !== undefined && roles !== undefined, `${name} is declared with @Authorized`);
    field.resolve = async (root, args, context: Ctx, info) => {
      await authChecker({ root, args, context, info }, roles as Scope[]);
      return resolve(root, args, context, info) as unknown;
    };
  }
  return schema;
}
