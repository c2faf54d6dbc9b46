/**
 * What pins of lines and pins of charges have in common: a person decides something on a contract and says why, the decision is
 * kept for ever, and the contract is planned again. Which one counts, and what may be pinned, each kind knows itself.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { parseReason } from '../domain/parse';
import type { ChargePin } from '../entities/charge-pin';
import type { LinePin } from '../entities/line-pin';
import { enqueue } from '../queue';
import { type AuditRecord, writeAudit } from './audit';
import { contractInSight } from './contracts';
import { inTransaction } from './transaction';
import { lockLaneExclusive } from './usage-lanes';

/** A decision that is new: the pin without its contract and its author, and what the audit log says of it. */
export interface NewPin<Pin> {
  pin: Pin;
  audit: Omit<AuditRecord, 'details'>;
}

interface PinKind<Pin, Named> {
  /** Reads what the caller named. @throws BillingError NOT_FOUND and others, before anything is locked. */
  find: () => Promise<Named>;
  /** Judges it under the contract's lane: a pin that holds already stays as it is. @throws BillingError CONFLICT */
  judge: (tx: EntityManager, contractId: string, named: Named) => Promise<Pin | NewPin<Pin>>;
}

/**
 * Stores what `judge` decides under the contract's lane, and has the contract planned again.
 * @throws BillingError VALIDATION_FAILED naming `reason`; NOT_FOUND naming `contractId`; what `find` and `judge` throw.
 */
export async function decidePin<Pin extends ChargePin | LinePin, Named>(
  ctx: Ctx,
  input: { contractId: string; reason: string },
  { find, judge }: PinKind<Pin, Named>,
): Promise<{ pin: Pin }> {
  const reason = parseReason(input.reason);
  const { id: contractId } = await contractInSight(ctx, input.contractId);
  const named = await find();
  return inTransaction(ctx, async (tx) => {
    await lockLaneExclusive(tx, contractId);
    const judged = await judge(tx, contractId, named);
    if (!('audit' in judged)) return { pin: judged };
    const pin = await tx.save(
      Object.assign(judged.pin, { contractId, reason, actor: ctx.actor.name, pinnedAt: ctx.now }),
    );
    await tx.query('update contract set planned_as_of = null where id = $1', [contractId]);
    await enqueue(tx, 'advance-contracts', {}, { jobKey: 'advance-contracts' });
    await writeAudit(tx, ctx, { ...judged.audit, details: { contractId, reason } });
    return { pin };
  });
}
