/** Values on their way into a record: what Odoo accepts, rounds and refuses, field by field. */
import { roundAsStored } from './decimal';
import { missingError, typeError, validationError, valueError } from './errors';
import { fieldOf, isModel, isNumeric, labelOf, type FieldDefinition, type FieldValue } from './schema';
import type { Env } from './search';

const DATE = /^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?$/;
const DATETIME = /^\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d{1,6})?$/;
/** Models of which the sandbox holds every record that may be referred to. */
const HELD = new Set([
  'sale.order',
  'sale.order.line',
  'product.product',
  'res.partner',
  'uom.uom',
  'sale.subscription.plan',
]);

/** Checks and converts the values of one record. Throws for an unknown field or an impossible value, as recorded. */
export function coerceValues(env: Env, model: string, vals: Record<string, unknown>): Record<string, FieldValue> {
  const values: Record<string, FieldValue> = {};
  for (const [name, value] of Object.entries(vals)) {
    const field = fieldOf(model, name.split('@')[0] ?? name);
    if (!field) throw valueError(`Invalid field '${name}' in '${model}'`);
    if (field.required && (value === false || value === null) && !isNumeric(field.type)) {
      const label = `'${field.string ?? name}' (${name}).\nModel: '${labelOf(model)}' (${model})`;
      throw validationError(`Missing required value for the field ${label}`);
    }
    values[name] = coerce(env, { path: `${model}.${name}`, field }, value);
  }
  return values;
}

function coerce(env: Env, { path, field }: { path: string; field: FieldDefinition }, value: unknown): FieldValue {
  if (isNumeric(field.type)) return coerceNumber(field, value);
  if (field.type === 'boolean') return Boolean(value);
  if (value === false || value === null || value === undefined || value === '') return false;
  if (field.type === 'date') return matching(value, DATE, '%Y-%m-%d').slice(0, 10);
  if (field.type === 'datetime') return matching(value, DATETIME, '%Y-%m-%d %H:%M:%S');
  if (field.type === 'selection') {
    if (field.selection && !field.selection.some(([key]) => key === value)) {
      throw valueError(`Wrong value for ${path}: '${String(value)}'`);
    }
    return String(value);
  }
  if (field.type === 'many2one') {
    const target = field.relation ?? '';
    if (isModel(target) && HELD.has(target) && !env.store.get(target, value as number)) {
      throw missingError(target, value, env.uid);
    }
    return value as number;
  }
  return Array.isArray(value) ? (value as number[]) : String(value);
}

/** `true` is 1 and `false` 0, as in Python; strings and null are refused; fields with digits are rounded. */
function coerceNumber(field: FieldDefinition, value: unknown): number {
  if (typeof value === 'string') throw typeError("can't multiply sequence by non-int of type 'float'");
  if (typeof value !== 'number' && typeof value !== 'boolean') {
    throw typeError("unsupported operand type(s) for *: 'NoneType' and 'float'");
  }
  const number = Number(value);
  return field.digits ? roundAsStored(number, field.digits[1]) : number;
}

function matching(value: unknown, pattern: RegExp, format: string): string {
  const text = String(value);
  if (!pattern.test(text)) throw valueError(`time data '${text}' does not match format '${format}'`);
  return text;
}
