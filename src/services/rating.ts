/**
 * Rates the usage of one contract in one period: each charge whose product is on the order, with or without records. Also
 * stores rated lines, and rates dirty periods again. Callers hold the contract's lane exclusively when they store.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { Decimal, ZERO } from '../domain/decimal';
import { type PlanInterval, shareOfInterval } from '../domain/period';
import {
  needsOccurrences,
  type Occurrence,
  type PriceStep,
  type Rating,
  type RatingTerms,
  rate,
} from '../domain/price';
import type { StoredPriceStep } from '../entities/billable-line';
import type { ChargeState, ContractState, LineState, PeriodState } from './contract-state';
import { fittingCharges } from './fitting-charges';
import { firstOccurrences, type TimeRange, usageTotals } from './usage-totals';

export interface RatedLine extends Rating {
  charge: ChargeState;
  line: LineState | null;
  currency: string;
  recordCount: number;
}

/** Units of a metric that no charge prices, or that two charges would. */
export interface UnpricedUnits {
  metricId: string;
  units: Decimal;
}

export interface PeriodRating {
  lines: RatedLine[];
  unpriced: UnpricedUnits[];
}

/** Rates `period` with the records effective now; stores nothing. `ratedBefore`: ids of the charges that rated it already. */
export async function ratePeriod(
  tx: EntityManager,
  state: ContractState,
  period: PeriodRange,
  ratedBefore?: ReadonlySet<string>,
): Promise<PeriodRating> {
  const totals = await usageTotals(tx, state.id, period);
  const priced = new Set<string>();
  const lines: RatedLine[] = [];
  for (const charge of fittingCharges(state, period, ratedBefore).fitting) {
    const total = totals.get(charge.metricId) ?? { units: ZERO, events: ZERO, recordCount: 0 };
    const line = state.lines.find((candidate) => candidate.productId === charge.productId) ?? null;
    const terms = {
      price: line?.unitPrice ?? ZERO,
      places: state.order.places,
      days: daysOf(period, state.order.plan),
    };
    const occurrences = await occurrencesOf(tx, { contractId: state.id, charge, range: period });
    const rating = rate(charge, { ...total, occurrences }, terms);
    priced.add(charge.metricId);
    lines.push({
      ...rating,
      charge,
      line,
      currency: charge.currency ?? state.order.currency,
      recordCount: total.recordCount,
    });
  }
  const unpriced = [...totals]
    .filter(([metricId]) => !priced.has(metricId))
    .map(([metricId, total]) => ({ metricId, units: total.units }));
  return { lines, unpriced };
}

export type PeriodRange = TimeRange & Pick<PeriodState, 'startOn' | 'endOn'>;

/** A minimum is due for a share of the plan's interval; for all of it while the end or the plan is unknown. */
function daysOf({ startOn, endOn }: PeriodRange, plan: PlanInterval | null): RatingTerms['days'] {
  return endOn === null || plan === null ? undefined : shareOfInterval({ startOn, endOn }, plan);
}

/** What came first in the period, where the charge's free allowance depends on it. */
async function occurrencesOf(
  tx: EntityManager,
  { contractId, charge, range }: { contractId: string; charge: ChargeState; range: TimeRange },
): Promise<Occurrence[] | undefined> {
  if (!needsOccurrences(charge) || charge.price?.model !== 'PERCENTAGE') return undefined;
  const free = { events: charge.price.freeEvents, units: charge.freeUnits };
  return firstOccurrences(tx, { contractId, metricId: charge.metricId, range }, free);
}

/** Stores the first revision of each line of a period that closes now. */
export async function storeLines(
  tx: EntityManager,
  period: PeriodState,
  lines: readonly RatedLine[],
  now: Date,
): Promise<void> {
  for (const line of lines) await storeRevision(tx, period.id, { ...line, revision: 1 }, now);
}

/**
 * Rates the contract's dirty closed periods again. What changed gets a new revision, and an adjustment that enters the
 * balance with the open period. A period stays dirty while a metric of it is ambiguous. Returns whether anything changed.
 */
export async function rerateDirtyPeriods(tx: EntityManager, state: ContractState, now: Date): Promise<boolean> {
  const open = state.periods.at(-1);
  assert(open !== undefined && !open.closed, 'a contract with periods has an open one');
  let changed = false;
  for (const period of state.periods.filter((candidate) => candidate.dirty)) {
    const stored = await newestRevisions(tx, period.id);
    const ratedBefore = new Set(stored.keys());
    const { lines } = await ratePeriod(tx, state, period, ratedBefore);
    for (const line of lines) {
      const before = stored.get(line.charge.id);
      if (before !== undefined && before.value.eq(line.value) && before.units.eq(line.units)) continue;
      const lineId = await storeRevision(tx, period.id, { ...line, revision: (before?.revision ?? 0) + 1 }, now);
      await storeAdjustment(
        tx,
        { lineId, period, open, line, difference: line.value.minus(before?.value ?? ZERO) },
        now,
      );
      changed = true;
    }
    period.dirty = fittingCharges(state, period, ratedBefore).ambiguous.size > 0;
    await tx.query('update billing_period set dirty = $2 where id = $1', [period.id, period.dirty]);
  }
  return changed;
}

interface StoredLine {
  revision: number;
  units: Decimal;
  value: Decimal;
}

async function newestRevisions(tx: EntityManager, periodId: string): Promise<Map<string, StoredLine>> {
  const rows = await tx.query<{ charge_id: string; revision: number; units: string; value: string }[]>(
    `select distinct on (charge_id) charge_id, revision, units, value from billable_line
      where period_id = $1 order by charge_id, revision desc`,
    [periodId],
  );
  return new Map(
    rows.map((row) => [
      row.charge_id,
      { revision: row.revision, units: new Decimal(row.units), value: new Decimal(row.value) },
    ]),
  );
}

async function storeRevision(
  tx: EntityManager,
  periodId: string,
  line: RatedLine & { revision: number },
  now: Date,
): Promise<string> {
  const [row] = await tx.query<{ id: string }[]>(
    `insert into billable_line (period_id, charge_id, revision, subscription_line_id, units, billable_units, value, amount,
        currency, record_count, explanation, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) returning id`,
    [
      periodId,
      line.charge.id,
      line.revision,
      line.line?.id ?? null,
      line.units.toFixed(),
      line.billableUnits.toFixed(),
      line.value.toFixed(),
      line.amount.toFixed(),
      line.currency,
      line.recordCount,
      JSON.stringify(line.steps.map(printStep)),
      now,
    ],
  );
  assert(row !== undefined, 'an insert returns its row');
  return row.id;
}

async function storeAdjustment(
  tx: EntityManager,
  change: { lineId: string; period: PeriodState; open: PeriodState; line: RatedLine; difference: Decimal },
  now: Date,
): Promise<void> {
  if (change.difference.isZero()) return;
  await tx.query(
    `insert into adjustment (billable_line_id, origin_period_id, target_period_id, product_id, value, reason, created_at)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [
      change.lineId,
      change.period.id,
      change.open.id,
      change.line.charge.productId,
      change.difference.toFixed(),
      'late usage, corrections or assignments',
      now,
    ],
  );
}

/** A step with its decimals as strings, as JSON columns and answers carry it. */
export function printStep(step: PriceStep): StoredPriceStep {
  return {
    kind: step.kind,
    fromUnits: step.fromUnits.toFixed(),
    toUnits: step.toUnits.toFixed(),
    units: step.units.toFixed(),
    unitPrice: step.unitPrice.toFixed(),
    flatPrice: step.flatPrice.toFixed(),
    amount: step.amount.toFixed(),
  };
}
