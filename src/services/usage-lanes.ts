/**
 * The 64 advisory locks between recording and closing. Whoever adds to a contract's usage holds its lane shared, a close
 * holds it exclusively: what the close reads is complete, and what comes after it knows that the period is closed.
 */
import type { EntityManager } from 'typeorm';
import { LOCK_CLASS } from './transaction';

/** Few enough that a transaction may hold them all: one lock a contract runs PostgreSQL out of lock memory. */
const LANES = 64;

/** The lane of a contract, or of an account link whose usage has no contract yet: by the last, random digits of its id. */
export function laneOf(id: string): number {
  return Number.parseInt(id.slice(-2), 16) % LANES;
}

/**
 * Takes the lanes of `ids` shared until `tx` ends, ascending, in one statement. Period states must be read by a later
 * statement: only that one sees what a close has committed meanwhile.
 */
export async function lockLanesShared(tx: EntityManager, ids: Iterable<string>): Promise<void> {
  await lockAscending(tx, { take: 'pg_advisory_xact_lock_shared', lockClass: LOCK_CLASS.LANE, ids });
}

/** Takes the contract's lane exclusively until `tx` ends. Take no second one: two closes could wait for each other. */
export async function lockLaneExclusive(tx: EntityManager, contractId: string): Promise<void> {
  await lockAscending(tx, { take: 'pg_advisory_xact_lock', lockClass: LOCK_CLASS.LANE, ids: [contractId] });
}

/**
 * Takes every lane exclusively until `tx` ends: nothing is recorded, assigned or closed meanwhile. For rare changes of the
 * catalogue that must see all usage; taken before any other lock.
 */
export async function lockAllLanes(tx: EntityManager): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1, lane) from generate_series(0, $2::integer - 1) as lane', [
    LOCK_CLASS.LANE,
    LANES,
  ]);
}

/**
 * Lets one transaction at a time correct or assign records of these account links: where a record belongs is stable for
 * whoever holds it. Taken before any lane.
 */
export async function lockCorrections(tx: EntityManager, linkIds: Iterable<string>): Promise<void> {
  await lockAscending(tx, { take: 'pg_advisory_xact_lock', lockClass: LOCK_CLASS.CORRECTION, ids: linkIds });
}

/**
 * Lets one transaction at a time add to, correct or move records of the series of these contracts, or of account links whose
 * usage has none yet: which readings stand beside a reading is stable for whoever holds it. Needed where records are more than
 * what they add; taken after the corrections' lock and before any lane.
 */
export async function lockSeries(tx: EntityManager, ids: Iterable<string>): Promise<void> {
  const all = [...ids];
  if (all.length === 0) return;
  await lockAscending(tx, { take: 'pg_advisory_xact_lock', lockClass: LOCK_CLASS.SERIES, ids: all });
}

/**
 * Takes the lanes of `ids` shared, as `lockLanesShared`, and gives the catalogue's versions of `serviceIds` as they are once the
 * lanes are held, in one round trip.
 */
export async function holdLanes(
  tx: EntityManager,
  ids: Iterable<string>,
  serviceIds: Iterable<string>,
): Promise<ReadonlyMap<string, string>> {
  const rows = await tx.query<{ service_id: string; version: string }[]>(
    '/* prepared: hold_lanes */ select service_id, version from hold_lanes($1, $2, $3)',
    [LOCK_CLASS.LANE, ascendingLanes(ids), [...serviceIds]],
  );
  return new Map(rows.map((row) => [row.service_id, row.version]));
}

async function lockAscending(
  tx: EntityManager,
  locks: { take: string; lockClass: number; ids: Iterable<string> },
): Promise<void> {
  // A function scan hands the array out in its own order, so the locks are taken in it.
  await tx.query(`/* prepared: ${locks.take} */ select ${locks.take}($1, lane) from unnest($2::integer[]) as lane`, [
    locks.lockClass,
    ascendingLanes(locks.ids),
  ]);
}

function ascendingLanes(ids: Iterable<string>): number[] {
  return [...new Set([...new Set(ids)].map(laneOf))].sort((one, other) => one - other);
}
