/** The models the sandbox plays and their fields, as `fields_get` of the recorded server described them. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a stored field may hold; an empty many2one, text or date is `false`, as Odoo answers it. */
export type FieldValue = string | number | boolean | readonly number[];

/** One record: its id and the fields that were set. Datetimes are stored with microseconds. */
export interface Row {
  id: number;
  [field: string]: FieldValue;
}

/** A record together with the name of its model. */
export interface Entity {
  model: string;
  row: Row;
}

export interface FieldDefinition {
  type: string;
  store: boolean;
  readonly: boolean;
  required: boolean;
  relation?: string;
  string?: string;
  selection?: [string, string][];
  digits?: [number, number] | false;
}

/** Reads a JSON file of `sandbox/data`, wherever the compiled code lies: the package root is the folder with package.json. */
export function readData<T>(name: string): T {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`sandbox data ${name}: no package.json above ${__dirname}`);
    folder = parent;
  }
  return JSON.parse(readFileSync(join(folder, 'sandbox', 'data', name), 'utf8')) as T;
}

const MODELS = readData<Record<string, Record<string, FieldDefinition>>>('fields.json');

/** Odoo's default order of each model; it also decides how a many2one to that model sorts. */
const DEFAULT_ORDER: Record<string, string> = {
  'sale.order': 'date_order desc, id desc',
  'sale.order.line': 'order_id, sequence, id',
  'res.partner': 'name, id desc',
  'account.move': 'invoice_date desc, name desc, id desc',
  'account.move.line': 'id',
  'product.product': 'default_code, name, id',
};

const LABELS: Record<string, string> = {
  'sale.order': 'Sales Order',
  'sale.order.line': 'Sales Order Line',
  'sale.subscription.plan': 'Subscription plan',
  'res.partner': 'Contact',
  'account.move': 'Journal Entry',
};

export function isModel(model: string): boolean {
  return Object.hasOwn(MODELS, model);
}

export function fieldsOf(model: string): Record<string, FieldDefinition> {
  return MODELS[model] ?? {};
}

export function fieldOf(model: string, name: string): FieldDefinition | undefined {
  const fields = fieldsOf(model);
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

export function defaultOrder(model: string): string {
  return DEFAULT_ORDER[model] ?? 'id';
}

export function labelOf(model: string): string {
  return LABELS[model] ?? model;
}

export function isNumeric(type: string): boolean {
  return type === 'integer' || type === 'float' || type === 'monetary';
}

export function isMany(type: string): boolean {
  return type === 'one2many' || type === 'many2many';
}

/** The value of a field that was never set. */
export function emptyValue(type: string): FieldValue {
  if (isMany(type)) return [];
  return isNumeric(type) ? 0 : false;
}
