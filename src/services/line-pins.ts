/**
 * Pins: a person's decision of which of several lines of an order carries what is due on their product. The newest one counts,
 * while its line is there.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import type { Charge } from '../entities/charge';
import { LinePin } from '../entities/line-pin';
import type { SubscriptionLine } from '../entities/subscription-line';
import { asUuid, notFound } from './access';
import { loadContractState } from './contract-state';
import { chargesByProductOdooIds, subscriptionLinesByIds } from './mirror-reads';
import { decidePin, type NewPin } from './pins';

export interface PinLineInput {
  contractId: string;
  lineId: string;
  reason: string;
}

/**
 * Has the line carry what is due on its product. The other lines with the product are emptied first; what they billed stays
 * billed. Pinning the pinned one again changes nothing.
 * @throws BillingError NOT_FOUND; CONFLICT when the line is gone, on another order, or of a product without a charge;
 *   VALIDATION_FAILED naming `reason`.
 */
export async function pinLine(ctx: Ctx, input: PinLineInput): Promise<{ pin: LinePin }> {
  return decidePin(ctx, input, {
    find: () => lineInSight(ctx, input.lineId),
    judge: async (tx, contractId, named) => {
      await refuseAbsent(tx, contractId, named.line);
      return (await pinOf(tx, contractId, named)) ?? newPin(tx, named, named.line.id);
    },
  });
}

/**
 * Takes the pin off the line: if several carry the product, the contract waits again.
 * @throws BillingError NOT_FOUND; CONFLICT when the line is not pinned; VALIDATION_FAILED naming `reason`.
 */
export async function unpinLine(ctx: Ctx, input: PinLineInput): Promise<{ pin: LinePin }> {
  return decidePin(ctx, input, {
    find: () => lineInSight(ctx, input.lineId),
    judge: async (tx, contractId, named) => {
      if ((await pinOf(tx, contractId, named)) === null) throw conflict('The line is not pinned on the contract.');
      return newPin(tx, named, null);
    },
  });
}

interface Named {
  line: SubscriptionLine;
  /** Any of its product's: they share product and service. */
  charge: Charge;
}

async function lineInSight(ctx: Ctx, id: string): Promise<Named> {
  const lineId = asUuid(id, 'line', 'lineId').toLowerCase();
  const line = (await subscriptionLinesByIds(ctx, [lineId])).get(lineId);
  if (line === undefined) throw notFound('line', 'lineId');
  return { line, charge: await chargeOf(ctx, line) };
}

async function chargeOf(ctx: Ctx, { productOdooId }: SubscriptionLine): Promise<Charge> {
  const charges =
    productOdooId === null ? [] : (await chargesByProductOdooIds(ctx, [productOdooId])).get(productOdooId);
  const charge = charges?.[0];
  if (charge === undefined) throw conflict("No charge names the line's product.");
  return charge;
}

/** `lineId` null: none is pinned any more. */
function newPin(tx: EntityManager, { line, charge }: Named, lineId: string | null): NewPin<LinePin> {
  return {
    pin: tx.create(LinePin, { productId: charge.productId, subscriptionLineId: lineId }),
    audit: {
      action: lineId === null ? 'subscription_line.unpinned' : 'subscription_line.pinned',
      subjectType: 'subscription_line',
      subjectId: line.id,
      serviceId: charge.serviceId,
    },
  };
}

/** The newest decision on the product, if it is for the line. */
async function pinOf(tx: EntityManager, contractId: string, { line, charge }: Named): Promise<LinePin | null> {
  const newest = await tx.findOne(LinePin, {
    where: { contractId, productId: charge.productId },
    order: { id: 'DESC' },
  });
  return newest?.subscriptionLineId === line.id ? newest : null;
}

async function refuseAbsent(tx: EntityManager, contractId: string, line: SubscriptionLine): Promise<void> {
  if (line.goneAt !== null) throw conflict(`The line is gone from Odoo since ${line.goneAt.toISOString()}.`);
  const state = await loadContractState(tx, contractId);
  assert(state !== null, 'a contract in sight has a state');
  if (line.subscriptionOdooId !== state.order.odooId) throw conflict("The line is not on the contract's order.");
}

function conflict(message: string): BillingError {
  return new BillingError('CONFLICT', message, { field: 'lineId' });
}

/** The pins that hold on contracts, of products that the caller charges on, the oldest first. */
export async function linePinsByContractIds(ctx: Ctx, contractIds: readonly string[]): Promise<Map<string, LinePin[]>> {
  const pins = await ctx.db
    .createQueryBuilder(LinePin, 'pin')
    .innerJoin('product', 'product', 'product.id = pin.product_id')
    // A line that is gone, on an earlier order, or carries another product by now, is the slot of nothing.
    .innerJoin(
      'subscription_line',
      'line',
      'line.id = pin.subscription_line_id and line.gone_at is null and line.product_odoo_id = product.odoo_id',
    )
    .where('pin.contract_id = any(:contractIds)', { contractIds })
    .andWhere(
      `line.subscription_odoo_id = (select s.odoo_id from subscription s where s.contract_id = pin.contract_id
         order by s.contract_sequence desc limit 1)`,
    )
    .andWhere(
      `exists (select 1 from charge c where c.product_id = pin.product_id
         and (:serviceId::uuid is null or c.service_id = :serviceId::uuid))`,
      { serviceId: ctx.actor.serviceId },
    )
    .andWhere(
      `not exists (select 1 from line_pin later where later.contract_id = pin.contract_id
         and later.product_id = pin.product_id and later.id > pin.id)`,
    )
    .orderBy('pin.id')
    .getMany();
  const groups = new Map<string, LinePin[]>(contractIds.map((id) => [id, []]));
  for (const pin of pins) groups.get(pin.contractId)?.push(pin);
  return groups;
}
