/** Records that move to another contract leave one series and enter another: neither may come to what recording refuses. */
import type { EntityManager } from 'typeorm';
import { countedMicros } from '../domain/aggregate';
import { BillingError } from '../domain/errors';
import { removalRefusal, seriesRefusal, type SeriesRecord } from '../domain/series';
import { printDimensions } from '../domain/usage-content';
import type { Head } from './usage-correction-rows';
import { recordsBeside } from './usage-series';

/** Of `heads` those that cannot move to the contract, with the reason, by the record. The caller holds both series' locks. */
export async function moveMisfits(
  tx: EntityManager,
  heads: readonly Head[],
  contractId: string,
): Promise<Map<string, BillingError>> {
  const groups = new Map<string, Head[]>();
  for (const head of heads.filter(({ rules }) => rules.semantics !== 'DELTA')) {
    const { metricId, dimensions, meter } = head.series;
    const name = JSON.stringify([metricId, printDimensions(dimensions), meter]);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [head]);
    else group.push(head);
  }
  const misfits = new Map<string, BillingError>();
  for (const group of groups.values()) {
    for (const [rootId, refusal] of await misfitsOfSeries(tx, group, contractId)) misfits.set(rootId, refusal);
  }
  return misfits;
}

/** `heads` are of one series by metric, dimensions and meter, of any contract; all go into the same one. */
async function misfitsOfSeries(
  tx: EntityManager,
  heads: readonly Head[],
  contractId: string,
): Promise<Map<string, BillingError>> {
  const [example] = heads;
  if (example === undefined) return new Map();
  const sources = new Map<string, Head[]>();
  for (const head of heads) sources.set(placeOf(head), [...(sources.get(placeOf(head)) ?? []), head]);
  const spans = [...sources.values()].map((own) => ({ ...(own[0] ?? example).series, windows: recordsOf(own) }));
  const target = { ...example.series, contractId, windows: recordsOf(heads) };
  const [entered = [], ...left] = await recordsBeside(tx, [target, ...spans]);
  const standing = new Map([...sources.keys()].map((place, index) => [place, left[index] ?? []]));
  let waiting = heads.toSorted((one, other) => countedMicros(one.record) - countedMicros(other.record));
  // What one of them cannot do alone it may after another one: a reading goes once its successor is gone.
  for (;;) {
    const refused = new Map<Head, BillingError>();
    for (const head of waiting) {
      const others = (standing.get(placeOf(head)) ?? []).filter((record) => !isSame(record, head));
      const refusal = refusalOf(head, { left: others, entered });
      if (refusal !== null) refused.set(head, refusal);
      else {
        standing.set(placeOf(head), others);
        entered.push(head.record);
      }
    }
    if (refused.size === 0 || refused.size === waiting.length) {
      return new Map([...refused].map(([head, refusal]) => [head.rootId, refusal]));
    }
    waiting = [...refused.keys()];
  }
}

function refusalOf(
  { rules: { semantics }, record }: Head,
  { left, entered }: { left: readonly SeriesRecord[]; entered: readonly SeriesRecord[] },
): BillingError | null {
  const leaving = semantics === 'CUMULATIVE' ? removalRefusal(record, left) : null;
  const refusal = leaving ?? seriesRefusal(semantics, record, entered);
  // Whoever moves a record sends nothing of it but its key.
  return refusal && new BillingError(refusal.code, refusal.message, { ...refusal.details, field: 'idempotencyKey' });
}

function placeOf({ contractId, linkId }: Head): string {
  return contractId ?? linkId;
}

function recordsOf(heads: readonly Head[]): SeriesRecord[] {
  return heads.map(({ record }) => record);
}

function isSame(record: SeriesRecord, head: Head): boolean {
  return record.idempotencyKey === head.record.idempotencyKey;
}
