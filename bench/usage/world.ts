/** A service whose accounts all have usage to record: each with its partner, link, contract and open period. Straight in SQL. */
import { Client } from 'pg';

const METRICS = ['calls', 'tokens', 'megabytes', 'seconds'];
const DAY_MS = 86_400_000;

/** What is known of the world before any record is sent; it travels between processes. */
export interface UsageWorld {
  serviceId: string;
  /** Code of the service. */
  service: string;
  metrics: { code: string; id: string }[];
  accounts: { account: string; linkId: string; contractId: string }[];
  /** Instant of the last full hour: no window ends later. */
  until: number;
}

/** Makes `accounts` accounts of one service in an empty database of the product's schema; each metric has a charge. */
export async function layUsageWorld(
  databaseUrl: string,
  accounts: number,
  metricCodes: readonly string[] = METRICS,
): Promise<UsageWorld> {
  const now = Date.now();
  const since = new Date(now - 40 * DAY_MS).toISOString().slice(0, 10);
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(CATALOGUE, [since, metricCodes]);
    await client.query(CHARGES, [since]);
    await client.query(PARTNERS, [since, accounts]);
    await client.query(CONTRACTS, [since]);
    await client.query(REST, [since]);
    await client.query('vacuum analyze');
    const { rows: metrics } = await client.query<UsageWorld['metrics'][number]>(
      'select code, id from metric order by id',
    );
    const { rows } = await client.query<UsageWorld['accounts'][number]>(
      `select l.account, l.id as "linkId", s.contract_id as "contractId"
         from account_link l join partner p on p.id = l.partner_id join subscription s on s.partner_odoo_id = p.odoo_id
        order by p.odoo_id`,
    );
    const { rows: services } = await client.query<{ id: string; code: string }>('select id, code from service');
    const [{ id: serviceId, code: service } = { id: '', code: '' }] = services;
    return { serviceId, service, metrics, accounts: rows, until: Math.floor(now / 3_600_000) * 3_600_000 };
  } finally {
    await client.end();
  }
}

const CATALOGUE = `
  with made as (
    insert into service (code, name, stage, created_at) values ('bench', 'Bench', 'SHADOW', $1::date) returning id),
  priced as (
    insert into currency (odoo_id, code, decimal_places, write_date, synced_at) values (1, 'EUR', 2, $1::date, $1::date)),
  plans as (
    insert into plan (odoo_id, name, period_count, period_unit, active, write_date, synced_at)
    values (1, 'Monthly', 1, 'month', true, $1::date, $1::date)),
  products as (
    insert into product (odoo_id, name, type, invoice_policy, active, write_date, synced_at)
    select n, code, 'service', 'delivery', true, $1::date, $1::date from unnest($2::text[]) with ordinality as m(code, n))
  insert into metric (service_id, code, name, unit, aggregation, created_at)
  select made.id, code, code, 'unit', 'SUM', $1::date from made, unnest($2::text[]) code`;

const CHARGES = `
  insert into charge (service_id, metric_id, product_id, mode, created_at)
  select m.service_id, m.id, p.id, 'QUANTITY', $1::date from metric m join product p on p.name = m.code`;

const PARTNERS = `
  with partners as (
    insert into partner (odoo_id, name, commercial_partner_odoo_id, active, write_date, synced_at)
    select n, 'Partner ' || n, n, true, $1::date, $1::date from generate_series(1, $2::integer) n
    returning id, odoo_id),
  contracts as (insert into contract (created_at) select $1::date from partners)
  insert into account_link (service_id, account, partner_id, valid_from, created_at)
  select service.id, 'acct_' || p.odoo_id, p.id, $1::date, $1::date from partners p, service`;

const CONTRACTS = `
  insert into subscription (odoo_id, contract_id, name, order_state, subscription_state, locked, partner_odoo_id,
    currency_odoo_id, plan_odoo_id, start_on, next_invoice_on, write_date, synced_at)
  select n, id, 'S' || n, 'sale', 'IN_PROGRESS', false, n, 1, 1, $1::date, $1::date, $1::date, $1::date
    from (select id, row_number() over (order by id) as n from contract) numbered`;

const REST = `
  with lines as (
    insert into subscription_line (odoo_id, subscription_odoo_id, product_odoo_id, description, ordered_quantity,
      delivered_quantity, invoiced_quantity, unit_price, discount, write_date, synced_at)
    select row_number() over (order by s.odoo_id, p.odoo_id), s.odoo_id, p.odoo_id, p.name, 0, 0, 0, 1, 0, $1::date, $1::date
      from subscription s cross join product p),
  spans as (
    insert into biller_span (contract_id, service_id, biller, reason)
    select c.id, s.id, 'NONE', 'the service is not live' from contract c cross join service s)
  insert into billing_period (contract_id, start_on, start_at, created_at)
  select id, $1::date, $1::date, $1::date from contract`;
