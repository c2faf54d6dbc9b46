/** One reading of one model: the walk through what was written, by id and page, and the comparison of id lists. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import type { Problem } from '../domain/errors';
import { planGone } from '../domain/mirror-plan';
import { MirrorModel, type SyncRun } from '../entities/sync-run';
import { readByIds, readServerTime, readWindow, searchIds, type Page } from '../odoo/records';
import { storeGone, storeRecords, type Reading, type StoreOutcome } from './mirror-store';
import { MIRROR_TABLES, storedIds, type MirrorTable } from './mirror-tables';
import { inTransaction } from './transaction';

/**
 * `write_date` is the start of a transaction, so a slow one shows up later with an older date than rows read before. The
 * longest HTTP transaction of Odoo's worker mode lasts 120 s; longer jobs are caught by the full pass.
 */
const OVERLAP_MS = 130_000;
const PAGE_SIZE = 500;
/** Ids of one list, of Odoo's and of ours. */
const ID_PAGE_SIZE = 5000;
/** Orders whose lines are read together when none of them is here yet. */
const ORDERS_AT_ONCE = 50;
/** Beyond it a run fails, so that no record is forgotten. */
const MAX_PROBLEMS = 1000;

export interface WalkOptions {
  pageSize?: number;
  onProgress?: (model: MirrorModel, read: number) => void;
}

/** A run under way: its row, and what it has counted so far. */
export interface Walk {
  ctx: Ctx;
  run: SyncRun;
  table: MirrorTable;
  /** Records read so far. */
  read: number;
  /** Records set aside so far, by Odoo id. */
  problems: Map<number, Problem>;
  options: WalkOptions;
}

interface Cursor extends Reading {
  /** Odoo's clock when the walk began. */
  startedAt: Date;
  from: Date | null;
  afterId: number;
  full: boolean;
}

/** Reads one model: what was set aside before, what was written since the last time or everything, and what is gone. */
export async function walkModel(walk: Walk): Promise<void> {
  const { run, table } = walk;
  const left = await savedCursor(walk);
  if (left !== null) {
    await walkPages(walk, left);
    await finishWalk(walk, left);
  }
  // A walk that was cut off began earlier: another one follows it and brings the model up to now.
  const cursor = await newCursor(walk, { full: run.isFull && left?.full !== true });
  await retrySetAside(walk, cursor);
  if (table.model === MirrorModel.SUBSCRIPTION_LINE && cursor.from !== null) await readLinesOfNewOrders(walk, cursor);
  await walkPages(walk, cursor);
  if (run.isFull) await compareIds(walk, { at: cursor.asOf, where: 'true' });
  else if (table.deletable !== null) await compareIds(walk, { at: cursor.asOf, where: table.deletable });
  await finishWalk(walk, cursor);
}

interface StateRow {
  read_until: Date | null;
  walk_started_at: Date | null;
  walk_after_id: number | null;
  walk_full: boolean | null;
}

async function loadState(walk: Walk): Promise<StateRow | undefined> {
  const [state] = await walk.ctx.db.query<StateRow[]>(
    'select read_until, walk_started_at, walk_after_id, walk_full from sync_state where model = $1',
    [walk.table.model],
  );
  return state;
}

/** Where a walk that was cut off goes on; null when none was, or when everything is to be read anyway. */
async function savedCursor(walk: Walk): Promise<Cursor | null> {
  const state = await loadState(walk);
  if (!state || state.walk_started_at === null || state.walk_after_id === null || state.walk_full === null) return null;
  if (walk.run.isFull && !state.walk_full) return null;
  return {
    startedAt: state.walk_started_at,
    asOf: await nextInstant(walk, state.walk_started_at),
    from: state.walk_full ? null : windowStart(state.read_until, state.walk_started_at),
    afterId: state.walk_after_id,
    full: state.walk_full,
    force: state.walk_full,
  };
}

async function newCursor(walk: Walk, how: { full: boolean }): Promise<Cursor> {
  const state = await loadState(walk);
  const startedAt = await readServerTime(walk.ctx.odoo);
  const from = how.full ? null : windowStart(state?.read_until ?? null, startedAt);
  const asOf = await nextInstant(walk, startedAt);
  return { startedAt, asOf, from, afterId: 0, full: from === null, force: how.full };
}

/** Where a window begins: an overlap before the last walk, or before now should Odoo's clock have been set back. */
function windowStart(readUntil: Date | null, now: Date): Date | null {
  if (readUntil === null) return null;
  return new Date(Math.min(readUntil.getTime(), now.getTime()) - OVERLAP_MS);
}

/**
 * The instant that rows of a walk carry: Odoo's clock, which counts seconds, pushed on by a millisecond where needed, so
 * that every walk has an instant of its own and whoever compares two of them sees which was read later.
 */
async function nextInstant(walk: Walk, serverTime: Date): Promise<Date> {
  const [issued] = await walk.ctx.db.query<{ at: Date | null }[]>('select max(issued_as_of) as at from sync_state');
  return new Date(Math.max(serverTime.getTime(), (issued?.at?.getTime() ?? 0) + 1));
}

async function walkPages(walk: Walk, cursor: Cursor): Promise<void> {
  let afterId: number | null = cursor.afterId;
  while (afterId !== null) {
    const page: NextPage = await readPage(walk, cursor, afterId);
    await storePage(walk, cursor, page);
    afterId = page.isLast ? null : page.lastId;
  }
}

interface NextPage {
  records: Page['records'];
  /** Everything up to this id has been read once the page is stored. */
  lastId: number;
  isLast: boolean;
}

/** Of models that are mirrored only where referred to, a page is what was written of the next ids we hold. */
async function readPage(walk: Walk, cursor: Cursor, afterId: number): Promise<NextPage> {
  const { ctx, table } = walk;
  const limit = walk.options.pageSize ?? PAGE_SIZE;
  if (table.extent === 'ALL') {
    const { records } = await readWindow(ctx.odoo, table.odoo, { from: cursor.from, afterId, limit });
    return { records, lastId: records.at(-1)?.id ?? afterId, isLast: records.length < limit };
  }
  const ids = await storedIds(ctx.db.manager, table, { afterId, limit });
  if (ids.length === 0) return { records: [], lastId: afterId, isLast: true };
  const domain = [['id', 'in', ids]];
  const { records } = await readWindow(ctx.odoo, table.odoo, { from: cursor.from, afterId, limit, domain });
  return { records, lastId: ids.at(-1) ?? afterId, isLast: ids.length < limit };
}

/** Stores a page and, in the same transaction, how far the walk has come. */
async function storePage(walk: Walk, cursor: Cursor, page: NextPage): Promise<void> {
  await store(walk, cursor, {
    records: page.records,
    also: async (tx) => {
      await tx.query(
        `insert into sync_state (model, issued_as_of, walk_started_at, walk_after_id, walk_full) values ($1, $2, $3, $4, $5)
         on conflict (model) do update set issued_as_of = excluded.issued_as_of, walk_started_at = excluded.walk_started_at,
           walk_after_id = excluded.walk_after_id, walk_full = excluded.walk_full`,
        [walk.table.model, cursor.asOf, cursor.startedAt, page.lastId, cursor.full],
      );
    },
  });
}

/** Stores records and counts them on the run, in one transaction. */
async function store(
  walk: Walk,
  cursor: Cursor,
  work: { records: Page['records']; also?: (tx: EntityManager) => Promise<void> },
): Promise<void> {
  const { ctx, table } = walk;
  await storeRecords(ctx, table, {
    records: work.records,
    reading: cursor,
    also: async (tx, outcome) => {
      for (const { id } of work.records) walk.problems.delete(id);
      for (const [id, problem] of outcome.problems) walk.problems.set(id, problem);
      if (walk.problems.size > MAX_PROBLEMS) throw new Error(`More than ${MAX_PROBLEMS} records would be set aside.`);
      await countOnRun(tx, walk, outcome);
      await work.also?.(tx);
    },
  });
  walk.read += work.records.length;
  walk.options.onProgress?.(table.model, walk.read);
}

async function countOnRun(tx: EntityManager, walk: Walk, outcome: StoreOutcome): Promise<void> {
  await tx.query(
    `update sync_run set read = read + $2, inserted = inserted + $3, updated = updated + $4, unchanged = unchanged + $5,
       problems = $6 where id = $1`,
    [
      walk.run.id,
      outcome.read,
      outcome.inserted,
      outcome.updated,
      outcome.unchanged,
      JSON.stringify([...walk.problems.values()]),
    ],
  );
}

/** Reads again what earlier runs set aside, since the last one that ended well. What Odoo no longer shows is dropped. */
async function retrySetAside(walk: Walk, cursor: Cursor): Promise<void> {
  const rows = await walk.ctx.db.query<{ odoo_id: number }[]>(
    `select distinct (problem -> 'details' ->> 'odooId')::integer as odoo_id
       from sync_run r cross join jsonb_array_elements(r.problems) as problem
      where r.model = $1 and r.id <> $2 and r.id >= coalesce(
        (select id from sync_run where model = $1 and finished_at is not null and error is null order by id desc limit 1),
        '00000000-0000-0000-0000-000000000000')
      order by 1`,
    [walk.table.model, walk.run.id],
  );
  if (rows.length === 0) return;
  const { records } = await readByIds(
    walk.ctx.odoo,
    walk.table.odoo,
    rows.map((row) => row.odoo_id),
  );
  await store(walk, cursor, { records });
}

/**
 * An order that becomes a subscription brings lines that were written long before. All lines of such an order are stored in
 * one transaction, so that an order either has none here or went through this.
 */
async function readLinesOfNewOrders(walk: Walk, cursor: Cursor): Promise<void> {
  const where =
    'gone_at is null and not exists (select 1 from subscription_line l where l.subscription_odoo_id = subscription.odoo_id)';
  const orders = MIRROR_TABLES[MirrorModel.SUBSCRIPTION];
  for (let afterId: number | undefined = 0; afterId !== undefined;) {
    const ids: number[] = await storedIds(walk.ctx.db.manager, orders, { afterId, limit: ORDERS_AT_ONCE, where });
    afterId = ids.at(-1);
    if (ids.length === 0) return;
    const records = await readAll(walk, [['order_id', 'in', ids]]);
    if (records.length > 0) await store(walk, cursor, { records });
  }
}

async function readAll(walk: Walk, domain: readonly unknown[]): Promise<Page['records']> {
  const records: Page['records'] = [];
  for (let isLast = false; !isLast;) {
    const window = { from: null, afterId: records.at(-1)?.id ?? 0, limit: PAGE_SIZE, domain };
    const page = await readWindow(walk.ctx.odoo, walk.table.odoo, window);
    records.push(...page.records);
    isLast = page.records.length < PAGE_SIZE;
  }
  return records;
}

/** Asks Odoo for the ids we hold, and marks those gone that it does not show. `where` is SQL of this file's tables. */
async function compareIds(walk: Walk, comparison: { at: Date; where: string }): Promise<void> {
  const { ctx, table, run } = walk;
  const where = `gone_at is null and (${comparison.where})`;
  for (let afterId: number | undefined = 0; afterId !== undefined;) {
    const ids: number[] = await storedIds(ctx.db.manager, table, { afterId, limit: ID_PAGE_SIZE, where });
    afterId = ids.at(-1);
    if (ids.length === 0) return;
    const shown = await searchIds(ctx.odoo, table.odoo, { domain: [['id', 'in', ids]], afterId: 0, limit: ids.length });
    const gone = planGone(ids, new Set(shown));
    if (gone.length === 0) continue;
    await inTransaction(ctx, async (tx) => {
      const count = await storeGone(tx, table, { ids: gone, at: comparison.at });
      await tx.query('update sync_run set gone = gone + $2 where id = $1', [run.id, count]);
    });
  }
}

/**
 * The model is read up to the beginning of this walk. `as_of` of invoices stays where it was while one of them is set
 * aside: contracts wait for it, because a moved date without its invoice would look like nothing billed.
 */
async function finishWalk(walk: Walk, cursor: Cursor): Promise<void> {
  const waits = walk.table.evidence && walk.problems.size > 0;
  await inTransaction(walk.ctx, (tx) =>
    tx.query(
      `update sync_state set read_until = $2, walk_started_at = null, walk_after_id = null, walk_full = null,
         as_of = case when $4 then as_of else $3 end,
         last_full_at = case when $5 then $2 else last_full_at end
       where model = $1`,
      [walk.table.model, cursor.startedAt, cursor.asOf, waits, cursor.full],
    ),
  );
}
