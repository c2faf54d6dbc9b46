/** Prepares records read from Odoo: parses them, tells which are news, fetches what they refer to. */
import type { App } from '../ctx';
import type { Problem } from '../domain/errors';
import { planMirror, type MirrorRow, type MirrorValue } from '../domain/mirror-plan';
import { readByIds } from '../odoo/records';
import { setAside, storePrepared, type Prepared, type Reading, type StoreOutcome } from './mirror-store';
import { MIRROR_TABLES, missingIds, storedRows, type MirrorTable } from './mirror-tables';

interface Preparing {
  records: readonly { id: number }[];
  reading: Reading;
  /** How many references lead here; 0 for what was asked for. */
  depth?: number;
}

/** References lead from lines to orders to partners to companies, and no further. */
const MAX_DEPTH = 4;

/** Prepares and stores `records` of one model. */
export async function storeRecords(app: App, table: MirrorTable, work: Preparing): Promise<StoreOutcome> {
  return storePrepared(app, table, await prepareRecords(app, table, work));
}

/**
 * Parses raw `records` of one model, and fetches and stores what they refer to. A record that cannot be read, or whose
 * reference Odoo does not show, is set aside with the reason. Nothing of the records themselves is stored yet, so that it can
 * go on while those read before them are.
 */
export async function prepareRecords(app: App, table: MirrorTable, work: Preparing): Promise<Prepared> {
  const { reading, depth = 0 } = work;
  const problems = new Map<number, Problem>();
  const parsed = parseRecords(table, work.records, problems);
  const news = await newsAmong(app, table, parsed);
  const unchanged = parsed.length - news.length;
  const rows = await withReferences(app, table, { parsed, news, reading, problems, depth });
  const ids = work.records.map((record) => record.id);
  return { ids, rows, reading, outcome: { read: ids.length, inserted: 0, updated: 0, unchanged, problems } };
}

/** Those rows that differ from what is stored at this moment. */
async function newsAmong(app: App, table: MirrorTable, rows: readonly MirrorRow[]): Promise<MirrorRow[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.odoo_id);
  const plan = planMirror(await storedRows(app.db.manager, table, { ids, lock: false }), rows);
  return [...plan.insert, ...plan.update.map((update) => update.row)];
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
