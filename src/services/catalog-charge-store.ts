/** What making, versioning and archiving charges share: storing one, and whom it concerns. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { printDecimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { Charge } from '../entities/charge';
import { enqueue } from '../queue';
import { notFound } from './access';
import { writeAudit } from './audit';
import { bumpCatalogVersion } from './catalog-version';
import type { ChargeTerms } from './catalog-charge-terms';
import { boundHere } from './charge-binding';
import { violatedConstraint } from './transaction';

type NewCharge = ChargeTerms &
  Pick<Charge, 'serviceId' | 'metricId' | 'productId' | 'planOdooId' | 'contractId' | 'validFrom'> &
  Partial<Pick<Charge, 'firstId' | 'previousId'>>;

/**
 * Stores a charge that is valid without end, with its audit entry. Its product's lines become metered: their slots need a first
 * value, and waiting records may have found their contract.
 * @throws BillingError CONFLICT when the product's other charges forbid it.
 */
export async function insertCharge(tx: EntityManager, ctx: Ctx, values: NewCharge): Promise<Charge> {
  const open = { firstId: null, previousId: null, validTo: null, archivedAt: null, createdAt: ctx.now };
  const charge = tx.create(Charge, { ...open, ...values });
  await tx.save(charge).catch((error: unknown) => refuseViolation(ctx, error));
  await bumpCatalogVersion(tx, [charge.serviceId]);
  const [names] = await tx.query<{ metric: string; productOdooId: number }[]>(
    `select m.code as metric, p.odoo_id as "productOdooId" from metric m cross join product p where m.id = $1 and p.id = $2`,
    [charge.metricId, charge.productId],
  );
  await writeAudit(tx, ctx, {
    action: 'charge.created',
    subjectType: 'charge',
    subjectId: charge.id,
    serviceId: charge.serviceId,
    details: { ...detailsOf(charge), ...names },
  });
  await replanContracts(tx, charge.id);
  await enqueue(tx, 'assign-usage', {}, { jobKey: 'assign-usage' });
  return charge;
}

function detailsOf(charge: Charge): Record<string, unknown> {
  const { mode, price, currency, filters, groupBy, planOdooId, contractId, previousId, validFrom } = charge;
  return {
    ...{ mode, price, currency, filters, groupBy, planOdooId, contractId, previousId, validFrom },
    freeUnits: printDecimal(charge.freeUnits),
    unitsPerProductUnit: printDecimal(charge.unitsPerProductUnit),
    minimumAmount: printDecimal(charge.minimumAmount),
  };
}

/** Has the contracts that a charge may rate planned again: which charge does, or none without doubt, may have changed. */
export async function replanContracts(tx: EntityManager, chargeId: string): Promise<void> {
  await tx.query(
    `update contract set planned_as_of = null where id in (
       select k.id from contract k where exists (
         select 1 from charge c join product p on p.id = c.product_id
           join subscription_line l on l.product_odoo_id = p.odoo_id
           join subscription s on s.odoo_id = l.subscription_odoo_id
          where c.id = $1 and s.contract_id = k.id and ${boundHere('c')})
        order by k.id for no key update)`,
    [chargeId],
  );
  await enqueue(tx, 'advance-contracts', {}, { jobKey: 'advance-contracts' });
}

/** Whether it holds on any day: one that was replaced before it priced anything does not. */
export function isInForce({ validFrom, validTo }: Pick<Charge, 'validFrom' | 'validTo'>): boolean {
  return validFrom === null || validFrom !== validTo;
}

/** The version that took over from a charge; null when it is the last one. */
export async function nextVersion(tx: EntityManager, id: string): Promise<Charge | null> {
  return (await tx.findBy(Charge, { previousId: id })).find(isInForce) ?? null;
}

export interface RatedPeriod {
  startAt: Date;
  startOn: string;
}

/** The newest period that was closed with one of the charges. Read it with every lane locked: a close stores its lines first. */
export async function newestRatedPeriod(tx: EntityManager, chargeIds: readonly string[]): Promise<RatedPeriod | null> {
  const [newest] = await tx.query<RatedPeriod[]>(
    `select p.start_at as "startAt", p.start_on::text as "startOn"
       from billable_line l join billing_period p on p.id = l.period_id
      where l.charge_id = any ($1) order by p.start_at desc limit 1`,
    [chargeIds],
  );
  return newest ?? null;
}

/** To a service's key another service's product looks like none. */
export function takenProduct(ctx: Ctx): BillingError {
  if (ctx.actor.serviceId !== null) return notFound('product', 'productOdooId');
  return new BillingError('CONFLICT', 'The product carries charges of another service, and can serve one only.', {
    field: 'productOdooId',
  });
}

/** What each of the table's constraints says to a caller. */
const VIOLATIONS: Readonly<Record<string, { field: string; message: string }>> = {
  charge_metric_product_excl: { field: 'productOdooId', message: 'The product carries this metric already.' },
  charge_product_mode_excl: { field: 'mode', message: 'The other charges of the product have the other mode.' },
  charge_product_currency_excl: {
    field: 'currency',
    message: 'The other charges of the product are in another currency.',
  },
  charge_product_factor_excl: {
    field: 'unitsPerProductUnit',
    message: 'The other charges of the product have another unitsPerProductUnit.',
  },
};

function refuseViolation(ctx: Ctx, error: unknown): never {
  const constraint = violatedConstraint(error) ?? '';
  if (constraint === 'charge_product_service_excl') throw takenProduct(ctx);
  const violation = VIOLATIONS[constraint];
  if (violation === undefined) throw error;
  throw new BillingError('CONFLICT', violation.message, { field: violation.field });
}
