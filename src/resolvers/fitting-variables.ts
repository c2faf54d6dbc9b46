/** Whether GraphQL will take the variables of an operation as they are, asked without a word about those it will not. */
import {
  getNullableType,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLNullableType,
  type GraphQLSchema,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';

type Fits = (value: unknown) => boolean;
type Variables = Readonly<Record<string, unknown>>;

/** A check of `operation`: false for every set of variables that is wrong, and for some that GraphQL would still make right. */
export function variablesCheck(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
): (variables: Variables | undefined) => boolean {
  const checks = variableDefinitions.map(({ variable, type }): [string, Fits] => {
    const known = typeFromAST(schema, type);
    return [variable.name.value, isInputType(known) ? checkOf(known) : () => false];
  });
  return (variables = {}) => checks.every(([name, fits]) => fits(variables[name]));
}

function checkOf(type: GraphQLInputType): Fits {
  const fits = presentCheckOf(getNullableType(type));
  const mayLack = !isNonNullType(type);
  return (value) => (value === null || value === undefined ? mayLack : fits(value));
}

function presentCheckOf(type: GraphQLNullableType & GraphQLInputType): Fits {
  if (isListType(type)) {
    const fits = checkOf(type.ofType);
    return (value) => Array.isArray(value) && value.every((item) => fits(item));
  }
  if (!isInputObjectType(type)) return (value) => isTaken(type, value);
  const fields = Object.values(type.getFields());
  const checks = new Map(fields.map((field) => [field.name, checkOf(field.type)]));
  const required = fields.filter(isRequiredInputField).map(({ name }) => name);
  return (value) => {
    if (typeof value !== 'object') return false;
    const object = value as Variables;
    return (
      Object.keys(object).every((key) => checks.get(key)?.(object[key]) ?? false) &&
      required.every((name) => object[name] !== undefined)
    );
  };
}

function isTaken(type: GraphQLLeafType, value: unknown): boolean {
  try {
    return type.parseValue(value) !== undefined;
  } catch {
    return false;
  }
}
