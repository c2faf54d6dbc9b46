/** Counts GraphQL requests, and times and traces the use case behind each root field. */
import type { ApolloServerPlugin } from '@apollo/server';
import { defaultFieldResolver, type GraphQLFieldConfig, type GraphQLFormattedError, type GraphQLSchema } from 'graphql';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { asUnavailable } from '../services/transaction';

type Resolve = NonNullable<GraphQLFieldConfig<unknown, Ctx>['resolve']>;

/** Wraps the root fields of `schema`, and gives it back. */
export function observeRootFields(schema: GraphQLSchema): GraphQLSchema {
  for (const type of [schema.getQueryType(), schema.getMutationType()]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      field.resolve = observed(`${type?.name}.${field.name}`, field.name, field.resolve ?? defaultFieldResolver);
    }
  }
  return schema;
}

function observed(name: string, field: string, resolve: Resolve): Resolve {
  return (source, args, ctx, info) => {
    const { tracing } = ctx;
    const work = (): Promise<unknown> => timed(ctx, field, async () => resolve(source, args, ctx, info) as unknown);
    return tracing === null ? work() : tracing.span(name, work);
  };
}

async function timed({ metrics }: Ctx, field: string, work: () => Promise<unknown>): Promise<unknown> {
  const stop = metrics.graphqlFields.startTimer({ field });
  try {
    const answer = await work();
    stop({ outcome: 'ok' });
    return answer;
  } catch (error) {
    const cause = asUnavailable(error);
    stop({ outcome: cause instanceof BillingError ? cause.code : 'INTERNAL' });
    throw error;
  }
}

/** Counts a request by its kind of operation and the code of its first error, which is formatted already: never a client's text. */
export function countRequest(
  { metrics }: Ctx,
  { operation, errors }: { operation: string; errors: readonly GraphQLFormattedError[] | undefined },
): void {
  const code = errors?.[0]?.extensions?.code;
  metrics.graphqlRequests.inc({ operation, outcome: typeof code === 'string' ? code : 'ok' });
}

/** Counts every request that Apollo answers. */
export const countRequests: ApolloServerPlugin<Ctx> = {
  requestDidStart: async () => ({
    willSendResponse: async ({ contextValue, operation, response }) => {
      if (response.body.kind !== 'single') return;
      const { errors } = response.body.singleResult;
      countRequest(contextValue, { operation: operation?.operation ?? 'none', errors });
    },
  }),
};
