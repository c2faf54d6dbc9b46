/** What must hold for a seed's contract: in the middle of its story whenever jobs have run, and at its end. */
import { Decimal, sum, ZERO } from '../../src/domain/decimal';
import { verifyLedger } from '../../src/services/ledger-verify';
import { identities } from '../../src/services/identities';
import { checkRollup } from '../../src/services/rollup-check';
import type { TestApp } from '../support/app';
import { monthsUntil, truthOf } from './oracle';
import type { ProductView, World } from './world';

const GRACE_MS = 2 * 3_600_000;
/** Odoo keeps two digits of a quantity. */
const HALF_A_STEP = new Decimal('0.005');

/** Nothing waits for a new rating, and bills and balance of each product are what its usage is worth by now. */
export async function expectTrue(world: World): Promise<void> {
  const { plan, memory, now } = world;
  const { products, periods } = await world.view();
  const closed = periods.filter(({ state }) => state === 'CLOSED');
  const months = monthsUntil(plan.startOn, new Date(now.getTime() - GRACE_MS)).slice(0, closed.length);
  expect(closed.map(({ startOn, endOn }) => ({ startOn, endOn }))).toEqual(months);
  expect(periods.filter(({ dirty }) => dirty)).toEqual([]);
  for (const [product, view] of products.entries()) {
    const truth = truthOf(plan, memory, { product, months });
    expect({ product, truth: view.truth }).toEqual({ product, truth: truth.toFixed() });
    expect({ product, worth: worthOf(world, product, view).toFixed() }).toEqual({ product, worth: truth.toFixed() });
  }
}

function worthOf({ waived }: World, product: number, { billed, due }: Pick<ProductView, 'billed' | 'due'>): Decimal {
  return new Decimal(billed).plus(due).plus(waived[product] ?? ZERO);
}

/** Every period has closed, Odoo's own invoices are what was billed, and nothing is due any more but what rounding leaves. */
export async function expectSettled(world: World): Promise<void> {
  const { plan, memory, now } = world;
  const { products, periods, blocks } = await world.view();
  const months = monthsUntil(plan.startOn, new Date(now.getTime() - GRACE_MS));
  expect(periods.filter(({ state }) => state === 'CLOSED')).toHaveLength(months.length);
  expect(blocks).toEqual([]);
  const { service, test } = world;
  expect(await identities(test.ctx(), { service })).toMatchObject({ holds: true });
  expect(await slotTargets(world)).toEqual([]);
  for (const [product, view] of products.entries()) {
    const invoiced = await invoicedOn(world, product);
    const billed = sum(invoiced.map(({ quantity }) => quantity));
    const truth = truthOf(plan, memory, { product, months });
    expect({ product, billed: view.billed }).toEqual({ product, billed: billed.toFixed() });
    const worth = worthOf(world, product, { billed: billed.toFixed(), due: view.due });
    expect({ product, worth: worth.toFixed() }).toEqual({ product, worth: truth.toFixed() });
    const due = new Decimal(view.due);
    const isLeft = due.gt(allowed(plan.modes[product]));
    expect({ product, due: view.due, isLeft }).toEqual({ product, due: view.due, isLeft: false });
    // Billed too much by late corrections: then the last run billed nothing.
    const last = invoiced.at(-1);
    const isCredit = due.lt(allowed(plan.modes[product]).negated());
    if (isCredit && last !== undefined) expect(last.on < (months.at(-1)?.endOn ?? '')).toBe(true);
  }
}

function allowed(mode: 'QUANTITY' | 'AMOUNT' | undefined): Decimal {
  return mode === 'QUANTITY' ? HALF_A_STEP : ZERO;
}

/** What Odoo has posted on the line of a product, by its own books. */
async function invoicedOn(world: World, product: number): Promise<{ on: string; quantity: Decimal }[]> {
  const { control } = world.test.sandbox;
  const lineId = world.lineId(product);
  const lines = (await control.records('account.move.line')).filter(({ sale_line_ids: ids }) =>
    ((ids ?? []) as number[]).includes(lineId),
  );
  const moves = new Map((await control.records('account.move', { state: 'posted' })).map((move) => [move.id, move]));
  return lines.flatMap(({ move_id: moveId, quantity }) => {
    const move = moves.get(moveId as number);
    return move === undefined ? [] : [{ on: String(move.invoice_date), quantity: new Decimal(quantity as number) }];
  });
}

/** Quantities below zero that were ever written to a slot. */
async function slotTargets(world: World): Promise<number[]> {
  const lines = new Set(world.plan.modes.map((_, product) => world.lineId(product)));
  return (await world.test.sandbox.control.writes())
    .filter(({ model, ids }) => model === 'sale.order.line' && ids.some((id) => lines.has(id)))
    .flatMap(({ vals }) => (vals as { qty_delivered?: number }).qty_delivered ?? [])
    .filter((value) => value < 0);
}

/** The rollup is what the ledger says, and the ledger is what was sealed. */
export async function expectProven(test: TestApp): Promise<void> {
  await test.runJobs('assign-usage', 'seal-ledger');
  expect(await checkRollup(test.ctx())).toMatchObject({ differenceCount: 0 });
  const { holds, rows } = await verifyLedger(test.ctx(), { fromBlock: 1, blocks: 500 });
  expect({ holds, isEmpty: rows === 0 }).toEqual({ holds: true, isEmpty: false });
}
