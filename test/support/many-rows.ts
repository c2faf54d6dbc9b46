/** A database with many rows of each kind, all alike, so that what is asked of one is asked of all. Straight in SQL. */
import type { TestApp } from './app';
import { tileBillerSpans } from '../../src/services/biller-spans';
import { recordUsage } from '../../src/services/usage-records';
import { counter, seedPeriods, seedUsageWorld } from './usage-world';

const PROBLEM = JSON.stringify({
  code: 'UPSTREAM_REJECTED',
  message: 'no',
  field: null,
  retryable: false,
  details: null,
});

/**
 * `count` services with one of everything; their February is closed and rated, their March open and blocked. Each of their
 * partners has four subscriptions.
 */
export async function seedManyRows(test: TestApp, count: number): Promise<void> {
  const { db } = test.app;
  for (let index = 0; index < count; index += 1) {
    const world = await seedUsageWorld(db);
    await seedPeriods(db, world.subscription.contractId, ['2026-02-01', '2026-03-01']);
    await recordUsage(test.ctx({ serviceId: world.service.id }), counter());
  }
  await db.query(MORE_SUBSCRIPTIONS, [3 * count]);
  await db.transaction((tx) => tileBillerSpans(tx));
  for (const statement of STATEMENTS) await db.query(statement, statement.includes('$1') ? [PROBLEM] : []);
}

const MORE_SUBSCRIPTIONS = `
  with made as (
    insert into contract (created_at) select '2026-01-01T00:00:00Z' from generate_series(1, $1::integer) returning id),
  numbered as (select id, row_number() over (order by id) as n from made),
  orders as (
    insert into subscription (odoo_id, contract_id, name, order_state, subscription_state, locked, partner_odoo_id,
        currency_odoo_id, start_on, next_invoice_on, write_date, synced_at)
    select 1000000 + k.n, k.id, 'S' || k.n, s.order_state, s.subscription_state, false, s.partner_odoo_id,
           s.currency_odoo_id, s.start_on, s.next_invoice_on, s.write_date, s.synced_at
      from numbered k join (select *, row_number() over (order by id) as n, count(*) over () as total from subscription) s
        on s.n = k.n % s.total + 1
    returning odoo_id, contract_id, partner_odoo_id),
  lines as (
    insert into subscription_line (odoo_id, subscription_odoo_id, product_odoo_id, description, ordered_quantity,
        delivered_quantity, invoiced_quantity, unit_price, discount, write_date, synced_at)
    select o.odoo_id, o.odoo_id, l.product_odoo_id, 'API calls', 0, 0, 0, 1, 0, l.write_date, l.synced_at
      from orders o join subscription s on s.partner_odoo_id = o.partner_odoo_id
      join subscription_line l on l.subscription_odoo_id = s.odoo_id)
  insert into billing_period (contract_id, start_on, start_at, state, created_at)
  select contract_id, '2026-03-01', '2026-03-01T00:00:00Z', 'OPEN', '2026-03-01T00:00:00Z' from orders`;

const STATEMENTS = [
  `insert into billable_line (period_id, charge_id, revision, subscription_line_id, units, billable_units, value, amount,
      currency, record_count, explanation, created_at, rating_version, ledger_mark)
   select p.id, c.id, revision, l.id, 0, 0, 0, 0, 'EUR', 0, '[]', p.closed_at, 1, ''
     from billing_period p join subscription s on s.contract_id = p.contract_id
     join subscription_line l on l.subscription_odoo_id = s.odoo_id join product on product.odoo_id = l.product_odoo_id
     join charge c on c.product_id = product.id cross join generate_series(1, 2) revision
    where p.state = 'CLOSED'`,
  `insert into adjustment (billable_line_id, origin_period_id, target_period_id, product_id, value, reason, created_at)
   select l.id, l.period_id, open.id, c.product_id, 1, 'late', l.created_at
     from billable_line l join charge c on c.id = l.charge_id join billing_period p on p.id = l.period_id
     join billing_period open on open.contract_id = p.contract_id and open.state = 'OPEN'`,
  `insert into billing_block (contract_id, period_id, product_id, reason, message, since)
   select p.contract_id, p.id, c.product_id, 'HELD_BY_DRAFT', 'held', p.start_at
     from billing_period p join billable_line b on b.period_id = p.id and b.revision = 1 join charge c on c.id = b.charge_id`,
  `insert into write_back (contract_id, period_id, product_id, subscription_line_id, kind, target, state, block_reason, problem,
      created_at, updated_at)
   select p.contract_id, p.id, c.product_id, b.subscription_line_id, 'FINAL', 1, 'BLOCKED', 'REFUSED_BY_ODOO', $1::jsonb,
          p.closed_at, p.closed_at
     from billing_period p join billable_line b on b.period_id = p.id and b.revision = 1 join charge c on c.id = b.charge_id`,
  `insert into write_back_attempt (write_back_id, value, started_at, finished_at, outcome, observed, problem)
   select id, 1, created_at, created_at, 'REFUSED', '{"deliveredQuantity": "1"}', $1::jsonb from write_back, generate_series(1, 2)`,
  `insert into invoice (odoo_id, name, move_type, state, payment_state, currency_odoo_id, amount_untaxed, amount_total,
      amount_residual, write_date, synced_at)
   select row_number() over (order by p.id), 'INV', 'out_invoice', 'posted', 'paid', s.currency_odoo_id, 1, 1, 0, p.end_at, p.end_at
     from billing_period p join subscription s on s.contract_id = p.contract_id where p.state = 'CLOSED'`,
  `insert into invoice_line (odoo_id, invoice_odoo_id, sale_line_odoo_ids, product_odoo_id, quantity, unit_price, subtotal,
      write_date, synced_at)
   select row_number() over (order by p.id), row_number() over (order by p.id), array[l.odoo_id], l.product_odoo_id, 1, 1, 1,
          p.end_at, p.end_at
     from billing_period p join subscription s on s.contract_id = p.contract_id
     join subscription_line l on l.subscription_odoo_id = s.odoo_id where p.state = 'CLOSED'`,
  `insert into slot_settlement (contract_id, period_id, product_id, subscription_line_id, evidence, invoice_line_id, billed,
      settled_at)
   select p.contract_id, p.id, c.product_id, b.subscription_line_id, 'INVOICE_LINE', i.id, 1, p.end_at
     from billing_period p join billable_line b on b.period_id = p.id and b.revision = 1 join charge c on c.id = b.charge_id
     join subscription_line l on l.id = b.subscription_line_id join invoice_line i on i.sale_line_odoo_ids = array[l.odoo_id]`,
  `insert into balance_entry (service_id, contract_id, product_id, period_id, kind, value, reason, actor, created_at)
   select c.service_id, p.contract_id, c.product_id, p.id, kind, 1, 'a reason', 'test', l.created_at
     from billable_line l join charge c on c.id = l.charge_id join billing_period p on p.id = l.period_id
    cross join unnest(array['WAIVED', 'INVOICED']) kind where l.revision = 1`,
  `insert into final_due (service_id, contract_id, product_id, value, cause, state, found_at, closed_at, balance_entry_id)
   select service_id, contract_id, product_id, value, 'LINE_GONE', 'SETTLED', created_at, created_at, id
     from balance_entry where kind = 'INVOICED'`,
  `insert into rating_difference (period_id, charge_id, bucket, billable_line_id, from_version, to_version, stored_value,
      new_value, found_at, state)
   select period_id, charge_id, bucket, id, 1, 2, 0, 1, created_at, 'OPEN' from billable_line where revision = 2`,
  `insert into api_key (service_id, name, prefix, secret_hash, scopes, created_at)
   select id, 'a key', 'fb_', encode(sha256(id::text::bytea), 'hex'), '{usage:read}', created_at from service`,
  `insert into audit_entry (at, actor, action, subject_type, subject_id, service_id)
   select created_at, 'test', 'service.created', 'service', id, id from service`,
  `insert into sync_run (model, is_full, requested_by, requested_at, started_at, finished_at, problems, error)
   select 'PLAN', false, 'test', created_at, created_at, created_at, jsonb_build_array($1::jsonb, $1::jsonb), 'INTERNAL'
     from service`,
  `insert into usage_alert (service_id, contract_id, metric_id, name, kind, thresholds, due_at, created_at)
   select c.service_id, p.contract_id, c.metric_id, 'an alert', 'UNITS', '["1"]', b.created_at, b.created_at
     from billable_line b join billing_period p on p.id = b.period_id join charge c on c.id = b.charge_id
    where b.revision = 1`,
  `insert into usage_alert_event (alert_id, period_id, threshold, value, crossed_at)
   select a.id, p.id, 1, 1, a.created_at from usage_alert a join billing_period p on p.contract_id = a.contract_id`,
];
