/** The records of the sandbox in memory: transactions that leave nothing behind on failure, and a state file that survives kill -9. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { ClockSetting } from './clock';
import type { FieldValue, Row } from './schema';

export type DeliveredMode = 'reset' | 'keep' | 'running';

/** A write accepted over the JSON-2 interface. */
export interface WriteEntry {
  at: string;
  model: string;
  method: string;
  ids: number[];
  vals: unknown;
  result: unknown;
}

/** What is remembered beside the records. */
export interface StoreMeta {
  apiKey: string;
  mode: DeliveredMode;
  runAt: string;
  clock: ClockSetting;
  /** The instant up to which billing runs were played. */
  ranUntilMs: number;
  /** Orders the run leaves out ("Contract in exception"). */
  skipped: number[];
  writes: WriteEntry[];
  /** The Discounts feature of Sales is on. */
  discounts?: boolean;
}

/** Everything there is, as plain JSON. */
export interface SavedState {
  meta: StoreMeta;
  sequences: Record<string, number>;
  rows: Record<string, Row[]>;
}

const WRITES_KEPT = 5000;

/** Fields by which records of another record are looked up. */
const INDEXED: Record<string, readonly string[]> = {
  'sale.order.line': ['order_id'],
  'account.move.line': ['move_id', 'sale_line_ids'],
  'res.partner': ['parent_id'],
};

export class Store {
  private readonly tables = new Map<string, Map<number, Row>>();
  private readonly indexes = new Map<string, Map<number, Set<number>>>();
  private sequences: Record<string, number> = {};
  private journal: (() => void)[] | null = null;

  constructor(
    readonly meta: StoreMeta,
    private readonly stateFile: string | undefined,
  ) {}

  rows(model: string): Row[] {
    return [...(this.tables.get(model)?.values() ?? [])];
  }

  get(model: string, id: FieldValue | undefined): Row | undefined {
    return typeof id === 'number' ? this.tables.get(model)?.get(id) : undefined;
  }

  /** Records of `model` whose indexed `field` is, or contains, `id`; by id. */
  children(model: string, field: string, id: number): Row[] {
    const ids = [...(this.indexes.get(`${model}.${field}`)?.get(id) ?? [])].sort((a, b) => a - b);
    return ids.map((child) => this.get(model, child)).filter((row) => row !== undefined);
  }

  nextId(model: string): number {
    return (this.sequences[model] ?? 0) + 1;
  }

  /** The next number of a running series, such as that of the invoices of a year. */
  nextNumber(series: string): number {
    const number = this.nextId(series);
    this.sequences[series] = number;
    this.journal?.push(() => (this.sequences[series] = number - 1));
    return number;
  }

  insert(model: string, values: Record<string, FieldValue>): Row {
    const id = typeof values.id === 'number' ? values.id : this.nextId(model);
    const row: Row = { ...values, id };
    const before = this.sequences[model] ?? 0;
    this.sequences[model] = Math.max(before, id);
    this.put(model, row);
    this.journal?.push(() => {
      this.drop(model, row);
      this.sequences[model] = before;
    });
    return row;
  }

  /** Replaces fields of one record; the record read before stays as it was. */
  update(model: string, id: number, values: Record<string, FieldValue>): Row {
    const old = this.get(model, id);
    if (!old) throw new Error(`no ${model} ${id}`);
    const row: Row = { ...old, ...values, id };
    this.drop(model, old);
    this.put(model, row);
    this.journal?.push(() => {
      this.drop(model, row);
      this.put(model, old);
    });
    return row;
  }

  remove(model: string, id: number): void {
    const old = this.get(model, id);
    if (!old) return;
    this.drop(model, old);
    this.journal?.push(() => this.put(model, old));
  }

  logWrite(entry: WriteEntry): void {
    this.meta.writes.push(entry);
    if (this.meta.writes.length > WRITES_KEPT) this.meta.writes.shift();
  }

  /** All or nothing; what is kept is on disk before this returns. */
  transaction<T>(work: () => T): T {
    if (this.journal) return work();
    this.journal = [];
    try {
      const result = work();
      if (this.journal.length > 0) this.save();
      return result;
    } catch (error) {
      for (const undo of this.journal.reverse()) undo();
      throw error;
    } finally {
      this.journal = null;
    }
  }

  /** Written beside the state file and renamed over it, so that a reader never meets half a state. */
  save(): void {
    if (!this.stateFile) return;
    writeFileSync(`${this.stateFile}.part`, JSON.stringify(this.dump()), { mode: 0o600 });
    renameSync(`${this.stateFile}.part`, this.stateFile);
  }

  /** Takes over the state file; false when there is none yet. */
  restore(): boolean {
    if (!this.stateFile || !existsSync(this.stateFile)) return false;
    this.adopt(JSON.parse(readFileSync(this.stateFile, 'utf8')) as SavedState);
    return true;
  }

  /** Not a copy: it changes with the store. */
  dump(): SavedState {
    const rows = Object.fromEntries([...this.tables].map(([model, table]) => [model, [...table.values()]]));
    return { meta: this.meta, sequences: this.sequences, rows };
  }

  /** Puts a saved state, which it keeps, in the place of all there is. */
  adopt(state: SavedState): void {
    Object.assign(this.meta, state.meta);
    this.sequences = state.sequences;
    this.tables.clear();
    this.indexes.clear();
    for (const [model, rows] of Object.entries(state.rows)) for (const row of rows) this.put(model, row);
  }

  private put(model: string, row: Row): void {
    let table = this.tables.get(model);
    if (!table) this.tables.set(model, (table = new Map()));
    table.set(row.id, row);
    this.eachIndexEntry(model, row, (ids) => ids.add(row.id));
  }

  private drop(model: string, row: Row): void {
    this.tables.get(model)?.delete(row.id);
    this.eachIndexEntry(model, row, (ids) => ids.delete(row.id));
  }

  private eachIndexEntry(model: string, row: Row, change: (ids: Set<number>) => void): void {
    for (const field of INDEXED[model] ?? []) {
      const value = row[field];
      const keys = Array.isArray(value) ? (value as number[]) : typeof value === 'number' ? [value] : [];
      const index = this.indexes.get(`${model}.${field}`) ?? new Map<number, Set<number>>();
      this.indexes.set(`${model}.${field}`, index);
      for (const key of keys) {
        const ids = index.get(key) ?? new Set<number>();
        index.set(key, ids);
        change(ids);
      }
    }
  }
}
