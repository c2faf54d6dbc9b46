/** Pins: a person's decision of which of several charges that fit rates a metric of a contract. The newest one counts. */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { Charge } from '../entities/charge';
import { ChargePin } from '../entities/charge-pin';
import { asUuid, notFound } from './access';
import { chargesByIds } from './catalog-charge-reads';
import { isBoundHere } from './charge-binding';
import { loadContractState } from './contract-state';
import { decidePin, type NewPin } from './pins';

export interface PinChargeInput {
  contractId: string;
  chargeId: string;
  reason: string;
}

/**
 * Has the charge, in all its versions, rate its metric on the contract wherever several fit equally well. What is rated stays; a
 * period that closed while several fitted is rated now. Pinning the pinned one again changes nothing.
 * @throws BillingError NOT_FOUND; CONFLICT when the charge does not fit the contract; VALIDATION_FAILED naming `reason`.
 */
export async function pinCharge(ctx: Ctx, input: PinChargeInput): Promise<{ pin: ChargePin }> {
  return decidePin(ctx, input, {
    find: () => chargeInSight(ctx, input.chargeId),
    judge: async (tx, contractId, charge) => {
      await refuseUnfit(tx, contractId, charge);
      return (await pinOf(tx, contractId, charge)) ?? newPin(tx, charge, charge.id);
    },
  });
}

/**
 * Takes the pin off the charge: if several charges fit, the contract waits again.
 * @throws BillingError NOT_FOUND; CONFLICT when the charge is not pinned; VALIDATION_FAILED naming `reason`.
 */
export async function unpinCharge(ctx: Ctx, input: PinChargeInput): Promise<{ pin: ChargePin }> {
  return decidePin(ctx, input, {
    find: () => chargeInSight(ctx, input.chargeId),
    judge: async (tx, contractId, charge) => {
      if ((await pinOf(tx, contractId, charge)) === null) throw conflict('The charge is not pinned on the contract.');
      return newPin(tx, charge, null);
    },
  });
}

async function chargeInSight(ctx: Ctx, id: string): Promise<Charge> {
  const chargeId = asUuid(id, 'charge', 'chargeId').toLowerCase();
  const charge = (await chargesByIds(ctx, [chargeId])).get(chargeId);
  if (charge === undefined) throw notFound('charge', 'chargeId');
  return charge;
}

/** `chargeId` null: none is pinned any more. */
function newPin(tx: EntityManager, charge: Charge, chargeId: string | null): NewPin<ChargePin> {
  return {
    pin: tx.create(ChargePin, { metricId: charge.metricId, chargeId }),
    audit: {
      action: chargeId === null ? 'charge.unpinned' : 'charge.pinned',
      subjectType: 'charge',
      subjectId: charge.id,
      serviceId: charge.serviceId,
    },
  };
}

/** The pin that holds, if it is on the charge in whichever version. */
async function pinOf(tx: EntityManager, contractId: string, charge: Charge): Promise<ChargePin | null> {
  const newest = await tx.findOne(ChargePin, {
    where: { contractId, metricId: charge.metricId },
    order: { id: 'DESC' },
  });
  if (newest === null || newest.chargeId === null) return null;
  const pinned = await tx.findOneByOrFail(Charge, { id: newest.chargeId });
  return firstOf(pinned) === firstOf(charge) ? newest : null;
}

function firstOf({ id, firstId }: Charge): string {
  return firstId ?? id;
}

async function refuseUnfit(tx: EntityManager, contractId: string, charge: Charge): Promise<void> {
  if (charge.archivedAt !== null) throw conflict(`The charge is archived since ${charge.archivedAt.toISOString()}.`);
  const state = await loadContractState(tx, contractId);
  assert(state !== null, 'a contract in sight has a state');
  if (!isBoundHere({ boundContractId: charge.contractId, planOdooId: charge.planOdooId }, state))
    throw conflict('The charge is bound to another contract or plan.');
  if (!state.lines.some(({ productId }) => productId === charge.productId))
    throw conflict("The charge's product is not on the contract's order.");
}

function conflict(message: string): BillingError {
  return new BillingError('CONFLICT', message, { field: 'chargeId' });
}

/** The pins that hold on contracts, of charges that the caller may see, the oldest first. */
export async function pinsByContractIds(ctx: Ctx, contractIds: readonly string[]): Promise<Map<string, ChargePin[]>> {
  const pins = await ctx.db
    .createQueryBuilder(ChargePin, 'pin')
    .innerJoin('charge', 'charge', 'charge.id = pin.charge_id')
    .where('pin.contract_id = any(:contractIds)', { contractIds })
    .andWhere('(:serviceId::uuid is null or charge.service_id = :serviceId::uuid)', { serviceId: ctx.actor.serviceId })
    .andWhere(
      `not exists (select 1 from charge_pin later where later.contract_id = pin.contract_id
         and later.metric_id = pin.metric_id and later.id > pin.id)`,
    )
    .orderBy('pin.id')
    .getMany();
  const groups = new Map<string, ChargePin[]>(contractIds.map((id) => [id, []]));
  for (const pin of pins) groups.get(pin.contractId)?.push(pin);
  return groups;
}
