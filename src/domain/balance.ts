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

export interface Balance {
  truth: Decimal;
  billed: Decimal;
  waived: Decimal;
  /** Truth up to and with the slot's period, less what was billed before it and what was waived. May be negative. */
  due: Decimal;
  /** Due, not below zero, rounded as Odoo rounds: what the slot is set to. */
  target: Decimal;
  /** What stays in the balance once the target is billed: rounding, or a negative rest. */
  remainder: Decimal;
}

/**
 * Balance as it stands for the slot of the last period given. `places` are the digits Odoo keeps of a quantity; halves round
 * away from zero. `waived` is what a person let go, by name.
 */
export function balanceOf(periods: readonly PeriodValue[], places: number, waived: Decimal = ZERO): Balance {
  const truth = sum(periods.map((period) => period.truth));
  const billed = sum(periods.map((period) => period.billed));
  const due = truth.minus(billed).minus(waived);
  const rounded = roundTo(due, places);
  const target = rounded.isNegative() ? ZERO : rounded;
  return { truth, billed, waived, due, target, remainder: due.minus(target) };
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
