/** What the windows of each series cover, from the ledger itself: merged in the database, as domain/completeness.ts would. */
import type { EntityManager } from 'typeorm';
import type { Span } from '../domain/completeness';
import type { Dimensions } from '../domain/usage-content';
import { headsOfContract, headsOfLink, Parameters } from './ledger-sql';

/** A window is no longer than this, and a series that was silent for longer is not known any more. */
const LOOKBACK_MS = 32 * 24 * 3_600_000;

export interface WindowScope {
  metricId: string;
  contractIds: readonly string[];
  /** Account links whose usage without a contract is looked at as well. */
  linkIds: readonly string[];
  /** Whether of the contracts only the records of `linkIds` count. */
  ofLinksOnly: boolean;
  range: Span;
}

/** A series that was seen in the range, or in the 32 days before it. */
export interface SeriesWindows {
  /** Null for usage without a contract: the series is the account link's then. */
  contractId: string | null;
  /** Of its records. */
  linkIds: string[];
  dimensions: Dimensions | null;
  meter: string | null;
  /** Merged, cut to the range. */
  windows: Span[];
  /** What two windows or more cover of the range. */
  overlaps: Span[];
  /** End of its last window that begins before the end of the range; an instant counts as well. */
  lastSeenAt: Date;
}

type TextSpan = [string, string];
interface Row extends Omit<SeriesWindows, 'windows' | 'overlaps'> {
  windows: TextSpan[] | null;
  overlaps: TextSpan[] | null;
}

/** The series in the order of contract, dimensions and meter, at most `limit` of them (null: all). */
export async function seriesWindows(
  tx: EntityManager,
  { metricId, contractIds, linkIds, ofLinksOnly, range }: WindowScope,
  limit: number | null,
): Promise<SeriesWindows[]> {
  const parameters = new Parameters();
  const [contracts, links, metric] = [contractIds, linkIds, metricId].map((value) => parameters.add(value));
  const [start, end] = [range.start, range.end].map((value) => parameters.add(value));
  const first = parameters.add(new Date(range.start.getTime() - LOOKBACK_MS));
  const last = parameters.add(new Date(range.end.getTime() + LOOKBACK_MS));
  const wanted = `u.metric_id = ${metric} and u.counted_at >= ${first} and u.counted_at < ${last} and u.window_start < ${end}`;
  const ofLinks = ofLinksOnly ? ` and u.account_link_id = any (${links}::uuid[])` : '';
  const columns = (contract: string, owner: string): string =>
    `${contract}::uuid as contract_id, ${owner}::uuid as owner, u.account_link_id, u.dimensions, u.meter, u.window_start, u.window_end`;
  const rows = await tx.query<Row[]>(
    `with heads as (
       select h.* from unnest(${contracts}::uuid[]) as c(id)
        cross join lateral (${headsOfContract('c.id', columns('c.id', 'c.id'), wanted + ofLinks)}) h
       union all
       select h.* from unnest(${links}::uuid[]) as l(id)
        cross join lateral (${headsOfLink('l.id', columns('null', 'l.id'), wanted)}) h),
     ordered as (
       select *, max(window_end) over (partition by owner, dimensions, meter order by window_start, window_end
                                       rows between unbounded preceding and 1 preceding) as reach
         from heads),
     series as (
       select owner, contract_id, dimensions, meter, array_agg(distinct account_link_id) as links, max(window_end) as last_seen,
              range_agg(tstzrange(window_start, window_end)) as windows,
              range_agg(tstzrange(window_start, least(window_end, reach))) filter (where reach > window_start) as doubled
         from ordered group by owner, contract_id, dimensions, meter)
     select contract_id as "contractId", links as "linkIds", dimensions, meter, last_seen as "lastSeenAt",
            ${spans('windows', `tstzrange(${start}, ${end})`)} as windows, ${spans('doubled', `tstzrange(${start}, ${end})`)} as overlaps
       from series order by contract_id nulls last, owner, dimensions::text nulls first, meter nulls first
      limit ${parameters.add(limit)}`,
    parameters.values,
  );
  return rows.map((row) => ({ ...row, windows: toSpans(row.windows), overlaps: toSpans(row.overlaps) }));
}

/** The ranges of a multirange as far as they lie in `range`. */
function spans(multirange: string, range: string): string {
  return `(select json_agg(json_build_array(lower(r), upper(r)) order by r) from unnest(${multirange} * tstzmultirange(${range})) r)`;
}

function toSpans(texts: TextSpan[] | null): Span[] {
  return (texts ?? []).map(([start, end]) => ({ start: new Date(start), end: new Date(end) }));
}
