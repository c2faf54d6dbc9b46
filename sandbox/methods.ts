/** The methods of the JSON-2 interface the sandbox plays: their parameters, checked as Odoo checks them, and their work. */
import { accessError, notFound, typeError, userError, wrongParameters } from './errors';
import { isModel, labelOf } from './schema';
import { browse, count, search, type Env } from './search';
import { describeFields, readRows, webReadRows, type Specification } from './read';
import type { Store, WriteEntry } from './store';
import { createRow, writeRows } from './write';

type Arguments = Record<string, unknown>;

interface Method {
  /** `model`: of the model itself, takes no ids. `records`: of the records named by ids. */
  level: 'model' | 'records';
  required: readonly string[];
  optional: readonly string[];
  writes?: true;
  /** search_read hands unknown keywords on and fails deeper down, with another error. */
  passesUnknown?: true;
  run: (env: Env, model: string, args: Arguments) => unknown;
}

const PAGE = ['offset', 'limit', 'order'];

const METHODS: Record<string, Method> = {
  search_read: {
    level: 'model',
    required: [],
    optional: ['domain', 'fields', ...PAGE, 'load'],
    passesUnknown: true,
    run: (env, model, args) => readRows(env, { model, rows: search(env, model, args) }, args),
  },
  search: {
    level: 'model',
    required: ['domain'],
    optional: PAGE,
    run: (env, model, args) => search(env, model, args).map((row) => row.id),
  },
  search_count: {
    level: 'model',
    required: ['domain'],
    optional: ['limit'],
    run: (env, model, args) => Math.min(count(env, model, args.domain), Number(args.limit ?? 0) || Infinity),
  },
  read: {
    level: 'records',
    required: [],
    optional: ['fields', 'load'],
    run: (env, model, args) => readRows(env, { model, rows: browse(env, model, args.ids) }, args),
  },
  fields_get: {
    level: 'model',
    required: [],
    optional: ['allfields', 'attributes'],
    run: (_env, model, args) => describeFields(model, args.allfields, args.attributes),
  },
  write: {
    level: 'records',
    required: ['vals'],
    optional: [],
    writes: true,
    run: (env, model, args) => {
      writeRows(env, { model, ids: idList(args.ids) }, args.vals);
      return true;
    },
  },
  create: {
    level: 'model',
    required: ['vals_list'],
    optional: [],
    writes: true,
    run: (env, model, args) => {
      const list = (Array.isArray(args.vals_list) ? args.vals_list : [args.vals_list]) as Arguments[];
      return list.map((vals) => createRow(env, model, vals).id);
    },
  },
  web_read: {
    level: 'records',
    required: ['specification'],
    optional: [],
    run: (env, model, args) =>
      webReadRows(env, { model, rows: browse(env, model, args.ids) }, args.specification as Specification),
  },
  web_save: {
    level: 'records',
    required: ['vals', 'specification'],
    optional: ['next_id'],
    writes: true,
    run: (env, model, args) => {
      const ids = idList(args.ids);
      const saved = ids.length > 0 ? ids : [createRow(env, model, args.vals as Arguments).id];
      if (ids.length > 0) writeRows(env, { model, ids }, args.vals);
      return webReadRows(env, { model, rows: browse(env, model, saved) }, args.specification as Specification);
    },
  },
  web_search_read: {
    level: 'model',
    required: ['domain', 'specification'],
    optional: [...PAGE, 'count_limit'],
    run: (env, model, args) => ({
      length: Math.min(count(env, model, args.domain), Number(args.count_limit ?? 0) || Infinity),
      records: webReadRows(env, { model, rows: search(env, model, args) }, args.specification as Specification),
    }),
  },
};

/** Public methods that Odoo refuses to call from outside all the same. */
const PRIVATE = new Set(['exists', 'ensure_one', 'filtered', 'mapped', 'sorted', 'sudo', 'with_context', 'browse']);

function idList(ids: unknown): unknown[] {
  return Array.isArray(ids) ? (ids as unknown[]) : ids === undefined || ids === null ? [] : [ids];
}

const LANGUAGES = new Set(['en_US', 'fr_FR']);

/** The user of the key: uid 5, company 1, as recorded. */
export function userEnv(store: Store, stamp: string): Env {
  const own = { lang: 'en_US', tz: 'America/Toronto', companyIds: [1], activeTest: true, unchecked: false };
  return { store, stamp, uid: 5, ...own };
}

/** A person in Odoo's own interface. */
export function personEnv(store: Store, stamp: string): Env {
  return { ...userEnv(store, stamp), uid: 2, companyIds: [1, 2], activeTest: false, unchecked: true };
}

/** Uid 2 by key: both companies, and the same refusals as for any caller. */
export function adminEnv(store: Store, stamp: string): Env {
  return { ...userEnv(store, stamp), uid: 2, companyIds: [1, 2] };
}

/** A user without a role: may log in and nothing else. */
export function limitedEnv(store: Store, stamp: string): Env {
  return { ...userEnv(store, stamp), uid: 6, withoutRights: true };
}

function withContext(env: Env, context: unknown): Env {
  if (Array.isArray(context)) throw typeError('cannot convert dictionary update sequence element #0 to a sequence');
  const given = (context ?? {}) as Arguments;
  const lang = typeof given.lang === 'string' ? given.lang : env.lang;
  if (!LANGUAGES.has(lang)) throw userError(`Invalid language code: ${lang}`);
  const companies = given.allowed_company_ids;
  if (Array.isArray(companies) && !companies.every((id) => env.companyIds.includes(id as number))) {
    throw accessError('Access to unauthorized or invalid companies.');
  }
  const companyIds = Array.isArray(companies) ? (companies as number[]) : env.companyIds;
  const tz = typeof given.tz === 'string' ? given.tz : env.tz;
  return { ...env, lang, tz, companyIds, activeTest: given.active_test !== false };
}

/** One JSON-2 call in one transaction: the answer, or an OdooError and nothing done. */
export function callMethod(env: Env, path: { model: string; method: string }, body: Arguments): unknown {
  const { model, method } = path;
  if (!isModel(model)) throw notFound(`the model '${model}' does not exist`);
  if (method.startsWith('_') || PRIVATE.has(method)) {
    throw accessError(`Private methods (such as '${model}.${method}') cannot be called remotely.`);
  }
  if (model === 'res.users' && method === 'context_get') return { lang: env.lang, tz: env.tz, uid: env.uid };
  const definition = METHODS[method];
  if (!definition) throw notFound(`The method '${model}.${method}' does not exist`);
  if (env.withoutRights) throw accessError(`You are not allowed to access '${labelOf(model)}' (${model}) records.`);
  const { context, ...args } = body;
  checkParameters(`${model}.${method}`, definition, args);
  const own = withContext(env, context);
  return env.store.transaction(() => {
    const result = definition.run(own, model, args);
    if (definition.writes) logWrite(own, { model, method, vals: args.vals ?? args.vals_list, result }, args.ids);
    return result;
  });
}

function checkParameters(name: string, method: Method, args: Arguments): void {
  const { ids, ...named } = args;
  if (method.level === 'model' && Array.isArray(ids) && ids.length > 0) {
    throw wrongParameters(`cannot call ${name} with ids`);
  }
  const missing = method.required.find((parameter) => !(parameter in named));
  if (missing) throw wrongParameters(`missing a required argument: '${missing}'`);
  const known = new Set([...method.required, ...method.optional]);
  const unknown = Object.keys(named).find((parameter) => !known.has(parameter));
  if (!unknown) return;
  const text = `got an unexpected keyword argument '${unknown}'`;
  throw method.passesUnknown ? typeError(`BaseModel._read_format() ${text}`) : wrongParameters(text);
}

function logWrite(env: Env, entry: Omit<WriteEntry, 'at' | 'ids'>, ids: unknown): void {
  env.store.logWrite({ at: env.stamp, ids: idList(ids) as number[], ...entry });
}
