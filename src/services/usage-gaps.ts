/**
 * Holes in the usage of a contract's periods, as billing sees them: what was expected is written down at the close, and a hole
 * stands as a block until usage fills it or a person waives it. Callers hold the contract's lane exclusively.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import type { ExpectedStep } from '../domain/completeness';
import { BlockReason } from '../entities/billing-block';
import { GapPolicy } from '../entities/charge';
import type { FoundBlock } from './blocks';
import { type ChargeState, type ContractState, isBilledByOdoo, type PeriodState } from './contract-state';
import { expectedUsage } from './expected-usage';
import { fittingCharges } from './fitting-charges';

/** A hole in the usage of a product. */
export interface GapBlock extends FoundBlock {
  productId: string;
  /** Nothing of the product is billed for the period while the block stands. */
  holds: boolean;
}

/** Writes down what periods that close now were expected to have. */
export async function storeExpectations(
  tx: EntityManager,
  closes: readonly { state: ContractState; period: PeriodState }[],
): Promise<void> {
  const expected = closes.flatMap(({ state, period }) =>
    expectingCharges(state, period).map(({ charge, step }) => ({ period_id: period.id, charge_id: charge.id, step })),
  );
  if (expected.length === 0) return;
  await tx.query(
    `insert into expected_usage (period_id, charge_id, step)
     select e.* from json_to_recordset($1) as e(period_id uuid, charge_id uuid, step text)`,
    [JSON.stringify(expected)],
  );
}

/**
 * The holes of the closed periods that may have some, and of `written` open ones. A step counts as missing only when the grace
 * of a close has passed since its end.
 */
export async function usageGaps(
  tx: EntityManager,
  ctx: Ctx,
  { state, written }: { state: ContractState; written: readonly PeriodState[] },
): Promise<GapBlock[]> {
  const open = written.filter(({ closed }) => !closed);
  const expected = [
    ...(await unsettledExpectations(tx, state)),
    ...open.flatMap((period) => expectingCharges(state, period).map((each) => ({ ...each, period, complete: null }))),
  ].filter(({ charge, period }) => isBilledByOdoo(state, charge.serviceId, period));
  const gaps = new Map<string, GapBlock>();
  for (const one of expected) {
    const isComplete = !(await hasGap(tx, ctx, { state, ...one }));
    if (one.complete !== null && one.complete !== isComplete) await storeComplete(tx, one, isComplete);
    if (isComplete) continue;
    const { period, charge } = one;
    const { productId } = charge;
    const name = `${period.id} ${productId}`;
    const holds = charge.onGap === GapPolicy.HOLD || gaps.get(name)?.holds === true;
    gaps.set(name, { periodId: period.id, reason: BlockReason.USAGE_GAP, productId, lineId: null, holds });
  }
  return [...gaps.values()];
}

/** Ids of the periods that are not billed while their hole stands. */
export function heldPeriods(gaps: readonly GapBlock[]): Set<string> {
  return new Set(gaps.filter(({ holds }) => holds).map(({ periodId }) => periodId));
}

interface Expecting {
  charge: ChargeState;
  step: ExpectedStep;
}

function expectingCharges(state: ContractState, period: PeriodState): Expecting[] {
  return fittingCharges(state, period).fitting.flatMap((charge) =>
    charge.expects === null ? [] : [{ charge, step: charge.expects }],
  );
}

interface Expectation extends Expecting {
  period: PeriodState;
  /** As last looked at; null for an open period. */
  complete: boolean | null;
}

/** What closed periods expected, unless they were complete when their slot was settled: what comes then is late usage. */
async function unsettledExpectations(tx: EntityManager, state: ContractState): Promise<Expectation[]> {
  const rows = await tx.query<{ periodId: string; chargeId: string; step: ExpectedStep; complete: boolean }[]>(
    `select e.period_id as "periodId", e.charge_id as "chargeId", e.step, e.complete
       from expected_usage e join billing_period p on p.id = e.period_id join charge c on c.id = e.charge_id
      where p.contract_id = $1
        and (not e.complete or not exists (
              select 1 from slot_settlement s where s.period_id = e.period_id and s.product_id = c.product_id))
      order by p.start_at, e.charge_id`,
    [state.id],
  );
  return rows.flatMap(({ periodId, chargeId, step, complete }) => {
    const period = state.periods.find(({ id }) => id === periodId);
    const charge = state.charges.find(({ id }) => id === chargeId);
    return period === undefined || charge === undefined ? [] : [{ period, charge, step, complete }];
  });
}

async function hasGap(
  tx: EntityManager,
  ctx: Ctx,
  { state, charge, period, step }: Expectation & { state: ContractState },
): Promise<boolean> {
  const due = new Date(ctx.now.getTime() - ctx.config.graceMs);
  const end = period.end !== null && period.end < due ? period.end : due;
  const wanted = {
    owner: { contractId: state.id },
    serviceId: charge.serviceId,
    metricId: charge.metricId,
    step,
    range: { start: period.start, end },
    zone: ctx.config.billingTimeZone,
  };
  return (await expectedUsage(tx, wanted, null)).some(({ gaps }) => gaps.length > 0);
}

async function storeComplete(tx: EntityManager, { period, charge }: Expectation, complete: boolean): Promise<void> {
  await tx.query('update expected_usage set complete = $3 where period_id = $1 and charge_id = $2', [
    period.id,
    charge.id,
    complete,
  ]);
}
