/** Finding records: visibility by company, archived ones, order and page. */
import { valueOf } from './compute';
import { compileDomain, mentionsActive } from './domain';
import { accessError, databaseError, userError, valueError } from './errors';
import { defaultOrder, fieldOf, isModel, labelOf, type FieldValue, type Row } from './schema';
import type { Store } from './store';

/** One call: whose it is, when its transaction began, and what its context says. */
export interface Env {
  store: Store;
  uid: number;
  /** Start of the transaction, the `write_date` of all it writes. */
  stamp: string;
  lang: string;
  tz: string;
  companyIds: readonly number[];
  activeTest: boolean;
  /** A person in Odoo's own interface, or the server itself: refusals of the interface do not apply. */
  unchecked: boolean;
  /** No model may be touched. */
  withoutRights?: true;
}

export interface SearchArguments {
  domain?: unknown;
  offset?: unknown;
  limit?: unknown;
  order?: unknown;
}

const ORDER_SYNTAX =
  /^\s*[\w.]+(\s+(asc|desc))?(\s+nulls\s+(first|last))?(\s*,\s*[\w.]+(\s+(asc|desc))?(\s+nulls\s+(first|last))?)*\s*$/i;

export function search(env: Env, model: string, args: SearchArguments): Row[] {
  const found = matching(env, model, args.domain);
  const order = typeof args.order === 'string' && args.order ? args.order : defaultOrder(model);
  if (!ORDER_SYNTAX.test(order)) {
    const valid = 'a comma-separated list of valid field names (optionally followed by asc/desc for the direction)';
    throw userError(`Invalid "order" specified (${order}). A valid "order" specification is ${valid}`);
  }
  found.sort(comparator(env.store, model, order));
  const offset = Number(args.offset ?? 0);
  const limit = Number(args.limit ?? 0);
  if (limit < 0) throw databaseError('InvalidRowCountInLimitClause', 'LIMIT must not be negative');
  return found.slice(offset, limit ? offset + limit : undefined);
}

export function count(env: Env, model: string, domain: unknown): number {
  return matching(env, model, domain).length;
}

function matching(env: Env, model: string, domain: unknown): Row[] {
  const matches = compileDomain(env, model, domain);
  const hideArchived = env.activeTest && fieldOf(model, 'active') !== undefined && !mentionsActive(domain);
  return env.store
    .rows(model)
    .sort((a, b) => a.id - b.id)
    .filter((row) => isVisible(env, model, row) && !(hideArchived && row.active === false) && matches(row));
}

/** Records of a company the user has not are invisible to a search. */
function isVisible(env: Env, model: string, row: Row): boolean {
  if (model === 'res.company') return env.companyIds.includes(row.id);
  if (!fieldOf(model, 'company_id')) return true;
  const company = valueOf(env.store, { model, row }, 'company_id');
  return company === false || env.companyIds.includes(company as number);
}

/** Records by id, in the order asked for; those that do not exist are left out, those of another company are refused. */
export function browse(env: Env, model: string, ids: unknown): Row[] {
  const asked: unknown[] = Array.isArray(ids) ? ids : ids === undefined || ids === null ? [] : [ids];
  return asked.flatMap((id) => {
    const row = typeof id === 'number' ? env.store.get(model, id) : undefined;
    if (!row) return [];
    if (!isVisible(env, model, row)) {
      throw accessError(`Sorry, user ${env.uid} doesn't have 'read' access to:\n- ${labelOf(model)} (${model})`);
    }
    return [row];
  });
}

type Comparator = (a: Row, b: Row) => number;

function comparator(store: Store, model: string, order: string): Comparator {
  const parts = order.split(',').map((part) => comparatorOf(store, model, part.trim()));
  return (a, b) => {
    for (const part of parts) {
      const result = part(a, b);
      if (result !== 0) return result;
    }
    return 0;
  };
}

function comparatorOf(store: Store, model: string, part: string): Comparator {
  const [path = '', direction = 'asc'] = part.split(/\s+/);
  const descending = direction.toLowerCase() === 'desc';
  const [head = '', ...rest] = path.split('.');
  const field = fieldOf(model, head);
  if (!field) throw valueError(`Invalid field '${head}' on model '${model}'`);
  const target = field.relation;
  const byId = rest.join('.') === 'id';
  const ascending: Comparator =
    target && isModel(target) && !byId
      ? byRelated(store, { model, head, target, order: rest.length > 0 ? rest.join('.') : defaultOrder(target) })
      : (a, b) => compareValues(valueOf(store, { model, row: a }, head), valueOf(store, { model, row: b }, head));
  return descending ? (a, b) => -ascending(a, b) : ascending;
}

/** A many2one sorts by the default order of the other model, not by its id. */
function byRelated(store: Store, by: { model: string; head: string; target: string; order: string }): Comparator {
  const inner = comparator(store, by.target, by.order);
  return (a, b) => {
    const left = store.get(by.target, valueOf(store, { model: by.model, row: a }, by.head));
    const right = store.get(by.target, valueOf(store, { model: by.model, row: b }, by.head));
    if (!left || !right) return compareValues(left ? 0 : false, right ? 0 : false);
    return left.id === right.id ? 0 : inner(left, right);
  };
}

/** Empty values sort last when ascending, as NULL does in PostgreSQL. */
function compareValues(left: FieldValue, right: FieldValue): number {
  if (left === right) return 0;
  if (typeof left === 'boolean' && typeof right === 'boolean') return left ? 1 : -1;
  if (left === false) return 1;
  if (right === false) return -1;
  return left < right ? -1 : 1;
}
