/** What may happen to a contract between two moments: a table, in which each step has its weight. */
import { Decimal } from '../../src/domain/decimal';
import type { Correction, Sent } from './remembered';
import { drawRecord, drawRevision, quantityOf } from './usage';
import type { World } from './world';

export interface Step {
  name: string;
  weight: number;
  play(world: World): Promise<void>;
}

/** An invoice by hand takes Odoo's date a month on: twice ahead of time at most, for the story to end. */
const NEAR_MS = 32 * 86_400_000;

export const STEPS: readonly Step[] = [
  { name: 'records in pieces, with duplicates among them', weight: 8, play: recordInPieces },
  { name: 'all of some records again', weight: 2, play: recordAgain },
  { name: 'a key with other content', weight: 1, play: recordConflict },
  { name: 'other sends for a window', weight: 2, play: recordRevisions },
  { name: 'voids', weight: 2, play: (world) => correct(world, { voids: 1 }) },
  { name: 'replacements', weight: 3, play: (world) => correct(world, { voids: 0 }) },
  { name: 'voids and replacements of the same records', weight: 1, play: (world) => correct(world, { voids: 0.4 }) },
  { name: 'corrections again, and of nothing', weight: 1, play: correctAgain },
  { name: 'a part of what is due waived', weight: 0.7, play: waive },
  { name: 'Odoo leaves the order out', weight: 1, play: skip },
  { name: 'Odoo invoices by hand, early or twice', weight: 1.2, play: invoice },
  { name: 'a draft invoice, and its end', weight: 1, play: draft },
  { name: 'a quantity typed by hand', weight: 0.5, play: typeQuantity },
];

/** Plays a step that the world's seed draws. */
export async function playStep(world: World): Promise<void> {
  const step = world.random.weighted(STEPS);
  world.tell(`- ${step.name}`);
  await step.play(world);
}

async function recordInPieces(world: World): Promise<void> {
  const { random, memory } = world;
  for (let pieces = random.int(1, 2); pieces > 0; pieces -= 1) {
    const sent: Sent[] = Array.from({ length: random.int(1, 5) }, () => drawRecord(world));
    const again = [...memory.records.map((record) => record.sent), ...sent];
    if (random.chance(0.4)) sent.push(...Array.from({ length: random.int(1, 3) }, () => random.pick(again)));
    await world.send(sent);
  }
}

async function recordAgain(world: World): Promise<void> {
  const { random, memory } = world;
  await world.send(memory.records.filter(() => random.chance(0.3)).map(({ sent }) => sent));
}

async function recordConflict(world: World): Promise<void> {
  const { random, memory } = world;
  if (memory.records.length === 0) return;
  const { sent } = random.pick(memory.records);
  await world.send([{ ...sent, windowEnd: new Date(Date.parse(sent.windowEnd) + 60_000).toISOString() }]);
}

async function recordRevisions(world: World): Promise<void> {
  for (let count = world.random.int(1, 3); count > 0; count -= 1) {
    const sent = drawRevision(world);
    if (sent !== null) await world.send([sent]);
  }
}

/** Of records, of their replacements, and of what is voided by then. */
async function correct(world: World, { voids }: { voids: number }): Promise<void> {
  const { random, memory } = world;
  if (memory.records.length === 0) return;
  const drawn = Array.from({ length: random.int(1, 3) }, (): Correction => {
    const record = random.pick(memory.records);
    const replacements = memory.corrections.filter(({ target }) => target === record.idempotencyKey);
    const known = [record, ...replacements.filter(({ quantity }) => quantity !== undefined)];
    const target = random.pick(known).idempotencyKey;
    const reason = 'the seed says so';
    if (random.chance(voids)) return { idempotencyKey: world.freshKey('void'), target, reason };
    const quantity = quantityOf(world, record.metric);
    return { idempotencyKey: world.freshKey('replace'), target, reason, quantity };
  });
  await world.correct(drawn);
}

async function correctAgain(world: World): Promise<void> {
  const { random, memory } = world;
  const again = memory.corrections.filter(() => random.chance(0.3));
  const reason = 'there is none';
  const nothing = { idempotencyKey: world.freshKey('void'), target: 'no record', reason };
  await world.correct([...again, nothing]);
  const [ofVoid] = memory.corrections.filter(({ quantity }) => quantity === undefined);
  if (ofVoid === undefined) return;
  await world.correct([{ idempotencyKey: world.freshKey('void'), target: ofVoid.idempotencyKey, reason }]);
}

/** What waits for a new rating may be worth less by then. */
async function waive(world: World): Promise<void> {
  const { random, plan } = world;
  const { products, periods } = await world.view();
  const product = random.int(0, plan.modes.length - 1);
  const share = new Decimal(random.pick(['0.1', '0.5', '1']));
  const places = plan.modes[product] === 'AMOUNT' ? 2 : 12;
  const value = share.times(products[product]?.due ?? 0).toDecimalPlaces(places, Decimal.ROUND_FLOOR);
  if (periods.some(({ dirty }) => dirty) || !value.isPositive() || value.isZero()) return;
  await world.waive(product, value);
}

async function skip(world: World): Promise<void> {
  world.isSkipped = !world.isSkipped;
  world.tell(world.isSkipped ? 'left out from now on' : 'left out no longer');
}

async function invoice(world: World): Promise<void> {
  if (world.draft !== null || !(await isNear(world))) return;
  const id = await world.test.sandbox.control.invoiceOrder(world.order.orderId);
  world.tell(`invoice ${id}`);
}

async function draft(world: World): Promise<void> {
  const { control } = world.test.sandbox;
  if (world.draft !== null) return endDraft(world);
  if (!(await isNear(world))) return;
  world.draft = await control.invoiceOrder(world.order.orderId, { post: false });
  world.tell(`draft ${world.draft}`);
}

/** Posts the draft, or deletes it. */
export async function endDraft(world: World): Promise<void> {
  const { control } = world.test.sandbox;
  if (world.draft === null) return;
  const isPosted = world.random.chance(0.6);
  world.tell(isPosted ? `draft ${world.draft} posted` : `draft ${world.draft} deleted`);
  await (isPosted ? control.postInvoice(world.draft) : control.deleteDraft(world.draft));
  world.draft = null;
}

async function isNear(world: World): Promise<boolean> {
  const order = await world.test.sandbox.control.record('sale.order', world.order.orderId);
  return Date.parse(String(order.next_invoice_date)) - world.now.getTime() < NEAR_MS;
}

async function typeQuantity(world: World): Promise<void> {
  const { random, plan, test } = world;
  const product = random.int(0, plan.modes.length - 1);
  const quantity = random.int(0, 30);
  world.tell(`typed ${quantity} on product ${product}`);
  await test.sandbox.control.update('sale.order.line', world.lineId(product), { qty_delivered: quantity });
}
