/** Stores records that were prepared: plans them against what is stored, and writes. */
import type { EntityManager } from 'typeorm';
import type { App } from '../ctx';
import { BillingError, toProblem, type Problem } from '../domain/errors';
import { planMirror, type MirrorPlan, type MirrorRow, type MirrorUpdate } from '../domain/mirror-plan';
import { MirrorModel } from '../entities/sync-run';
import { tileBillerSpans } from './biller-spans';
import { bumpCatalogVersion } from './catalog-version';
import { insertRows, markGone, storedRows, updateRows, type MirrorTable } from './mirror-tables';
import { inTransaction, LOCK_CLASS, sqlState } from './transaction';

/** Where a reading stands. */
export interface Reading {
  /** Odoo's instant as of which the records are read, or an earlier one. */
  asOf: Date;
  /** A full pass: what Odoo says counts even when its dates are older than ours. */
  force: boolean;
}

interface StoreCounts {
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

/** Records that are ready to be stored: what they refer to is mirrored. */
export interface Prepared {
  /** Of all records. */
  ids: readonly number[];
  /** Those that are news, as rows. */
  rows: readonly MirrorRow[];
  reading: Reading;
  /** Of the others. */
  outcome: StoreOutcome;
}

/** Second key of the advisory lock under which contracts are made for new orders. */
const NEW_CONTRACTS = 1;

/**
 * Stores what was prepared, in one transaction. Records that are stored as they are need none: nearly all that the overlap
 * of two passes brings.
 */
export async function storePrepared(
  app: App,
  table: MirrorTable,
  prepared: Prepared,
  also?: AlsoInTransaction,
): Promise<StoreOutcome> {
  const { rows, outcome } = prepared;
  if (rows.length === 0) {
    await also?.(app.db.manager, outcome);
    return outcome;
  }
  try {
    await writeRows(app, table, { ...prepared, also });
  } catch (error) {
    if (!isBadData(error)) throw error;
    await writeOneByOne(app, table, { ...prepared, also });
  }
  return outcome;
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

export function setAside(table: MirrorTable, odooId: number, why: { field?: string; reason: string }): Problem {
  const message = `${table.odoo.name} ${odooId} is set aside: ${why.field === undefined ? '' : `${why.field}: `}${why.reason}`;
  return {
    ...toProblem(new BillingError('UPSTREAM_REJECTED', message, { field: why.field, odooId })),
    retryable: true,
  };
}

interface Writing extends Prepared {
  also?: AlsoInTransaction | undefined;
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
      await writeRows(app, table, { ...work, rows: [row], also: undefined });
    } catch (error) {
      if (!isBadData(error)) throw error;
      const reason = `the database refuses it (${sqlState(error) ?? ''})`;
      work.outcome.problems.set(row.odoo_id, setAside(table, row.odoo_id, { reason }));
    }
  }
  await work.also?.(app.db.manager, work.outcome);
}
