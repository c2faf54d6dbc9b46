/** Makes a world fast: a partner, a plan, products and a subscription with its lines, through the control of a sandbox. */
import type { SandboxControl } from './control';

export interface LineSetup {
  /** Internal reference of the product; a product with this reference is used again. */
  code: string;
  name?: string;
  /** List price of the product and price of the line. */
  price: number;
  /** What is billed: ordered or delivered quantities; delivered by default. */
  policy?: 'order' | 'delivery';
  /** Ordered quantity; 0 by default for delivered products, 1 for ordered ones. */
  quantity?: number;
}

export interface SubscriptionSetup {
  partner?: { name?: string; ref?: string; parentId?: number } | number;
  /** Step of the plan; one month by default. */
  plan?: { value: number; unit: 'week' | 'month' | 'year' };
  currency?: 'USD' | 'CAD';
  /** Days, "2026-01-01". */
  startDate: string;
  nextInvoiceDate: string;
  endDate?: string;
  subscriptionState?: string;
  state?: string;
  lines: LineSetup[];
}

export interface SubscriptionIds {
  partnerId: number;
  planId: number;
  orderId: number;
  /** In the order of the setup. */
  lineIds: number[];
  productIds: number[];
}

const CURRENCY_IDS = { USD: 1, CAD: 3 };

/** A confirmed, running subscription unless the setup says otherwise. */
export async function addSubscription(control: SandboxControl, setup: SubscriptionSetup): Promise<SubscriptionIds> {
  const partnerId = await findOrMakePartner(control, setup.partner ?? {});
  const planId = await findOrMakePlan(control, setup.plan ?? { value: 1, unit: 'month' });
  const orderId = await control.create('sale.order', {
    partner_id: partnerId,
    plan_id: planId,
    currency_id: CURRENCY_IDS[setup.currency ?? 'USD'],
    state: setup.state ?? 'sale',
    subscription_state: setup.subscriptionState ?? '3_progress',
    start_date: setup.startDate,
    next_invoice_date: setup.nextInvoiceDate,
    end_date: setup.endDate ?? false,
  });
  const ids: SubscriptionIds = { partnerId, planId, orderId, lineIds: [], productIds: [] };
  for (const line of setup.lines) {
    const productId = await findOrMakeProduct(control, line);
    ids.productIds.push(productId);
    ids.lineIds.push(
      await control.create('sale.order.line', {
        order_id: orderId,
        product_id: productId,
        product_uom_qty: line.quantity ?? (line.policy === 'order' ? 1 : 0),
        price_unit: line.price,
      }),
    );
  }
  return ids;
}

async function findOrMakePartner(control: SandboxControl, partner: SubscriptionSetup['partner']): Promise<number> {
  if (typeof partner === 'number') return partner;
  const name = partner?.name ?? 'Test Customer';
  return control.create('res.partner', {
    name,
    ref: partner?.ref ?? false,
    parent_id: partner?.parentId ?? false,
    is_company: true,
  });
}

async function findOrMakePlan(control: SandboxControl, plan: { value: number; unit: string }): Promise<number> {
  const fields = { billing_period_value: plan.value, billing_period_unit: plan.unit, active: true };
  const [found] = await control.records('sale.subscription.plan', fields);
  return found?.id ?? control.create('sale.subscription.plan', { name: `Every ${plan.value} ${plan.unit}`, ...fields });
}

async function findOrMakeProduct(control: SandboxControl, line: LineSetup): Promise<number> {
  const [found] = await control.records('product.product', { default_code: line.code });
  if (found) return found.id;
  return control.create('product.product', {
    default_code: line.code,
    name: line.name ?? line.code,
    list_price: line.price,
    invoice_policy: line.policy ?? 'delivery',
    type: 'service',
    uom_id: 1,
    recurring_invoice: true,
  });
}
