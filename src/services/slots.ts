/**
 * Plans what each metered line of a contract should hold now: after every mirror pass, close and correction. In one
 * transaction under the contract's lane: periods follow Odoo's date, evidence settles slots, dirty periods are rated again,
 * and intents and blocks are stored for what is due.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { writeTimes } from '../domain/period';
import { type SlotPeriod, type WantedWrite, planSlot } from '../domain/slot';
import { enqueue } from '../queue';
import { type BillableValues, billableValues, targetFor } from './balances';
import { type FoundBlock, contractObstacles, lineObstacles, missingLines, storeBlocks } from './blocks';
import { type ContractState, type LineState, type PeriodState, loadContractState } from './contract-state';
import { followInvoiceDate, openFirstPeriod } from './periods';
import { ratePeriod, rerateDirtyPeriods } from './rating';
import { billablePeriods, settleSlots, settledPeriods } from './settlements';
import { inTransaction } from './transaction';
import { lockLaneExclusive } from './usage-lanes';

/** Plans one contract. Running it again without a change does nothing. */
export async function planContract(ctx: Ctx, contractId: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await lockLaneExclusive(tx, contractId);
    let state = await loadContractState(tx, contractId);
    if (state === null || !(await invoicesAreIn(tx, state))) return;
    if (!(await openFirstPeriod(tx, ctx, state))) return markPlanned(tx, state);
    state = (await loadContractState(tx, contractId)) ?? state;
    const { movedBack } = await followInvoiceDate(tx, ctx, state);
    await settleSlots(tx, ctx, state);
    await rerateDirtyPeriods(tx, state, ctx.now);
    await planWrites(tx, ctx, state, movedBack);
    await markPlanned(tx, state);
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

async function markPlanned(tx: EntityManager, state: ContractState): Promise<void> {
  await tx.query(
    `update contract c set planned_as_of = ${NEWEST_CHANGE} where c.id = $1 and planned_as_of is distinct from ${NEWEST_CHANGE}`,
    [state.id],
  );
}

/** The newest mirrored change of contract `c`, in Odoo's time: of its order, its lines, its invoices. */
const NEWEST_CHANGE = `(
  select greatest(max(s.synced_at), max(l.synced_at),
      (select max(greatest(i.synced_at, il.synced_at)) from invoice_line il join invoice i on i.odoo_id = il.invoice_odoo_id
        where il.sale_line_odoo_ids && array_agg(l.odoo_id)))
    from subscription s left join subscription_line l on l.subscription_odoo_id = s.odoo_id
   where s.contract_id = c.id)`;

async function planWrites(tx: EntityManager, ctx: Ctx, state: ContractState, movedBack: boolean): Promise<void> {
  const open = state.periods.at(-1);
  if (open === undefined) return;
  const values = await slotValues(tx, ctx, state, open);
  const blocks: FoundBlock[] = [...contractObstacles(state, open, movedBack), ...(await missingLines(tx, state, open))];
  let wanted = false;
  for (const line of state.lines) {
    const periods = billablePeriods(state, line);
    const obstacles = await lineObstacles(tx, state, line, periods);
    blocks.push(...obstacles);
    if (periods.length === 0 || blocks.some((block) => stops(block, line))) continue;
    const plan = planSlot({
      periods: await slotPeriods(tx, ctx, line, periods),
      nextInvoiceOn: state.order.nextInvoiceOn,
      heldByDraft: await isHeldByDraft(tx, line),
      target: (periodId) => targetFor(values.get(line.productId) ?? [], periodId, ctx.config.quantityPlaces),
    });
    for (const block of plan.blocks) blocks.push({ ...block, productId: line.productId, lineId: line.id });
    if (plan.write !== null && (await storeIntent(tx, ctx, { state, line, write: plan.write }))) wanted = true;
  }
  await storeBlocks(tx, ctx, state.id, blocks);
  if (wanted || (await hasLiveIntent(tx, state.id))) {
    await enqueue(tx, 'write-back', { subscriptionId: state.order.id }, { jobKey: `write-back:${state.order.id}` });
  }
}

/** A block of the whole contract, of the product, or of the line itself; waiting for an earlier invoice stops nothing. */
function stops(block: FoundBlock, line: LineState): boolean {
  if (block.reason === 'PREVIOUS_NOT_INVOICED') return false;
  return block.productId === null || block.productId === line.productId;
}

/** Values of closed periods and, when a provisional quantity is due, of the open one as it would be rated now. */
async function slotValues(
  tx: EntityManager,
  ctx: Ctx,
  state: ContractState,
  open: PeriodState,
): Promise<BillableValues> {
  const rating = isProvisionalDue(ctx, open) ? await ratePeriod(tx, state, open) : null;
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

interface NewestIntent {
  id: string;
  kind: string;
  period_id: string;
  target: string;
  state: string;
}

/**
 * Stores the intent unless the line's newest one wants the same already. A provisional quantity is written once: what comes
 * after it is for the close. Earlier intents that were not invoiced give way.
 */
async function storeIntent(
  tx: EntityManager,
  ctx: Ctx,
  intent: { state: ContractState; line: LineState; write: WantedWrite },
): Promise<boolean> {
  const { state, line, write } = intent;
  const [newest] = await tx.query<NewestIntent[]>(
    `select id, kind, period_id, target, state from write_back where subscription_line_id = $1 order by sequence desc limit 1`,
    [line.id],
  );
  if (newest !== undefined && isAlreadyWanted(newest, line, write)) return false;
  // One that may be on its way is settled first, by reading back; the plan comes again after it.
  if (newest?.state === 'UNKNOWN') return false;
  await tx.query(
    `update write_back set state = 'SUPERSEDED', block_reason = null, updated_at = $2
      where subscription_line_id = $1 and state in ('PENDING', 'WRITTEN', 'BLOCKED')`,
    [line.id, ctx.now],
  );
  await tx.query(
    `insert into write_back (contract_id, period_id, product_id, subscription_line_id, kind, target, state, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, 'PENDING', $7, $7)`,
    [state.id, write.periodId, line.productId, line.id, write.kind, write.target.toFixed(), ctx.now],
  );
  return true;
}

function isAlreadyWanted(newest: NewestIntent, line: LineState, write: WantedWrite): boolean {
  if (newest.kind !== write.kind || !['PENDING', 'UNKNOWN', 'WRITTEN', 'BLOCKED'].includes(newest.state)) return false;
  // Somebody changed the slot by hand since: it is set again.
  const overwritten = newest.state === 'WRITTEN' && !line.deliveredQuantity.eq(newest.target);
  if (write.kind === 'EMPTY') return !overwritten;
  if (newest.period_id !== write.periodId) return false;
  return write.kind === 'PROVISIONAL' ? !overwritten : write.target.eq(newest.target) && !overwritten;
}

async function hasLiveIntent(tx: EntityManager, contractId: string): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `select 1 from write_back where contract_id = $1 and state in ('PENDING', 'UNKNOWN') limit 1`,
    [contractId],
  );
  return rows.length > 0;
}

/** An intent older than this is looked at again. */
const STALE_AFTER_MS = 10 * 60_000;

/** Plans every contract that has something to plan; one that fails does not stop the others. */
export async function planChangedContracts(ctx: Ctx): Promise<{ planned: number; failed: number }> {
  const report = { planned: 0, failed: 0 };
  for (const contractId of await contractsToPlan(ctx)) {
    try {
      await planContract(ctx, contractId);
      report.planned += 1;
    } catch (error) {
      ctx.log.error({ err: error, contractId }, 'contract could not be planned');
      report.failed += 1;
    }
  }
  return report;
}

/** Contracts that a mirrored change, a due provisional write or a new charge gives something to plan, at most `limit`. */
async function contractsToPlan(ctx: Ctx, limit = 5000): Promise<string[]> {
  const soon = new Date(ctx.now.getTime() + ctx.config.leadTimeMs + 26 * 3_600_000);
  const rows = await ctx.db.query<{ id: string; changed: boolean; end_on: string | null }[]>(
    `select c.id, (c.planned_as_of is distinct from ${NEWEST_CHANGE} or ${UNWRITTEN_LINE} or ${DIRTY_PERIOD} or ${STALE_INTENT}) as changed,
            (select p.end_on::text from billing_period p where p.contract_id = c.id and p.state = 'OPEN' and p.end_at <= $1
               and exists (select 1 from biller_span b where b.contract_id = c.id and b.biller = 'ODOO')
               and not exists (select 1 from write_back w where w.period_id = p.id and w.kind = 'PROVISIONAL')) as end_on
       from contract c order by c.id`,
    [soon, new Date(ctx.now.getTime() - STALE_AFTER_MS)],
  );
  const { billingTimeZone: zone, graceMs, leadTimeMs, invoiceRunAtMinutes } = ctx.config;
  const isDue = (endOn: string): boolean => {
    const { provisionalAt } = writeTimes(endOn, { zone, graceMs, leadTimeMs, invoiceRunAtMinutes });
    return provisionalAt !== null && ctx.now >= provisionalAt;
  };
  return rows
    .filter((row) => row.changed || (row.end_on !== null && isDue(row.end_on)))
    .slice(0, limit)
    .map((row) => row.id);
}

/** A line that Odoo bills for us and that no intent was made for yet: first sight, a new charge, or a service gone LIVE. */
const UNWRITTEN_LINE = `exists (
  select 1 from subscription s
    join subscription_line l on l.subscription_odoo_id = s.odoo_id and l.gone_at is null
    join product p on p.odoo_id = l.product_odoo_id
    join charge ch on ch.product_id = p.id
    join biller_span b on b.contract_id = c.id and b.service_id = ch.service_id and b.biller = 'ODOO' and b.ends_at is null
   where s.contract_id = c.id and not exists (select 1 from write_back w where w.subscription_line_id = l.id))`;

const DIRTY_PERIOD = `exists (select 1 from billing_period p where p.contract_id = c.id and p.dirty)`;

/** An intent that has waited for long: its job gave up, or was never there because writes were off. */
const STALE_INTENT = `exists (
  select 1 from write_back w
   where w.contract_id = c.id and w.state in ('PENDING', 'UNKNOWN') and w.updated_at < $2)`;
