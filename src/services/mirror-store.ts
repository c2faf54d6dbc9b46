/** Stores records read from Odoo: parse, fetch what they refer to, plan against what is stored, write. */
import type { EntityManager } from 'typeorm';
import type { App } from '../ctx';
import { BillingError, toProblem, type Problem } from '../domain/errors';
import {
  planMirror,
  type MirrorPlan,
  type MirrorRow,
  type MirrorUpdate,
  type MirrorValue,
} from '../domain/mirror-plan';
import { MirrorModel } from '../entities/sync-run';
import { readByIds } from '../odoo/records';
import { tileBillerSpans } from './biller-spans';
import { bumpCatalogVersion } from './catalog-version';
import {
  insertRows,
  markGone,
  MIRROR_TABLES,
  missingIds,
  storedRows,
  updateRows,
  type MirrorTable,
} from './mirror-tables';
import { inTransaction, LOCK_CLASS, sqlState } from './transaction';

/** Where a reading stands. */
export interface Reading {
  /** Odoo's instant as of which the records are read, or an earlier one. */
  asOf: Date;
  /** A full pass: what Odoo says counts even when its dates are older than ours. */
  force: boolean;
}

export interface StoreCounts {
  read: number;
  inserted: number;
  updated: number;
  unchanged: number;
}

export interface StoreOutcome extends StoreCounts {
  /** Records set aside, by Odoo id; the others were stored. */
  problems: Map<number, Problem>;
}

/** One statement that goes with the records: in the transaction that stores them, or alone when none of them is news. */
type AlsoInTransaction = (db: EntityManager, outcome: StoreOutcome) => Promise<void>;

interface Storing {
  records: readonly { id: number }[];
  reading: Reading;
  also?: AlsoInTransaction;
  /** How many references lead here; 0 for what was asked for. */
  depth?: number;
}

/** References lead from lines to orders to partners to companies, and no further. */
const MAX_DEPTH = 4;
/** Second key of the advisory lock under which contracts are made for new orders. */
const NEW_CONTRACTS = 1;

/**
 * Stores raw `records` of one model, in one transaction, with what they refer to fetched and stored before. A record that
 * cannot be read, or whose reference Odoo does not show, is set aside with the reason. Records that are stored as they are
 * need no transaction: nearly all that the overlap of two passes brings.
 */
export async function storeRecords(app: App, table: MirrorTable, work: Storing): Promise<StoreOutcome> {
  const outcome: StoreOutcome = {
    read: work.records.length,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    problems: new Map(),
  };
  const parsed = parseRecords(table, work.records, outcome.problems);
  const news = await newsAmong(app, table, parsed);
  outcome.unchanged = parsed.length - news.length;
  const { reading, depth = 0 } = work;
  const rows = await withReferences(app, table, { parsed, news, reading, problems: outcome.problems, depth });
  if (rows.length === 0) {
    await work.also?.(app.db.manager, outcome);
    return outcome;
  }
  try {
    await writeRows(app, table, { ...work, rows, outcome });
  } catch (error) {
    if (!isBadData(error)) throw error;
    await writeOneByOne(app, table, { ...work, rows, outcome });
  }
  return outcome;
}

/** Those rows that differ from what is stored at this moment. */
async function newsAmong(app: App, table: MirrorTable, rows: readonly MirrorRow[]): Promise<MirrorRow[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.odoo_id);
  const plan = planMirror(await storedRows(app.db.manager, table, { ids, lock: false }), rows);
  return [...plan.insert, ...plan.update.map((update) => update.row)];
}

/** Marks rows gone and lets caches know, in `tx`. Returns how many were not gone yet. */
export async function storeGone(
  tx: EntityManager,
  table: MirrorTable,
  gone: { ids: readonly number[]; at: Date },
): Promise<number> {
  const count = await markGone(tx, table, gone);
  if (count > 0 && table.structure.length > 0) await bumpCatalogVersion(tx, 'all');
  return count;
}

function parseRecords(
  table: MirrorTable,
  records: readonly { id: number }[],
  problems: Map<number, Problem>,
): MirrorRow[] {
  const rows: MirrorRow[] = [];
  for (const record of records) {
    const result = table.odoo.parse(record);
    if (result.success) {
      rows.push(result.data);
      continue;
    }
    const issue = result.error.issues[0];
    problems.set(record.id, setAside(table, record.id, { field: issue?.path.join('.'), reason: issue?.message ?? '' }));
  }
  return rows;
}

function setAside(table: MirrorTable, odooId: number, why: { field?: string; reason: string }): Problem {
  const message = `${table.odoo.name} ${odooId} is set aside: ${why.field === undefined ? '' : `${why.field}: `}${why.reason}`;
  return {
    ...toProblem(new BillingError('UPSTREAM_REJECTED', message, { field: why.field, odooId })),
    retryable: true,
  };
}

interface Referring {
  parsed: readonly MirrorRow[];
  /** Those of `parsed` that are to be written. */
  news: MirrorRow[];
  reading: Reading;
  problems: Map<number, Problem>;
  depth: number;
}

/** The news whose references are all mirrored, after fetching those that were not; the others are set aside. */
async function withReferences(app: App, table: MirrorTable, work: Referring): Promise<MirrorRow[]> {
  let rows = work.news;
  // A stored row has what it requires; what it can do without is looked for again each time it is read.
  const wanted = new Map(
    table.references.map(({ column, to, required }) => {
      const ids = new Set((required ? work.news : work.parsed).map((row) => row[column]).filter(isId));
      if (to === table.model) for (const row of rows) ids.delete(row.odoo_id);
      return [to, [...ids]];
    }),
  );
  const missing = await missingIds(app.db.manager, wanted);
  for (const { column, to, required } of table.references) {
    const lacking = await fetchMissing(app, MIRROR_TABLES[to], { ...work, ids: missing.get(to) ?? [] });
    if (!required || lacking.size === 0) continue;
    rows = rows.filter((row) => {
      const id = row[column];
      if (!isId(id) || !lacking.has(id)) return true;
      const reason = `${MIRROR_TABLES[to].odoo.name} ${id} is not mirrored`;
      work.problems.set(row.odoo_id, setAside(table, row.odoo_id, { field: column, reason }));
      return false;
    });
  }
  return rows;
}

function isId(value: MirrorValue | undefined): value is number {
  return typeof value === 'number';
}

/** Fetches `ids`, which are not mirrored yet. Returns those that are still missing. */
async function fetchMissing(
  app: App,
  table: MirrorTable,
  work: { ids: readonly number[]; reading: Reading; depth: number },
): Promise<Set<number>> {
  const { ids } = work;
  if (ids.length === 0 || work.depth === MAX_DEPTH) return new Set(ids);
  const { records } = await readByIds(app.odoo, table.odoo, ids);
  const { problems } = await storeRecords(app, table, {
    records,
    reading: work.reading,
    depth: work.depth + 1,
  });
  const shown = new Set(records.map((record) => record.id).filter((id) => !problems.has(id)));
  return new Set(ids.filter((id) => !shown.has(id)));
}

interface Writing {
  rows: readonly MirrorRow[];
  reading: Reading;
  outcome: StoreOutcome;
  also?: AlsoInTransaction;
}

/** Plans against the locked rows and applies the plan, in one transaction. A rerun counts afresh. */
async function writeRows(app: App, table: MirrorTable, work: Writing): Promise<void> {
  const before = { ...work.outcome };
  await inTransaction(app, async (tx) => {
    Object.assign(work.outcome, before);
    // Two passes at once are prevented elsewhere; this keeps even them from making two contracts for one order.
    if (table.model === MirrorModel.SUBSCRIPTION) {
      await tx.query('select pg_advisory_xact_lock($1, $2)', [LOCK_CLASS.SYNC, NEW_CONTRACTS]);
    }
    const ids = work.rows.map((row) => row.odoo_id);
    const plan = planMirror(await storedRows(tx, table, { ids, lock: true }), work.rows);
    const inserted = await insertPlanned(tx, table, { plan, asOf: work.reading.asOf, now: app.clock() });
    const updated = await updatePlanned(tx, table, { plan, reading: work.reading });
    work.outcome.inserted += inserted;
    work.outcome.updated += updated;
    work.outcome.unchanged += work.rows.length - inserted - updated;
    await work.also?.(tx, work.outcome);
    if (changesStructure(table, plan)) await bumpCatalogVersion(tx, 'all');
  });
}

async function insertPlanned(
  tx: EntityManager,
  table: MirrorTable,
  work: { plan: MirrorPlan; asOf: Date; now: Date },
): Promise<number> {
  const rows = work.plan.insert;
  if (rows.length === 0) return 0;
  if (table.model !== MirrorModel.SUBSCRIPTION) {
    return (await insertRows(tx, table, { rows, syncedAt: work.asOf })).length;
  }
  // Each order seen for the first time begins a contract, with its billers.
  const contracts = await tx.query<{ id: string }[]>(
    'insert into contract (created_at) select $1::timestamptz from generate_series(1, $2::integer) returning id',
    [work.now, rows.length],
  );
  const contractIds = contracts.map((contract) => contract.id);
  const withContracts = rows.map((row, index) => ({ ...row, contract_id: contractIds[index] ?? null }));
  const inserted = await insertRows(tx, table, {
    rows: withContracts,
    syncedAt: work.asOf,
    more: { contract_id: 'uuid' },
  });
  await tileBillerSpans(tx, { contractIds });
  return inserted.length;
}

async function updatePlanned(
  tx: EntityManager,
  table: MirrorTable,
  work: { plan: MirrorPlan; reading: Reading },
): Promise<number> {
  if (work.plan.update.length === 0) return 0;
  const rows = work.plan.update.map((update) => update.row);
  return updateRows(tx, table, { rows, syncedAt: work.reading.asOf, force: work.reading.force });
}

/** Whether usage may find another contract after this: a new or returned row, or another value of a structural column. */
function changesStructure(table: MirrorTable, plan: MirrorPlan): boolean {
  if (table.structure.length === 0) return false;
  const moved = ({ stored, row }: MirrorUpdate): boolean =>
    stored.gone || table.structure.some((column) => stored.row[column] !== row[column]);
  return plan.insert.length > 0 || plan.update.some(moved);
}

/** SQLSTATE classes of values the database refuses: bad data (22) and violated constraints (23). */
function isBadData(error: unknown): boolean {
  return /^2[23]/.test(sqlState(error) ?? '');
}

/** The slow way, when one row spoils the page: each row alone, and the bad ones aside. */
async function writeOneByOne(app: App, table: MirrorTable, work: Writing): Promise<void> {
  for (const row of work.rows) {
    try {
      await writeRows(app, table, { rows: [row], reading: work.reading, outcome: work.outcome });
    } catch (error) {
      if (!isBadData(error)) throw error;
      const reason = `the database refuses it (${sqlState(error) ?? ''})`;
      work.outcome.problems.set(row.odoo_id, setAside(table, row.odoo_id, { reason }));
    }
  }
  await work.also?.(app.db.manager, work.outcome);
}
