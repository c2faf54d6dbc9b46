/** A small consistent world with a row in every table, and copies of its rows with a change, for provoking constraints. */
import type { Client } from 'pg';

/** A readable UUID, the same for one number everywhere. */
export function uuid(n: number): string {
  return `00000000-0000-7000-8000-${n.toString().padStart(12, '0')}`;
}

/** Nothing in the world has this id; nor, as a number, this Odoo id. */
export const NOWHERE = uuid(999_999);
export const NOWHERE_ODOO = 999_999;

const AT = '2026-03-10T12:00:00Z';
const READ = { write_date: AT, synced_at: AT };
const HASH = `\\x${'ab'.repeat(32)}`;

export type Row = Record<string, unknown>;

/** In the order in which they can be inserted. */
export const WORLD: [table: string, ...rows: Row[]][] = [
  [
    'service',
    { id: uuid(1), code: 'cloud', name: 'Cloud', stage: 'LIVE', catalog_version: 1, created_at: AT },
    { id: uuid(2), code: 'maps', name: 'Maps', stage: 'SHADOW', catalog_version: 1, created_at: AT },
  ],
  [
    'api_key',
    { id: uuid(11), name: 'env', prefix: 'fb_abc', secret_hash: 'a'.repeat(64), scopes: ['admin'], created_at: AT },
  ],
  [
    'metric',
    ...[21, 22].map((n) => ({
      id: uuid(n),
      service_id: uuid(1),
      code: `calls-${n}`,
      name: 'Calls',
      unit: 'call',
      aggregation: 'SUM',
      semantics: 'DELTA',
      signed: false,
      per_event: false,
      recurring: false,
      created_at: AT,
    })),
  ],
  [
    'audit_entry',
    {
      id: 1,
      at: AT,
      actor: 'cli:test',
      action: 'service.created',
      subject_type: 'service',
      subject_id: 'x',
      details: {},
    },
  ],
  ['currency', { id: uuid(31), odoo_id: 31, code: 'EUR', decimal_places: 2, ...READ }],
  [
    'plan',
    { id: uuid(32), odoo_id: 32, name: 'Monthly', period_count: 1, period_unit: 'month', active: true, ...READ },
  ],
  ['partner', { id: uuid(33), odoo_id: 33, name: 'Acme', commercial_partner_odoo_id: 33, active: true, ...READ }],
  [
    'product',
    ...[34, 35, 36].map((n) => ({
      id: uuid(n),
      odoo_id: n,
      name: 'Calls',
      type: 'service',
      invoice_policy: 'delivery',
      active: true,
      ...READ,
    })),
  ],
  ['contract', { id: uuid(41), created_at: AT }, { id: uuid(42), created_at: AT }],
  [
    'subscription',
    {
      id: uuid(43),
      odoo_id: 43,
      contract_id: uuid(41),
      contract_sequence: 1,
      name: 'S00043',
      order_state: 'sale',
      subscription_state: 'IN_PROGRESS',
      locked: true,
      partner_odoo_id: 33,
      plan_odoo_id: 32,
      currency_odoo_id: 31,
      ...READ,
    },
  ],
  [
    'subscription_line',
    {
      id: uuid(44),
      odoo_id: 44,
      subscription_odoo_id: 43,
      product_odoo_id: 34,
      description: 'Calls',
      ordered_quantity: '0',
      delivered_quantity: '0',
      invoiced_quantity: '0',
      unit_price: '1',
      discount: '0',
      ...READ,
    },
  ],
  [
    'invoice',
    {
      id: uuid(45),
      odoo_id: 45,
      move_type: 'out_invoice',
      state: 'posted',
      payment_state: 'not_paid',
      currency_odoo_id: 31,
      amount_untaxed: '5',
      amount_total: '5',
      amount_residual: '5',
      ...READ,
    },
  ],
  [
    'invoice_line',
    ...[46, 47].map((n) => ({
      id: uuid(n),
      odoo_id: n,
      invoice_odoo_id: 45,
      sale_line_odoo_ids: [44],
      quantity: '5',
      unit_price: '1',
      subtotal: '5',
      ...READ,
    })),
  ],
  ['sync_state', { model: 'partner' }],
  [
    'sync_run',
    {
      id: uuid(48),
      model: 'partner',
      is_full: false,
      requested_by: 'cli:test',
      requested_at: AT,
      read: 0,
      inserted: 0,
      updated: 0,
      unchanged: 0,
      gone: 0,
      problems: [],
    },
  ],
  [
    'account_link',
    {
      id: uuid(51),
      service_id: uuid(1),
      account: 'acme',
      partner_id: uuid(33),
      contract_id: uuid(41),
      valid_from: AT,
      created_at: AT,
    },
  ],
  [
    'charge',
    {
      id: uuid(52),
      service_id: uuid(1),
      metric_id: uuid(21),
      product_id: uuid(34),
      mode: 'QUANTITY',
      free_units: '0',
      minimum_amount: '0',
      on_gap: 'BILL_KNOWN',
      units_per_product_unit: '1000',
      created_at: AT,
    },
    {
      id: uuid(53),
      service_id: uuid(1),
      metric_id: uuid(21),
      product_id: uuid(35),
      mode: 'AMOUNT',
      price: { standard: { unitPrice: '0.10' } },
      currency: 'EUR',
      free_units: '0',
      minimum_amount: '0',
      on_gap: 'BILL_KNOWN',
      units_per_product_unit: '1',
      created_at: AT,
    },
  ],
  [
    'biller_span',
    {
      id: uuid(54),
      contract_id: uuid(41),
      service_id: uuid(1),
      biller: 'NONE',
      reason: 'not live',
      ends_at: '2026-03-01T00:00:00Z',
    },
    { id: uuid(55), contract_id: uuid(41), service_id: uuid(1), biller: 'ODOO', starts_at: '2026-03-01T00:00:00Z' },
  ],
  [
    'billing_period',
    {
      id: uuid(56),
      contract_id: uuid(41),
      start_on: '2026-03-01',
      end_on: '2026-04-01',
      start_at: '2026-03-01T00:00:00Z',
      end_at: '2026-04-01T00:00:00Z',
      state: 'CLOSED',
      dirty: false,
      derived: false,
      closed_at: '2026-04-01T02:00:00Z',
      created_at: AT,
    },
    {
      id: uuid(57),
      contract_id: uuid(41),
      start_on: '2026-04-01',
      end_on: '2026-05-01',
      start_at: '2026-04-01T00:00:00Z',
      end_at: '2026-05-01T00:00:00Z',
      state: 'OPEN',
      dirty: false,
      derived: false,
      created_at: AT,
    },
  ],
  ['ledger_epoch', { number: 2, shift: 0 }],
  [
    'usage_record',
    ...[1, 2].map((n) => ({
      id: n,
      transaction: 1,
      service_id: uuid(1),
      account_link_id: uuid(51),
      contract_id: uuid(41),
      metric_id: uuid(21),
      window_start: '2026-03-10T09:00:00Z',
      window_end: '2026-03-10T10:00:00Z',
      counted_at: '2026-03-10T09:59:59.999999Z',
      quantity: '5',
      actor: 'cli:test',
      account: 'acme',
      late: false,
      idempotency_key: `key-${n}`,
      content_hash: HASH,
      received_at: AT,
      ...(n === 1 ? { kind: 'USAGE' } : { kind: 'VOID', corrects: 1, root: 1, reason: 'counted twice' }),
    })),
  ],
  [
    'ledger_block',
    {
      number: 1,
      last_transaction: 1,
      last_id: 2,
      record_ids: [1],
      row_hashes: HASH,
      previous_hash: HASH,
      hash: HASH,
      sealed_at: AT,
    },
  ],
  [
    'usage_assignment',
    { id: 71, record_id: 1, contract_id: uuid(41), assigned_at: AT, actor: 'job:test', reason: 'found', late: false },
  ],
  [
    'usage_rollup',
    {
      account_link_id: uuid(51),
      contract_id: uuid(41),
      metric_id: uuid(21),
      hour: '2026-03-10T09:00:00Z',
      quantity: '5',
      records: 1,
    },
    {
      account_link_id: uuid(51),
      contract_id: null,
      metric_id: uuid(21),
      hour: '2026-03-10T09:00:00Z',
      quantity: '5',
      records: 1,
    },
  ],
  [
    'billable_line',
    {
      id: uuid(61),
      period_id: uuid(56),
      charge_id: uuid(52),
      bucket: '',
      bucket_group: {},
      revision: 1,
      subscription_line_id: uuid(44),
      units: '5000',
      billable_units: '5000',
      value: '5',
      amount: '5',
      currency: 'EUR',
      record_count: 1,
      explanation: {},
      created_at: AT,
    },
  ],
  [
    'adjustment',
    {
      id: uuid(62),
      billable_line_id: uuid(61),
      origin_period_id: uuid(56),
      target_period_id: uuid(57),
      product_id: uuid(34),
      value: '-1',
      reason: 'late usage',
      created_at: AT,
    },
  ],
  [
    'billing_block',
    {
      id: uuid(63),
      contract_id: uuid(41),
      period_id: uuid(56),
      reason: 'HELD_BY_DRAFT',
      message: 'A draft.',
      since: AT,
    },
  ],
  [
    'write_back',
    {
      id: uuid(64),
      sequence: 1,
      contract_id: uuid(41),
      period_id: uuid(56),
      product_id: uuid(34),
      subscription_line_id: uuid(44),
      kind: 'FINAL',
      target: '5',
      state: 'PENDING',
      attempts: 0,
      created_at: AT,
      updated_at: AT,
    },
  ],
  ['write_back_attempt', { id: uuid(65), write_back_id: uuid(64), value: '5', started_at: AT }],
  [
    'slot_settlement',
    {
      id: uuid(66),
      contract_id: uuid(41),
      period_id: uuid(56),
      product_id: uuid(34),
      subscription_line_id: uuid(44),
      evidence: 'INVOICE_LINE',
      invoice_line_id: uuid(46),
      billed: '5',
      settled_at: AT,
    },
    {
      id: uuid(67),
      contract_id: uuid(41),
      period_id: uuid(56),
      product_id: uuid(34),
      subscription_line_id: uuid(44),
      evidence: 'DATE_MOVED',
      billed: '0',
      settled_at: AT,
    },
  ],
  ['worker', { id: 'worker-1', seen_at: AT }],
  ['expected_usage', { period_id: uuid(56), charge_id: uuid(52), step: 'HOUR', complete: false }],
  [
    'gap_waiver',
    {
      id: uuid(68),
      period_id: uuid(56),
      metric_id: uuid(21),
      starts_at: '2026-03-10T00:00:00Z',
      ends_at: '2026-03-11T00:00:00Z',
      name: 'Ada',
      reason: 'an outage',
      actor: 'cli:test',
      created_at: AT,
    },
  ],
  ['contract_standstill', { id: uuid(69), contract_id: uuid(41), state: 'PAUSED', starts_at: '2026-03-10T00:00:00Z' }],
  ['identity_check', { service_id: uuid(1), checked_at: AT, records: 0, units: 0, money: 0, unpriced: 0 }],
];

/** What makes a copy of the first row of a table a second good one. */
export const FRESH: Record<string, Row> = {
  service: { id: uuid(101), code: 'desk' },
  api_key: { id: uuid(101), name: 'other', secret_hash: 'b'.repeat(64) },
  metric: { id: uuid(101), code: 'other' },
  audit_entry: { id: 101 },
  currency: { id: uuid(101), odoo_id: 101 },
  plan: { id: uuid(101), odoo_id: 101 },
  partner: { id: uuid(101), odoo_id: 101 },
  product: { id: uuid(101), odoo_id: 101 },
  contract: { id: uuid(101) },
  subscription: { id: uuid(101), odoo_id: 101, contract_id: uuid(42) },
  subscription_line: { id: uuid(101), odoo_id: 101 },
  invoice: { id: uuid(101), odoo_id: 101 },
  invoice_line: { id: uuid(101), odoo_id: 101 },
  sync_state: { model: 'plan' },
  sync_run: { id: uuid(101) },
  account_link: { id: uuid(101), account: 'other' },
  charge: { id: uuid(101), product_id: uuid(36) },
  biller_span: { id: uuid(101), service_id: uuid(2), ends_at: null },
  billing_period: { id: uuid(101), contract_id: uuid(42) },
  usage_record: { id: 101, idempotency_key: 'other' },
  ledger_epoch: { number: 101 },
  ledger_block: { number: 101, hash: `\\x${'cd'.repeat(32)}` },
  usage_assignment: { id: 101 },
  usage_rollup: { hour: '2026-03-10T10:00:00Z' },
  billable_line: { id: uuid(101), revision: 2 },
  adjustment: { id: uuid(101) },
  billing_block: { id: uuid(101), reason: 'PERIOD_UNCONFIRMED' },
  write_back: { id: uuid(101), state: 'WRITTEN', read_back: '5' },
  write_back_attempt: { id: uuid(101) },
  slot_settlement: { id: uuid(101), invoice_line_id: uuid(47) },
  worker: { id: 'worker-2' },
  identity_check: { service_id: uuid(2) },
  expected_usage: { charge_id: uuid(53) },
  gap_waiver: { id: uuid(101), starts_at: '2026-03-10T01:00:00Z' },
  contract_standstill: { id: uuid(101), ends_at: '2026-03-11T00:00:00Z' },
};

/** The first row of `table`, or the one at `index`, made fresh and then changed. */
export function copy(table: string, change: Row = {}, index = 0): Row {
  const [, ...rows] = WORLD.find(([name]) => name === table) ?? [table];
  return { ...rows[index], ...FRESH[table], ...change };
}

/** Inserts one row; columns that it does not name are null or as the row says, never a default. */
export async function insert(client: Client, table: string, row: Row): Promise<void> {
  await client.query(
    `insert into ${table} overriding system value select * from jsonb_populate_record(null::${table}, $1)`,
    [JSON.stringify(row)],
  );
}

export async function insertWorld(client: Client): Promise<void> {
  await client.query('begin');
  for (const [table, ...rows] of WORLD) for (const row of rows) await insert(client, table, row);
  await client.query('commit');
}
