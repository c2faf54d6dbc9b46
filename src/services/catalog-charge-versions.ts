/** Versions of a charge: other terms for the periods that begin on a day or later. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { printDecimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { parseDay } from '../domain/parse';
import { Charge } from '../entities/charge';
import { Metric } from '../entities/metric';
import { asUuid, notFound } from './access';
import { lockService, refuseArchived, sentValue, storeChanges } from './catalog-change';
import { chargesByIds } from './catalog-charge-reads';
import { insertCharge, newestRatedPeriod, nextVersion } from './catalog-charge-store';
import { type ChargeTermsInput, overlapWarnings, parseTerms, refuseUnfitMetric } from './catalog-charge-terms';
import type { MadeCharge } from './catalog-charges';
import { inTransaction } from './transaction';
import { lockAllLanes } from './usage-lanes';

/** What is left out is as in the version before. */
export interface CreateChargeVersionInput extends Partial<Pick<ChargeTermsInput, 'price' | 'filters' | 'groupBy'>> {
  /** Of the newest version. */
  id: string;
  /** A day. */
  validFrom: string;
  freeUnits?: string | null;
  minimumAmount?: string | null;
}

/**
 * Makes the next version of a charge, which rates the periods that begin on `validFrom` or later. A version that rated nothing
 * yet is replaced by one of the same day or an earlier one: it is withdrawn, and the one before it goes on to the new day.
 * @throws BillingError NOT_FOUND; CONFLICT for an archived charge, one that is not the newest version, and a day on which a period
 * began that was rated already; VALIDATION_FAILED as `createCharge`.
 */
export async function createChargeVersion(ctx: Ctx, input: CreateChargeVersionInput): Promise<MadeCharge> {
  const validFrom = parseDay(input.validFrom, 'validFrom');
  const id = asUuid(input.id, 'charge');
  const known = (await chargesByIds(ctx, [id])).get(id);
  if (known === undefined) throw notFound('charge', 'id');
  return inTransaction(ctx, async (tx) => {
    // A close that rates with the charge now has stored its lines before they are looked for.
    await lockAllLanes(tx);
    await lockService(tx, known.serviceId);
    const charge = await tx.findOneByOrFail(Charge, { id });
    await refuseUnfitVersion(tx, charge);
    const sent = termsOf(charge, input);
    const terms = parseTerms(sent);
    refuseUnfitMetric(await tx.findOneByOrFail(Metric, { id: charge.metricId }), sent);
    const previous = await makeRoom(tx, ctx, { charge, validFrom });
    const { serviceId, metricId, productId, planOdooId, contractId } = charge;
    const version = await insertCharge(tx, ctx, {
      ...terms,
      ...{ serviceId, metricId, productId, planOdooId, contractId, validFrom },
      firstId: charge.firstId ?? charge.id,
      previousId: previous?.id ?? null,
    });
    return { charge: version, warnings: overlapWarnings(terms) };
  });
}

async function refuseUnfitVersion(tx: EntityManager, charge: Charge): Promise<void> {
  const next = await nextVersion(tx, charge.id);
  if (next !== null) {
    const message = `A later version holds from ${next.validFrom} on: make the next one from that.`;
    throw new BillingError('CONFLICT', message, { field: 'id', nextId: next.id });
  }
  refuseArchived(charge, { noun: 'charge', name: charge.id, field: 'id' });
}

/** The terms of the new version as if they had been sent whole. */
function termsOf(charge: Charge, input: CreateChargeVersionInput): ChargeTermsInput {
  return {
    mode: charge.mode,
    price: sentValue(input.price, 'price') ?? charge.price,
    currency: charge.currency,
    freeUnits: sentValue(input.freeUnits, 'freeUnits') ?? printDecimal(charge.freeUnits),
    unitsPerProductUnit: printDecimal(charge.unitsPerProductUnit),
    minimumAmount: sentValue(input.minimumAmount, 'minimumAmount') ?? printDecimal(charge.minimumAmount),
    onGap: charge.onGap,
    filters: sentValue(input.filters, 'filters') ?? charge.filters,
    groupBy: sentValue(input.groupBy, 'groupBy') ?? charge.groupBy,
  };
}

/** Ends what holds on `validFrom` or later, so that the new version can begin then; gives the version it takes over from. */
async function makeRoom(
  tx: EntityManager,
  ctx: Ctx,
  { charge, validFrom }: { charge: Charge; validFrom: string },
): Promise<Charge | null> {
  const replaced = charge.validFrom !== null && validFrom <= charge.validFrom ? charge : null;
  const previous = replaced === null ? charge : await previousOf(tx, replaced);
  if (previous !== null && previous.validFrom !== null && validFrom <= previous.validFrom) {
    const message = `The version before holds from ${previous.validFrom} on: the new one must begin later.`;
    throw new BillingError('CONFLICT', message, { field: 'validFrom' });
  }
  const ended = [replaced, previous].filter((version) => version !== null);
  await refuseRated(
    tx,
    ended.map((version) => version.id),
    validFrom,
  );
  if (replaced !== null) {
    const values = { validTo: replaced.validFrom, archivedAt: ctx.now };
    await storeVersion(tx, ctx, { row: replaced, values, action: 'charge.withdrawn' });
  }
  if (previous !== null)
    await storeVersion(tx, ctx, { row: previous, values: { validTo: validFrom }, action: 'charge.ended' });
  return previous;
}

async function previousOf(tx: EntityManager, charge: Charge): Promise<Charge | null> {
  return charge.previousId === null ? null : tx.findOneByOrFail(Charge, { id: charge.previousId });
}

/** What is rated stays: no version begins on or before the first day of a period that was closed with the one before it. */
async function refuseRated(tx: EntityManager, ids: readonly string[], validFrom: string): Promise<void> {
  const newest = await newestRatedPeriod(tx, ids);
  if (newest === null || newest.startOn < validFrom) return;
  const message = `The period that began on ${newest.startOn} was rated already: the version must begin after that day.`;
  throw new BillingError('CONFLICT', message, { field: 'validFrom' });
}

async function storeVersion(
  tx: EntityManager,
  ctx: Ctx,
  change: { row: Charge; values: Partial<Charge>; action: string },
): Promise<void> {
  await storeChanges(tx, ctx, { entity: Charge, ...change, serviceId: change.row.serviceId });
}
