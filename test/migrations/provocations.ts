/** Every constraint of the schema by name, each with the row that must fail on it, and on nothing else before. */
import { NOWHERE, NOWHERE_ODOO, type Row, uuid } from './world';

export interface Provocation {
  table: string;
  constraint: string;
  /** What is changed in a good copy of the first row of the table, or of the one at `from`. */
  change: Row;
  from?: number;
}

type Changes = Record<string, Row | Row[] | { from: number; change: Row }[]>;

/** One word longer than 200 characters. */
const LONG = 'x'.repeat(201);

const REFERENCES: Record<string, Record<string, string>> = {
  account_link: { service: 'service_id', partner: 'partner_id', contract: 'contract_id' },
  adjustment: {
    billable_line: 'billable_line_id',
    origin_period: 'origin_period_id',
    target_period: 'target_period_id',
    product: 'product_id',
  },
  api_key: { service: 'service_id' },
  balance_entry: {
    service: 'service_id',
    contract: 'contract_id',
    product: 'product_id',
    period: 'period_id',
  },
  billable_line: { period: 'period_id', charge: 'charge_id', subscription_line: 'subscription_line_id' },
  biller_span: { contract: 'contract_id', service: 'service_id' },
  billing_block: {
    contract: 'contract_id',
    period: 'period_id',
    product: 'product_id',
    subscription_line: 'subscription_line_id',
  },
  billing_period: { contract: 'contract_id' },
  final_due: {
    service: 'service_id',
    contract: 'contract_id',
    product: 'product_id',
  },
  charge: {
    service: 'service_id',
    metric: 'metric_id',
    product: 'product_id',
    plan: 'plan_odoo_id',
    contract: 'contract_id',
    first: 'first_id',
    previous: 'previous_id',
  },
  charge_pin: { contract: 'contract_id', metric: 'metric_id', charge: 'charge_id' },
  line_pin: { contract: 'contract_id', product: 'product_id', subscription_line: 'subscription_line_id' },
  contract_standstill: { contract: 'contract_id' },
  expected_usage: { period: 'period_id', charge: 'charge_id' },
  gap_waiver: { period: 'period_id', metric: 'metric_id' },
  identity_check: { service: 'service_id' },
  invoice: { currency: 'currency_odoo_id' },
  invoice_line: { invoice: 'invoice_odoo_id' },
  metric: { service: 'service_id' },
  rating_difference: { period: 'period_id', charge: 'charge_id', billable_line: 'billable_line_id' },
  slot_settlement: {
    contract: 'contract_id',
    period: 'period_id',
    product: 'product_id',
    subscription_line: 'subscription_line_id',
    invoice_line: 'invoice_line_id',
  },
  subscription: {
    contract: 'contract_id',
    partner: 'partner_odoo_id',
    plan: 'plan_odoo_id',
    currency: 'currency_odoo_id',
  },
  subscription_line: { subscription: 'subscription_odoo_id', product: 'product_odoo_id' },
  usage_alert: { service: 'service_id', contract: 'contract_id', metric: 'metric_id' },
  usage_alert_event: { alert: 'alert_id', period: 'period_id' },
  usage_assignment: { record: 'record_id', contract: 'contract_id' },
  write_back: {
    contract: 'contract_id',
    period: 'period_id',
    product: 'product_id',
    subscription_line: 'subscription_line_id',
  },
  write_back_attempt: { write_back: 'write_back_id' },
};

const MIRRORED = [
  'currency',
  'plan',
  'partner',
  'product',
  'subscription',
  'subscription_line',
  'invoice',
  'invoice_line',
];

const PRIMARY_KEYS: Record<string, Row> = {
  ...Object.fromEntries(MIRRORED.map((table, n) => [table, { id: uuid([31, 32, 33, 34, 43, 44, 45, 46][n] ?? 0) }])),
  service: { id: uuid(1) },
  api_key: { id: uuid(11) },
  metric: { id: uuid(21) },
  audit_entry: { id: 1 },
  contract: { id: uuid(41) },
  sync_state: { model: 'partner' },
  sync_run: { id: uuid(48) },
  account_link: { id: uuid(51) },
  charge: { id: uuid(52) },
  charge_pin: { id: 81 },
  line_pin: { id: 82 },
  biller_span: { id: uuid(54) },
  billing_period: { id: uuid(56) },
  ledger_epoch: { number: 2 },
  ledger_block: { number: 1 },
  usage_record: { id: 1 },
  usage_assignment: { id: 71 },
  billable_line: { id: uuid(61) },
  adjustment: { id: uuid(62) },
  billing_block: { id: uuid(63) },
  write_back: { id: uuid(64) },
  write_back_attempt: { id: uuid(65) },
  slot_settlement: { id: uuid(66) },
  worker: { id: 'worker-1' },
  identity_check: { service_id: uuid(1) },
  usage_alert: { id: uuid(68) },
  usage_alert_event: { id: uuid(69) },
  ledger_reader: { name: 'reports' },
  balance_entry: { id: uuid(81) },
  final_due: { id: uuid(84) },
  rating_difference: { id: uuid(86) },
  expected_usage: { period_id: uuid(56), charge_id: uuid(52) },
  gap_waiver: { id: uuid(68) },
  contract_standstill: { id: uuid(69) },
};

/** By table; the names of the constraints without the table's. Several changes: each of them must fail. */
const RULES: Record<string, Changes> = {
  service: {
    code_key: { code: 'cloud' },
    code_check: [{ code: 'Cloud' }, { code: '' }, { code: '-cloud' }, { code: 'x'.repeat(64) }],
    name_check: [{ name: '' }, { name: LONG }],
    stage_check: { stage: 'BETA' },
  },
  api_key: {
    name_check: [{ name: '' }, { name: LONG }],
    secret_hash_key: { secret_hash: 'a'.repeat(64) },
    secret_hash_check: [{ secret_hash: 'a'.repeat(63) }, { secret_hash: 'A'.repeat(64) }],
    scopes_check: { scopes: [] },
    env_key: { name: 'env' },
  },
  metric: {
    code_check: [{ code: 'api calls' }, { code: '' }, { code: 'x'.repeat(101) }],
    name_check: [{ name: '' }, { name: LONG }],
    unit_check: [{ unit: '' }, { unit: 'x'.repeat(51) }],
    aggregation_check: { aggregation: 'MEDIAN' },
    semantics_check: [
      { semantics: 'GAUGE' },
      { semantics: 'CUMULATIVE', aggregation: 'MAX' },
      { semantics: 'WINDOW_TOTAL', aggregation: 'UNIQUE_COUNT', unique_by: 'user' },
    ],
    signed_check: [
      { signed: true, semantics: 'CUMULATIVE' },
      { signed: true, aggregation: 'UNIQUE_COUNT', unique_by: 'user' },
    ],
    recurring_check: { recurring: true, aggregation: 'LATEST' },
    unique_by_check: [
      { unique_by: 'user' },
      { aggregation: 'UNIQUE_COUNT' },
      { aggregation: 'UNIQUE_COUNT', unique_by: '' },
    ],
    expects_check: { expects: 'MINUTE' },
    rounding_mode_check: { rounding_mode: 'TRUNCATE', rounding_places: 0 },
    rounding_places_check: [
      { rounding_mode: 'CEIL' },
      { rounding_places: 2 },
      { rounding_mode: 'CEIL', rounding_places: 13 },
      { rounding_mode: 'CEIL', rounding_places: -13 },
    ],
    service_code_key: { code: 'calls-21' },
  },
  currency: { odoo_id_key: { odoo_id: 31 }, decimal_places_check: [{ decimal_places: -1 }, { decimal_places: 7 }] },
  plan: {
    odoo_id_key: { odoo_id: 32 },
    period_count_check: { period_count: 0 },
    period_unit_check: { period_unit: 'day' },
  },
  partner: { odoo_id_key: { odoo_id: 33 } },
  product: { odoo_id_key: { odoo_id: 34 }, invoice_policy_check: { invoice_policy: 'milestone' } },
  subscription: {
    odoo_id_key: { odoo_id: 43 },
    state_check: { subscription_state: 'ASLEEP' },
    contract_sequence_key: { contract_id: uuid(41) },
  },
  subscription_line: { odoo_id_key: { odoo_id: 44 } },
  invoice: {
    odoo_id_key: { odoo_id: 45 },
    move_type_check: { move_type: 'in_invoice' },
    state_check: { state: 'paid' },
  },
  invoice_line: { odoo_id_key: { odoo_id: 46 } },
  sync_state: { walk_check: [{ walk_after_id: 5 }, { walk_full: true }, { walk_started_at: '2026-03-10T12:00:00Z' }] },
  account_link: {
    account_check: [{ account: '' }, { account: LONG }],
    valid_check: { valid_to: '2026-03-10T12:00:00Z' },
    overlap_excl: [{ account: 'acme' }, { account: 'acme', valid_from: '2026-01-01T00:00:00Z' }],
  },
  charge: {
    mode_check: { mode: 'FLAT', units_per_product_unit: '1' },
    free_units_check: { free_units: '-1' },
    units_per_product_unit_check: { units_per_product_unit: '0' },
    priced_check: [
      { price: {}, currency: 'EUR' },
      { currency: 'EUR' },
      { mode: 'AMOUNT', units_per_product_unit: '1' },
    ],
    on_gap_check: { on_gap: 'FORGET' },
    minimum_amount_check: [{ from: 1, change: { minimum_amount: '-1' } }],
    minimum_mode_check: { minimum_amount: '1' },
    amount_factor_check: [{ from: 1, change: { units_per_product_unit: '10' } }],
    filters_check: [{ from: 1, change: { filters: {} } }],
    buckets_mode_check: [{ filters: [{}] }, { group_by: ['region'] }],
    bound_once_check: { plan_odoo_id: 32, contract_id: uuid(41) },
    valid_check: { valid_from: '2026-03-02', valid_to: '2026-03-01' },
    metric_product_excl: [{ product_id: uuid(34) }, { product_id: uuid(34), valid_from: '2026-03-01' }],
    previous_key: { previous_id: uuid(53) },
    product_service_excl: { product_id: uuid(34), metric_id: uuid(22), service_id: uuid(2) },
    // A charge in the other mode has another currency as well: the mode is judged first.
    product_mode_excl: [
      { from: 1, change: { product_id: uuid(35), metric_id: uuid(22), mode: 'QUANTITY', price: null, currency: null } },
    ],
    product_currency_excl: [{ from: 1, change: { product_id: uuid(35), metric_id: uuid(22), currency: 'USD' } }],
    product_factor_excl: { product_id: uuid(34), metric_id: uuid(22), units_per_product_unit: '1' },
  },
  charge_pin: { reason_check: [{ reason: '' }, { reason: 'x'.repeat(501) }] },
  line_pin: { reason_check: [{ reason: '' }, { reason: 'x'.repeat(501) }] },
  biller_span: {
    biller_check: { biller: 'STRIPE' },
    reason_check: { reason: null },
    order_check: { starts_at: '2026-03-02T00:00:00Z', ends_at: '2026-03-02T00:00:00Z' },
    overlap_excl: { service_id: uuid(1) },
    tile: [{ ends_at: '2026-03-01T00:00:00Z' }, { starts_at: '2026-03-01T00:00:00Z' }],
  },
  billing_period: {
    state_check: { state: 'DONE', closed_at: null },
    order_check: { end_at: '2026-03-01T00:00:00Z' },
    closed_check: [{ closed_at: null }, { state: 'OPEN' }, { end_on: null, end_at: null }],
    days_check: { end_on: null },
    dirty_check: { state: 'OPEN', closed_at: null, dirty: true },
    overlap_excl: { contract_id: uuid(41) },
    open_key: [
      { from: 1, change: { contract_id: uuid(41), start_at: '2026-05-01T00:00:00Z', end_at: '2026-06-01T00:00:00Z' } },
    ],
    tile: [
      { contract_id: uuid(41), start_at: '2026-05-02T00:00:00Z', end_at: '2026-06-01T00:00:00Z' },
      { contract_id: uuid(41), start_at: '2026-01-01T00:00:00Z', end_at: '2026-02-28T23:59:59Z' },
    ],
  },
  ledger_block: {
    number_check: { number: 0 },
    previous_hash_check: { previous_hash: '\\x00' },
    hash_check: { hash: '\\x00' },
    hash_key: { hash: `\\x${'ab'.repeat(32)}` },
    rows_check: [{ record_ids: [] }, { record_ids: [1, 2] }, { row_hashes: '\\x00' }],
  },
  usage_alert: {
    name_check: [{ name: '' }, { name: LONG }],
    kind_check: { kind: 'EVENTS' },
    thresholds_check: [
      { thresholds: [] },
      { thresholds: Array.from({ length: 21 }, (_, index) => String(index + 1)) },
      { thresholds: ['0'] },
      { thresholds: ['5', '5'] },
      { thresholds: ['10', '9'] },
    ],
  },
  usage_alert_event: {
    threshold_check: { threshold: '0' },
    value_check: { value: '8.99' },
    once_key: { threshold: '10.0' },
  },
  usage_record: {
    unassigned_reason_check: { contract_id: null, unassigned_reason: 'WHIM' },
    quantity_check: [{ quantity: '0.1234567890123' }, { quantity: '1e30' }, { quantity: '-1e30' }, { quantity: 'NaN' }],
    kind_check: { kind: 'EDIT', corrects: 1, root: 1, reason: 'wrong' },
    events_check: { events: -1 },
    revision_check: { revision: -1 },
    opening_check: [{ opening: '-1' }, { opening: '0.1234567890123' }, { opening: '1e30' }],
    reset_check: { reset: false },
    operation_check: { operation: 'TOGGLE' },
    root_check: [{ root: 1 }, { kind: 'VOID', corrects: 2, reason: 'why' }],
    idempotency_key_check: [{ idempotency_key: '' }, { idempotency_key: LONG }],
    content_hash_check: [{ content_hash: '\\x00' }, { content_hash: `\\x${'ab'.repeat(33)}` }],
    service_key_key: { idempotency_key: 'key-1' },
    window_check: { window_end: '2026-03-10T08:00:00Z', counted_at: '2026-03-10T09:00:00Z' },
    counted_check: [{ counted_at: '2026-03-10T10:00:00Z' }, { window_end: '2026-03-10T09:00:00Z' }],
    corrects_check: [{ kind: 'VOID' }, { corrects: 2, root: 1, reason: 'why' }, { kind: 'VOID', corrects: 2, root: 1 }],
    assigned_check: [{ contract_id: null }, { unassigned_reason: 'NO_CONTRACT' }],
    corrects_key: { kind: 'REPLACEMENT', corrects: 1, root: 1, reason: 'again' },
  },
  usage_rollup: {
    hour_check: { hour: '2026-03-10T10:30:00Z' },
    records_check: { records: -1 },
    key: [{ hour: '2026-03-10T09:00:00Z' }, { hour: '2026-03-10T09:00:00Z', contract_id: null }],
  },
  billable_line: {
    revision_check: { revision: 0 },
    billable_units_check: { billable_units: '-1' },
    rating_version_check: { rating_version: 0 },
    revision_key: { revision: 1 },
  },
  adjustment: { value_check: { value: '0' } },
  balance_entry: {
    kind_check: { kind: 'LOST', idempotency_key: null },
    counterpart_fkey: { kind: 'PASSED_IN', counterpart_id: NOWHERE, idempotency_key: null },
    value_check: { value: '0' },
    reason_check: [{ reason: '' }, { reason: 'x'.repeat(501) }],
    counterpart_check: [{ counterpart_id: uuid(81) }, { kind: 'PASSED_IN', idempotency_key: null }],
    idempotency_key_check: [{ idempotency_key: '' }, { idempotency_key: LONG }, { kind: 'WRITTEN_OFF' }],
    service_key_key: { idempotency_key: 'key-1' },
  },
  final_due: {
    value_check: { value: '0' },
    cause_check: { cause: 'WHIM' },
    state_check: { state: 'LOST' },
    closed_check: [{ closed_at: null }, { state: 'OPEN' }],
    settled_check: [{ state: 'SETTLED' }, { balance_entry_id: uuid(82) }],
    balance_entry_fkey: { state: 'SETTLED', balance_entry_id: NOWHERE },
    balance_entry_key: { state: 'SETTLED', balance_entry_id: uuid(81) },
    open_key: { state: 'OPEN', closed_at: null },
  },
  rating_difference: {
    state_check: { state: 'LOST', actor: null, reason: null },
    reason_check: [{ reason: '' }, { reason: 'x'.repeat(501) }],
    version_check: { to_version: 1 },
    value_check: { new_value: '5' },
    decided_check: [{ decided_at: null }, { state: 'OPEN', actor: null, reason: null }],
    actor_check: [{ actor: null, reason: null }, { reason: null }, { state: 'WITHDRAWN' }],
    open_key: { state: 'OPEN', decided_at: null, actor: null, reason: null },
  },
  billing_block: { live_key: { reason: 'HELD_BY_DRAFT' } },
  write_back: {
    kind_check: { kind: 'HALF' },
    target_check: [{ target: '-1' }, { kind: 'EMPTY' }],
    state_check: { state: 'LOST' },
    block_check: [{ state: 'BLOCKED' }, { block_reason: 'HELD_BY_DRAFT' }],
    written_check: { read_back: null },
    live_key: [{ state: 'PENDING' }, { state: 'UNKNOWN' }],
  },
  write_back_attempt: {
    outcome_check: { outcome: 'LOST', finished_at: '2026-04-01T02:00:00Z' },
    finished_check: [{ outcome: 'WRITTEN' }, { finished_at: '2026-04-01T02:00:00Z' }],
  },
  slot_settlement: {
    evidence_check: { evidence: 'HEARSAY', invoice_line_id: null, billed: '0' },
    invoice_line_key: { invoice_line_id: uuid(46) },
    invoice_check: [{ invoice_line_id: null }, { evidence: 'DATE_MOVED', billed: '0' }],
    moved_check: { evidence: 'DATE_MOVED', invoice_line_id: null },
    moved_key: { evidence: 'DATE_MOVED', invoice_line_id: null, billed: '0' },
  },
  expected_usage: { step_check: { step: 'MINUTE' } },
  gap_waiver: {
    name_check: [{ name: '' }, { name: LONG }],
    reason_check: [{ reason: '' }, { reason: 'x'.repeat(501) }],
    order_check: { ends_at: '2026-03-09T00:00:00Z' },
    span_key: { starts_at: '2026-03-10T00:00:00Z' },
  },
  contract_standstill: {
    state_check: { state: 'TIRED' },
    order_check: { ends_at: '2026-03-09T00:00:00Z' },
    open_key: { ends_at: null },
  },
};

function references(): Provocation[] {
  return Object.entries(REFERENCES).flatMap(([table, columns]) =>
    Object.entries(columns).map(([name, column]) => {
      const isNumber = column.endsWith('_odoo_id') || column === 'record_id';
      return { table, constraint: `${table}_${name}_fkey`, change: { [column]: isNumber ? NOWHERE_ODOO : NOWHERE } };
    }),
  );
}

function primaryKeys(): Provocation[] {
  return Object.entries(PRIMARY_KEYS).map(([table, change]) => ({ table, constraint: `${table}_pkey`, change }));
}

function rules(): Provocation[] {
  return Object.entries(RULES).flatMap(([table, changes]) =>
    Object.entries(changes).flatMap(([name, given]) =>
      (Array.isArray(given) ? given : [given]).map((one) => ({
        table,
        constraint: `${table}_${name}`,
        ...(isFrom(one) ? one : { change: one }),
      })),
    ),
  );
}

function isFrom(one: Row | { from: number; change: Row }): one is { from: number; change: Row } {
  return typeof one.from === 'number';
}

export const PROVOCATIONS: readonly Provocation[] = [...primaryKeys(), ...references(), ...rules()];
