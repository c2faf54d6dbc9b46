/**
 * Rates the usage of one contract in one period: each charge whose product is on the order, with or without records. Also
 * stores rated lines, and rates dirty periods again. Callers hold the contract's lane exclusively when they store.
 */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import { Decimal, ZERO } from '../domain/decimal';
import { type PlanInterval, shareOfInterval } from '../domain/period';
import { freeByOrder, type Occurrence, type PriceStep, type Rating, type RatingTerms, rate } from '../domain/price';
import type { StoredPriceStep } from '../entities/billable-line';
import type { ChargeState, ContractState, LineState, PeriodState } from './contract-state';
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

export interface FittingCharges {
  /** One charge a metric. */
  fitting: ChargeState[];
  /** Metrics for which several fit: none rates until a person leaves one of their products on the order. */
  ambiguous: Set<string>;
}

/**
 * Which charge rates each metric in a period: the one that rated it before, else the one whose product is on the order now,
 * else the one whose product was. An archived charge rates the periods that began before, and its successor the later ones.
 */
export function fittingCharges(
  state: ContractState,
  period: { start: Date },
  ratedBefore: ReadonlySet<string> = new Set(),
): FittingCharges {
  const onOrder = new Set(state.lines.map((line) => line.productId));
  const fitting: ChargeState[] = [];
  const ambiguous = new Set<string>();
  const inUse = state.charges.filter((charge) => ratedBefore.has(charge.id) || holdsIn(charge, period));
  for (const metricId of new Set(inUse.map((charge) => charge.metricId))) {
    const charges = inUse.filter((charge) => charge.metricId === metricId);
    const rated = charges.filter((charge) => ratedBefore.has(charge.id));
    const present = charges.filter((charge) => onOrder.has(charge.productId));
    const candidates = [rated, present, charges].find((some) => some.length > 0) ?? [];
    const [only, ...others] = candidates.length > 1 ? settled(candidates) : candidates;
    if (only !== undefined && others.length === 0) fitting.push(only);
    else ambiguous.add(metricId);
  }
  return { fitting, ambiguous };
}

function holdsIn(charge: ChargeState, period: { start: Date }): boolean {
  return charge.archivedAt === null || period.start < charge.archivedAt;
}

/**
 * Of several charges, some of them archived: the one archived first rates to the end of the period, and what was made after it
 * begins with the next one. What was in use before it was made stays: the archived one was made beside it by mistake.
 */
function settled(charges: readonly ChargeState[]): readonly ChargeState[] {
  const [leaving] = charges
    .filter(({ archivedAt }) => archivedAt !== null)
    .sort((one, other) => (one.archivedAt?.getTime() ?? 0) - (other.archivedAt?.getTime() ?? 0));
  if (leaving === undefined) return charges;
  const older = charges.filter(({ archivedAt, createdAt }) => archivedAt === null && createdAt < leaving.createdAt);
  return older.length > 0 ? older : [leaving];
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
  const free = freeByOrder(charge);
  return free === null ? undefined : firstOccurrences(tx, { contractId, metricId: charge.metricId, range }, free);
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
