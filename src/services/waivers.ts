/** Waivers: a person lets go, by name and with a reason, of what is due on a product; or of what was billed too much. */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { mayBeWaived } from '../domain/balance';
import { Decimal, ZERO, printDecimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { invalid, parseDecimal, parseReason, parseText } from '../domain/parse';
import { enqueue } from '../queue';
import { given, notFound } from './access';
import { writeAudit } from './audit';
import { insertEntry } from './balance-entries';
import { duesOf } from './balances';
import { type ContractState, loadContractState } from './contract-state';
import { contractInSight } from './contracts';
import { inTransaction } from './transaction';
import { lockLaneExclusive } from './usage-lanes';

export interface WaiveBalanceInput {
  contractId: string;
  productOdooId: number;
  value: string;
  reason: string;
  idempotencyKey?: string | null;
}

export interface WaiveBalanceResult {
  entryId: string;
  status: 'RECORDED' | 'DUPLICATE';
}

const MAX_KEY_LENGTH = 200;

/** A waiver whose syntax is right and whose names are known. */
interface Waiver {
  contractId: string;
  productOdooId: number;
  productId: string;
  serviceId: string;
  mode: 'QUANTITY' | 'AMOUNT';
  value: Decimal;
  reason: string;
  idempotencyKey: string | null;
}

/**
 * Takes `value` out of what is due: at most all of it, and below zero only while the balance is, when a person gave back in
 * Odoo what was billed too much. The same key with the same content is the same waiver, whatever is due by then.
 * @throws BillingError VALIDATION_FAILED naming the field, with what is `due`; NOT_FOUND; IDEMPOTENCY_CONFLICT.
 */
export async function waiveBalance(ctx: Ctx, input: WaiveBalanceInput): Promise<WaiveBalanceResult> {
  const content = {
    value: parseDecimal(input.value, 'value'),
    reason: parseReason(input.reason),
    idempotencyKey: given(input.idempotencyKey, (key) => parseText(key, 'idempotencyKey', MAX_KEY_LENGTH)),
  };
  return inTransaction(ctx, async (tx) => {
    const { id: contractId } = await contractInSight(ctx, input.contractId);
    const product = await chargedProduct(tx, ctx, input.productOdooId);
    const waiver = { contractId, productOdooId: input.productOdooId, ...product, ...content };
    await lockLaneExclusive(tx, contractId);
    const known = await sameWaiver(tx, waiver);
    if (known !== null) return { entryId: known, status: 'DUPLICATE' };
    const state = await loadContractState(tx, contractId);
    assert(state !== null, 'a contract in sight has its order');
    const due = await waivableDue(tx, ctx, { state, waiver });
    const entryId = await storeWaiver(tx, ctx, { state, waiver, due });
    if (entryId !== null) return { entryId, status: 'RECORDED' };
    // Another contract's waiver took the key while this one was worked out.
    const taken = await sameWaiver(tx, waiver);
    assert(taken !== null, 'a key that is taken has its waiver');
    return { entryId: taken, status: 'DUPLICATE' };
  });
}

type ChargedProduct = Pick<Waiver, 'productId' | 'serviceId' | 'mode'>;

/** A product of charges that the actor may see. */
async function chargedProduct(tx: EntityManager, ctx: Ctx, odooId: number): Promise<ChargedProduct> {
  const [found] = await tx.query<ChargedProduct[]>(
    `select p.id as "productId", c.service_id as "serviceId", c.mode from product p join charge c on c.product_id = p.id
      where p.odoo_id = $1 and ($2::uuid is null or c.service_id = $2) limit 1`,
    [odooId, ctx.actor.serviceId],
  );
  if (found === undefined) throw notFound('product', 'productOdooId');
  return found;
}

interface StoredWaiver {
  id: string;
  contractId: string;
  productOdooId: number;
  value: string;
  reason: string;
}

/** Id of the waiver that has the key already; null when none has. @throws BillingError IDEMPOTENCY_CONFLICT */
async function sameWaiver(tx: EntityManager, waiver: Waiver): Promise<string | null> {
  if (waiver.idempotencyKey === null) return null;
  const [stored] = await tx.query<StoredWaiver[]>(
    `select e.id, e.contract_id as "contractId", p.odoo_id as "productOdooId", e.value, e.reason
       from balance_entry e join product p on p.id = e.product_id where e.service_id = $1 and e.idempotency_key = $2`,
    [waiver.serviceId, waiver.idempotencyKey],
  );
  if (stored === undefined) return null;
  const recorded = { ...stored, value: printDecimal(new Decimal(stored.value)) };
  const sent = { ...waiver, value: printDecimal(waiver.value) };
  for (const field of ['contractId', 'productOdooId', 'value', 'reason'] as const) {
    if (recorded[field] === sent[field]) continue;
    const details = { field, recorded: recorded[field], sent: sent[field] };
    throw new BillingError('IDEMPOTENCY_CONFLICT', `The idempotency key was used with another ${field}.`, details);
  }
  return stored.id;
}

/** What is due, when the waiver keeps within it. */
async function waivableDue(
  tx: EntityManager,
  ctx: Ctx,
  { state, waiver }: { state: ContractState; waiver: Waiver },
): Promise<Decimal> {
  const { places } = state.order;
  if (waiver.mode === 'AMOUNT' && waiver.value.decimalPlaces() > places) {
    throw invalid('value', `value must be money with at most ${places} digits after the point.`);
  }
  const dues = await duesOf(tx, state, ctx.config.quantityPlaces);
  const due = dues.get(waiver.productId) ?? ZERO;
  if (mayBeWaived(waiver.value, due)) return due;
  const shown = printDecimal(due);
  throw new BillingError(
    'VALIDATION_FAILED',
    due.isZero()
      ? 'Nothing is due on the product: there is nothing to waive.'
      : `${shown} is due: value must be that, or something between 0 and that.`,
    { field: 'value', due: shown },
  );
}

async function storeWaiver(
  tx: EntityManager,
  ctx: Ctx,
  { state, waiver, due }: { state: ContractState; waiver: Waiver; due: Decimal },
): Promise<string | null> {
  const open = state.periods.at(-1);
  assert(open !== undefined, 'something is due, so there are periods');
  const entryId = await insertEntry(tx, ctx, { ...waiver, periodId: open.id, kind: 'WAIVED' });
  if (entryId === null) return null;
  await writeAudit(tx, ctx, {
    action: 'balance.waived',
    subjectType: 'balance_entry',
    subjectId: entryId,
    serviceId: waiver.serviceId,
    details: {
      contractId: waiver.contractId,
      productOdooId: waiver.productOdooId,
      value: printDecimal(waiver.value),
      due: printDecimal(due),
      reason: waiver.reason,
    },
  });
  await enqueue(tx, 'plan-slots', { contractId: waiver.contractId }, { jobKey: `plan:${waiver.contractId}` });
  return entryId;
}
