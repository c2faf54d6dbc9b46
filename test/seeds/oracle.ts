/** What a contract is worth: the pure definitions over what its world remembers, priced by the charge; no database involved. */
import { contributions, countedMicros, type MeteredRange, meteredBuckets } from '../../src/domain/aggregate';
import { fixedBuckets } from '../../src/domain/bucket';
import { rateCharge, type RatedCharge } from '../../src/domain/charge-rating';
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
  const counted = meteredBuckets(metric.rules, { records, bucketOf: () => '' }, range).get('');
  const usage = counted ?? { units: ZERO, events: ZERO };
  const occurrences = freeByOrder(charge) === null ? [] : occurrencesIn(metric, records, range);
  const [bucket] = fixedBuckets(charge);
  if (bucket === undefined) throw new Error('A charge has a bucket.');
  const full = range.fullMicros.div(1000).toNumber();
  const days = { used: (range.end.getTime() - range.start.getTime()) / DAY_MS, full: full / DAY_MS };
  const lines = rateCharge(charge, [{ bucket, usage: { ...usage, occurrences } }], {
    price: ZERO,
    places: CENTS,
    days,
  });
  return sum(lines.map(({ value }) => value));
}

function ratedCharge({ mode, price, freeUnits, unitsPerProductUnit, minimumAmount }: ChargePlan): RatedCharge {
  return {
    mode,
    price: price === null ? null : parsePriceModel(price),
    freeUnits: new Decimal(freeUnits),
    unitsPerProductUnit: new Decimal(unitsPerProductUnit),
    minimumAmount: new Decimal(minimumAmount),
    filters: [],
    groupBy: [],
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
