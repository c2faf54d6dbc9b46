/**
 * Closes periods when their time has come. Contracts of one lane close together: one lock, one transaction, and one statement
 * for what each of them needs. If that fails each closes alone, so that only who is at fault stays open.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { nextEnd, writeTimes } from '../domain/period';
import { enqueueAll } from '../queue';
import { writeAudits } from './audit';
import { periodInSight } from './billing-reads';
import { type ContractState, loadContractStates, type PeriodState } from './contract-state';
import { fittingCharges } from './fitting-charges';
import { insertPeriods, type NewPeriod } from './periods';
import { type PeriodRating, ratePeriods } from './rating';
import { storeLines } from './rerating';
import { inTransaction } from './transaction';
import { countFired, type FiredAlert, fireAlerts } from './usage-alert-checks';
import { storeExpectations } from './usage-gaps';
import { laneOf, lockLaneExclusive } from './usage-lanes';

/**
 * Recording for contracts of a lane waits while a group of them closes: about four times as long as for one that closes alone,
 * and a third as long in all (docs/performance.md).
 */
const PERIODS_PER_JOB = 16;

interface DuePeriod {
  id: string;
  contractId: string;
}

/** The open periods whose grace is over at `ctx.now`, oldest end first, at most `limit`. */
export async function duePeriods(ctx: Ctx, limit = 1000): Promise<DuePeriod[]> {
  return ctx.db.query<DuePeriod[]>(
    `select id, contract_id as "contractId" from billing_period
      where state = 'OPEN' and end_at <= $1 order by end_at, id limit $2`,
    [new Date(ctx.now.getTime() - ctx.config.graceMs), limit],
  );
}

/**
 * Queues closes for the periods that are due, the first ones of every lane before the second ones: jobs of one lane wait for
 * each other. What is queued already is not queued twice.
 */
export async function enqueueDueCloses(ctx: Ctx): Promise<number> {
  const due = await duePeriods(ctx);
  const byLane = new Map<number, string[]>();
  for (const { id, contractId } of due) {
    const lane = laneOf(contractId);
    byLane.set(lane, [...(byLane.get(lane) ?? []), id]);
  }
  const jobs = [...byLane].flatMap(([lane, ids]) =>
    chunks(ids, PERIODS_PER_JOB).map((periodIds, turn) => ({
      payload: { periodIds },
      jobKey: `close:${turn}:${lane}`,
    })),
  );
  await inTransaction(ctx, (tx) => enqueueAll(tx, 'close-periods', jobs));
  return due.length;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/**
 * Closes periods of one lane, those that are closed already left as they are.
 * @throws the first failure, after the other periods were closed.
 */
export async function closePeriods(ctx: Ctx, periodIds: readonly string[]): Promise<void> {
  if (periodIds.length > 1) {
    try {
      await close(ctx, periodIds);
      return;
    } catch (error) {
      // Whatever it was: also a time-out can be one period's alone.
      ctx.log.warn({ err: error, periodIds }, 'periods could not be closed together; each is closed alone');
    }
  }
  const failures: unknown[] = [];
  for (const periodId of periodIds) {
    try {
      await close(ctx, [periodId]);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
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
  const { id } = await periodInSight(ctx, input.periodId, 'periodId');
  const [closed] = await close(ctx, [id], input);
  return { periodId: id, rating: closed === undefined ? null : inSight(ctx, closed.rating) };
}

/** What a service may see of a rating: its own charges. The period itself is closed for all. */
function inSight(ctx: Ctx, rating: PeriodRating): PeriodRating {
  const { serviceId } = ctx.actor;
  if (serviceId === null) return rating;
  return { lines: rating.lines.filter((line) => line.charge.serviceId === serviceId), unpriced: [] };
}

/** An open period of a contract that closes now. */
interface OpenPeriod {
  state: ContractState;
  period: PeriodState;
}

interface RatedPeriod extends OpenPeriod {
  rating: PeriodRating;
}

/** Closes periods of one lane in one transaction; returns those that were open. */
async function close(ctx: Ctx, periodIds: readonly string[], { dryRun = false } = {}): Promise<RatedPeriod[]> {
  let fired: FiredAlert[] = [];
  const closed = await inTransaction(ctx, async (tx) => {
    fired = [];
    const contractIds = await contractsOf(tx, periodIds);
    if (!dryRun) await lockLane(tx, contractIds);
    const open = openPeriods(await loadContractStates(tx, contractIds), periodIds);
    const ends = open.map(({ period }) => closeTime(ctx, period));
    const ratings = await ratePeriods(
      tx,
      open.map((one) => ({ ...one, zone: ctx.config.billingTimeZone })),
    );
    const rated = open.map((one, place) => ({ ...one, rating: ratings[place] ?? { lines: [], unpriced: [] } }));
    if (dryRun || rated.length === 0) return rated;
    for (const { closeAt } of ends) {
      if (ctx.now >= closeAt) continue;
      throw new BillingError('CONFLICT', `The period closes at ${closeAt.toISOString()}, not before.`, {
        field: 'periodId',
      });
    }
    await storeCloses(tx, ctx, rated);
    fired = await fireAlerts(tx, rated, ctx.now);
    return rated;
  });
  countFired(ctx, fired);
  return closed;
}

async function contractsOf(tx: EntityManager, periodIds: readonly string[]): Promise<string[]> {
  const rows = await tx.query<{ id: string }[]>(
    'select distinct contract_id as id from billing_period where id = any ($1) order by id',
    [periodIds],
  );
  return rows.map(({ id }) => id);
}

async function lockLane(tx: EntityManager, contractIds: readonly string[]): Promise<void> {
  const [first, ...others] = contractIds;
  if (first === undefined) return;
  assert(
    others.every((id) => laneOf(id) === laneOf(first)),
    'what closes together is of one lane',
  );
  await lockLaneExclusive(tx, first);
}

function openPeriods(states: ReadonlyMap<string, ContractState>, periodIds: readonly string[]): OpenPeriod[] {
  const asked = new Set(periodIds);
  return [...states.values()].flatMap((state) =>
    state.periods.filter(({ id, closed }) => asked.has(id) && !closed).map((period) => ({ state, period })),
  );
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

async function storeCloses(tx: EntityManager, ctx: Ctx, closes: readonly RatedPeriod[]): Promise<void> {
  await storeLines(tx, closes, ctx.now);
  await storeExpectations(tx, closes);
  const closed = closes.map(({ state, period }) => ({
    id: period.id,
    // What no charge could rate without doubt is rated once the doubt is gone.
    dirty: fittingCharges(state, period).ambiguous.size > 0,
  }));
  await tx.query(
    `update billing_period p set state = 'CLOSED', closed_at = $2, dirty = c.dirty
       from json_to_recordset($1) as c(id uuid, dirty boolean) where p.id = c.id`,
    [JSON.stringify(closed), ctx.now],
  );
  await insertPeriods(tx, ctx, closes.map(following));
  await writeAudits(
    tx,
    ctx,
    closes.map(({ period: { id, startOn, endOn } }) => ({
      action: 'billing_period.closed',
      subjectType: 'billing_period',
      subjectId: id,
      serviceId: ctx.actor.serviceId,
      details: { startOn, endOn },
    })),
  );
  await enqueueAll(
    tx,
    'plan-slots',
    closes.map(({ state: { id } }) => ({ payload: { contractId: id }, jobKey: `plan:${id}` })),
  );
}

/** The period that opens when this one closes. */
function following({ state, period }: OpenPeriod): NewPeriod {
  const { plan, nextInvoiceOn } = state.order;
  assert(period.endOn !== null && plan !== null, 'a period that closes has an end, and its order a plan');
  const endOn = nextEnd(period.endOn, nextInvoiceOn, plan);
  return { contractId: state.id, startOn: period.endOn, endOn, derived: false };
}
