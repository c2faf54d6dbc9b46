/** Finds the contract of usage that had none when it was recorded, once the mirror or a link makes it unambiguous. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { inTransaction } from './transaction';
import { choiceName, chooseContracts, type LinkedMetric } from './usage-contract';
import { type Assigned, type FoundContract, insertAssignments } from './usage-assignment-rows';
import { lockCorrections, lockLanesShared } from './usage-lanes';

/** Account links with a metric looked at in one statement. */
const PAIRS_PER_PAGE = 500;
/** Records attached in one transaction. */
const RECORDS_PER_TRANSACTION = 1_000;

/** Attaches what can be attached now, in bounded transactions; returns how many records found their contract. */
export async function assignUsage(ctx: Ctx): Promise<{ assigned: number }> {
  let assigned = 0;
  let page: LinkedMetric[] = [];
  do {
    page = await unassignedPairs(ctx.db.manager, page.at(-1));
    const found = await findContracts(ctx.db.manager, page);
    let moved = found.length === 0 ? 0 : RECORDS_PER_TRANSACTION;
    while (moved === RECORDS_PER_TRANSACTION) {
      const done = await inTransaction(ctx, (tx) => assignSome(tx, ctx, found));
      for (const [serviceId, count] of done.lateByService) ctx.metrics.lateUsage.add(serviceId, 'assignment', count);
      moved = done.count;
      assigned += moved;
    }
  } while (page.length === PAIRS_PER_PAGE);
  if (assigned > 0) ctx.log.info({ assigned }, 'usage found its contract');
  return { assigned };
}

async function assignSome(tx: EntityManager, ctx: Ctx, expected: readonly FoundContract[]): Promise<Assigned> {
  await lockCorrections(
    tx,
    expected.map(({ linkId }) => linkId),
  );
  await lockLanesShared(
    tx,
    expected.map(({ contractId }) => contractId),
  );
  // Looked at again under the locks: what moved meanwhile waits for the next run, since its lane is not held.
  const held = new Map(expected.map((pair) => [choiceName(pair), pair.contractId]));
  const found = (await findContracts(tx, expected)).filter((pair) => held.get(choiceName(pair)) === pair.contractId);
  return insertAssignments(tx, ctx, { found, limit: RECORDS_PER_TRANSACTION });
}

/** Links and metrics with effective usage that has no contract, after `last` in their order. The rollup knows. */
async function unassignedPairs(tx: EntityManager, last: LinkedMetric | undefined): Promise<LinkedMetric[]> {
  return tx.query<LinkedMetric[]>(
    `select distinct account_link_id as "linkId", metric_id as "metricId" from usage_rollup
      where contract_id is null and records > 0
        and ($1::uuid is null or (account_link_id, metric_id) > ($1::uuid, $2::uuid))
      order by account_link_id, metric_id limit $3`,
    [last?.linkId ?? null, last?.metricId ?? null, PAIRS_PER_PAGE],
  );
}

/** Decided anew, past the cache, which may remember that there was none. */
async function findContracts(tx: EntityManager, pairs: readonly LinkedMetric[]): Promise<FoundContract[]> {
  if (pairs.length === 0) return [];
  const choices = await chooseContracts(tx, pairs);
  return pairs.flatMap(({ linkId, metricId }) => {
    const contractId = choices.get(choiceName({ linkId, metricId }))?.contractId ?? null;
    return contractId === null ? [] : { linkId, metricId, contractId };
  });
}
