/** What must change so that the mirror equals what Odoo shows: stored rows and Odoo's rows in, a plan out. No database. */

export type MirrorValue = string | number | boolean | null | readonly number[];

/**
 * A row by column. Every value has one form only, so that equal means the same: decimals in plain notation without
 * trailing zeros, days "2026-03-01", instants "2026-03-01T05:00:00Z", lists of ids ascending.
 */
export interface MirrorRow {
  odoo_id: number;
  /** As Odoo gives it, whole seconds. */
  write_date: string;
  [column: string]: MirrorValue;
}

/** A stored row; `gone` when a full pass did not find it in Odoo any more. */
export interface StoredRow {
  row: MirrorRow;
  gone: boolean;
}

export interface MirrorUpdate {
  stored: StoredRow;
  row: MirrorRow;
}

export interface MirrorPlan {
  insert: MirrorRow[];
  /** Rows of which anything differs, those that came back included. */
  update: MirrorUpdate[];
  unchanged: MirrorRow[];
  /** Ids of stored rows that Odoo no longer shows, ascending; always empty unless the list was complete. */
  gone: number[];
}

export interface PlanOptions {
  /** `rows` are all that Odoo shows: a stored row that is missing there is gone. Default: they are not. */
  complete?: boolean;
}

/** The plan, in ascending order of ids. Applied twice it is empty the second time. Of two rows with one id the last counts. */
export function planMirror(
  stored: readonly StoredRow[],
  rows: readonly MirrorRow[],
  { complete = false }: PlanOptions = {},
): MirrorPlan {
  const storedById = new Map(stored.map((one) => [one.row.odoo_id, one]));
  const shown = new Map(rows.map((row) => [row.odoo_id, row]));
  const plan: MirrorPlan = { insert: [], update: [], unchanged: [], gone: [] };
  for (const row of [...shown.values()].sort((left, right) => left.odoo_id - right.odoo_id)) {
    const before = storedById.get(row.odoo_id);
    if (before === undefined) plan.insert.push(row);
    else if (before.gone || !isSameRow(before.row, row)) plan.update.push({ stored: before, row });
    else plan.unchanged.push(row);
  }
  if (complete) {
    const live = stored.filter((one) => !one.gone).map((one) => one.row.odoo_id);
    plan.gone = planGone(live, new Set(shown.keys()));
  }
  return plan;
}

/** Those of `storedIds` that Odoo no longer shows; ascending. */
export function planGone(storedIds: readonly number[], shownIds: ReadonlySet<number>): number[] {
  return storedIds.filter((id) => !shownIds.has(id)).sort((left, right) => left - right);
}

/** Whether every column of `row` has the same value in `other`. */
function isSameRow(other: MirrorRow, row: MirrorRow): boolean {
  return Object.keys(row).every((column) => isSameValue(other[column], row[column]));
}

function isSameValue(left: MirrorValue | undefined, right: MirrorValue | undefined): boolean {
  if (!Array.isArray(left) || !Array.isArray(right)) return left === right;
  return left.length === right.length && left.every((value, index) => value === right[index]);
}
