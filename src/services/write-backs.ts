/**
 * Carries out stored intents: reads the slot, writes it, reads it back, and settles outcomes that nobody knows. One order at
 * a time across all workers; no transaction is open while Odoo is called; the attempt is stored before the call.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { Decimal, ZERO } from '../domain/decimal';
import { BillingError, type Problem, toProblem } from '../domain/errors';
import type { WriteKind } from '../domain/slot';
import { type Decision, type WriteIntent, decideWrite, judgeReadBack } from '../domain/write-decision';
import type { AttemptOutcome } from '../entities/write-back-attempt';
import { OdooFault, toBillingError } from '../odoo/fault';
import { type SlotReading, readSlot, saveDelivered } from '../odoo/records';
import { enqueue } from '../queue';
import { LOCK_CLASS, inTransaction } from './transaction';

interface LiveIntent extends WriteIntent {
  id: string;
  contractId: string;
  lineId: string;
  lineOdooId: number;
}

/**
 * Works off the live intents of one order. A refusal that will stand blocks the intent; anything else is thrown, for the
 * queue to try again.
 * @throws BillingError UPSTREAM_UNAVAILABLE, or UNAVAILABLE while another worker has the order.
 */
export async function runWriteBacks(ctx: Ctx, subscriptionId: string): Promise<void> {
  if (!ctx.config.odooWrites) return;
  const lock = ctx.db.createQueryRunner();
  try {
    const key = [LOCK_CLASS.ORDER, subscriptionId];
    const [taken] = await lock.manager.query<{ taken: boolean }[]>(
      'select pg_try_advisory_lock($1, hashtext($2)) as taken',
      key,
    );
    if (!taken?.taken) throw new BillingError('UNAVAILABLE', 'Another worker is writing to this order.');
    try {
      for (const intent of await liveIntents(ctx, subscriptionId)) await carryOut(ctx, intent);
    } finally {
      await lock.manager.query('select pg_advisory_unlock($1, hashtext($2))', key);
    }
  } finally {
    await lock.release();
  }
}

async function liveIntents(ctx: Ctx, subscriptionId: string): Promise<LiveIntent[]> {
  const rows = await ctx.db.query<LiveIntentRow[]>(
    `select w.id, w.contract_id as "contractId", w.kind, w.target, l.id as "lineId", l.odoo_id as "lineOdooId",
            p.end_on::text as "periodEndOn", (select mode from charge c where c.product_id = w.product_id limit 1) as mode
       from write_back w
       join subscription_line l on l.id = w.subscription_line_id
       join subscription s on s.odoo_id = l.subscription_odoo_id
       join billing_period p on p.id = w.period_id
      where s.id = $1 and w.state in ('PENDING', 'UNKNOWN') order by w.sequence`,
    [subscriptionId],
  );
  return rows.map((row) => ({ ...row, target: new Decimal(row.target) }));
}

interface LiveIntentRow {
  id: string;
  contractId: string;
  kind: WriteKind;
  target: string;
  lineId: string;
  lineOdooId: number;
  periodEndOn: string | null;
  mode: 'QUANTITY' | 'AMOUNT';
}

async function carryOut(ctx: Ctx, intent: LiveIntent): Promise<void> {
  const slot = await readOrBlock(ctx, intent);
  if (slot === null) return;
  const decision = decideWrite(intent, slot);
  if (decision.kind !== 'WRITE') return conclude(ctx, intent, { slot, decision, attempt: null });
  const written = await attempt(ctx, intent, intent.target);
  if (written === null) return;
  const { slot: readBack } = written;
  await conclude(ctx, intent, { slot: readBack, decision: judgeReadBack(intent, readBack), attempt: written });
}

async function readOrBlock(ctx: Ctx, intent: LiveIntent): Promise<SlotReading | null> {
  try {
    const slot = await readSlot(ctx.odoo, intent.lineOdooId);
    if (slot !== null) return slot;
    await block(ctx, intent, { reason: 'LINE_MISSING', problem: null });
  } catch (error) {
    await blockOrThrow(ctx, intent, error);
  }
  return null;
}

/** Blocks on a refusal that will stand; rethrows what can pass. */
async function blockOrThrow(ctx: Ctx, intent: LiveIntent, error: unknown): Promise<void> {
  if (!(error instanceof OdooFault)) throw error;
  const refusal = toBillingError(error);
  if (refusal.retryable) throw refusal;
  const reason = error.kind === 'missing' ? 'LINE_MISSING' : 'REFUSED_BY_ODOO';
  await block(ctx, intent, { reason, problem: toProblem(refusal) });
}

/**
 * One call that writes `value`. The attempt is on record as UNKNOWN before the call leaves, so that whatever happens to this
 * process, the next one reads back before it writes again. What a write that was taken came to is the caller's to record,
 * before any other call leaves. Null: the intent is blocked, or has given way meanwhile.
 */
async function attempt(ctx: Ctx, intent: LiveIntent, value: Decimal): Promise<TakenAttempt | null> {
  const attemptId = await startAttempt(ctx, intent, value);
  if (attemptId === null) return null;
  try {
    const slot = await saveDelivered(ctx.odoo, intent.lineOdooId, value);
    return { attemptId, outcome: value.eq(intent.target) ? 'WRITTEN' : 'RESTORED', slot };
  } catch (error) {
    if (!(error instanceof OdooFault)) throw error;
    const problem = toProblem(toBillingError(error));
    const outcomes = { 'not-sent': 'NOT_SENT', rejected: 'REFUSED', unknown: 'UNKNOWN' } as const;
    await failAttempt(ctx, intent, { attemptId, outcome: outcomes[error.outcome], slot: null, problem });
    if (error.outcome === 'unknown')
      throw new BillingError('UPSTREAM_UNAVAILABLE', 'Odoo gave no answer to a write; it is read back next.');
    await blockOrThrow(ctx, intent, error);
    return null;
  }
}

/**
 * Null when a plan has put another intent in the place of this one since it was loaded. One statement, so that neither the
 * state nor the attempt is there without the other.
 */
async function startAttempt(ctx: Ctx, intent: LiveIntent, value: Decimal): Promise<string | null> {
  const [started] = await ctx.db.query<{ id: string }[]>(
    `with live as (
       update write_back set state = 'UNKNOWN', attempts = attempts + 1, updated_at = $2 where id = $1 and ${LIVE} returning id)
     insert into write_back_attempt (write_back_id, value, started_at) select id, $3::numeric, $2 from live returning id`,
    [intent.id, ctx.now, value.toFixed()],
  );
  return started?.id ?? null;
}

interface AttemptEnd {
  attemptId: string;
  outcome: AttemptOutcome;
  slot: SlotReading | null;
  problem?: Problem;
}

/** Odoo took the write; it is not on record yet. */
interface TakenAttempt extends AttemptEnd {
  slot: SlotReading;
}

async function endAttempt(tx: EntityManager, ctx: Ctx, end: AttemptEnd): Promise<void> {
  await tx.query(
    'update write_back_attempt set finished_at = $2, outcome = $3, observed = $4, problem = $5 where id = $1',
    [
      end.attemptId,
      ctx.now,
      end.outcome,
      end.slot === null ? null : JSON.stringify(end.slot),
      end.problem === undefined ? null : JSON.stringify(end.problem),
    ],
  );
}

async function failAttempt(ctx: Ctx, intent: LiveIntent, end: AttemptEnd): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await endAttempt(tx, ctx, end);
    // Nothing happened in Odoo: the intent waits as before.
    if (end.outcome === 'NOT_SENT' || end.outcome === 'REFUSED') {
      await tx.query(`update write_back set state = 'PENDING', problem = $2 where id = $1 and ${LIVE}`, [
        intent.id,
        JSON.stringify(end.problem ?? null),
      ]);
    }
  });
}

interface Conclusion {
  /** The slot as last read. */
  slot: SlotReading;
  decision: Exclude<Decision, { kind: 'WRITE' }>;
  /** The write that was sent in this run, not on record yet; null when none was. */
  attempt: TakenAttempt | null;
}

async function conclude(ctx: Ctx, intent: LiveIntent, conclusion: Conclusion): Promise<void> {
  const { decision } = conclusion;
  let { slot, attempt: taken } = conclusion;
  if (decision.kind !== 'DONE' && decision.restore) {
    const before = taken;
    if (before !== null) await inTransaction(ctx, (tx) => endAttempt(tx, ctx, before));
    taken = await attempt(ctx, intent, ZERO);
    if (taken === null) return;
    ({ slot } = taken);
  }
  await inTransaction(ctx, async (tx) => {
    if (taken !== null) await endAttempt(tx, ctx, taken);
    else if (decision.kind === 'DONE') await recordUnchanged(tx, ctx, intent, slot);
    await tx.query(
      `update write_back set read_back = $2, problem = null, updated_at = $3,
              state = case when ${LIVE} then $4 else state end, block_reason = case when ${LIVE} then $5 else block_reason end
        where id = $1`,
      [
        intent.id,
        slot.deliveredQuantity.toFixed(),
        ctx.now,
        STATE_AFTER[decision.kind],
        decision.kind === 'BLOCK' ? decision.reason : null,
      ],
    );
    // The mirror learns at once what was read back; its own pass confirms it.
    await tx.query('update subscription_line set delivered_quantity = $2 where id = $1', [
      intent.lineId,
      slot.deliveredQuantity.toFixed(),
    ]);
    await enqueueNext(tx, intent, decision);
  });
}

/** Plans again, unless the mirror does not know yet what was met: then the mirror is read first, and plans. */
async function enqueueNext(tx: EntityManager, intent: LiveIntent, decision: Conclusion['decision']): Promise<void> {
  if (await isNewsToMirror(tx, intent, decision)) await enqueue(tx, 'sync-odoo', {}, { jobKey: 'sync-odoo' });
  else await enqueue(tx, 'plan-slots', { contractId: intent.contractId }, { jobKey: `plan:${intent.contractId}` });
}

async function isNewsToMirror(
  tx: EntityManager,
  intent: LiveIntent,
  decision: Conclusion['decision'],
): Promise<boolean> {
  if (decision.kind === 'BLOCK') return decision.reason !== 'READ_BACK_DIFFERS';
  if (decision.kind === 'DONE') return false;
  const [mirror] = await tx.query<{ stale: boolean }[]>(
    `select s.next_invoice_on is not distinct from $2::date as stale
       from subscription_line l join subscription s on s.odoo_id = l.subscription_odoo_id where l.id = $1`,
    [intent.lineId, intent.periodEndOn],
  );
  return mirror?.stale ?? false;
}

/** Not settled or replaced while Odoo was asked; otherwise what that came to stands. */
const LIVE = `state in ('PENDING', 'UNKNOWN')`;

const STATE_AFTER = { DONE: 'WRITTEN', MOVED_ON: 'SUPERSEDED', BLOCK: 'BLOCKED' } as const;

/** The slot held the target already: counted as read, not as written. */
async function recordUnchanged(tx: EntityManager, ctx: Ctx, intent: LiveIntent, slot: SlotReading): Promise<void> {
  await tx.query(
    `insert into write_back_attempt (write_back_id, value, started_at, finished_at, outcome, observed)
     values ($1, $2, $3, $3, 'UNCHANGED', $4)`,
    [intent.id, intent.target.toFixed(), ctx.now, JSON.stringify(slot)],
  );
  await tx.query('update write_back set attempts = attempts + 1 where id = $1', [intent.id]);
}

async function block(
  ctx: Ctx,
  intent: LiveIntent,
  refusal: { reason: 'LINE_MISSING' | 'REFUSED_BY_ODOO'; problem: Problem | null },
): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    await tx.query(
      `update write_back set state = 'BLOCKED', block_reason = $2, problem = $3, updated_at = $4 where id = $1 and ${LIVE}`,
      [intent.id, refusal.reason, refusal.problem === null ? null : JSON.stringify(refusal.problem), ctx.now],
    );
    await enqueue(tx, 'plan-slots', { contractId: intent.contractId }, { jobKey: `plan:${intent.contractId}` });
  });
}
