/** Search domains: prefix logic, dotted paths, and conditions that compare datetimes by the whole second. */
import { DateTime } from 'luxon';
import { nameBehind, valueOf } from './compute';
import { databaseError, typeError, valueError } from './errors';
import { fieldOf, isMany, isNumeric, type FieldDefinition, type FieldValue, type Row } from './schema';
import type { Store } from './store';

export interface DomainContext {
  store: Store;
  /** Time zone in which a bare day begins when it is compared with a datetime. */
  tz: string;
}

type Predicate = (row: Row) => boolean;
type Scalar = string | number | boolean;

const OPERATORS = new Set(['=', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'like', 'not like', 'ilike', 'not ilike']);
const SUBDOMAIN = new Set(['any', 'not any']);
const DATETIME = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(\.\d+)?)?$/;

/** Turns a domain into a test of one record. Throws what Odoo throws for a malformed one. */
export function compileDomain(context: DomainContext, model: string, domain: unknown): Predicate {
  if (domain === undefined || domain === false || domain === null) return () => true;
  if (!Array.isArray(domain)) throw typeError(`Domain() invalid argument type for domain: ${python(domain)}`);
  const stack: Predicate[] = [];
  const pop = (): Predicate => {
    const predicate = stack.pop();
    if (!predicate) throw valueError(`Domain() malformed domain ${python(domain)}`);
    return predicate;
  };
  for (const item of [...(domain as unknown[])].reverse()) {
    if (item === '!') {
      const inner = pop();
      stack.push((row) => !inner(row));
    } else if (item === '&' || item === '|') {
      const [left, right] = [pop(), pop()];
      stack.push(item === '&' ? (row) => left(row) && right(row) : (row) => left(row) || right(row));
    } else {
      stack.push(compileItem(context, model, item));
    }
  }
  return (row) => stack.every((predicate) => predicate(row));
}

/** Whether a domain speaks of `active` itself, which switches the hiding of archived records off. */
export function mentionsActive(domain: unknown): boolean {
  return Array.isArray(domain) && domain.some((item: unknown) => Array.isArray(item) && item[0] === 'active');
}

function compileItem(context: DomainContext, model: string, item: unknown): Predicate {
  if (!Array.isArray(item) || item.length !== 3) throw valueError(`Domain() invalid item in domain: ${python(item)}`);
  const [path, operator, value] = item as [unknown, unknown, unknown];
  const shown = `(${python(path)}, ${python(operator)}, ${python(value)})`;
  const known = typeof operator === 'string' && (OPERATORS.has(operator) || SUBDOMAIN.has(operator));
  if (!known) throw valueError(`Invalid operator in condition ${shown}`);
  const [head = '', ...rest] = String(path).split('.');
  const field = fieldOf(model, head);
  if (!field) throw valueError(`Invalid field ${model}.${head} in condition ${shown}`);
  if (rest.length > 0) {
    return related(context, { model, head, field }, [[rest.join('.'), operator, value]]);
  }
  if (SUBDOMAIN.has(operator)) {
    const some = related(context, { model, head, field }, value);
    return operator === 'any' ? some : (row) => !some(row);
  }
  const matches = compileCondition(context, field, { operator, value });
  return (row) => matches(valueOf(context.store, { model, row }, head));
}

interface Step {
  model: string;
  head: string;
  field: FieldDefinition;
}

/** At least one record behind the relation matches. */
function related(context: DomainContext, step: Step, domain: unknown): Predicate {
  const target = step.field.relation;
  if (!target) throw valueError(`Invalid field ${step.model}.${step.head} in condition: not relational`);
  const inner = compileDomain(context, target, domain);
  return (row) => {
    const value = valueOf(context.store, { model: step.model, row }, step.head);
    const ids = Array.isArray(value) ? (value as number[]) : [value as number];
    return ids.some((id) => {
      const found = context.store.get(target, id);
      return found !== undefined && inner(found);
    });
  };
}

interface Condition {
  operator: string;
  value: unknown;
}

function compileCondition(context: DomainContext, field: FieldDefinition, condition: Condition) {
  const { operator, value } = condition;
  if (operator.endsWith('like')) return compileLike(context, field, { operator, value });
  if (operator === '=' || operator === '!=' || operator === 'in' || operator === 'not in') {
    const wanted = new Set((Array.isArray(value) ? value : [value]).map((one) => normalise(context, field, one)));
    const isIn = (actual: FieldValue) => {
      if (Array.isArray(actual)) return actual.length === 0 ? wanted.has(false) : actual.some((id) => wanted.has(id));
      return wanted.has(seen(field, actual as Scalar));
    };
    return operator === '=' || operator === 'in' ? isIn : (actual: FieldValue) => !isIn(actual);
  }
  const bound = normalise(context, field, value);
  return (actual: FieldValue) => {
    const own = seen(field, actual as Scalar);
    if (bound === false || (own === false && field.type !== 'boolean')) return false;
    if (operator === '<') return own < bound;
    if (operator === '<=') return own <= bound;
    return operator === '>' ? own > bound : own >= bound;
  };
}

function compileLike(context: DomainContext, field: FieldDefinition, condition: Condition) {
  const fold = (text: string) => (condition.operator.includes('ilike') ? text.toLowerCase() : text);
  const wanted = fold(String(condition.value));
  const contains = (actual: FieldValue) => {
    if (actual === false) return false;
    const text = field.relation ? nameBehind(context.store, field.relation, actual as number) : String(actual);
    return fold(text).includes(wanted);
  };
  return condition.operator.startsWith('not') ? (actual: FieldValue) => !contains(actual) : contains;
}

/** A stored value as a condition sees it: datetimes without their microseconds. */
function seen(field: FieldDefinition, value: Scalar): Scalar {
  return field.type === 'datetime' && typeof value === 'string' ? value.slice(0, 19) : value;
}

function normalise(context: DomainContext, field: FieldDefinition, value: unknown): Scalar {
  if (value === false || value === null) return isNumeric(field.type) ? 0 : false;
  if (field.type === 'datetime') return normaliseDatetime(context, String(value));
  if (isNumeric(field.type)) {
    const number = Number(value);
    if (Number.isNaN(number) || value === '') {
      throw databaseError('InvalidTextRepresentation', `invalid input syntax for type integer: "${String(value)}"`);
    }
    return number;
  }
  if ((field.type === 'many2one' || isMany(field.type)) && typeof value !== 'number') {
    throw databaseError('InvalidTextRepresentation', `invalid input syntax for type integer: "${String(value)}"`);
  }
  return value as Scalar;
}

function normaliseDatetime(context: DomainContext, text: string): string {
  const match = DATETIME.exec(text);
  if (match) {
    const [, day = '', time] = match;
    if (time) return `${day} ${time}`;
    return DateTime.fromISO(day, { zone: context.tz }).toUTC().toFormat('yyyy-MM-dd HH:mm:ss');
  }
  if (/[Zz]$|[+-]\d{2}:\d{2}$/.test(text))
    throw valueError(`expecting only datetimes with no timezone: ${python(text)}`);
  throw valueError(`Invalid term ${python(text.split(' ')[0])} in expression date: ${python(text)}`);
}

/** A value as Python prints it, for error texts. */
function python(value: unknown): string {
  if (typeof value === 'string') return value.includes("'") ? `"${value}"` : `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(python).join(', ')}]`;
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as number);
}
