/** The chapters of the demo: what a service, Odoo and the clock do, and what the API answers to it. */
import { type SubscriptionIds, addSubscription } from '../../sandbox/world';
import type { DemoInstance } from './demo-instance';
import { DEMO } from './demo-world';

/** Takes one step of the story: its name, its number, and what the number means. */
export type Tell = (step: string, value: string, meaning: string) => void;

interface Scene {
  demo: DemoInstance;
  tell: Tell;
  order: SubscriptionIds;
  contractId: string;
}

/** Tells the whole story, from the first sight of an order to its second invoice. */
export async function tellStory(demo: DemoInstance, tell: Tell): Promise<void> {
  const order = await addSubscription(demo.odoo, {
    partner: { name: 'Foxglove Maps' },
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: [
      { code: 'BASE', name: 'Base fee', price: 20, policy: 'order' },
      { code: 'CALLS', name: 'API calls (1k)', price: 2 },
    ],
  });
  const scene = { demo, tell, order, contractId: await firstSight(demo, tell) };
  await setUp(scene);
  await sendUsage(scene);
  await preview(scene);
  await closeMarch(scene);
  await invoiceMarch(scene);
  await countLate(scene);
  await billApril(scene);
  await prove(scene);
}

async function firstSight(demo: DemoInstance, tell: Tell): Promise<string> {
  await demo.moveTo('2026-03-01T08:00:00Z');
  const { subscriptions } = await ask<{ subscriptions: { nodes: [SubscriptionView] } }>(
    demo,
    '{ subscriptions { nodes { name nextInvoiceOn partner { name } contract { id } } } }',
  );
  const [seen] = subscriptions.nodes;
  tell(
    'Odoo has a subscription',
    `${seen.name} of ${seen.partner.name}, next invoice on ${seen.nextInvoiceOn}`,
    'A base fee of 20.00 USD, and "API calls (1k)" at 2.00. The mirror has read it; March is its first period.',
  );
  return seen.contract.id;
}

interface SubscriptionView {
  name: string;
  nextInvoiceOn: string;
  partner: { name: string };
  contract: { id: string };
}

async function setUp({ demo, tell, order }: Scene): Promise<void> {
  const { service, metric, account } = DEMO;
  await ask(demo, 'mutation ($i: CreateServiceInput!) { createService(input: $i) { service { id } } }', {
    code: service,
    name: 'Nexa Cloud',
    stage: 'LIVE',
  });
  await ask(demo, 'mutation ($i: CreateMetricInput!) { createMetric(input: $i) { metric { id } } }', {
    service,
    code: metric,
    name: 'API calls',
    unit: 'call',
    aggregation: 'SUM',
  });
  await ask(demo, 'mutation ($i: CreateChargeInput!) { createCharge(input: $i) { charge { id } } }', {
    service,
    metric,
    mode: 'QUANTITY',
    productOdooId: order.productIds[1],
    unitsPerProductUnit: '1000',
  });
  tell(
    'Say what is charged',
    `1,000 ${metric} of ${service} are 1 of "API calls (1k)"`,
    'Mode QUANTITY: we count, Odoo prices. The service is LIVE, so its usage is billed.',
  );
  await ask(demo, 'mutation ($i: CreateAccountLinkInput!) { createAccountLink(input: $i) { accountLink { id } } }', {
    service,
    account,
    partnerOdooId: order.partnerId,
    validFrom: '2026-03-01T00:00:00Z',
  });
  tell(
    'Link an account',
    `${account} is Foxglove Maps`,
    'From here on the service sends usage under its own account id.',
  );
}

async function sendUsage({ demo, tell }: Scene): Promise<void> {
  await demo.moveTo('2026-03-10T10:05:00Z');
  const morning = await record(demo, '2026-03-10T09', '1000');
  tell('Send usage', `1,000 calls, ${morning.status}`, 'The counter of one hour. It is in the ledger now, and stays.');
  await demo.moveTo('2026-03-20T11:05:00Z');
  const noon = await record(demo, '2026-03-20T10', '234');
  tell('Send usage', `234 calls, ${noon.status}`, 'Its key names what is counted: service, account, metric, window.');
  const again = await record(demo, '2026-03-20T10', '234');
  tell('Send it again', again.status, 'Same key, same content: nothing counts twice, however late it is sent again.');
  const { errors } = await demo.send(RECORD, counter('2026-03-20T10', '999'));
  tell(
    'Send 999 under that key',
    String(errors?.[0]?.extensions.code),
    'Same key, other content: refused, and nothing changes.',
  );
}

const RECORD = 'mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { status record { late } } }';

interface Recorded {
  status: string;
  record: { late: boolean };
}

async function record(demo: DemoInstance, hour: string, quantity: string): Promise<Recorded> {
  return (await ask<{ recordUsage: Recorded }>(demo, RECORD, counter(hour, quantity))).recordUsage;
}

/** The counter of one hour, like "2026-03-10T09". */
function counter(hour: string, quantity: string): Record<string, string> {
  const { service, account, metric } = DEMO;
  const windowStart = new Date(`${hour}:00:00Z`);
  const windowEnd = new Date(windowStart.getTime() + 3_600_000);
  return {
    service,
    account,
    metric,
    windowStart: windowStart.toISOString(),
    windowEnd: windowEnd.toISOString(),
    quantity,
    idempotencyKey: `${service}/${account}/${metric}/${hour}Z`,
  };
}

async function preview({ demo, tell, contractId }: Scene): Promise<void> {
  const { currentUsage } = await ask<{ currentUsage: { lines: [PreviewLine] } }>(
    demo,
    `query ($i: ID!) { currentUsage(contractId: $i) {
       lines { units amount currency explanation { units unitPrice amount } } } }`,
    contractId,
  );
  const [{ units, amount, currency, explanation }] = currentUsage.lines;
  const steps = explanation.map((step) => `${step.units} x ${step.unitPrice} = ${step.amount}`).join(', ');
  tell(
    'Preview March',
    `${units} calls, ${amount} ${currency}`,
    `How it came about: ${steps}. The same code will close the period.`,
  );
}

interface PreviewLine {
  units: string;
  amount: string;
  currency: string;
  explanation: { units: string; unitPrice: string; amount: string }[];
}

async function closeMarch(scene: Scene): Promise<void> {
  const { demo, tell } = scene;
  await demo.moveTo('2026-04-01T02:00:00Z');
  const [march] = await periods(scene);
  tell(
    'Close March',
    `${march.state}, ${march.lines[0].units} calls are ${march.lines[0].value} product units`,
    'Two hours after its end: the grace for counters on their way.',
  );
  tell(
    'Write the quantity',
    `${await slot(scene)} delivered`,
    'What the line in Odoo holds now, read back after the write. Odoo keeps two digits.',
  );
}

async function invoiceMarch(scene: Scene): Promise<void> {
  await scene.demo.moveTo('2026-04-01T12:01:00Z');
  scene.tell(
    'Odoo invoices',
    await newestInvoice(scene),
    "Odoo's own run, at noon: price, tax, number and mail are its affair.",
  );
  scene.tell(
    'The slot is empty again',
    `${await slot(scene)} delivered`,
    'The invoice is seen, and the line holds 0 until April is due: nothing is billed twice.',
  );
  scene.tell('The balance', await balance(scene), 'What rounding left stays due, and comes with the next invoice.');
}

async function countLate(scene: Scene): Promise<void> {
  const { demo, tell } = scene;
  await demo.moveTo('2026-04-02T09:00:00Z');
  const { status, record: late } = await record(demo, '2026-03-31T23', '500');
  tell(
    'A late counter',
    `500 calls of 31 March, ${status}, late: ${late.late}`,
    'March is closed and invoiced. Nothing closed is edited; the counter is in the ledger all the same.',
  );
  await demo.moveTo('2026-04-02T09:01:00Z');
  const [march] = await periods(scene);
  tell(
    'March is rated again',
    `${march.lines[0].value} product units, adjustment ${march.lines[0].adjustments[0]?.value}`,
    'A second revision of the line; the difference is on record as an adjustment.',
  );
  tell('The balance', await balance(scene), 'The late half unit is due now, with the rest.');
}

async function billApril(scene: Scene): Promise<void> {
  const { demo, tell } = scene;
  await demo.moveTo('2026-04-15T12:05:00Z');
  const { status } = await record(demo, '2026-04-15T11', '2000');
  tell('Send usage', `2,000 calls, ${status}`, 'The usage of April.');
  await demo.moveTo('2026-05-01T02:00:00Z');
  tell(
    'Close April, write',
    `${await slot(scene)} delivered`,
    'April gives 2; what was due from March gives 0.504 more.',
  );
  await demo.moveTo('2026-05-01T12:01:00Z');
  tell('Odoo invoices', await newestInvoice(scene), 'April, and what came late for March, on one line.');
  tell('The balance', await balance(scene), 'Truth and invoices agree up to the rest that two digits cannot hold.');
}

async function prove({ demo, tell }: Scene): Promise<void> {
  const { identities } = await ask<{ identities: { holds: boolean; records: [{ accepted: number }] } }>(
    demo,
    '{ identities { holds records { accepted } } }',
  );
  const [{ accepted }] = identities.records;
  tell(
    'The identities',
    identities.holds ? `hold, over ${accepted} records` : 'DO NOT HOLD',
    'Every record counts once, all units are charged, truth = billed + waived + balance.',
  );
}

interface PeriodView {
  startOn: string;
  state: string;
  /** The newest revision of the one charge first. */
  lines: [{ units: string; value: string; revision: number; adjustments: { value: string }[] }];
}

/** Periods, the oldest first. */
async function periods({ demo, contractId }: Scene): Promise<[PeriodView]> {
  const { billingPeriods } = await ask<{ billingPeriods: { nodes: [PeriodView] } }>(
    demo,
    `query ($i: ID!) { billingPeriods(filter: { contractId: $i }) { nodes {
       startOn state lines { units value revision adjustments { value } } } } }`,
    contractId,
  );
  for (const { lines } of billingPeriods.nodes) lines.sort((one, other) => other.revision - one.revision);
  return billingPeriods.nodes.sort((one, other) => one.startOn.localeCompare(other.startOn));
}

async function balance({ demo, contractId }: Scene): Promise<string> {
  const { balances } = await ask<{ balances: [{ truth: string; billed: string; due: string }] }>(
    demo,
    'query ($i: ID!) { balances(contractId: $i) { truth billed due } }',
    contractId,
  );
  const [{ truth, billed, due }] = balances;
  return `${truth} truth - ${billed} billed = ${due} due`;
}

/** What the metered line holds in Odoo. */
async function slot({ demo, order }: Scene): Promise<string> {
  const line = await demo.odoo.record('sale.order.line', order.lineIds[1] ?? 0);
  return String(line.qty_delivered ?? 0);
}

/** The metered line of Odoo's newest invoice. */
async function newestInvoice({ demo, order }: Scene): Promise<string> {
  const lines = await demo.odoo.records('account.move.line', { product_id: order.productIds[1] ?? 0 });
  const newest = lines.at(-1);
  if (newest === undefined) return 'nothing';
  const invoice = await demo.odoo.record('account.move', Number(newest.move_id));
  const [price, subtotal] = [newest.price_unit, newest.price_subtotal].map((amount) => Number(amount).toFixed(2));
  return `${String(invoice.name)}, ${String(newest.quantity)} x ${price} = ${subtotal} USD`;
}

/** The data of an operation that must succeed. */
async function ask<T>(demo: DemoInstance, query: string, input?: unknown): Promise<T> {
  const { data, errors } = await demo.send<T>(query, input);
  if (data === null || errors !== undefined) throw new Error(`The API refused: ${JSON.stringify(errors)}`);
  return data;
}
