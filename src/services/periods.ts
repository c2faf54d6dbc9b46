/** Opens a contract's first period, lets the open one follow Odoo's next invoice date, and closes periods when their time has come. */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { advance, dayStart, earliestRunAt, firstPeriod, nextEnd, writeTimes } from '../domain/period';
import { enqueue } from '../queue';
import { type ContractState, type PeriodState, type SpanState, loadContractState } from './contract-state';
import { periodInSight } from './billing-reads';
import { fittingCharges } from './fitting-charges';
import { type PeriodRating, ratePeriod } from './rating';
import { storeLines } from './rerating';
import { writeAudit } from './audit';
import { inTransaction } from './transaction';
import { countFired, type FiredAlert, fireAlerts } from './usage-alert-checks';
import { storeExpectations } from './usage-gaps';
import { lockLaneExclusive } from './usage-lanes';

/** Opens the first period of an order that runs, when it has none yet (docs/domain.md). Returns whether the contract has periods. */
export async function openFirstPeriod(tx: EntityManager, ctx: Ctx, state: ContractState): Promise<boolean> {
  if (state.periods.length > 0) return true;
  const { nextInvoiceOn, startOn, plan, subscriptionState } = state.order;
  if (nextInvoiceOn === null || plan === null || subscriptionState !== 'IN_PROGRESS') return false;
  const first = firstPeriod(startOn, nextInvoiceOn, plan);
  await insertPeriod(tx, ctx, { contractId: state.id, ...first });
  const newest = await newestInvoice(tx, state);
  await tx.query('update contract set seen_next_invoice_on = $2, seen_invoice_odoo_id = $3 where id = $1', [
    state.id,
    nextInvoiceOn,
    newest,
  ]);
  return true;
}

/**
 * Lets the open period follow a changed next invoice date. To be called when the invoices of the same mirror pass are in, so
 * that a date moved by Odoo's run comes with its invoice. Returns whether the date moved back over a closed boundary.
 */
export async function followInvoiceDate(
  tx: EntityManager,
  ctx: Ctx,
  state: ContractState,
): Promise<{ movedBack: boolean }> {
  const open = state.periods.at(-1);
  const { nextInvoiceOn, plan } = state.order;
  const seenOn = state.seenNextInvoiceOn;
  if (open === undefined || nextInvoiceOn === null || plan === null || seenOn === null) return { movedBack: false };
  const newest = await newestInvoice(tx, state);
  await markSeams(tx, state);
  const change = {
    seenOn,
    nextInvoiceOn,
    newInvoice: newest > (state.seenInvoiceOdooId ?? 0),
    runCanHaveCome: open.endOn !== null && ctx.now >= earliestRunAt(open.endOn, ctx.config.invoiceRunAtMinutes),
  };
  const outcome = advance({ startOn: open.startOn, endOn: open.endOn }, change, plan);
  if (outcome.kind === 'MOVED_BACK') return { movedBack: true };
  if (outcome.kind === 'END_MOVES') await moveEnd(tx, ctx, open, outcome.endOn);
  // An invoice counts as seen with the date it moved; of one that is younger than the order's reading that date is to come.
  const seen = nextInvoiceOn === seenOn ? await newestInvoice(tx, state, { readBeforeOrder: true }) : newest;
  await tx.query(
    `update contract set seen_next_invoice_on = $2, seen_invoice_odoo_id = $3
      where id = $1 and (seen_next_invoice_on, seen_invoice_odoo_id) is distinct from ($2::date, $3::integer)`,
    [state.id, nextInvoiceOn, Math.max(seen, state.seenInvoiceOdooId ?? 0)],
  );
  return { movedBack: false };
}

async function moveEnd(tx: EntityManager, ctx: Ctx, open: PeriodState, endOn: string): Promise<void> {
  const end = dayStart(endOn, ctx.config.billingTimeZone);
  await tx.query('update billing_period set end_on = $2, end_at = $3 where id = $1', [open.id, endOn, end]);
  Object.assign(open, { endOn, end });
}

/** Invoices, drafts and credit notes that are there before the first write for a span cannot be made of what we wrote. */
async function markSeams(tx: EntityManager, state: ContractState): Promise<void> {
  const isNew = (span: SpanState): boolean => span.biller === 'ODOO' && span.invoicesAfterOdooId === null;
  if (!state.spans.some(isNew)) return;
  const [newest] = await tx.query<{ id: number }[]>(
    `select coalesce(max(invoice_odoo_id), 0) as id from invoice_line
      where sale_line_odoo_ids && array(select odoo_id from subscription_line where subscription_odoo_id = $1)`,
    [state.order.odooId],
  );
  const seam = newest?.id ?? 0;
  await tx.query(
    `update biller_span set invoices_after_odoo_id = $2
      where contract_id = $1 and biller = 'ODOO' and invoices_after_odoo_id is null`,
    [state.id, seam],
  );
  for (const span of state.spans.filter(isNew)) span.invoicesAfterOdooId = seam;
}

/**
 * Odoo id of the newest posted invoice of the order; 0 for none. `readBeforeOrder`: of those only that the mirror had when
 * it last read orders.
 */
async function newestInvoice(
  tx: EntityManager,
  state: ContractState,
  { readBeforeOrder = false } = {},
): Promise<number> {
  const [row] = await tx.query<{ newest: number }[]>(
    `select coalesce(max(i.odoo_id), 0) as newest
       from invoice i join invoice_line il on il.invoice_odoo_id = i.odoo_id
      where i.state = 'posted' and i.move_type = 'out_invoice' and il.sale_line_odoo_ids &&
        array(select odoo_id from subscription_line where subscription_odoo_id = $1)
        and (not $2 or i.synced_at <= (select as_of from sync_state where model = 'SUBSCRIPTION'))`,
    [state.order.odooId, readBeforeOrder],
  );
  return row?.newest ?? 0;
}

interface NewPeriod {
  contractId: string;
  startOn: string;
  endOn: string | null;
  derived: boolean;
}

async function insertPeriod(tx: EntityManager, ctx: Ctx, period: NewPeriod): Promise<void> {
  const zone = ctx.config.billingTimeZone;
  await tx.query(
    `insert into billing_period (contract_id, start_on, end_on, start_at, end_at, derived, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      period.contractId,
      period.startOn,
      period.endOn,
      dayStart(period.startOn, zone),
      period.endOn === null ? null : dayStart(period.endOn, zone),
      period.derived,
      ctx.now,
    ],
  );
}

/** Ids of the open periods whose grace is over at `ctx.now`, oldest end first, at most `limit`. */
export async function duePeriods(ctx: Ctx, limit = 1000): Promise<string[]> {
  const rows = await ctx.db.query<{ id: string }[]>(
    `select id from billing_period where state = 'OPEN' and end_at <= $1 order by end_at, id limit $2`,
    [new Date(ctx.now.getTime() - ctx.config.graceMs), limit],
  );
  return rows.map((row) => row.id);
}

/** Queues a close for each period that is due; a period whose close is queued already is not queued twice. */
export async function enqueueDueCloses(ctx: Ctx): Promise<number> {
  const due = await duePeriods(ctx);
  await inTransaction(ctx, async (tx) => {
    for (const periodId of due) await enqueue(tx, 'close-period', { periodId }, { jobKey: `close:${periodId}` });
  });
  return due.length;
}

export interface CloseResult {
  periodId: string;
  /** What was stored, or would be with `dryRun`. Null when the period was closed before. */
  rating: PeriodRating | null;
}

/**
 * Closes a period whose end and grace have passed: rates every charge of the order, stores the lines, opens the next period,
 * and has the slot planned. Running it again is harmless. With `dryRun` nothing is stored.
 * @throws BillingError NOT_FOUND, or CONFLICT when its time has not come.
 */
export async function closePeriod(ctx: Ctx, input: { periodId: string; dryRun?: boolean }): Promise<CloseResult> {
  let fired: FiredAlert[] = [];
  const result = await inTransaction(ctx, async (tx) => {
    fired = [];
    const { contractId } = await periodInSight(ctx, input.periodId, 'periodId');
    if (input.dryRun !== true) await lockLaneExclusive(tx, contractId);
    const state = await loadContractState(tx, contractId);
    const period = state?.periods.find((candidate) => candidate.id === input.periodId);
    assert(state !== null && period !== undefined, 'a period has its contract');
    if (period.closed) return { periodId: period.id, rating: null };
    const { closeAt } = closeTime(ctx, period);
    const rating = await ratePeriod(tx, state, { period, zone: ctx.config.billingTimeZone });
    if (input.dryRun === true) return { periodId: period.id, rating: inSight(ctx, rating) };
    if (ctx.now < closeAt) {
      throw new BillingError('CONFLICT', `The period closes at ${closeAt.toISOString()}, not before.`, {
        field: 'periodId',
      });
    }
    await storeClose(tx, ctx, { state, period, rating });
    fired = await fireAlerts(tx, { contractId, periodId: period.id, rating }, ctx.now);
    return { periodId: period.id, rating: inSight(ctx, rating) };
  });
  countFired(ctx, fired);
  return result;
}

/** What a service may see of a rating: its own charges. The period itself is closed for all. */
function inSight(ctx: Ctx, rating: PeriodRating): PeriodRating {
  const { serviceId } = ctx.actor;
  if (serviceId === null) return rating;
  return { lines: rating.lines.filter((line) => line.charge.serviceId === serviceId), unpriced: [] };
}

function closeTime(ctx: Ctx, period: PeriodState): { closeAt: Date } {
  if (period.endOn === null) {
    throw new BillingError('CONFLICT', 'The end of the period is not known yet: Odoo has not named it.', {
      field: 'periodId',
    });
  }
  const { billingTimeZone: zone, graceMs, leadTimeMs, invoiceRunAtMinutes } = ctx.config;
  return writeTimes(period.endOn, { zone, graceMs, leadTimeMs, invoiceRunAtMinutes });
}

async function storeClose(
  tx: EntityManager,
  ctx: Ctx,
  close: { state: ContractState; period: PeriodState; rating: PeriodRating },
): Promise<void> {
  const { state, period, rating } = close;
  assert(period.endOn !== null, 'a period that closes has an end');
  await storeLines(tx, period, rating.lines, ctx.now);
  await storeExpectations(tx, state, period);
  // What no charge could rate without doubt is rated once the doubt is gone.
  const isDirty = fittingCharges(state, period).ambiguous.size > 0;
  await tx.query(`update billing_period set state = 'CLOSED', closed_at = $2, dirty = $3 where id = $1`, [
    period.id,
    ctx.now,
    isDirty,
  ]);
  const { plan, nextInvoiceOn } = state.order;
  assert(plan !== null, 'an order with periods has a plan');
  await insertPeriod(tx, ctx, {
    contractId: state.id,
    startOn: period.endOn,
    endOn: nextEnd(period.endOn, nextInvoiceOn, plan),
    derived: false,
  });
  await writeAudit(tx, ctx, {
    action: 'billing_period.closed',
    subjectType: 'billing_period',
    subjectId: period.id,
    serviceId: ctx.actor.serviceId,
    details: { startOn: period.startOn, endOn: period.endOn },
  });
  await enqueue(tx, 'plan-slots', { contractId: state.id }, { jobKey: `plan:${state.id}` });
}
