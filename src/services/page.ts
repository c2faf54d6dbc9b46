/** Pages by keyset: a cursor holds the order columns of its row, the id last, and the next page begins after it. */
import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { BillingError } from '../domain/errors';

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 200;
const MAX_CURSOR_LENGTH = 2_000;

export interface PageArgs {
  /** At most this many rows: 1 to 200, 50 when not given. */
  first?: number | null;
  /** A cursor of an earlier page of the same list. */
  after?: string | null;
}

export interface Page<T> {
  nodes: T[];
  /** One for each node. */
  cursors: string[];
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

const CURSOR_VALUES = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  bigint: /^-?\d{1,18}$/,
  timestamptz: /^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d)?$/,
  date: /^\d{4,6}-\d\d-\d\d$/,
  text: /^[^\0]*$/,
} as const;

/** The order of a list: never null, unique together, and so the id last. One direction holds for all columns. */
export interface Keyset {
  /** Each an SQL expression over the query's aliases with its type, `{ sql: 'metric.id', type: 'uuid' }`. */
  columns: readonly { sql: string; type: keyof typeof CURSOR_VALUES }[];
  direction: 'asc' | 'desc';
}

/** The order of lists that say nothing else: by our id, the oldest first. */
export const byId = (alias: string): Keyset => ({ columns: [{ sql: `${alias}.id`, type: 'uuid' }], direction: 'asc' });

/**
 * Reads one page of `query`, which selects one entity and orders nothing. Instants travel in the cursor as the database
 * prints them, to the microsecond, so that no row is skipped.
 * @throws BillingError VALIDATION_FAILED naming `first` or `after`.
 */
export async function fetchPage<T extends ObjectLiteral>(
  query: SelectQueryBuilder<T>,
  keyset: Keyset,
  args: PageArgs,
): Promise<Page<T>> {
  const size = pageSize(args.first);
  const columns = keyset.columns.map(({ sql }) => sql);
  if (args.after !== null && args.after !== undefined) {
    const values = readCursor(args.after, keyset);
    const bounds = keyset.columns.map(({ type }, index) => `:cursor_${index}::${type}`);
    query.andWhere(
      `(${columns.join(', ')}) ${keyset.direction === 'asc' ? '>' : '<'} (${bounds.join(', ')})`,
      Object.fromEntries(values.map((value, index) => [`cursor_${index}`, value])),
    );
  }
  columns.forEach((sql, index) => {
    query.addSelect(`(${sql})::text`, `cursor_${index}`);
    query.addOrderBy(sql, keyset.direction === 'asc' ? 'ASC' : 'DESC');
  });
  const { entities, raw } = await query.limit(size + 1).getRawAndEntities<Record<string, string>>();
  return {
    nodes: entities.slice(0, size),
    cursors: raw.slice(0, size).map((row) => writeCursor(columns.map((_, index) => row[`cursor_${index}`] ?? ''))),
    hasNextPage: entities.length > size,
    hasPreviousPage: args.after !== null && args.after !== undefined,
  };
}

function pageSize(first: number | null | undefined): number {
  const size = first ?? DEFAULT_PAGE_SIZE;
  if (Number.isInteger(size) && size >= 1 && size <= MAX_PAGE_SIZE) return size;
  throw new BillingError('VALIDATION_FAILED', `first must be from 1 to ${MAX_PAGE_SIZE}.`, { field: 'first' });
}

function writeCursor(values: readonly string[]): string {
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

function readCursor(cursor: string, keyset: Keyset): string[] {
  const values = cursor.length <= MAX_CURSOR_LENGTH ? parseCursor(cursor) : undefined;
  const fits =
    values?.length === keyset.columns.length &&
    keyset.columns.every(({ type }, index) => CURSOR_VALUES[type].test(values[index] ?? ''));
  if (values !== undefined && fits) return values;
  throw new BillingError('VALIDATION_FAILED', 'after is no cursor of this list.', { field: 'after' });
}

function parseCursor(cursor: string): string[] | undefined {
  try {
    const values: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(values) && values.every((value) => typeof value === 'string') ? values : undefined;
  } catch {
    return undefined;
  }
}
