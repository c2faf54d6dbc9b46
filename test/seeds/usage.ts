/** Records that a world may send: of any metric, at any time since its order began, in its own way for each kind of metric. */
import { Decimal } from '../../src/domain/decimal';
import type { MetricPlan } from './catalogue';
import type { Sent } from './remembered';
import type { World } from './world';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A new record; most fit their series, some do not. */
export function drawRecord(world: World): Sent {
  const { random, plan } = world;
  const { metric } = random.pick(plan.charges);
  const record: Sent = {
    idempotencyKey: world.freshKey(metric.code),
    metric: metric.code,
    ...windowOf(world, metric),
    quantity: quantityOf(world, metric),
  };
  if (random.chance(0.3)) record.dimensions = { region: random.pick(['eu', 'us']) };
  if (metric.rules.perEvent && random.chance(0.6)) record.events = random.int(0, 4);
  if (metric.rules.aggregation === 'UNIQUE_COUNT') {
    record.dimensions = { ...record.dimensions, user: `u${random.int(1, 6)}` };
    if (random.chance(0.7)) record.operation = random.pick(['ADD', 'ADD', 'REMOVE'] as const);
  }
  if (metric.rules.semantics === 'WINDOW_TOTAL' && random.chance(0.6)) record.revision = random.int(0, 3);
  if (metric.rules.semantics !== 'DELTA' && random.chance(0.2)) record.meter = 'second';
  return metric.rules.semantics === 'CUMULATIVE' ? asReading(world, metric, record) : record;
}

/** A quantity that a record of the metric may have. */
export function quantityOf({ random }: World, { rules }: MetricPlan): string {
  if (rules.aggregation === 'UNIQUE_COUNT') return '1';
  const quantity = rules.aggregation === 'COUNT' ? String(random.int(0, 40)) : random.decimal(60, 3);
  return rules.signed && quantity !== '0' && random.chance(0.3) ? `-${quantity}` : quantity;
}

/** Another send for the window of a record that is there, as WINDOW_TOTAL takes it; null when there is none. */
export function drawRevision(world: World): Sent | null {
  const { random, memory } = world;
  const known = memory.records.filter(({ metric }) => metric.rules.semantics === 'WINDOW_TOTAL');
  if (known.length === 0) return null;
  const { metric, sent } = random.pick(known);
  const again: Sent = { ...sent, idempotencyKey: world.freshKey(metric.code), quantity: quantityOf(world, metric) };
  delete again.revision;
  if (random.chance(0.7)) again.revision = random.int(0, 4);
  return again;
}

function windowOf(world: World, { rules }: MetricPlan): Pick<Sent, 'windowStart' | 'windowEnd'> {
  const { random } = world;
  const end = moment(world);
  if (rules.semantics === 'WINDOW_TOTAL') {
    // Days, so that windows meet again; some lie across them.
    const start = Math.floor(end / DAY_MS) * DAY_MS;
    return random.chance(0.92) ? window(start, start + DAY_MS) : window(start - 6 * HOUR_MS, start + 6 * HOUR_MS);
  }
  if (rules.semantics === 'CUMULATIVE' || random.chance(0.5)) return window(end, end);
  return window(end - random.int(1, 6) * HOUR_MS, end);
}

function window(start: number, end: number): Pick<Sent, 'windowStart' | 'windowEnd'> {
  return { windowStart: new Date(start).toISOString(), windowEnd: new Date(end).toISOString() };
}

/** An instant up to now: near a boundary of two periods, lately, or at any time since shortly before the order began. */
function moment({ random, now, plan }: World): number {
  const latest = now.getTime();
  const earliest = Date.parse(plan.startOn) - 2 * DAY_MS;
  const kind = random.next();
  const boundary = Date.UTC(2026, random.int(2, now.getUTCMonth() + 1), 1);
  if (kind < 0.2) return Math.max(earliest, Math.min(latest, boundary + random.int(-2, 2) * HOUR_MS));
  const from = kind < 0.5 ? Math.max(earliest, latest - 20 * DAY_MS) : earliest;
  return from + random.int(0, Math.floor((latest - from) / MINUTE_MS)) * MINUTE_MS;
}

/** A reading between those of its series that stand beside it, or the first one; some begin anew, some do not fit. */
function asReading(world: World, metric: MetricPlan, record: Sent): Sent {
  const { random, memory } = world;
  const at = Date.parse(record.windowEnd);
  const series = memory.standing(metric).filter(({ sent }) => isBeside(sent, record));
  const before = series.findLast(({ windowEnd }) => windowEnd.getTime() <= at);
  const after = series.find(({ windowEnd }) => windowEnd.getTime() > at);
  if (random.chance(0.1)) {
    const opening = random.chance(0.5) ? { opening: random.pick(['0', '1', '2.5']) } : {};
    return { ...record, reset: true, ...opening, quantity: new Decimal(record.quantity).plus(3).toFixed() };
  }
  if (random.chance(0.08)) return record;
  const least = before?.quantity ?? new Decimal(0);
  const most = after === undefined || after.reset ? least.plus(random.int(0, 50)) : after.quantity;
  const share = new Decimal(random.int(0, 10)).div(10);
  const quantity = least.plus(most.minus(least).times(share)).toDecimalPlaces(0, Decimal.ROUND_FLOOR);
  const fitting = { ...record, quantity: Decimal.max(quantity, least).toFixed() };
  if (before !== undefined || !random.chance(0.4)) return fitting;
  return { ...fitting, opening: quantity.times(random.pick(['0', '0.5', '1'])).toFixed() };
}

function isBeside(one: Sent, other: Sent): boolean {
  return one.dimensions?.region === other.dimensions?.region && one.meter === other.meter;
}
