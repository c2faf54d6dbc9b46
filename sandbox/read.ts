/** Answers: records as `read` and as the `web_*` methods give them. */
import { nameBehind, valueOf } from './compute';
import { valueError } from './errors';
import { fieldOf, fieldsOf, isMany, type Entity, type FieldValue, type Row } from './schema';
import type { Env } from './search';

/** The part of a `web_*` specification that describes one field. */
export interface FieldSpecification {
  fields?: Specification;
  limit?: number;
}

export type Specification = Record<string, FieldSpecification>;

/** Records of one model. */
interface Found {
  model: string;
  rows: readonly Row[];
}

/** Records as `read` answers them; `load` null gives bare ids for many2one, else `[id, name]`. */
export function readRows(env: Env, found: Found, options: { fields?: unknown; load?: unknown }): object[] {
  const { model, rows } = found;
  const names = fieldNames(model, options.fields);
  return rows.map((row) => {
    const answer: Record<string, unknown> = { id: row.id };
    for (const name of names) {
      const value = fieldValue(env, { model, row }, name);
      const relation = fieldOf(model, name)?.type === 'many2one' ? fieldOf(model, name)?.relation : undefined;
      const pair = relation !== undefined && value !== false && options.load !== null;
      answer[name] = pair ? [value, nameBehind(env.store, relation, value as number)] : value;
    }
    return answer;
  });
}

function fieldNames(model: string, fields: unknown): string[] {
  const asked =
    typeof fields === 'string' ? [...fields] : Array.isArray(fields) ? (fields as unknown[]).map(String) : [];
  for (const name of asked) {
    if (!fieldOf(model, name)) throw valueError(`Invalid field '${name}' on '${model}'`);
  }
  return asked.length > 0 ? asked : Object.keys(fieldsOf(model));
}

/** One value as it leaves the server: datetimes in whole seconds, names in the language of the call. */
function fieldValue(env: Env, { model, row }: Entity, name: string): FieldValue {
  const value = row[`${name}@${env.lang}`] ?? valueOf(env.store, { model, row }, name);
  return fieldOf(model, name)?.type === 'datetime' && typeof value === 'string' ? value.slice(0, 19) : value;
}

/** Records as `web_read`, `web_search_read` and `web_save` answer them. */
export function webReadRows(env: Env, { model, rows }: Found, specification: Specification): object[] {
  fieldNames(model, Object.keys(specification));
  return rows.map((row) => {
    const answer: Record<string, unknown> = { id: row.id };
    for (const [name, part] of Object.entries(specification))
      answer[name] = webValue(env, { model, row }, { name, part });
    return answer;
  });
}

function webValue(env: Env, { model, row }: Entity, asked: { name: string; part: FieldSpecification }): unknown {
  const value = fieldValue(env, { model, row }, asked.name);
  const field = fieldOf(model, asked.name);
  if (!field?.relation || !asked.part.fields) return value;
  const target = field.relation;
  const inner = asked.part.fields;
  const detail = (id: number) => {
    const found = env.store.get(target, id);
    return found ? webReadRows(env, { model: target, rows: [found] }, inner)[0] : { id };
  };
  if (!isMany(field.type)) return value === false ? false : detail(value as number);
  const limit = asked.part.limit ?? Infinity;
  return (value as number[]).map((id, index) => (index < limit ? detail(id) : { id }));
}

/** The answer of `fields_get`; unknown fields are left out. */
export function describeFields(model: string, allfields: unknown, attributes: unknown): object {
  const names = Array.isArray(allfields) && allfields.length > 0 ? allfields.map(String) : Object.keys(fieldsOf(model));
  const answer: Record<string, object> = {};
  for (const name of names) {
    const field = fieldOf(model, name);
    if (!field) continue;
    const all = { string: name, ...field } as Record<string, unknown>;
    const wanted = Array.isArray(attributes) && attributes.length > 0 ? attributes.map(String) : Object.keys(all);
    answer[name] = Object.fromEntries(wanted.filter((key) => key in all).map((key) => [key, all[key]]));
  }
  return answer;
}
