/** The stored intents of a line's slot: a new one when the plan wants something else, and what gives way to it. */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import type { WantedWrite } from '../domain/slot';
import type { BlockReason } from '../entities/billing-block';
import type { ContractState, LineState } from './contract-state';

interface NewestIntent {
  id: string;
  kind: string;
  period_id: string;
  target: string;
  state: string;
  block_reason: BlockReason | null;
}

/** The intent made last for the line. */
export async function newestIntent(tx: EntityManager, lineId: string): Promise<NewestIntent | null> {
  const [newest] = await tx.query<NewestIntent[]>(
    `select id, kind, period_id, target, state, block_reason from write_back
      where subscription_line_id = $1 order by sequence desc limit 1`,
    [lineId],
  );
  return newest ?? null;
}

/**
 * Stores the intent unless the line's newest one wants the same already. A provisional quantity is written once: what comes
 * after it is for the close. Earlier intents that were not invoiced give way.
 */
export async function storeIntent(
  tx: EntityManager,
  ctx: Ctx,
  intent: { state: ContractState; line: LineState; write: WantedWrite },
): Promise<boolean> {
  const { state, line, write } = intent;
  assert(write.target.isFinite(), 'what is wanted of a slot is a number');
  const newest = await newestIntent(tx, line.id);
  if (newest !== null && isAlreadyWanted(newest, line, write)) return false;
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
  // A block that the mirror would show, and shows no longer: its cause is mended.
  if (newest.block_reason === 'PRICE_NOT_ONE' || newest.block_reason === 'ORDER_CANCELLED') return false;
  // Somebody changed the slot by hand since: it is set again.
  const overwritten = newest.state === 'WRITTEN' && !line.deliveredQuantity.eq(newest.target);
  if (write.kind === 'EMPTY') return !overwritten;
  if (newest.period_id !== write.periodId) return false;
  return write.kind === 'PROVISIONAL' ? !overwritten : write.target.eq(newest.target) && !overwritten;
}

/** Takes back what was not sent yet: its turn is over, or has not come. A zero is right whenever it comes. */
export async function withdrawIntents(tx: EntityManager, ctx: Ctx, lineId: string): Promise<void> {
  await tx.query(
    `update write_back set state = 'SUPERSEDED', updated_at = $2
      where subscription_line_id = $1 and state = 'PENDING' and kind <> 'EMPTY'`,
    [lineId, ctx.now],
  );
}

export async function hasLiveIntent(tx: EntityManager, contractId: string): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `select 1 from write_back where contract_id = $1 and state in ('PENDING', 'UNKNOWN') limit 1`,
    [contractId],
  );
  return rows.length > 0;
}
