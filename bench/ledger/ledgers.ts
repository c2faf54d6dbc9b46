/** A small and a large ledger over the same world, made once a run for all rows that want them. */
import type { Ground } from '../ground';
import { layUsageWorld, type UsageWorld } from '../usage/world';
import { fillLedger } from './fill';

const METRICS = Array.from({ length: 10 }, (_, index) => `metric_${index}`);
const ACCOUNTS = 51;
/** Of the first account, in every ledger: what a preview of its contract has to read. */
const OF_FIRST = 2_000;
export const SIZES = { small: 100_000, large: 10_000_000 };

export interface Ledger {
  databaseUrl: string;
  world: UsageWorld;
}

/** Promises, so that two rows never make the same ledger twice. Nobody drops them: the ground goes with them. */
const made = new WeakMap<Ground, Map<keyof typeof SIZES | 'empty', Promise<Ledger>>>();

/** The ledger of a size; all of them are of one world. */
export function ledgerOf(ground: Ground, size: keyof typeof SIZES): Promise<Ledger> {
  return remembered(ground, size, async () => {
    const { databaseUrl: empty, world } = await emptyLedger(ground);
    const databaseUrl = await ground.database(empty);
    await fillLedger(databaseUrl, world, { records: SIZES[size], ofFirst: OF_FIRST });
    return { databaseUrl, world };
  });
}

/** The world without a record: to be copied. */
export function emptyLedger(ground: Ground): Promise<Ledger> {
  return remembered(ground, 'empty', async () => {
    const databaseUrl = await ground.database();
    return { databaseUrl, world: await layUsageWorld(databaseUrl, ACCOUNTS, METRICS) };
  });
}

function remembered(ground: Ground, size: keyof typeof SIZES | 'empty', make: () => Promise<Ledger>): Promise<Ledger> {
  const ofGround = made.get(ground) ?? new Map<keyof typeof SIZES | 'empty', Promise<Ledger>>();
  made.set(ground, ofGround);
  const ledger = ofGround.get(size) ?? make();
  ofGround.set(size, ledger);
  return ledger;
}
