/** Rows around usage, straight in SQL: what a mirror and operators would have made. For the tests of recording itself. */
import { randomUUID } from 'node:crypto';
import type { DataSource } from 'typeorm';
import type { MetricRules } from '../../src/domain/metric';
import { tileBillerSpans } from '../../src/services/biller-spans';
import { bumpCatalogVersion } from '../../src/services/catalog-version';

export { counter } from './counter';

const SYNCED = '2026-01-01T00:00:00Z';

async function insert(db: DataSource, table: string, row: Record<string, unknown>): Promise<string> {
  const columns = Object.keys(row);
  const [{ id }] = await db.query<[{ id: string }]>(
    `insert into ${table} (${columns.join(', ')}) values (${columns.map((_, index) => `$${index + 1}`).join(', ')}) returning id`,
    Object.values(row),
  );
  return id;
}

let lastOdooId = 0;
const nextOdooId = (): number => (lastOdooId += 1);

export interface SeededService {
  id: string;
  code: string;
}

async function seedService(db: DataSource): Promise<SeededService> {
  const code = `service-${randomUUID().slice(0, 8)}`;
  const id = await insert(db, 'service', { code, name: code, stage: 'SHADOW', created_at: SYNCED });
  await db.transaction((tx) => tileBillerSpans(tx, { serviceIds: [id] }));
  return { id, code };
}

export function seedMetric(
  db: DataSource,
  serviceId: string,
  { code, ...rules }: { code: string } & Partial<MetricRules>,
): Promise<string> {
  return insert(db, 'metric', {
    service_id: serviceId,
    code,
    name: code,
    unit: 'request',
    aggregation: rules.aggregation ?? 'SUM',
    semantics: rules.semantics ?? 'DELTA',
    signed: rules.signed ?? false,
    per_event: rules.perEvent ?? false,
    recurring: rules.recurring ?? false,
    unique_by: rules.uniqueBy ?? null,
    rounding_mode: rules.rounding?.mode ?? null,
    rounding_places: rules.rounding?.places ?? null,
    created_at: SYNCED,
  });
}

export interface SeededPartner {
  id: string;
  odooId: number;
}

/** A partner who pays for himself, or whose company does. */
export async function seedPartner(db: DataSource, company?: SeededPartner): Promise<SeededPartner> {
  const odooId = nextOdooId();
  const id = await insert(db, 'partner', {
    odoo_id: odooId,
    name: `Partner ${odooId}`,
    commercial_partner_odoo_id: company?.odooId ?? odooId,
    active: true,
    write_date: SYNCED,
    synced_at: SYNCED,
  });
  return { id, odooId };
}

export async function seedLink(
  db: DataSource,
  link: { serviceId: string; account: string; partner: SeededPartner; contractId?: string; from?: string; to?: string },
): Promise<string> {
  const id = await insert(db, 'account_link', {
    service_id: link.serviceId,
    account: link.account,
    partner_id: link.partner.id,
    contract_id: link.contractId ?? null,
    valid_from: link.from ?? SYNCED,
    valid_to: link.to ?? null,
    created_at: SYNCED,
  });
  await db.transaction((tx) => bumpCatalogVersion(tx, [link.serviceId]));
  return id;
}

export interface SeededProduct {
  id: string;
  odooId: number;
}

/** A product, and the charge by which it carries the metric. */
export async function seedCharge(db: DataSource, serviceId: string, metricId: string): Promise<SeededProduct> {
  const odooId = nextOdooId();
  const id = await insert(db, 'product', {
    odoo_id: odooId,
    name: 'API calls',
    type: 'service',
    invoice_policy: 'delivery',
    active: true,
    write_date: SYNCED,
    synced_at: SYNCED,
  });
  await insert(db, 'charge', {
    service_id: serviceId,
    metric_id: metricId,
    product_id: id,
    mode: 'QUANTITY',
    created_at: SYNCED,
  });
  await db.transaction((tx) => bumpCatalogVersion(tx, [serviceId]));
  return { id, odooId };
}

export interface SeededSubscription {
  id: string;
  contractId: string;
}

/** A confirmed order with one line for each product, and its contract; no periods. */
export async function seedSubscription(
  db: DataSource,
  order: {
    partner: SeededPartner;
    products?: SeededProduct[];
    orderState?: string;
    state?: string;
    /** For who cares about its lane; a new one by default. */
    contractId?: string;
  },
): Promise<SeededSubscription> {
  const currency = await seedCurrency(db);
  const given = order.contractId === undefined ? {} : { id: order.contractId };
  const contractId = await insert(db, 'contract', { ...given, created_at: SYNCED });
  await db.transaction((tx) => tileBillerSpans(tx, { contractIds: [contractId] }));
  const odooId = nextOdooId();
  const id = await insert(db, 'subscription', {
    odoo_id: odooId,
    contract_id: contractId,
    name: `S${odooId}`,
    order_state: order.orderState ?? 'sale',
    subscription_state: order.state ?? 'IN_PROGRESS',
    locked: false,
    partner_odoo_id: order.partner.odooId,
    currency_odoo_id: currency,
    start_on: '2026-02-01',
    next_invoice_on: '2026-04-01',
    write_date: SYNCED,
    synced_at: SYNCED,
  });
  for (const product of order.products ?? []) {
    await insert(db, 'subscription_line', {
      odoo_id: nextOdooId(),
      subscription_odoo_id: odooId,
      product_odoo_id: product.odooId,
      description: 'API calls',
      ordered_quantity: 0,
      delivered_quantity: 0,
      invoiced_quantity: 0,
      unit_price: 1,
      discount: 0,
      write_date: SYNCED,
      synced_at: SYNCED,
    });
  }
  await db.transaction((tx) => bumpCatalogVersion(tx, 'all'));
  return { id, contractId };
}

async function seedCurrency(db: DataSource): Promise<number> {
  await db.query(
    `insert into currency (odoo_id, code, decimal_places, write_date, synced_at) values (1, 'EUR', 2, $1, $1)
     on conflict do nothing`,
    [SYNCED],
  );
  return 1;
}

/** Periods that begin at these days of UTC, one after another; all closed but the last, which has no end. */
export async function seedPeriods(db: DataSource, contractId: string, days: string[]): Promise<void> {
  await db.transaction(async (tx) => {
    for (const [index, day] of days.entries()) {
      const end = days[index + 1] ?? null;
      await tx.query(
        `insert into billing_period (contract_id, start_on, end_on, start_at, end_at, state, closed_at, created_at)
         values ($1, $2::date, $3::date, $2::date::timestamp at time zone 'UTC', $3::date::timestamp at time zone 'UTC',
                 case when $3::date is null then 'OPEN' else 'CLOSED' end,
                 case when $3::date is not null then $4::timestamptz end, $4)`,
        [contractId, day, end, SYNCED],
      );
    }
  });
}

export interface UsageWorld {
  service: SeededService;
  metricId: string;
  partner: SeededPartner;
  linkId: string;
  product: SeededProduct;
  subscription: SeededSubscription;
}

/** A service with the metric "calls", a charge for it, and the account "acme" with one subscription that carries it. */
export async function seedUsageWorld(db: DataSource): Promise<UsageWorld> {
  const service = await seedService(db);
  const metricId = await seedMetric(db, service.id, { code: 'calls' });
  const partner = await seedPartner(db);
  const linkId = await seedLink(db, { serviceId: service.id, account: 'acme', partner });
  const product = await seedCharge(db, service.id, metricId);
  const subscription = await seedSubscription(db, { partner, products: [product] });
  return { service, metricId, partner, linkId, product, subscription };
}
