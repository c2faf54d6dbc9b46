/**
 * Plans what each metered line of a contract should hold now: after every mirror pass, close and correction. In one
 * transaction under the contract's lane: periods follow Odoo's date, evidence settles slots, dirty periods are rated again,
 * and intents and blocks are stored for what is due.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { heldBack, NO_MOVES } from '../domain/balance';
import { writeTimes } from '../domain/period';
import type { Decimal } from '../domain/decimal';
import { type SlotPeriod, type WantedWrite, planBlockedSlot, planSlot, planSpareSlot } from '../domain/slot';
import { enqueue } from '../queue';
import { type BillableValues, billableValues, targetFor } from './balances';
import { type FoundBlock, contractObstacles, lineObstacles, missingLines, storeBlocks } from './blocks';
import { type ContractState, type LineState, type PeriodState, loadContractState } from './contract-state';
import { keepFinalDues } from './final-due-items';
import { followInvoiceDate, openFirstPeriod } from './periods';
import { passBalances } from './balance-successors';
import { ratePeriod } from './rating';
import { rerateDirtyPeriods } from './rerating';
import { billablePeriods, lastReading, settleSlots, settledPeriods } from './settlements';
import { isSpare, sparesFirst } from './slot-lines';
import { followStandstill } from './standstills';
import { inTransaction } from './transaction';
import { type GapBlock, heldPeriods, usageGaps } from './usage-gaps';
import { lockLaneExclusive } from './usage-lanes';
import { hasLiveIntent, newestIntent, storeIntent, withdrawIntents } from './write-intents';

/** Plans one contract. Running it again without a change does nothing. */
export async function planContract(ctx: Ctx, contractId: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await lockLaneExclusive(tx, contractId);
    // Before anything is read: what the mirror brings while we plan is planned the next time.
    const seen = await newestSeen(tx, contractId);
    let state = await loadContractState(tx, contractId);
    if (state === null || !(await invoicesAreIn(tx, state))) return;
    const isFirst = state.periods.length === 0;
    if (!(await openFirstPeriod(tx, ctx, state))) return markPlanned(tx, contractId, seen);
    if (isFirst) state = (await loadContractState(tx, contractId)) ?? state;
    await followStandstill(tx, state);
    const { movedBack } = await followInvoiceDate(tx, ctx, state);
    await settleSlots(tx, ctx, state);
    await rerateDirtyPeriods(tx, ctx, state);
    await passBalances(tx, ctx, state);
    await planWrites(tx, ctx, state, movedBack);
    await markPlanned(tx, contractId, seen);
  });
}

/**
 * Orders are read before invoices in each mirror pass. Between the two a moved date may be seen without its invoice, so the
 * contract waits until invoices have been read up to the instant at which its order was.
 */
async function invoicesAreIn(tx: EntityManager, state: ContractState): Promise<boolean> {
  const [sync] = await tx.query<{ in_time: boolean }[]>(
    `select coalesce(min(as_of) >= $1, false) as in_time from sync_state where model in ('INVOICE', 'INVOICE_LINE') having count(*) = 2`,
    [state.order.syncedAt],
  );
  return sync?.in_time ?? false;
}

/** Instants as PostgreSQL prints them: they have more digits than a Date. */
interface Seen {
  /** As of which the contract was planned before. */
  planned: string | null;
  /** Its newest mirrored change. */
  newest: string | null;
}

async function newestSeen(tx: EntityManager, contractId: string): Promise<Seen> {
  const [seen] = await tx.query<Seen[]>(
    `select c.planned_as_of::text as planned, ${NEWEST_CHANGE}::text as newest from contract c where c.id = $1`,
    [contractId],
  );
  return seen ?? { planned: null, newest: null };
}

/** Leaves it when somebody has asked meanwhile for another plan. */
async function markPlanned(tx: EntityManager, contractId: string, seen: Seen): Promise<void> {
  if (seen.planned === seen.newest) return;
  await tx.query(
    'update contract set planned_as_of = $2 where id = $1 and planned_as_of is not distinct from $3::timestamptz',
    [contractId, seen.newest, seen.planned],
  );
}

/** The newest mirrored change of contract `c`, in Odoo's time: of its order, its lines, its invoices. */
export const NEWEST_CHANGE = `(
  select greatest(max(s.synced_at), max(l.synced_at),
      (select max(greatest(i.synced_at, il.synced_at)) from invoice_line il join invoice i on i.odoo_id = il.invoice_odoo_id
        where il.sale_line_odoo_ids && array_agg(l.odoo_id)))
    from subscription s left join subscription_line l on l.subscription_odoo_id = s.odoo_id
   where s.contract_id = c.id)`;

async function planWrites(tx: EntityManager, ctx: Ctx, state: ContractState, movedBack: boolean): Promise<void> {
  const open = state.periods.at(-1);
  if (open === undefined) return;
  const finalDues = await keepFinalDues(tx, ctx, state);
  const values = await slotValues(tx, ctx, state, open);
  const gaps = await usageGaps(tx, ctx, { state, written: isProvisionalDue(ctx, open) ? [open] : [] });
  const blocks = [
    ...contractObstacles(state, open, movedBack),
    ...finalDues,
    ...(await missingLines(tx, state, open, { values, except: new Set(finalDues.map((block) => block.productId)) })),
    ...gaps,
  ];
  for (const line of sparesFirst(state))
    blocks.push(...(await planLine(tx, ctx, { state, line, values, above: blocks, gaps })));
  await storeBlocks(tx, ctx, state.id, blocks);
  if (await hasLiveIntent(tx, state.id)) {
    await enqueue(tx, 'write-back', { subscriptionId: state.order.id }, { jobKey: `write-back:${state.order.id}` });
  }
}

interface LinePlan {
  state: ContractState;
  line: LineState;
  values: BillableValues;
  /** Blocks of the whole contract, and those found on the lines before. */
  above: readonly FoundBlock[];
  gaps: readonly GapBlock[];
}

/** Stores what the line's slot should hold now. Returns what stands in the way. */
async function planLine(tx: EntityManager, ctx: Ctx, plan: LinePlan): Promise<FoundBlock[]> {
  const { state, line, above } = plan;
  const gaps = plan.gaps.filter(({ productId }) => productId === line.productId);
  const periods = await slotPeriods(tx, ctx, line, billablePeriods(state, line));
  const waiting = periods.find((period) => !period.settled) ?? periods.at(-1);
  if (waiting === undefined) return [];
  const spare = isSpare(state, line);
  const obstacles = spare ? [] : await lineObstacles(tx, state, line, waiting.id);
  const holding = gaps.filter(({ holds, periodId }) => holds && periodId === waiting.id);
  const stopping = [...[...above, ...obstacles].filter((block) => stops(block, line)), ...holding];
  const heldByDraft = await isHeldByDraft(tx, line);
  let write: WantedWrite | null;
  if (stopping.some((block) => ENDS_BILLING.has(block.reason))) write = null;
  else if (spare) {
    const slot = planSpareSlot({ periods, heldByDraft });
    obstacles.push(...slot.blocks.map((block) => ({ ...block, productId: line.productId, lineId: line.id })));
    write = slot.write;
  } else if (stopping.length > 0) {
    const holds = await heldPeriod(tx, line);
    const changesWorth = stopping.some((block) => CHANGES_WORTH.has(block.reason));
    write = planBlockedSlot({ periods, heldByDraft, holds, changesWorth });
  } else {
    const { periods: worths, moves } = plan.values.get(line.productId) ?? { periods: [], moves: NO_MOVES };
    const product = { periods: heldBack(worths, heldPeriods(gaps)), moves };
    const target = (periodId: string): Decimal => targetFor(product, periodId, ctx.config.quantityPlaces);
    const slot = planSlot({ periods, nextInvoiceOn: state.order.nextInvoiceOn, heldByDraft, target });
    obstacles.push(...slot.blocks.map((block) => ({ ...block, productId: line.productId, lineId: line.id })));
    write = slot.write;
  }
  if (write === null) await withdrawIntents(tx, ctx, line.id);
  else await storeIntent(tx, ctx, { state, line, write });
  return [...obstacles, ...(await blockedIntent(tx, line, stopping))];
}

/** Odoo bills nothing of the order: its slots are left alone. */
const ENDS_BILLING: ReadonlySet<string> = new Set(['ORDER_CANCELLED', 'CONTRACT_ENDED']);
/** A quantity in the slot would be billed as another amount, or is not to be billed yet. */
const CHANGES_WORTH: ReadonlySet<string> = new Set(['PRICE_NOT_ONE', 'CURRENCY_MISMATCH', 'USAGE_GAP']);

/** The period whose quantity the slot holds as we wrote it; null when it holds 0, or what somebody else put there. */
async function heldPeriod(tx: EntityManager, line: LineState): Promise<string | null> {
  const known = await lastReading(tx, line.id);
  if (known === null || known.kind === 'EMPTY') return null;
  // While nobody knows, it may.
  if (known.readBack === null) return known.periodId;
  const isOurs = !known.readBack.isZero() && line.deliveredQuantity.eq(known.readBack);
  return isOurs ? known.periodId : null;
}

/** A write that Odoo did not take stands in the way as well, unless what the mirror shows says it already. */
async function blockedIntent(tx: EntityManager, line: LineState, shown: readonly FoundBlock[]): Promise<FoundBlock[]> {
  const newest = await newestIntent(tx, line.id);
  if (newest === null || newest.block_reason === null) return [];
  const { block_reason: reason, period_id: periodId } = newest;
  if (shown.some((block) => block.reason === reason)) return [];
  return [{ periodId, reason, productId: line.productId, lineId: line.id }];
}

/** Waiting for an earlier invoice stops nothing; what a hole in the usage stops, is for its charge to say. */
const STOPS_NOTHING: ReadonlySet<string> = new Set(['PREVIOUS_NOT_INVOICED', 'USAGE_GAP']);

/** A block of the whole contract, of the product, or of the line itself. */
function stops(block: FoundBlock, line: LineState): boolean {
  if (STOPS_NOTHING.has(block.reason)) return false;
  return block.productId === null || block.productId === line.productId;
}

/** Values of closed periods and, when a provisional quantity is due, of the open one as it would be rated now. */
async function slotValues(
  tx: EntityManager,
  ctx: Ctx,
  state: ContractState,
  open: PeriodState,
): Promise<BillableValues> {
  const zone = ctx.config.billingTimeZone;
  const rating = isProvisionalDue(ctx, open) ? await ratePeriod(tx, state, { period: open, zone }) : null;
  return billableValues(tx, state, rating?.lines ?? null);
}

function isProvisionalDue(ctx: Ctx, period: PeriodState): boolean {
  if (period.closed || period.endOn === null) return false;
  const { billingTimeZone: zone, graceMs, leadTimeMs, invoiceRunAtMinutes } = ctx.config;
  const { provisionalAt } = writeTimes(period.endOn, { zone, graceMs, leadTimeMs, invoiceRunAtMinutes });
  return provisionalAt !== null && ctx.now >= provisionalAt;
}

async function slotPeriods(
  tx: EntityManager,
  ctx: Ctx,
  line: LineState,
  periods: PeriodState[],
): Promise<SlotPeriod[]> {
  const settled = await settledPeriods(tx, line.id);
  return periods.map((period) => ({
    id: period.id,
    endOn: period.endOn,
    closed: period.closed,
    settled: settled.has(period.id),
    unconfirmed: period.unconfirmed,
    provisionalDue: isProvisionalDue(ctx, period),
  }));
}

async function isHeldByDraft(tx: EntityManager, line: LineState): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `select 1 from invoice_line il join invoice i on i.odoo_id = il.invoice_odoo_id
      where il.sale_line_odoo_ids @> array[$1::integer] and i.state = 'draft' and i.move_type = 'out_invoice'
        and i.gone_at is null and il.gone_at is null limit 1`,
    [line.odooId],
  );
  return rows.length > 0;
}
