/** The tables of the mirror: their columns, what they refer to, and the few set-based statements that keep them. */
import type { EntityManager } from 'typeorm';
import type { MirrorRow, StoredRow } from '../domain/mirror-plan';
import { MirrorModel } from '../entities/sync-run';
import * as models from '../odoo/models';

type ColumnType = 'integer' | 'text' | 'boolean' | 'numeric' | 'date' | 'timestamptz' | 'integer[]';

export interface MirrorReference {
  column: string;
  to: MirrorModel;
  /** Without the other row this one cannot be stored. */
  required: boolean;
}

export interface MirrorTable {
  model: MirrorModel;
  /** Name of the table. */
  name: string;
  odoo: models.OdooModel;
  columns: Readonly<Record<string, ColumnType>>;
  references: readonly MirrorReference[];
  /** `ALL` of Odoo's records that concern us, or only those `REFERRED` to by others and so fetched by id. */
  extent: 'ALL' | 'REFERRED';
  /** Columns by which usage finds its contract: a change of one makes catalogue caches old. */
  structure: readonly string[];
  /** SQL that holds for rows Odoo lets people delete without a trace: looked for by id in every pass. */
  deletable: string | null;
  /** Its rows prove what Odoo billed: none may be missing when contracts look. */
  evidence: boolean;
}

const plumbing = { odoo_id: 'integer', write_date: 'timestamptz' } as const;
const plain = { references: [], extent: 'ALL', structure: [], deletable: null, evidence: false } as const;

/** Every table, in the order in which a pass reads them. */
export const MIRROR_TABLES: Readonly<Record<MirrorModel, MirrorTable>> = {
  [MirrorModel.CURRENCY]: {
    ...plain,
    model: MirrorModel.CURRENCY,
    name: 'currency',
    odoo: models.currencyModel,
    columns: { ...plumbing, code: 'text', decimal_places: 'integer' },
  },
  [MirrorModel.PLAN]: {
    ...plain,
    model: MirrorModel.PLAN,
    name: 'plan',
    odoo: models.planModel,
    columns: { ...plumbing, name: 'text', period_count: 'integer', period_unit: 'text', active: 'boolean' },
  },
  [MirrorModel.PARTNER]: {
    ...plain,
    model: MirrorModel.PARTNER,
    name: 'partner',
    odoo: models.partnerModel,
    columns: {
      ...plumbing,
      name: 'text',
      email: 'text',
      ref: 'text',
      commercial_partner_odoo_id: 'integer',
      active: 'boolean',
    },
    references: [{ column: 'commercial_partner_odoo_id', to: MirrorModel.PARTNER, required: false }],
    extent: 'REFERRED',
    structure: ['commercial_partner_odoo_id'],
  },
  [MirrorModel.PRODUCT]: {
    ...plain,
    model: MirrorModel.PRODUCT,
    name: 'product',
    odoo: models.productModel,
    columns: { ...plumbing, name: 'text', code: 'text', type: 'text', invoice_policy: 'text', active: 'boolean' },
    extent: 'REFERRED',
  },
  [MirrorModel.SUBSCRIPTION]: {
    ...plain,
    model: MirrorModel.SUBSCRIPTION,
    name: 'subscription',
    odoo: models.subscriptionModel,
    columns: {
      ...plumbing,
      name: 'text',
      reference: 'text',
      order_state: 'text',
      subscription_state: 'text',
      locked: 'boolean',
      partner_odoo_id: 'integer',
      plan_odoo_id: 'integer',
      currency_odoo_id: 'integer',
      start_on: 'date',
      next_invoice_on: 'date',
      end_on: 'date',
    },
    references: [
      { column: 'partner_odoo_id', to: MirrorModel.PARTNER, required: true },
      { column: 'plan_odoo_id', to: MirrorModel.PLAN, required: true },
      { column: 'currency_odoo_id', to: MirrorModel.CURRENCY, required: true },
    ],
    structure: ['partner_odoo_id', 'order_state', 'subscription_state'],
  },
  [MirrorModel.SUBSCRIPTION_LINE]: {
    ...plain,
    model: MirrorModel.SUBSCRIPTION_LINE,
    name: 'subscription_line',
    odoo: models.subscriptionLineModel,
    columns: {
      ...plumbing,
      subscription_odoo_id: 'integer',
      product_odoo_id: 'integer',
      description: 'text',
      display_type: 'text',
      ordered_quantity: 'numeric',
      delivered_quantity: 'numeric',
      delivered_method: 'text',
      invoiced_quantity: 'numeric',
      unit_price: 'numeric',
      discount: 'numeric',
    },
    references: [
      { column: 'subscription_odoo_id', to: MirrorModel.SUBSCRIPTION, required: true },
      { column: 'product_odoo_id', to: MirrorModel.PRODUCT, required: true },
    ],
    structure: ['subscription_odoo_id', 'product_odoo_id'],
  },
  [MirrorModel.INVOICE]: {
    ...plain,
    model: MirrorModel.INVOICE,
    name: 'invoice',
    odoo: models.invoiceModel,
    columns: {
      ...plumbing,
      name: 'text',
      move_type: 'text',
      state: 'text',
      payment_state: 'text',
      partner_odoo_id: 'integer',
      currency_odoo_id: 'integer',
      invoice_on: 'date',
      amount_untaxed: 'numeric',
      amount_total: 'numeric',
      amount_residual: 'numeric',
    },
    references: [{ column: 'currency_odoo_id', to: MirrorModel.CURRENCY, required: true }],
    deletable: "state = 'draft'",
    evidence: true,
  },
  [MirrorModel.INVOICE_LINE]: {
    ...plain,
    model: MirrorModel.INVOICE_LINE,
    name: 'invoice_line',
    odoo: models.invoiceLineModel,
    columns: {
      ...plumbing,
      invoice_odoo_id: 'integer',
      sale_line_odoo_ids: 'integer[]',
      product_odoo_id: 'integer',
      quantity: 'numeric',
      unit_price: 'numeric',
      subtotal: 'numeric',
    },
    references: [{ column: 'invoice_odoo_id', to: MirrorModel.INVOICE, required: true }],
    deletable: "invoice_odoo_id in (select odoo_id from invoice where state = 'draft')",
    evidence: true,
  },
};

/** Orders before invoices: whoever sees a moved date finds its invoice once the pass is through. */
export const WALK_ORDER = Object.keys(MIRROR_TABLES) as MirrorModel[];

/** A column in the one form in which rows are compared. */
function comparable(column: string, type: ColumnType): string {
  if (type === 'numeric') return `trim_scale(${column})::text as ${column}`;
  if (type === 'date') return `${column}::text as ${column}`;
  if (type === 'timestamptz') {
    return `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as ${column}`;
  }
  return column;
}

/** The stored rows among `ids`; with `lock` they stay as they are until the transaction ends. */
export async function storedRows(
  db: EntityManager,
  table: MirrorTable,
  choice: { ids: readonly number[]; lock: boolean },
): Promise<StoredRow[]> {
  const columns = Object.entries(table.columns).map(([column, type]) => comparable(column, type));
  const rows = await db.query<(MirrorRow & { gone: boolean })[]>(
    `select ${columns.join(', ')}, gone_at is not null as gone from ${table.name}
      where odoo_id = any ($1) order by odoo_id ${choice.lock ? 'for no key update' : ''}`,
    [choice.ids],
  );
  return rows.map(({ gone, ...row }) => ({ row: row as MirrorRow, gone }));
}

function recordset(table: MirrorTable, more: Readonly<Record<string, string>> = {}): string {
  const columns = Object.entries({ ...table.columns, ...more }).map(([column, type]) => `${column} ${type}`);
  return `json_to_recordset($1::json) as r(${columns.join(', ')})`;
}

/** Inserts rows, ascending by id; one that another process has just inserted is left as it is. Returns the inserted ids. */
export async function insertRows(
  tx: EntityManager,
  table: MirrorTable,
  insertion: { rows: readonly MirrorRow[]; syncedAt: Date; more?: Readonly<Record<string, string>> },
): Promise<number[]> {
  const columns = Object.keys({ ...table.columns, ...insertion.more }).join(', ');
  const inserted = await tx.query<{ odoo_id: number }[]>(
    `insert into ${table.name} (${columns}, synced_at)
     select ${columns}, $2 from ${recordset(table, insertion.more)} order by odoo_id
     on conflict (odoo_id) do nothing returning odoo_id`,
    [JSON.stringify(insertion.rows), insertion.syncedAt],
  );
  return inserted.map((row) => row.odoo_id);
}

/**
 * Sets stored rows, locked before, to `rows`; what was gone is back. A reading that is older than what is stored is left
 * out, unless `force` says that Odoo is right whatever its dates say. Returns how many rows were set.
 */
export async function updateRows(
  tx: EntityManager,
  table: MirrorTable,
  update: { rows: readonly MirrorRow[]; syncedAt: Date; force: boolean },
): Promise<number> {
  const settings = Object.keys(table.columns).map((column) => `${column} = r.${column}`);
  const [, count] = await tx.query<[unknown, number]>(
    `update ${table.name} t set ${settings.join(', ')}, synced_at = $2, gone_at = null
       from ${recordset(table)}
      where t.odoo_id = r.odoo_id and ($3 or r.write_date >= t.write_date)`,
    [JSON.stringify(update.rows), update.syncedAt, update.force],
  );
  return count;
}

/** Marks rows as no longer shown by Odoo as of `at`. Returns how many were not marked yet. */
export async function markGone(
  tx: EntityManager,
  table: MirrorTable,
  gone: { ids: readonly number[]; at: Date },
): Promise<number> {
  const [, count] = await tx.query<[unknown, number]>(
    `update ${table.name} set gone_at = $2, synced_at = $2
      where id in (select id from ${table.name} where odoo_id = any ($1) and gone_at is null order by odoo_id for no key update)`,
    [gone.ids, gone.at],
  );
  return count;
}

/** Those ids of each table that it does not hold, ascending; asked for in one statement. */
export async function missingIds(
  db: EntityManager,
  wanted: ReadonlyMap<MirrorModel, readonly number[]>,
): Promise<Map<MirrorModel, number[]>> {
  const asked = [...wanted].filter(([, ids]) => ids.length > 0);
  const missing = new Map<MirrorModel, number[]>();
  if (asked.length === 0) return missing;
  const parts = asked.map(
    ([model], index) => `select '${model}' as model, w.odoo_id from unnest($${index + 1}::integer[]) as w(odoo_id)
      where not exists (select 1 from ${MIRROR_TABLES[model].name} t where t.odoo_id = w.odoo_id)`,
  );
  const rows = await db.query<{ model: MirrorModel; odoo_id: number }[]>(
    `${parts.join(' union all ')} order by 2`,
    asked.map(([, ids]) => ids),
  );
  for (const { model, odoo_id: id } of rows) missing.set(model, [...(missing.get(model) ?? []), id]);
  return missing;
}

/** Ids above `afterId` of stored rows, ascending, at most `limit`; `where` is SQL of this file's tables. */
export async function storedIds(
  db: EntityManager,
  table: MirrorTable,
  choice: { afterId: number; limit: number; where?: string },
): Promise<number[]> {
  const rows = await db.query<{ odoo_id: number }[]>(
    `select odoo_id from ${table.name} where odoo_id > $1 and ${choice.where ?? 'true'} order by odoo_id limit $2`,
    [choice.afterId, choice.limit],
  );
  return rows.map((row) => row.odoo_id);
}
