/**
 * Finds what is due and will be billed by nobody, within a plan: the product left the order without a successor, or the
 * contract ended. Each becomes an item for a person; what is too little for any invoice is written off.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { isDust } from '../domain/balance';
import { type Decimal, printDecimal } from '../domain/decimal';
import { writeAudit } from './audit';
import { insertEntry } from './balance-entries';
import { chargesWithoutLine, mayStillBeBilled, successorOf } from './balance-successors';
import { duesOf } from './balances';
import { type FoundBlock, endOf } from './blocks';
import type { ChargeState, ContractState, PeriodState } from './contract-state';
import { fittingCharges } from './fitting-charges';

interface Remnant {
  charge: ChargeState;
  value: Decimal;
  cause: 'LINE_GONE' | 'CONTRACT_ENDED';
}

/**
 * Keeps the open items as what is found now says: one that is not found any more is lifted. Returns a block for each product
 * that left the order; a contract that ended is blocked as a whole.
 */
export async function keepFinalDues(tx: EntityManager, ctx: Ctx, state: ContractState): Promise<FoundBlock[]> {
  const open = state.periods.at(-1);
  if (open === undefined) return [];
  const remnants = await findRemnants(tx, ctx, { state, open });
  const isLittle = ({ value }: Remnant): boolean => isDust(value, ctx.config.quantityPlaces);
  for (const remnant of remnants.filter(isLittle)) await writeOff(tx, ctx, { contractId: state.id, open, remnant });
  const items = remnants.filter((remnant) => !isLittle(remnant));
  await storeItems(tx, ctx, state.id, items);
  return items
    .filter(({ cause }) => cause === 'LINE_GONE')
    .map(({ charge }) => ({ periodId: open.id, reason: 'FINAL_DUE', productId: charge.productId, lineId: null }));
}

async function findRemnants(
  tx: EntityManager,
  ctx: Ctx,
  { state, open }: { state: ContractState; open: PeriodState },
): Promise<Remnant[]> {
  // A derived start may be wrong, and with it all that seems due: a person confirms it first.
  if (state.periods.some((period) => period.unconfirmed)) return [];
  const isOver = endOf(state) !== null;
  const charges = isOver ? chargesByProduct(state) : abandoned(state, open);
  if (charges.length === 0) return [];
  const dues = await duesOf(tx, state, ctx.config.quantityPlaces);
  const remnants: Remnant[] = [];
  for (const charge of charges) {
    const value = dues.get(charge.productId);
    if (value === undefined || value.isZero() || (await mayStillBeBilled(tx, state, charge))) continue;
    remnants.push({ charge, value, cause: isOver ? 'CONTRACT_ENDED' : 'LINE_GONE' });
  }
  return remnants;
}

function chargesByProduct({ charges }: ContractState): ChargeState[] {
  return [...new Map(charges.map((charge) => [charge.productId, charge])).values()];
}

/** Products that left the order, rate nothing more, will not by lifting an ambiguity, and have no successor. */
function abandoned(state: ContractState, open: PeriodState): ChargeState[] {
  const { fitting, ambiguous } = fittingCharges(state, open);
  const inUse = new Set([
    ...fitting.map((charge) => charge.productId),
    ...state.charges.filter((charge) => ambiguous.has(charge.metricId)).map((charge) => charge.productId),
  ]);
  return chargesWithoutLine(state).filter(
    ({ productId }) => !inUse.has(productId) && successorOf(state, open, productId) === null,
  );
}

async function writeOff(
  tx: EntityManager,
  ctx: Ctx,
  { contractId, open, remnant }: { contractId: string; open: PeriodState; remnant: Remnant },
): Promise<void> {
  const { charge, value } = remnant;
  await insertEntry(tx, ctx, {
    serviceId: charge.serviceId,
    contractId,
    productId: charge.productId,
    periodId: open.id,
    kind: 'WRITTEN_OFF',
    value,
    reason: 'less than half of the least quantity that Odoo bills',
  });
  await writeAudit(tx, ctx, {
    action: 'balance.written_off',
    subjectType: 'contract',
    subjectId: contractId,
    serviceId: charge.serviceId,
    details: { product: charge.productId, value: printDecimal(value) },
  });
}

async function storeItems(tx: EntityManager, ctx: Ctx, contractId: string, items: readonly Remnant[]): Promise<void> {
  const rows = JSON.stringify(
    items.map(({ charge, value, cause }) => ({
      service_id: charge.serviceId,
      product_id: charge.productId,
      value: value.toFixed(),
      cause,
    })),
  );
  const recordset = 'json_to_recordset($2::json) as f (service_id uuid, product_id uuid, value numeric, cause text)';
  await tx.query(
    `update final_due d set state = 'LIFTED', closed_at = $3
      where d.contract_id = $1 and d.state = 'OPEN'
        and not exists (select 1 from ${recordset} where (f.product_id, f.value, f.cause) = (d.product_id, d.value, d.cause))`,
    [contractId, rows, ctx.now],
  );
  await tx.query(
    `insert into final_due (service_id, contract_id, product_id, value, cause, state, found_at)
     select f.service_id, $1, f.product_id, f.value, f.cause, 'OPEN', $3 from ${recordset}
     on conflict (contract_id, product_id) where state = 'OPEN' do nothing`,
    [contractId, rows, ctx.now],
  );
}
