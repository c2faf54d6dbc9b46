/**
 * Holds new records and corrections against what stands of their series: readings of meters, and totals of windows. Whoever
 * calls holds the series' locks, so that nothing moves between the look and the write.
 */
import type { EntityManager } from 'typeorm';
import { countedMicros } from '../domain/aggregate';
import { Decimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { type SeriesRecord, seriesRefusal } from '../domain/series';
import { type Dimensions, printDimensions } from '../domain/usage-content';
import { headsOfContract, headsOfLink } from './ledger-sql';
import { storedKeys } from './usage-keys';
import type { Place, ResolvedUsage } from './usage-resolve';

/** A resolved draft with a place of its own. */
type Placed = ResolvedUsage & { place: Place };

/** What names a series. */
export interface SeriesName {
  /** Null while unassigned: the series is the account link's then. */
  contractId: string | null;
  linkId: string;
  metricId: string;
  dimensions: Dimensions | null;
  meter: string | null;
}

/** The records of a series from the first to the last of `windows`, and those that stand next to them. */
interface SeriesSpan extends SeriesName {
  windows: readonly Pick<SeriesRecord, 'windowStart' | 'windowEnd'>[];
}

/**
 * Of `items` those that do not fit what stands of their series, with the reason. They are looked at in their order, each beside
 * the ones that fitted before it; an item whose key is taken, now or by an item before it, is left to what holds the key.
 */
export async function seriesMisfits(
  tx: EntityManager,
  items: readonly (ResolvedUsage | BillingError)[],
): Promise<Map<ResolvedUsage, BillingError>> {
  const inSeries = items.filter(isInSeries);
  if (inSeries.length === 0) return new Map();
  const stored = await storedKeys(tx, inSeries);
  const free = inSeries.filter((_, position) => !stored.has(position));
  const standing = await standingRecords(tx, free);
  const misfits = new Map<ResolvedUsage, BillingError>();
  const taken = new Set<string>();
  for (const item of free) {
    if (taken.has(item.key)) continue;
    const others = standing.get(seriesOf(item)) ?? [];
    const record = asSeriesRecord(item);
    const refusal = seriesRefusal(item.place.rules.semantics, record, others);
    if (refusal !== null) misfits.set(item, refusal);
    else {
      others.push(record);
      taken.add(item.key);
    }
  }
  return misfits;
}

/** What stands in and next to the series of `items`, by series. */
async function standingRecords(tx: EntityManager, items: readonly Placed[]): Promise<Map<string, SeriesRecord[]>> {
  const groups = new Map<string, Placed[]>();
  for (const item of items) {
    const name = seriesOf(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  const beside = await recordsBeside(tx, [...groups.values()].map(spanOf));
  return new Map([...groups.keys()].map((name, index) => [name, beside[index] ?? []]));
}

function seriesOf({ draft, place }: Placed): string {
  const owner = place.contractId ?? place.linkId;
  return JSON.stringify([owner, place.metricId, printDimensions(draft.dimensions), draft.meter]);
}

function isInSeries(item: ResolvedUsage | BillingError): item is Placed {
  if (item instanceof BillingError) return false;
  return !(item.place instanceof BillingError) && item.place.rules.semantics !== 'DELTA';
}

function asSeriesRecord({ draft }: Placed): SeriesRecord {
  const { windowStart, windowEnd, quantity, opening, idempotencyKey } = draft;
  return { windowStart, windowEnd, quantity, opening, reset: draft.reset === true, idempotencyKey };
}

function spanOf(items: readonly Placed[]): SeriesSpan {
  const { place, draft } = items[0] as Placed;
  const { contractId, linkId, metricId } = place;
  return {
    contractId,
    linkId,
    metricId,
    dimensions: draft.dimensions,
    meter: draft.meter,
    windows: items.map((item) => item.draft),
  };
}

const COLUMNS = `u.window_start, u.window_end, u.counted_at, u.quantity, u.opening, u.reset, u.idempotency_key,
  coalesce(u.root, u.id) as position`;

/** Heads of the series `w` that meet `condition`. */
const ofSeries = (condition: string): string => {
  const inSeries = `u.metric_id = w.metric_id and u.dimensions is not distinct from w.dimensions
    and u.meter is not distinct from w.meter and coalesce(u.root, u.id) is distinct from w.excepted and ${condition}`;
  return `${headsOfContract('w.contract_id', COLUMNS, inSeries)}
      union all ${headsOfLink('w.link_id', COLUMNS, `w.contract_id is null and ${inSeries}`)}`;
};

/**
 * Standing windows of a series do not overlap, nor do readings fall: those between the first and the last of the new ones, and
 * the one before and after them, are all that a new one can collide with.
 */
const BESIDE = `
  select w.index, n.*
    from json_to_recordset($1) as w(index integer, contract_id uuid, link_id uuid, metric_id uuid, dimensions jsonb, meter text,
           first timestamptz, last timestamptz, excepted bigint)
   cross join lateral (
     (select * from (${ofSeries('u.counted_at < w.first')}) h order by counted_at desc, position desc limit 1)
     union all
     select * from (${ofSeries('u.counted_at >= w.first and u.counted_at <= w.last')}) h
     union all
     (select * from (${ofSeries('u.counted_at > w.last')}) h order by counted_at, position limit 1)) n
   order by w.index, n.counted_at, n.position`;

interface BesideRow {
  index: number;
  window_start: Date;
  window_end: Date;
  quantity: string;
  opening: string | null;
  reset: boolean | null;
  idempotency_key: string;
}

/** What stands in and next to each span, in its order; `except`: without this record and its corrections. */
export async function recordsBeside(
  tx: EntityManager,
  spans: readonly (SeriesSpan & { except?: string })[],
): Promise<SeriesRecord[][]> {
  const beside = spans.map((): SeriesRecord[] => []);
  if (spans.length === 0) return beside;
  const wanted = spans.map((span, index) => {
    const ordered = [...span.windows].sort((one, other) => countedMicros(one) - countedMicros(other));
    const [first, last] = [ordered.at(0), ordered.at(-1)].map(countedText);
    const { contractId, linkId, metricId, dimensions, meter, except } = span;
    return {
      index,
      contract_id: contractId,
      link_id: linkId,
      metric_id: metricId,
      dimensions,
      meter,
      first,
      last,
      excepted: except,
    };
  });
  for (const row of await tx.query<BesideRow[]>(BESIDE, [JSON.stringify(wanted)])) {
    beside[row.index]?.push({
      windowStart: row.window_start,
      windowEnd: row.window_end,
      quantity: new Decimal(row.quantity),
      opening: row.opening === null ? null : new Decimal(row.opening),
      reset: row.reset === true,
      idempotencyKey: row.idempotency_key,
    });
  }
  return beside;
}

/** The instant at which a window counts, to the microsecond. */
function countedText(window: Pick<SeriesRecord, 'windowStart' | 'windowEnd'> | undefined): string | undefined {
  if (window === undefined) return undefined;
  const { windowStart, windowEnd } = window;
  if (windowEnd.getTime() === windowStart.getTime()) return windowStart.toISOString();
  return new Date(windowEnd.getTime() - 1).toISOString().replace('Z', '999Z');
}
