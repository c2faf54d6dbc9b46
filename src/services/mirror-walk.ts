/** One reading of one model: the walk through what was written, by id and page, and the comparison of id lists. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import type { Problem } from '../domain/errors';
import { planGone } from '../domain/mirror-plan';
import { MirrorModel } from '../entities/sync-run';
import { readByIds, readServerTime, readWindow, searchIds, type Page, type Window } from '../odoo/records';
import {
  type Run,
  type RunCounts,
  type RunProgress,
  saveRun,
  saveWalk,
  type Standing,
  type WalkPosition,
} from './mirror-progress';
import { prepareRecords } from './mirror-prepare';
import { storeGone, storePrepared, type Prepared, type Reading, type StoreOutcome } from './mirror-store';
import { oneAhead } from './one-ahead';
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

/** What the walks of one pass share. */
export interface Pass {
  ctx: Ctx;
  options: WalkOptions;
  /** Odoo's clock at its last answer: whatever is read next shows at least what was there then. Null before the first. */
  serverTime: Date | null;
  /** The newest instant that was given to a walk; null before the first. */
  issuedAt: Date | null;
}

/** A run under way: where its model stood, and what it has counted so far. */
export interface Walk {
  pass: Pass;
  run: Run;
  table: MirrorTable;
  standing: Standing;
  counts: RunCounts;
  /** Records set aside so far, by Odoo id. */
  problems: Map<number, Problem>;
}

export function beginWalk(pass: Pass, run: Run, standing: Standing): Walk {
  const counts = { read: 0, inserted: 0, updated: 0, unchanged: 0, gone: 0 };
  return { pass, run, table: MIRROR_TABLES[run.model], standing, counts, problems: new Map() };
}

interface Cursor extends Reading {
  /** Odoo's clock when the walk began. */
  startedAt: Date;
  from: Date | null;
  afterId: number;
  full: boolean;
  /** The run ends with the walk. */
  isLast: boolean;
}

/**
 * Reads one model: what was set aside before, what is gone, and what was written since the last time or everything. The last
 * page ends the run.
 */
export async function walkModel(walk: Walk): Promise<void> {
  const { run, table, standing } = walk;
  const left = cursorLeft(walk);
  if (left !== null) {
    await walkPages(walk, left);
    standing.readUntil = left.startedAt;
  }
  // A walk that was cut off began earlier: another one follows it and brings the model up to now.
  const cursor = await newCursor(walk, { full: run.isFull && left?.full !== true });
  await retrySetAside(walk, cursor);
  if (table.model === MirrorModel.SUBSCRIPTION_LINE && cursor.from !== null) await readLinesOfNewOrders(walk, cursor);
  if (run.isFull) await compareIds(walk, { at: cursor.asOf, where: 'true' });
  else if (table.deletable !== null) await compareIds(walk, { at: cursor.asOf, where: table.deletable });
  await walkPages(walk, cursor);
}

/** Where a walk that was cut off goes on; null when none was, or when everything is to be read anyway. */
function cursorLeft(walk: Walk): Cursor | null {
  const { cutOff, readUntil } = walk.standing;
  if (cutOff === null || (walk.run.isFull && !cutOff.full)) return null;
  const from = cutOff.full ? null : windowStart(readUntil, cutOff.startedAt);
  return { ...cutOff, asOf: nextInstant(walk.pass, cutOff.startedAt), from, force: cutOff.full, isLast: false };
}

async function newCursor(walk: Walk, how: { full: boolean }): Promise<Cursor> {
  const { pass } = walk;
  const startedAt = (pass.serverTime ??= await readServerTime(pass.ctx.odoo));
  const from = how.full ? null : windowStart(walk.standing.readUntil, startedAt);
  const asOf = nextInstant(pass, startedAt);
  return { startedAt, asOf, from, afterId: 0, full: from === null, force: how.full, isLast: true };
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
function nextInstant(pass: Pass, serverTime: Date): Date {
  pass.issuedAt = new Date(Math.max(serverTime.getTime(), (pass.issuedAt?.getTime() ?? 0) + 1));
  return pass.issuedAt;
}

/** Odoo, this process and PostgreSQL work side by side: a page is stored, the next one prepared, the one after it read. */
async function walkPages(walk: Walk, cursor: Cursor): Promise<void> {
  for await (const page of oneAhead(preparedPages(walk, cursor))) {
    await storePage(walk, cursor, { prepared: page.prepared, afterId: page.isLast ? null : page.lastId });
  }
}

async function* preparedPages(walk: Walk, cursor: Cursor): AsyncGenerator<PageEnd & { prepared: Prepared }, void> {
  for await (const { records, lastId, isLast } of oneAhead(readPages(walk, cursor))) {
    const prepared = await prepareRecords(walk.pass.ctx, walk.table, { records, reading: cursor });
    yield { prepared, lastId, isLast };
  }
}

async function* readPages(walk: Walk, cursor: Cursor): AsyncGenerator<NextPage, void> {
  let { afterId } = cursor;
  for (let isLast = false; !isLast;) {
    const page = await readPage(walk, cursor, afterId);
    yield page;
    ({ isLast, lastId: afterId } = page);
  }
}

interface PageEnd {
  /** Everything up to this id has been read once the page is stored. */
  lastId: number;
  isLast: boolean;
}

interface NextPage extends PageEnd {
  records: Page['records'];
}

/** Of models that are mirrored only where referred to, a page is what was written of the next ids we hold. */
async function readPage(walk: Walk, cursor: Cursor, afterId: number): Promise<NextPage> {
  const { pass, table } = walk;
  const limit = pass.options.pageSize ?? PAGE_SIZE;
  const window = { from: cursor.from, afterId, limit };
  if (table.extent === 'ALL') {
    const records = await read(walk, window);
    return { records, lastId: records.at(-1)?.id ?? afterId, isLast: records.length < limit };
  }
  const ids = await storedIds(pass.ctx.db.manager, table, { afterId, limit });
  if (ids.length === 0) return { records: [], lastId: afterId, isLast: true };
  const records = await read(walk, { ...window, domain: [['id', 'in', ids]] });
  return { records, lastId: ids.at(-1) ?? afterId, isLast: ids.length < limit };
}

async function read(walk: Walk, window: Window): Promise<Page['records']> {
  const { records, serverTime } = await readWindow(walk.pass.ctx.odoo, walk.table.odoo, window);
  walk.pass.serverTime = serverTime;
  return records;
}

/**
 * Stores a page and, in the same transaction, how far the walk has come. `as_of` of invoices stays where it was while one of
 * them is set aside: contracts wait for it, because a moved date without its invoice would look like nothing billed.
 */
async function storePage(
  walk: Walk,
  cursor: Cursor,
  page: { prepared: Prepared; afterId: number | null },
): Promise<void> {
  const finishedAt = cursor.isLast && page.afterId === null ? walk.pass.ctx.clock() : null;
  await store(walk, page.prepared, (db, progress) => {
    const complete = !walk.table.evidence || walk.problems.size === 0;
    const position: WalkPosition = { ...cursor, afterId: page.afterId, complete };
    return saveWalk(db, { ...progress, finishedAt }, position);
  });
}

/** One statement; in the transaction that stores the records, when there is one. */
type Save = (db: EntityManager, progress: RunProgress) => Promise<void>;

async function prepareAndStore(walk: Walk, reading: Reading, records: Page['records']): Promise<void> {
  await store(walk, await prepareRecords(walk.pass.ctx, walk.table, { records, reading }), saveRun);
}

/** Stores records and counts them on the run, in one transaction. */
async function store(walk: Walk, prepared: Prepared, save: Save): Promise<void> {
  const { pass, table } = walk;
  let counts = walk.counts;
  await storePrepared(pass.ctx, table, prepared, async (db, outcome) => {
    for (const id of prepared.ids) walk.problems.delete(id);
    for (const [id, problem] of outcome.problems) walk.problems.set(id, problem);
    if (walk.problems.size > MAX_PROBLEMS) throw new Error(`More than ${MAX_PROBLEMS} records would be set aside.`);
    counts = countsWith(walk.counts, outcome);
    await save(db, progressOf(walk, counts));
  });
  walk.counts = counts;
  pass.options.onProgress?.(table.model, counts.read);
}

function countsWith(counts: RunCounts, outcome: StoreOutcome): RunCounts {
  return {
    read: counts.read + outcome.read,
    inserted: counts.inserted + outcome.inserted,
    updated: counts.updated + outcome.updated,
    unchanged: counts.unchanged + outcome.unchanged,
    gone: counts.gone,
  };
}

function progressOf(walk: Walk, counts: RunCounts): RunProgress {
  return { ...counts, run: walk.run, problems: [...walk.problems.values()], finishedAt: null };
}

/** Reads again what earlier runs set aside. What Odoo no longer shows is dropped. */
async function retrySetAside(walk: Walk, cursor: Cursor): Promise<void> {
  const { pass, standing, table } = walk;
  if (standing.setAside.length === 0) return;
  const { records } = await readByIds(pass.ctx.odoo, table.odoo, standing.setAside);
  await prepareAndStore(walk, cursor, records);
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
    const choice = { afterId, limit: ORDERS_AT_ONCE, where };
    const ids: number[] = await storedIds(walk.pass.ctx.db.manager, orders, choice);
    afterId = ids.at(-1);
    if (ids.length === 0) return;
    const records = await readAll(walk, [['order_id', 'in', ids]]);
    if (records.length > 0) await prepareAndStore(walk, cursor, records);
    if (ids.length < ORDERS_AT_ONCE) return;
  }
}

async function readAll(walk: Walk, domain: readonly unknown[]): Promise<Page['records']> {
  const records: Page['records'] = [];
  for (let isLast = false; !isLast;) {
    const page = await read(walk, { from: null, afterId: records.at(-1)?.id ?? 0, limit: PAGE_SIZE, domain });
    records.push(...page);
    isLast = page.length < PAGE_SIZE;
  }
  return records;
}

/**
 * Asks Odoo for the ids we hold, and marks those gone that it does not show. It comes before the pages, which bring back
 * what is shown again meanwhile. `where` is SQL of the mirror's tables.
 */
async function compareIds(walk: Walk, comparison: { at: Date; where: string }): Promise<void> {
  const { pass, table } = walk;
  const { ctx } = pass;
  const where = `gone_at is null and (${comparison.where})`;
  for (let afterId: number | undefined = 0; afterId !== undefined;) {
    const ids: number[] = await storedIds(ctx.db.manager, table, { afterId, limit: ID_PAGE_SIZE, where });
    afterId = ids.length < ID_PAGE_SIZE ? undefined : ids.at(-1);
    if (ids.length === 0) return;
    const shown = await searchIds(ctx.odoo, table.odoo, { domain: [['id', 'in', ids]], afterId: 0, limit: ids.length });
    const gone = planGone(ids, new Set(shown));
    if (gone.length === 0) continue;
    walk.counts = await inTransaction(ctx, async (tx) => {
      const count = await storeGone(tx, table, { ids: gone, at: comparison.at });
      const counts = { ...walk.counts, gone: walk.counts.gone + count };
      await saveRun(tx, progressOf(walk, counts));
      return counts;
    });
  }
}
