/** Corrections of meter readings: none may leave a fall that nobody declared. */
import type { EntityManager } from 'typeorm';
import type { BillingError } from '../domain/errors';
import { removalRefusal, seriesRefusal } from '../domain/series';
import type { Head, OwnedCorrection } from './usage-correction-rows';
import { recordsBeside } from './usage-series';

/** Of `items` those that would leave a fall, with the reason, by index. The caller holds the series' locks. */
export async function correctionMisfits(
  tx: EntityManager,
  items: readonly OwnedCorrection[],
  heads: ReadonlyMap<number, Head>,
): Promise<Map<number, BillingError>> {
  const readings = items.flatMap(({ index, draft }) => {
    const head = heads.get(index);
    return head?.rules.semantics === 'CUMULATIVE' ? [{ index, draft, head }] : [];
  });
  const beside = await recordsBeside(
    tx,
    readings.map(({ head: { series, record, rootId } }) => ({ ...series, windows: [record], except: rootId })),
  );
  const misfits = new Map<number, BillingError>();
  readings.forEach(({ index, draft, head: { record } }, position) => {
    const others = beside[position] ?? [];
    const refusal =
      draft.quantity === null
        ? removalRefusal(record, others)
        : seriesRefusal('CUMULATIVE', { ...record, quantity: draft.quantity }, others);
    if (refusal !== null) misfits.set(index, refusal);
  });
  return misfits;
}
