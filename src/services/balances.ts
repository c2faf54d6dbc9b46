/** Truth, billed and due of each (contract, product) from stored lines, settlements and entries, and the target that follows. */
import type { EntityManager } from 'typeorm';
import { type Balance, type BalanceMoves, NO_MOVES, type PeriodValue, balanceOf } from '../domain/balance';
import { Decimal, ZERO } from '../domain/decimal';
import { type ContractState, isBilledByOdoo, loadContractStates } from './contract-state';
import type { RatedLine } from './rating';
import type { Ctx } from '../ctx';
import { contractInSight } from './contracts';

export interface ProductBalance extends Balance {
  contractId: string;
  productId: string;
  mode: 'QUANTITY' | 'AMOUNT';
  asOf: Date;
}

/** What one product of a contract is worth. */
export interface ProductValues {
  /** Truth and billed in each period that Odoo bills, oldest first. */
  periods: PeriodValue[];
  moves: BalanceMoves;
}

/** By product id. */
export type BillableValues = Map<string, ProductValues>;

/**
 * Values of all products of the contract. Periods that are closed count with their newest revisions; the open one with
 * `openLines`, what it would be rated now, or not at all.
 */
export async function billableValues(
  tx: EntityManager,
  state: ContractState,
  openLines: readonly RatedLine[] | null,
): Promise<BillableValues> {
  return valuesOf(state, await storedValues(tx, [state.id]), openLines);
}

function valuesOf(
  state: ContractState,
  { truths, billed, moves }: StoredValues,
  openLines: readonly RatedLine[] | null,
): BillableValues {
  const values: BillableValues = new Map();
  for (const { productId, serviceId } of state.charges) {
    if (values.has(productId)) continue;
    const periods = state.periods.filter(
      (period) => isBilledByOdoo(state, serviceId, period) && (period.closed || openLines !== null),
    );
    values.set(productId, {
      periods: periods.map((period) => {
        const key = `${period.id} ${productId}`;
        const truth = period.closed ? truths.get(key) : openTruth(openLines, productId);
        return { periodId: period.id, truth: truth ?? ZERO, billed: billed.get(key) ?? ZERO };
      }),
      moves: moves.get(`${state.id} ${productId}`) ?? NO_MOVES,
    });
  }
  return values;
}

function openTruth(openLines: readonly RatedLine[] | null, productId: string): Decimal {
  const lines = (openLines ?? []).filter((line) => line.charge.productId === productId);
  return lines.reduce((total, line) => total.plus(line.value), ZERO);
}

/**
 * What the slot of `periodId` is to be set to: all that is due up to and with that period. Asked of a slot that is not settled,
 * so what is billed of its period was billed on another line, and not again on this one.
 */
export function targetFor(values: ProductValues, periodId: string, places: number): Decimal {
  const index = values.periods.findIndex((value) => value.periodId === periodId);
  return balanceOf(values.periods.slice(0, index + 1), places, values.moves).target;
}

/** What is due on each product of the contract now, by product id: closed periods only, all that Odoo billed. */
export async function duesOf(tx: EntityManager, state: ContractState, places: number): Promise<Map<string, Decimal>> {
  const values = await billableValues(tx, state, null);
  return new Map(
    [...values].map(([productId, { periods, moves }]) => [productId, balanceOf(periods, places, moves).due]),
  );
}

/** Balances of a contract as they stand: closed periods only, all that Odoo billed. One for each product with charges. */
export async function balances(ctx: Ctx, contractId: string): Promise<ProductBalance[]> {
  const contract = await contractInSight(ctx, contractId);
  return (await balancesByContractIds(ctx, [contract.id])).get(contract.id) ?? [];
}

/** The same of contracts that the actor may see, by their ids; unknown ones are missing. */
export async function balancesByContractIds(
  ctx: Ctx,
  contractIds: readonly string[],
): Promise<Map<string, ProductBalance[]>> {
  const tx = ctx.db.manager;
  const states = [...(await loadContractStates(tx, contractIds)).values()].map((state) =>
    ctx.actor.serviceId === null ? state : withChargesOf(state, ctx.actor.serviceId),
  );
  const stored = await storedValues(tx, contractIds);
  return new Map(
    states.map((state) => [
      state.id,
      [...valuesOf(state, stored, null)].map(([productId, { periods, moves }]) => ({
        ...balanceOf(periods, ctx.config.quantityPlaces, moves),
        contractId: state.id,
        productId,
        mode: state.charges.find((charge) => charge.productId === productId)?.mode ?? 'QUANTITY',
        asOf: ctx.now,
      })),
    ]),
  );
}

/** The contract as one service may see it: its own charges only. */
export function withChargesOf(state: ContractState, serviceId: string): ContractState {
  return { ...state, charges: state.charges.filter((charge) => charge.serviceId === serviceId) };
}

/** Worth and billed quantities by "period product", moves by "contract product". */
interface StoredValues {
  truths: Map<string, Decimal>;
  billed: Map<string, Decimal>;
  moves: Map<string, BalanceMoves>;
}

interface StoredValue {
  period_id: string;
  product_id: string;
  value: string;
}

async function storedValues(tx: EntityManager, contractIds: readonly string[]): Promise<StoredValues> {
  const truths = await tx.query<StoredValue[]>(
    `select period_id, product_id, sum(value) as value from (
       select distinct on (l.period_id, l.charge_id, l.bucket) l.period_id, c.product_id, l.value
         from billable_line l join charge c on c.id = l.charge_id join billing_period p on p.id = l.period_id
        where p.contract_id = any ($1)
        order by l.period_id, l.charge_id, l.bucket, l.revision desc) newest
      group by period_id, product_id`,
    [contractIds],
  );
  const billed = await tx.query<StoredValue[]>(
    `select period_id, product_id, sum(billed) as value from slot_settlement
      where contract_id = any ($1) group by period_id, product_id`,
    [contractIds],
  );
  const moves = await storedMoves(tx, contractIds);
  return { truths: byPeriodAndProduct(truths), billed: byPeriodAndProduct(billed), moves };
}

async function storedMoves(tx: EntityManager, contractIds: readonly string[]): Promise<Map<string, BalanceMoves>> {
  const rows = await tx.query<{ key: string; waived: string; settled: string; passed: string }[]>(
    `select contract_id || ' ' || product_id as key,
            coalesce(sum(value) filter (where kind in ('WAIVED', 'WRITTEN_OFF')), 0) as waived,
            coalesce(sum(value) filter (where kind in ('INVOICED', 'CREDITED')), 0) as settled,
            coalesce(sum(value) filter (where kind = 'PASSED_IN'), 0)
              - coalesce(sum(value) filter (where kind = 'PASSED_OUT'), 0) as passed
       from balance_entry where contract_id = any ($1) group by contract_id, product_id`,
    [contractIds],
  );
  return new Map(
    rows.map(({ key, waived, settled, passed }) => [
      key,
      { waived: new Decimal(waived), settled: new Decimal(settled), passed: new Decimal(passed) },
    ]),
  );
}

function byPeriodAndProduct(rows: readonly StoredValue[]): Map<string, Decimal> {
  return new Map(rows.map((row) => [`${row.period_id} ${row.product_id}`, new Decimal(row.value)]));
}
