/** A person confirms where a contract's first period begins, when it was derived from an order first seen running. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { parseDay } from '../domain/parse';
import { dayStart } from '../domain/period';
import { enqueue } from '../queue';
import { writeAudit } from './audit';
import { periodInSight } from './billing-reads';
import { type PeriodState, loadContractState } from './contract-state';
import { inTransaction } from './transaction';
import { lockLaneExclusive } from './usage-lanes';

/**
 * Confirms a period that was derived at first sight, with another start when the derived one is wrong: any day before its
 * end, while no earlier period exists. Usage before it is never billed.
 * @throws BillingError NOT_FOUND; CONFLICT when there is nothing to confirm; VALIDATION_FAILED naming `start`.
 */
export async function confirmPeriod(
  ctx: Ctx,
  input: { id: string; start?: string | null },
): Promise<{ periodId: string }> {
  return inTransaction(ctx, async (tx) => {
    const { contractId } = await periodInSight(ctx, input.id, 'id');
    await lockLaneExclusive(tx, contractId);
    const state = await loadContractState(tx, contractId);
    const period = state?.periods.find((candidate) => candidate.id === input.id);
    if (period === undefined || !period.unconfirmed) {
      throw new BillingError('CONFLICT', 'The period needs no confirmation.', { field: 'id' });
    }
    if (input.start !== undefined && input.start !== null)
      await moveStart(tx, ctx, { contractId, period }, input.start);
    await tx.query('update billing_period set confirmed_at = $2 where id = $1', [period.id, ctx.now]);
    await writeAudit(tx, ctx, {
      action: 'billing_period.confirmed',
      subjectType: 'billing_period',
      subjectId: period.id,
      serviceId: ctx.actor.serviceId,
      details: { derivedStart: period.startOn, start: input.start ?? period.startOn },
    });
    await enqueue(tx, 'plan-slots', { contractId }, { jobKey: `plan:${contractId}` });
    return { periodId: period.id };
  });
}

/** A confirmed start is a day of the billing zone. A closed period was rated from the derived one, and is rated again. */
async function moveStart(
  tx: EntityManager,
  ctx: Ctx,
  { contractId, period }: { contractId: string; period: PeriodState },
  day: string,
): Promise<void> {
  const startOn = parseDay(day, 'start');
  if (period.endOn !== null && startOn >= period.endOn) {
    throw new BillingError('VALIDATION_FAILED', `start must be before the end of the period, ${period.endOn}.`, {
      field: 'start',
    });
  }
  const start = dayStart(startOn, ctx.config.billingTimeZone);
  // A seam at the derived start moves along; the span that shrinks goes first, for spans never overlap.
  const bounds = start < period.start ? ['ends_at', 'starts_at'] : ['starts_at', 'ends_at'];
  for (const bound of bounds) {
    await tx.query(`update biller_span set ${bound} = $3 where contract_id = $1 and ${bound} = $2`, [
      contractId,
      period.start,
      start,
    ]);
  }
  await tx.query(
    'update billing_period set start_on = $2, start_at = $3, dirty = closed_at is not null where id = $1',
    [period.id, startOn, start],
  );
}
