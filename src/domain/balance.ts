/** The balance of one (contract, product): what is due, and the target that follows (docs/domain.md). One formula, no carry-overs. */
import { Decimal, ZERO, roundTo, sum } from './decimal';

/** One billable period of a (contract, product), oldest first; in product units (QUANTITY) or money (AMOUNT). */
export interface PeriodValue {
  periodId: string;
  /** What the charges of the product give for the records effective now. */
  truth: Decimal;
  /** What posted invoice lines billed for the period's slot. */
  billed: Decimal;
}

/** What changed the balance besides usage and the invoices of the line, each with a reason: sums of its entries. */
export interface BalanceMoves {
  /** What a person let go, and what was written off because Odoo cannot bill so little. */
  waived: Decimal;
  /** What a person invoiced, or credited (then negative), in Odoo apart from the line. */
  settled: Decimal;
  /** What came from the products whose place this one took, less what went to the one that took its own. */
  passed: Decimal;
}

export const NO_MOVES: BalanceMoves = { waived: ZERO, settled: ZERO, passed: ZERO };

export interface Balance extends BalanceMoves {
  truth: Decimal;
  billed: Decimal;
  /** Truth up to and with the slot's period and what was passed on, less what was billed before it, waived or settled. May be negative. */
  due: Decimal;
  /** Due, not below zero, rounded as Odoo rounds: what the slot is set to. */
  target: Decimal;
  /** What stays in the balance once the target is billed: rounding, or a negative rest. */
  remainder: Decimal;
}

/**
 * Balance as it stands for the slot of the last period given. `places` are the digits Odoo keeps of a quantity; halves round
 * away from zero.
 */
export function balanceOf(
  periods: readonly PeriodValue[],
  places: number,
  { waived, settled, passed }: BalanceMoves = NO_MOVES,
): Balance {
  const truth = sum(periods.map((period) => period.truth));
  const billed = sum(periods.map((period) => period.billed));
  const due = truth.plus(passed).minus(billed).minus(waived).minus(settled);
  const rounded = roundTo(due, places);
  const target = rounded.isNegative() ? ZERO : rounded;
  return { truth, billed, waived, settled, passed, due, target, remainder: due.minus(target) };
}

/** Whether a person may let `value` go of what is due: something, in the direction of the balance, and no more than all of it. */
export function mayBeWaived(value: Decimal, due: Decimal): boolean {
  return !value.isZero() && value.isNegative() === due.isNegative() && value.abs().lte(due.abs());
}

/** Whether it is less than half a step of what Odoo can bill, so that no invoice will ever carry it. Zero is not. */
export function isDust(due: Decimal, places: number): boolean {
  return !due.isZero() && roundTo(due, places).isZero();
}

/**
 * Values of a product without what is not to be billed of the periods in `held`: of their truth no more counts than Odoo billed
 * for their slots, so that no later slot takes the rest up.
 */
export function heldBack(periods: readonly PeriodValue[], held: ReadonlySet<string>): PeriodValue[] {
  return periods.map((period) =>
    held.has(period.periodId) ? { ...period, truth: Decimal.min(period.truth, period.billed) } : period,
  );
}
