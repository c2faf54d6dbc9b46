/** Selections made from the schema: every field of an answer down to a depth, so that nothing of it goes unlooked at. */
import {
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';

export interface Selection {
  text: string;
  /** How many fields it selects. */
  count: number;
}

/** `{ … }` over everything of `type` that needs no argument, objects down to `depth`; a connection counts as its nodes. */
export function selectAll(schema: GraphQLSchema, type: GraphQLNamedType, depth: number): Selection {
  if (isLeafType(type)) return { text: '', count: 0 };
  const types = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
  let count = 0;
  const parts = types.filter(isObjectType).map((object) => {
    const deeper = object.name.endsWith('Connection') || object.name.endsWith('Edge') ? depth : depth - 1;
    const fields = Object.values(object.getFields()).map((field) => {
      const selected = selectField(schema, field, deeper);
      count += selected.count;
      return selected.text;
    });
    const text = ['__typename', ...fields.filter((field) => field !== '')].join(' ');
    // The same name may have other types in other members of a union.
    return isAbstractType(type) ? `... on ${object.name} { ${text} }` : text;
  });
  return { text: `{ ${parts.join(' ')} }`, count };
}

function selectField(schema: GraphQLSchema, field: GraphQLField<unknown, unknown>, depth: number): Selection {
  const type = getNamedType(field.type);
  const isOut = field.args.some(isRequiredArgument) || (depth <= 0 && !isLeafType(type));
  if (isOut) return { text: '', count: 0 };
  const { text, count } = selectAll(schema, type, depth);
  return { text: `${field.name} ${text}`.trim(), count: count + 1 };
}
