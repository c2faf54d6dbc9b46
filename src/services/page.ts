/** Pages by keyset: a cursor holds the order columns of its row, the id last, and the next page begins after it. */
import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { type CursorType, readCursor, writeCursor } from '../domain/cursor';
import { BillingError } from '../domain/errors';

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 200;

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

/** The order of a list: never null, unique together, and so the id last. One direction holds for all columns. */
export interface Keyset {
  /** Each an SQL expression over the query's aliases with its type, `{ sql: 'metric.id', type: 'uuid' }`. */
  columns: readonly { sql: string; type: CursorType }[];
  direction: 'asc' | 'desc';
}

/** Both directions of an order: `orders('AT', columns)` is `{ AT_ASC, AT_DESC }`. */
export function orders<N extends string>(
  name: N,
  columns: Keyset['columns'],
): Record<`${N}_ASC` | `${N}_DESC`, Keyset> {
  return {
    [`${name}_ASC`]: { columns, direction: 'asc' },
    [`${name}_DESC`]: { columns, direction: 'desc' },
  } as Record<`${N}_ASC` | `${N}_DESC`, Keyset>;
}

/** The order of lists that say nothing else: by our id, the oldest first. */
export const byId = (alias: string): Keyset => ({ columns: [{ sql: `${alias}.id`, type: 'uuid' }], direction: 'asc' });

/** Keeps those out of use, or those in use; all when `archived` is not given. */
export function narrowToArchived<T extends ObjectLiteral>(
  query: SelectQueryBuilder<T>,
  alias: string,
  archived: boolean | null | undefined,
): void {
  if (archived !== null && archived !== undefined) {
    query.andWhere(`${alias}.archived_at is ${archived ? 'not ' : ''}null`);
  }
}

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
  orderFrom(query, keyset, args.after);
  const { entities, raw } = await query.limit(size + 1).getRawAndEntities<Record<string, string>>();
  return {
    nodes: entities.slice(0, size),
    cursors: raw.slice(0, size).map((row) => cursorOf(row, keyset)),
    hasNextPage: entities.length > size,
    hasPreviousPage: isGiven(args.after),
  };
}

function isGiven(after: string | null | undefined): after is string {
  return after !== null && after !== undefined;
}

/** Orders `query`, begins it behind the cursor `after`, and selects what cursors are made of. */
function orderFrom<T extends ObjectLiteral>(
  query: SelectQueryBuilder<T>,
  keyset: Keyset,
  after: string | null | undefined,
): void {
  const columns = keyset.columns.map(({ sql }) => sql);
  if (isGiven(after)) {
    const values = valuesOf(after, keyset);
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
}

function cursorOf(row: Readonly<Record<string, string>>, keyset: Keyset): string {
  return writeCursor(keyset.columns.map((_, index) => row[`cursor_${index}`] ?? ''));
}

/**
 * The same page of the rows of each of `parents`, in one statement: `query` as for fetchPage, `parent` the column that names
 * the parent. Every parent has a page, be it empty.
 */
export async function fetchPages<T extends ObjectLiteral, K extends string | number>(
  query: SelectQueryBuilder<T>,
  keyset: Keyset,
  { parents, parent, page }: { parents: readonly K[]; parent: string; page: PageArgs },
): Promise<Map<K, Page<T>>> {
  const size = pageSize(page.first);
  const { entities, raw } = await pageOfEach(query, keyset, { parents, parent, page, size }).getRawAndEntities<
    Record<string, string>
  >();
  const rows = new Map<string, { node: T; cursor: string }[]>(parents.map((key) => [String(key), []]));
  entities.forEach((node, index) => {
    const row = raw[index] ?? {};
    rows.get(row['page_parent'] ?? '')?.push({ node, cursor: cursorOf(row, keyset) });
  });
  return new Map(
    parents.map((key) => {
      const found = rows.get(String(key)) ?? [];
      const shown = found.slice(0, size);
      return [
        key,
        {
          nodes: shown.map(({ node }) => node),
          cursors: shown.map(({ cursor }) => cursor),
          hasNextPage: found.length > size,
          hasPreviousPage: isGiven(page.after),
        },
      ];
    }),
  );
}

function pageOfEach<T extends ObjectLiteral, K>(
  query: SelectQueryBuilder<T>,
  keyset: Keyset,
  { parents, parent, page, size }: { parents: readonly K[]; parent: string; page: PageArgs; size: number },
): SelectQueryBuilder<T> {
  const direction = keyset.direction === 'asc' ? 'ASC' : 'DESC';
  query.andWhere(`${parent} = any(:parents)`, { parents });
  orderFrom(query, keyset, page.after);
  const ranked = query
    .clone()
    .select(keyset.columns.at(-1)?.sql ?? '', 'id')
    .addSelect(
      `row_number() over (partition by ${parent} order by ${keyset.columns.map(({ sql }) => `${sql} ${direction}`).join(', ')})`,
      'position',
    )
    .orderBy();
  return query
    .addSelect(`(${parent})::text`, 'page_parent')
    .andWhere(
      `${keyset.columns.at(-1)?.sql ?? ''} in (select ranked.id from (${ranked.getQuery()}) ranked where ranked.position <= :limit)`,
      { limit: size + 1 },
    );
}

const POSITION: Keyset = { columns: [{ sql: 'position', type: 'bigint' }], direction: 'asc' };

/** A page of what is at hand already; a cursor is a position. @throws BillingError as fetchPage. */
export function pageOfArray<T>(items: readonly T[], args: PageArgs): Page<T> {
  const size = pageSize(args.first);
  const start = isGiven(args.after) ? Number.parseInt(valuesOf(args.after, POSITION)[0] ?? '', 10) + 1 : 0;
  const nodes = items.slice(Math.max(0, start), Math.max(0, start) + size);
  return {
    nodes,
    cursors: nodes.map((_, index) => writeCursor([String(start + index)])),
    hasNextPage: start + size < items.length,
    hasPreviousPage: isGiven(args.after),
  };
}

/** For a list read by a statement of its own: how many rows to read, one more than the page has, and what to begin behind. */
export function pageBounds({ first, after }: PageArgs, keyset: Keyset): { limit: number; after: string[] | null } {
  return { limit: pageSize(first) + 1, after: isGiven(after) ? valuesOf(after, keyset) : null };
}

/** The page of rows read by `pageBounds`, each with the values of its cursor. @throws BillingError as fetchPage. */
export function pageOfRows<T>(rows: readonly { node: T; cursor: readonly string[] }[], args: PageArgs): Page<T> {
  const shown = rows.slice(0, pageSize(args.first));
  return {
    nodes: shown.map(({ node }) => node),
    cursors: shown.map(({ cursor }) => writeCursor(cursor)),
    hasNextPage: rows.length > shown.length,
    hasPreviousPage: isGiven(args.after),
  };
}

function pageSize(first: number | null | undefined): number {
  const size = first ?? DEFAULT_PAGE_SIZE;
  if (Number.isInteger(size) && size >= 1 && size <= MAX_PAGE_SIZE) return size;
  throw new BillingError('VALIDATION_FAILED', `first must be from 1 to ${MAX_PAGE_SIZE}, not ${size}.`, {
    field: 'first',
  });
}

function valuesOf(after: string, { columns }: Keyset): string[] {
  return readCursor(
    after,
    columns.map(({ type }) => type),
  );
}
