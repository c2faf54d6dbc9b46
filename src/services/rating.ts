/** Rates the usage of contracts in one period each: every charge whose product is on the order, with or without records. */
import { strict as assert } from 'node:assert';
import type { EntityManager } from 'typeorm';
import type { MeteredRange, MeteredUnits } from '../domain/aggregate';
import { bucketNamed } from '../domain/bucket';
import {
  bucketPrice,
  bucketsToRate,
  type ChargeTerms,
  type RatedBucket,
  rateCharge,
  type UsedBucket,
} from '../domain/charge-rating';
import { Decimal, ZERO, sum } from '../domain/decimal';
import { addInterval, dayStart, type PlanInterval, shareOfInterval } from '../domain/period';
import { freeByOrder, type Occurrence } from '../domain/price';
import type { ChargeState, ContractState, LineState, OrderState, PeriodState } from './contract-state';
import { fittingCharges } from './fitting-charges';
import { firstOccurrences, meteredUsage } from './metered-usage';
import { pricingLine } from './slot-lines';
import { NO_ROWS_MARK, type UsedMetric, usedMetrics } from './used-metrics';

export interface RatedLine extends RatedBucket {
  charge: ChargeState;
  line: LineState | null;
  currency: string;
  recordCount: number;
  /** Of the ledger's rows that it was rated from: where the period begins, and how many rows there were of the metric. */
  ledgerMark: string;
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

export interface RatedTime {
  period: PeriodRange;
  /** The billing zone. */
  zone: string;
  /** Ids of the charges that rated the period already. */
  ratedBefore?: ReadonlySet<string>;
}

/** A period of a contract that is to be rated. */
export interface PeriodToRate extends RatedTime {
  state: ContractState;
}

/** Rates a period with the records effective now; stores nothing. */
export async function ratePeriod(tx: EntityManager, state: ContractState, time: RatedTime): Promise<PeriodRating> {
  const [rating] = await ratePeriods(tx, [{ state, ...time }]);
  assert(rating !== undefined, 'each period has its rating');
  return rating;
}

/** The same for many, in their order: what most of them need is read in one statement for all. */
export async function ratePeriods(tx: EntityManager, wanted: readonly PeriodToRate[]): Promise<PeriodRating[]> {
  const times = wanted.map((time) => ({ ...time, range: meteredRange(time.state, time) }));
  const used = await usedMetrics(tx, times);
  const ratings: PeriodRating[] = [];
  for (const [place, time] of times.entries()) ratings.push(await rateUsed(tx, time, used[place] ?? new Map()));
  return ratings;
}

async function rateUsed(
  tx: EntityManager,
  { state, range, period, ratedBefore }: PeriodToRate & { range: MeteredRange },
  used: ReadonlyMap<string, UsedMetric>,
): Promise<PeriodRating> {
  const days = daysOf(period, state.order.plan);
  const lines: RatedLine[] = [];
  const { fitting } = fittingCharges(state, period, ratedBefore);
  for (const charge of fitting) {
    const metric = used.get(charge.metricId);
    const ledgerMark = `${period.startOn} ${metric?.rowsMark ?? NO_ROWS_MARK}`;
    for (const line of await rateOne(tx, { state, charge, range, days, plain: metric }))
      lines.push({ ...line, ledgerMark });
  }
  const priced = new Set(fitting.map(({ metricId }) => metricId));
  const unpriced: UnpricedUnits[] = [];
  for (const { metricId, rules, isUsed, plain } of used.values()) {
    if (!isUsed || priced.has(metricId)) continue;
    const counted = plain ?? (await meteredUsage(tx, { contractId: state.id, metricId, rules, buckets: null }, range));
    unpriced.push({ metricId, units: sum(counted.map(({ units }) => units)) });
  }
  return { lines, unpriced: unpriced.filter(({ units }) => !units.isZero()) };
}

interface OneCharge {
  state: ContractState;
  charge: ChargeState;
  range: MeteredRange;
  days: ChargeTerms['days'];
  plain: UsedMetric | undefined;
}

async function rateOne(
  tx: EntityManager,
  { state, charge, range, days, plain }: OneCharge,
): Promise<Omit<RatedLine, 'ledgerMark'>[]> {
  const line = pricingLine(state, charge.productId);
  const buckets = await chargeUsage(tx, { contractId: state.id, charge, range }, plain);
  const rated = rateCharge(charge, buckets, {
    price: line?.unitPrice ?? ZERO,
    places: state.order.places,
    days,
  });
  const currency = charge.currency ?? state.order.currency;
  const records = new Map(buckets.map(({ bucket, usage }) => [bucket.key, usage.recordCount]));
  return rated.map((each) => ({ ...each, charge, line, currency, recordCount: records.get(each.bucket.key) ?? 0 }));
}

/** What a charge's metric counted, with what came first where that decides on what is free. */
export type ChargedUsage = MeteredUnits & { occurrences: Occurrence[] };

/** What each bucket of a charge that is to be rated counted in `range`. `plain`: the metric's totals where they are known. */
export async function chargeUsage(
  tx: EntityManager,
  { contractId, charge, range }: { contractId: string; charge: ChargeState; range: MeteredRange },
  plain?: UsedMetric,
): Promise<UsedBucket<ChargedUsage>[]> {
  const isDivided = charge.filters.length > 0 || charge.groupBy.length > 0;
  const { metricId, rules } = charge;
  const metric = { contractId, metricId, rules, buckets: isDivided ? charge : null };
  const counted = (!isDivided && plain?.plain) || (await meteredUsage(tx, metric, range));
  const used = counted.map(({ name, ...usage }) => ({ bucket: bucketNamed(charge, name), usage }));
  const buckets: UsedBucket<ChargedUsage>[] = [];
  for (const { bucket, usage } of bucketsToRate(charge, used, NOTHING_COUNTED)) {
    const free = freeByOrder(bucketPrice(charge, bucket));
    const name = { filter: bucket.filter?.name ?? null, group: bucket.group };
    const occurrences = free === null ? [] : await firstOccurrences(tx, { metric, range, bucket: name }, free);
    buckets.push({ bucket, usage: { ...usage, occurrences } });
  }
  return buckets;
}

const NOTHING_COUNTED: MeteredUnits = { units: ZERO, events: ZERO, recordCount: 0 };

export type PeriodRange = Pick<PeriodState, 'start' | 'end' | 'startOn' | 'endOn'>;

/** A minimum is due for a share of the plan's interval; for all of it while the end or the plan is unknown. */
export function daysOf({ startOn, endOn }: PeriodRange, plan: PlanInterval | null): ChargeTerms['days'] {
  return endOn === null || plan === null ? undefined : shareOfInterval({ startOn, endOn }, plan);
}

/** The period's time, since when the contract is billed, and the full period that weighted levels are divided by. */
export function meteredRange(
  state: { order: Pick<OrderState, 'plan'>; periods: readonly Pick<PeriodState, 'start'>[] },
  { period, zone }: Pick<RatedTime, 'period' | 'zone'>,
): MeteredRange {
  const { start, end, endOn } = period;
  const { plan } = state.order;
  const since = state.periods[0]?.start ?? start;
  if (end === null || endOn === null) return { start, end, since, fullMicros: null };
  const fullStart = plan === null ? start : dayStart(addInterval(endOn, plan, -1), zone);
  const fullMs = end.getTime() - Math.min(fullStart.getTime(), start.getTime());
  return { start, end, since, fullMicros: new Decimal(fullMs).times(1000) };
}
