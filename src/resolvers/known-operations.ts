/** A validation rule: a document asks for kinds of operations that the schema has. graphql-js 16 notices only on execution. */
import { GraphQLError, type ASTVisitor, type ValidationContext } from 'graphql';

export function knownOperations(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition(node) {
      if (context.getSchema().getRootType(node.operation)) return;
      context.reportError(new GraphQLError(`The schema has no ${node.operation}s.`, { nodes: node }));
    },
  };
}
