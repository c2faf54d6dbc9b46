/**
 * What hangs on the rows of the ledger and changes in the transaction that changes them: whether they count in a closed period,
 * the mark on closed periods that must be rated again, and the hourly rollup. Whoever calls holds the lanes.
 */
import type { EntityManager } from 'typeorm';

/**
 * True when instant `countedAt` lies in a closed period of the contract. Asked in the inserting statement itself, which
 * begins after the lanes are held and so sees every close before it.
 */
export const isLate = (contractId: string, countedAt: string): string => `
  exists (select 1 from billing_period p where p.contract_id = ${contractId} and p.state = 'CLOSED'
             and tstzrange(p.start_at, p.end_at) @> ${countedAt})`;

/**
 * Marks the closed periods whose worth these records change: the one in which each counts, and every later one for metrics whose
 * records reach there.
 */
export async function markDirty(tx: EntityManager, recordIds: readonly string[]): Promise<void> {
  if (recordIds.length === 0) return;
  await tx.query(
    `update billing_period set dirty = true
      where id in (
        select p.id from billing_period p
         where not p.dirty and p.id in (
           select closed.id from usage_record r
             left join lateral (
               select a.contract_id from usage_assignment a where a.record_id = r.id order by a.id desc limit 1) a on true
             join metric m on m.id = r.metric_id
             join billing_period closed on closed.contract_id = coalesce(a.contract_id, r.contract_id)
              and closed.state = 'CLOSED' and closed.end_at > r.counted_at
              and (closed.start_at <= r.counted_at or m.recurring or m.semantics = 'CUMULATIVE')
            where r.id = any($1))
         order by p.id for update)`,
    [recordIds],
  );
}

/**
 * Adds to the rollup what `changes`, a query over the ids `$1`, gives for each of its rows: account_link_id, contract_id,
 * metric_id, hour, quantity, records.
 */
export async function applyToRollup(tx: EntityManager, changes: string, recordIds: readonly string[]): Promise<void> {
  if (recordIds.length === 0) return;
  // All rows are made and locked in one order first: a rollup row cannot be inserted with what is to be taken from it.
  await tx.query(
    `insert into usage_rollup (account_link_id, contract_id, metric_id, hour, quantity, records)
     select account_link_id, contract_id, metric_id, hour, 0, 0 from (${changes}) changed
      order by account_link_id, contract_id, metric_id, hour
     on conflict on constraint usage_rollup_key do update set records = usage_rollup.records`,
    [recordIds],
  );
  await tx.query(
    `update usage_rollup u set quantity = u.quantity + changed.quantity, records = u.records + changed.records
       from (${changes}) changed
      where u.account_link_id = changed.account_link_id and u.contract_id is not distinct from changed.contract_id
        and u.metric_id = changed.metric_id and u.hour = changed.hour`,
    [recordIds],
  );
}
