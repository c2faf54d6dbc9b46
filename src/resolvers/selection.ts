/** What a caller selected of a field's answer, for parts that cost nothing unless they are read. */
import type { GraphQLResolveInfo, SelectionSetNode } from 'graphql';

/**
 * Names of the fields selected of the answer, or of what `path` leads to inside it, also through fragments; one that a directive
 * skips counts as selected.
 */
export function selected(info: GraphQLResolveInfo, path: readonly string[] = []): Set<string> {
  const names = new Set<string>();
  const collect = (selection: SelectionSetNode | undefined, [next, ...rest]: readonly string[]): void => {
    for (const node of selection?.selections ?? []) {
      if (node.kind === 'Field') {
        if (next === undefined) names.add(node.name.value);
        else if (node.name.value === next) collect(node.selectionSet, rest);
      } else {
        const inner = node.kind === 'InlineFragment' ? node : info.fragments[node.name.value];
        collect(inner?.selectionSet, next === undefined ? [] : [next, ...rest]);
      }
    }
  };
  for (const node of info.fieldNodes) collect(node.selectionSet, path);
  return names;
}

/** Whether field `name` of the answer is selected. */
export function selects(info: GraphQLResolveInfo, name: string): boolean {
  return selected(info).has(name);
}
