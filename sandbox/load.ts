/** The worlds a sandbox can start with: as recorded, the same with its dates moved for the demo, or only what every Odoo has. */
import { addToDay } from './clock';
import { readData, type FieldValue, type Row } from './schema';
import type { Env } from './search';
import type { Store } from './store';
import { createRow } from './write';

export type Load = 'demo' | 'recorded' | 'empty';

interface OrderData {
  id: number;
  partner: number;
  invoice_partner?: number;
  plan?: number;
  currency: number;
  company?: number;
  state: string;
  subscription?: string;
  start?: string;
  next?: string;
  ref?: string;
  note?: string;
  section?: string;
  /** Product and ordered quantity. */
  lines: [number, number][];
}

interface WorldData {
  stamp: string;
  productStamp: string;
  currencies: Row[];
  users: Row[];
  companies: Row[];
  units: Row[];
  plans: Row[];
  partners: Row[];
  products: Row[];
  orders: OrderData[];
  demo: { partners: Row[]; products: Row[]; orders: OrderData[] };
}

/** Days from the sandbox's clock to the next invoice of the demo's subscriptions, or a few more to keep off the end of a month. */
const DEMO_DAYS_AHEAD = 10;

/** Fills an empty store. */
export function loadWorld(env: Env, load: Load): void {
  const world = readData<WorldData>('world.json');
  const recorded: Env = { ...env, uid: 1, unchecked: true, stamp: load === 'recorded' ? world.stamp : env.stamp };
  const productEnv = { ...recorded, stamp: load === 'recorded' ? world.productStamp : env.stamp };
  insertAll(recorded, 'res.currency', world.currencies);
  insertAll(recorded, 'res.users', world.users);
  insertAll(recorded, 'uom.uom', world.units);
  insertAll(recorded, 'sale.subscription.plan', load === 'empty' ? world.plans.slice(0, 1) : world.plans);
  insertAll(recorded, 'res.partner', load === 'empty' ? world.partners.slice(0, 1) : world.partners);
  insertAll(recorded, 'res.company', world.companies);
  if (load === 'empty') return;
  insertAll(productEnv, 'product.product', world.products);
  for (const order of world.orders) insertOrder(recorded, order);
  if (load === 'demo') addDemo(recorded, world);
}

function insertAll(env: Env, model: string, rows: readonly Row[]): void {
  for (const row of rows) createRow(env, model, row);
}

function insertOrder(env: Env, data: OrderData): void {
  const optional: Record<string, FieldValue> = {};
  if (data.plan) optional.plan_id = data.plan;
  if (data.subscription) optional.subscription_state = data.subscription;
  if (data.note) optional.note = data.note;
  createRow(env, 'sale.order', {
    id: data.id,
    partner_id: data.partner,
    partner_invoice_id: data.invoice_partner ?? data.partner,
    company_id: data.company ?? 1,
    currency_id: data.currency,
    state: data.state,
    start_date: data.start ?? false,
    next_invoice_date: data.next ?? false,
    client_order_ref: data.ref ?? false,
    ...optional,
  });
  const own = { order_id: data.id };
  if (data.section) createRow(env, 'sale.order.line', { ...own, display_type: 'line_section', name: data.section });
  for (const [product, quantity] of data.lines) {
    createRow(env, 'sale.order.line', { ...own, product_id: product, product_uom_qty: quantity });
  }
}

function addDemo(env: Env, world: WorldData): void {
  insertAll(env, 'res.partner', world.demo.partners);
  insertAll(env, 'product.product', world.demo.products);
  for (const order of world.demo.orders) insertOrder(env, order);
  moveDates(env.store, demoDay(env.stamp.slice(0, 10)));
}

/** The day of the next invoices: never after the 28th, so that one plan step back and forth again gives the same day. */
function demoDay(today: string): string {
  let day = addToDay(today, DEMO_DAYS_AHEAD, 'day');
  while (Number(day.slice(8)) > 28) day = addToDay(day, 1, 'day');
  return day;
}

/** Every subscription that has a next invoice is in its first period, which ends on `day`. */
function moveDates(store: Store, day: string): void {
  for (const order of store.rows('sale.order')) {
    const plan = store.get('sale.subscription.plan', order.plan_id);
    if (!plan || !order.next_invoice_date) continue;
    const start = addToDay(day, -Number(plan.billing_period_value), String(plan.billing_period_unit));
    store.update('sale.order', order.id, { start_date: start, next_invoice_date: day });
  }
}
