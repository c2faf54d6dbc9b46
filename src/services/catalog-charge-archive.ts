/** Taking charges out of use. What was used is never deleted, and what was rated stays rated. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { invalid, parseInstant } from '../domain/parse';
import { Charge } from '../entities/charge';
import { enqueue } from '../queue';
import { asUuid, notFound } from './access';
import { lockService, storeChanges } from './catalog-change';
import { chargesByIds } from './catalog-charge-reads';
import { newestRatedPeriod, nextVersion, replanContracts } from './catalog-charge-store';
import { inTransaction } from './transaction';
import { lockAllLanes } from './usage-lanes';

export interface ArchiveChargeInput {
  id: string;
  /** Now when not given; may lie in the past. */
  from?: string | null;
}

/**
 * Takes a charge out of use: periods that begin at `from` or later are not rated with it, those that began before are, the open
 * ones to their end. What is due on its product stays due, and its slot goes on being written. A new charge of the metric takes
 * over where this one ends. Archiving it again changes nothing, unless an earlier `from` is named.
 * @throws BillingError NOT_FOUND; VALIDATION_FAILED for a `from` ahead; CONFLICT when a later period was rated with it already,
 * or a version in use took over from it.
 */
export async function archiveCharge(ctx: Ctx, input: ArchiveChargeInput): Promise<{ charge: Charge }> {
  const archivedAt = input.from ? parseInstant(input.from, 'from') : ctx.now;
  if (archivedAt > ctx.now)
    throw invalid('from', 'from must not lie ahead: archive the charge when the time has come.');
  const id = asUuid(input.id, 'charge');
  const known = (await chargesByIds(ctx, [id])).get(id);
  if (known === undefined) throw notFound('charge', 'id');
  return inTransaction(ctx, async (tx) => {
    // A close that rates with the charge now has stored its lines before they are looked for.
    await lockAllLanes(tx);
    await lockService(tx, known.serviceId);
    const charge = await tx.findOneByOrFail(Charge, { id });
    if (charge.archivedAt !== null && (!input.from || archivedAt >= charge.archivedAt)) return { charge };
    await refuseFollowed(tx, charge);
    await refuseRated(tx, charge, archivedAt);
    await storeChanges(tx, ctx, {
      entity: Charge,
      row: charge,
      values: { archivedAt },
      action: 'charge.archived',
      serviceId: charge.serviceId,
    });
    // Two charges that both fitted may have become one: the contracts with the product are planned again.
    await replanContracts(tx, charge.id);
    await enqueue(tx, 'assign-usage', {}, { jobKey: 'assign-usage' });
    return { charge };
  });
}

/** Versions end from the last one back: whoever archives a former one by mistake does not end the charge. */
async function refuseFollowed(tx: EntityManager, charge: Charge): Promise<void> {
  const next = await nextVersion(tx, charge.id);
  if (next === null || next.archivedAt !== null) return;
  const message = `A later version holds from ${next.validFrom} on: archive that one first.`;
  throw new BillingError('CONFLICT', message, { field: 'id', nextId: next.id });
}

/** What is rated stays: a charge cannot end before a period that was closed with it. */
async function refuseRated(tx: EntityManager, charge: Charge, archivedAt: Date): Promise<void> {
  const newest = await newestRatedPeriod(tx, [charge.id]);
  if (newest === null || newest.startAt < archivedAt) return;
  const message = `The period that began at ${newest.startAt.toISOString()} was rated with the charge: it can end after that only.`;
  throw new BillingError('CONFLICT', message, { field: 'from' });
}
