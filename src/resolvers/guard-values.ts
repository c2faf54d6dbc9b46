/**
 * The guard of `variables`, before they are coerced: GraphQL would print a wrong value whole into each of its errors. It
 * knows nothing of types: what a value means is judged later, and in a batch item by item.
 */
import { counted, LIMITS, tooMuch } from '../domain/limits';

/** @throws BillingError LIMIT_EXCEEDED with the path of the value at fault as `field`: "input.records.17.dimensions". */
export function guardValues(variables: object): void {
  let count = 0;

  function guard(value: unknown, path: Path, depth: number): void {
    count += 1;
    if (count > LIMITS.values) {
      throw tooMuch('The variables hold too many values', { value: count, maximum: LIMITS.values });
    }
    if (typeof value === 'string') {
      if (value.length > LIMITS.textLength) throw excess(path, 'characters', value.length, LIMITS.textLength);
    } else if (Array.isArray(value)) {
      if (depth > LIMITS.valueDepth) throw excess(path, 'levels', depth, LIMITS.valueDepth);
      guardLength(value, path);
      for (let index = 0; index < value.length; index += 1) guard(value[index], { of: path, step: index }, depth + 1);
    } else if (typeof value === 'object' && value !== null) {
      if (depth > LIMITS.valueDepth) throw excess(path, 'levels', depth, LIMITS.valueDepth);
      guardKeys(value, path);
      for (const [key, member] of Object.entries(value)) guard(member, { of: path, step: key }, depth + 1);
    }
  }

  // The variables themselves are no level.
  guard(variables, null, 0);
}

/** Where a value stands, from the inside out: paths are printed for a refusal only. */
type Path = { of: Path; step: string | number } | null;

function guardLength(list: readonly unknown[], path: Path): void {
  const maximum = list.every(isObject) ? LIMITS.listOfObjects : LIMITS.list;
  if (list.length > maximum) throw excess(path, 'items', list.length, maximum);
}

function guardKeys(object: object, path: Path): void {
  const keys = Object.keys(object);
  if (keys.length > LIMITS.keys) throw excess(path, 'keys', keys.length, LIMITS.keys);
  const long = keys.find((key) => key.length > LIMITS.keyLength);
  if (long !== undefined) throw excess(path, 'characters in a key', long.length, LIMITS.keyLength);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function excess(path: Path, unit: string, value: number, maximum: number): Error {
  const field = print(path);
  const subject = field === '' ? 'variables' : field;
  return tooMuch(`${subject} has ${counted(value)} ${unit}`, { value, maximum }, subject);
}

function print(path: Path): string {
  if (path === null) return '';
  const before = print(path.of);
  return before === '' ? String(path.step) : `${before}.${path.step}`;
}
