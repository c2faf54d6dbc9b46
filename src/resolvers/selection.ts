/** What a caller selected of a field's answer, for parts that cost nothing unless they are read. */
import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql';

/** Whether field `name` of the answer is selected, also through fragments; one that a directive skips counts as selected. */
export function selects(info: GraphQLResolveInfo, name: string): boolean {
  const isIn = (selection: SelectionSetNode | undefined): boolean =>
    selection?.selections.some((node) => {
      if (node.kind === 'Field') return node.name.value === name;
      if (node.kind === 'InlineFragment') return isIn(node.selectionSet);
      return isIn(info.fragments[node.name.value]?.selectionSet);
    }) ?? false;
  return info.fieldNodes.some((node) => isIn(node.selectionSet));
}
