/** What a contract is worth: the pure definitions over what its world remembers, priced by the charge; no database involved. */
import {
  contributions,
  countedMicros,
  countsWithin,
  type MeteredRange,
  meteredBuckets,
} from '../../src/domain/aggregate';
import { type Bucket, bucketOf } from '../../src/domain/bucket';
import { parseBucketRule } from '../../src/domain/charge-filter';
import { bucketPrice, bucketsToRate, rateCharge, type RatedCharge } from '../../src/domain/charge-rating';
import { Decimal, sum, ZERO } from '../../src/domain/decimal';
import { freeByOrder, type Occurrence } from '../../src/domain/price';
import { parsePriceModel } from '../../src/domain/price-model';
import type { ChargePlan, MetricPlan, WorldPlan } from './catalogue';
import type { Memory, Remembered } from './remembered';

const DAY_MS = 86_400_000;
/** Of dollars. */
const CENTS = 2;

/** A period of days, in UTC. */
export interface Month {
  startOn: string;
  endOn: string;
}

const at = (day: string): Date => new Date(`${day}T00:00:00Z`);
const dayText = (date: Date): string => date.toISOString().slice(0, 10);

/** The contract's periods that end by `until`: from its start to the first of the next month, and so on. */
export function monthsUntil(startOn: string, until: Date): Month[] {
  const months: Month[] = [];
  for (let start = at(startOn); ;) {
    const end = new Date(Date.UTC(start.getUTCFullYear(), start.getUTCMonth() + 1, 1));
    if (end > until) return months;
    months.push({ startOn: dayText(start), endOn: dayText(end) });
    start = end;
  }
}

/** The worth of a product in some periods: product units, or money. */
export function truthOf(
  plan: WorldPlan,
  memory: Memory,
  asked: { product: number; months: readonly Month[] },
): Decimal {
  const charges = plan.charges.filter(({ product }) => product === asked.product);
  return sum(
    asked.months.flatMap((month) => charges.map((charge) => worthOf(charge, memory, rangeOf(plan.startOn, month)))),
  );
}

interface Range extends MeteredRange {
  end: Date;
  fullMicros: Decimal;
}

/** The month that ends with the period is the full one, also of a first period that began within it. */
function rangeOf(startOn: string, month: Month): Range {
  const end = at(month.endOn);
  const full = Date.UTC(end.getUTCFullYear(), end.getUTCMonth() - 1, 1);
  const fullMicros = new Decimal(end.getTime() - full).times(1000);
  return { start: at(month.startOn), end, since: at(startOn), fullMicros };
}

function worthOf(plan: ChargePlan, memory: Memory, range: Range): Decimal {
  const charge = ratedCharge(plan);
  const { metric } = plan;
  const records = memory.standing(metric);
  const bucketOfRecord = ({ sent }: Remembered): Bucket => bucketOf(charge, sent.dimensions ?? null);
  // A bucket is used by what counts in the period, or for what goes on since the contract began.
  const from = metric.rules.recurring ? range.since : range.start;
  const counting = contributions(metric.rules, records).filter(({ record }) => countsWithin(record, from, range.end));
  const buckets = new Map(counting.map(({ record }) => [bucketOfRecord(record).key, bucketOfRecord(record)]));
  const metered = meteredBuckets(metric.rules, { records, bucketOf: (record) => bucketOfRecord(record).key }, range);
  const used = [...metered].flatMap(([key, units]) => {
    const bucket = buckets.get(key);
    if (bucket === undefined) return [];
    const own = records.filter((record) => bucketOfRecord(record).key === key);
    const inOrder = freeByOrder(bucketPrice(charge, bucket)) !== null;
    return { bucket, usage: { ...units, occurrences: inOrder ? occurrencesIn(metric, own, range) : [] } };
  });
  const full = range.fullMicros.div(1000).toNumber();
  const days = { used: (range.end.getTime() - range.start.getTime()) / DAY_MS, full: full / DAY_MS };
  const toRate = bucketsToRate(charge, used, { units: ZERO, events: ZERO, recordCount: 0, occurrences: [] });
  const lines = rateCharge(charge, toRate, { price: ZERO, places: CENTS, days });
  return sum(lines.map(({ value }) => value));
}

function ratedCharge({ mode, price, filters, groupBy, ...charge }: ChargePlan): RatedCharge {
  return {
    mode,
    price: price === null ? null : parsePriceModel(price),
    freeUnits: new Decimal(charge.freeUnits),
    unitsPerProductUnit: new Decimal(charge.unitsPerProductUnit),
    minimumAmount: new Decimal(charge.minimumAmount),
    ...parseBucketRule(filters, groupBy),
  };
}

/** What the records of a period contribute, in the order of time. */
function occurrencesIn({ rules }: MetricPlan, records: readonly Remembered[], { start, end }: Range): Occurrence[] {
  return contributions(rules, records)
    .filter(({ record }) => countedMicros(record) >= start.getTime() * 1000)
    .filter(({ record }) => countedMicros(record) < end.getTime() * 1000)
    .sort(
      ({ record: one }, { record: other }) =>
        countedMicros(one) - countedMicros(other) || Number(one.position - other.position),
    )
    .map(({ record: { events }, quantity }) => ({ quantity, events }));
}
