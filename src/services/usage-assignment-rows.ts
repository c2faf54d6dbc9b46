/**
 * Where records count that were recorded before: attached to the contract that was found for them, or moved to another one, with
 * what hangs on them. The caller holds the links' correction locks and the lanes.
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { isHead } from './ledger-sql';
import type { LinkedMetric } from './usage-contract';
import { applyToRollup, isLate, markDirty } from './usage-effects';

const UNASSIGNED = `
  r.contract_id is null and ${isHead('r')} and not exists (select 1 from usage_assignment a where a.record_id = r.id)`;

/** An account link and metric whose usage has found its contract. */
export interface FoundContract extends LinkedMetric {
  contractId: string;
}

export interface Assigned {
  count: number;
  lateByService: ReadonlyMap<string, number>;
}

/**
 * Attaches at most `limit` records that have no contract yet to the contract found for their link and metric, and moves them
 * in the rollup. Returns how many, and how many of them count in a closed period, by service. The caller holds the links' correction locks and the lanes.
 */
export async function insertAssignments(
  tx: EntityManager,
  ctx: Pick<Ctx, 'now' | 'actor'>,
  { found, limit }: { found: readonly FoundContract[]; limit: number },
): Promise<Assigned> {
  const rows = await tx.query<{ record_id: string; late: boolean }[]>(
    `insert into usage_assignment (record_id, contract_id, assigned_at, actor, reason, late)
     select id, contract_id, $3, $4, 'only contract that fits', ${isLate('chosen.contract_id', 'chosen.counted_at')}
       from (
         select r.id, f.contract_id, r.counted_at
           from json_to_recordset($1) as f(link_id uuid, metric_id uuid, contract_id uuid)
           join usage_record r on r.account_link_id = f.link_id and r.metric_id = f.metric_id
          where ${UNASSIGNED}
          order by r.id limit $2) chosen
      order by id
     returning record_id, late`,
    [
      JSON.stringify(
        found.map(({ linkId, metricId, contractId }) => ({
          link_id: linkId,
          metric_id: metricId,
          contract_id: contractId,
        })),
      ),
      limit,
      ctx.now,
      ctx.actor.name,
    ],
  );
  const ids = rows.map(({ record_id: id }) => id);
  const lateIds = rows.filter(({ late }) => late).map(({ record_id: id }) => id);
  await applyToRollup(tx, MOVED, ids);
  await markDirty(tx, ids);
  return { count: ids.length, lateByService: await countByService(tx, lateIds) };
}

/**
 * Moves records, heads as they stand, to the contract: in the rollup, and in the closed periods of where they were and where they
 * are. Returns them by id. The caller holds the links' correction locks and the lanes of both sides.
 */
export async function insertMoves(
  tx: EntityManager,
  ctx: Pick<Ctx, 'now' | 'actor'>,
  { recordIds, contractId, reason }: { recordIds: readonly string[]; contractId: string; reason: string },
): Promise<Map<string, { late: boolean }>> {
  if (recordIds.length === 0) return new Map();
  await markDirty(tx, recordIds);
  const rows = await tx.query<{ record_id: string; late: boolean }[]>(
    `insert into usage_assignment (record_id, contract_id, assigned_at, actor, reason, late)
     select r.id, $2, $3, $4, $5, ${isLate('$2', 'r.counted_at')} from usage_record r where r.id = any($1) order by r.id
     returning record_id, late`,
    [recordIds, contractId, ctx.now, ctx.actor.name, reason],
  );
  await applyToRollup(tx, REASSIGNED, recordIds);
  await markDirty(tx, recordIds);
  return new Map(rows.map(({ record_id: id, late }) => [id, { late }]));
}

async function countByService(tx: EntityManager, recordIds: readonly string[]): Promise<Map<string, number>> {
  if (recordIds.length === 0) return new Map();
  const rows = await tx.query<{ service_id: string; records: number }[]>(
    'select service_id, count(*)::integer as records from usage_record where id = any($1) group by service_id',
    [recordIds],
  );
  return new Map(rows.map((row) => [row.service_id, row.records]));
}

/** Hours that `$1`, records assigned just now, leave (contract null) and enter, with what changes in each. */
const MOVED = `
  select r.account_link_id, side.contract_id, r.metric_id, date_trunc('hour', r.counted_at, 'UTC') as hour,
         sum(side.sign * r.quantity) as quantity, sum(side.sign) as records
    from usage_record r
    join usage_assignment a on a.record_id = r.id
    cross join lateral (values (null::uuid, -1), (a.contract_id, 1)) as side(contract_id, sign)
   where r.id = any($1)
   group by r.account_link_id, side.contract_id, r.metric_id, hour`;

/** The same of `$1`, records moved just now: what they leave is where they counted before. */
const REASSIGNED = `
  select r.account_link_id, side.contract_id, r.metric_id, date_trunc('hour', r.counted_at, 'UTC') as hour,
         sum(side.sign * r.quantity) as quantity, sum(side.sign) as records
    from usage_record r
    cross join lateral (
      select a.id, a.contract_id from usage_assignment a where a.record_id = r.id order by a.id desc limit 1) present
    left join lateral (
      select a.contract_id from usage_assignment a where a.record_id = r.id and a.id < present.id
       order by a.id desc limit 1) earlier on true
    cross join lateral (
      values (coalesce(earlier.contract_id, r.contract_id), -1), (present.contract_id, 1)) as side(contract_id, sign)
   where r.id = any($1)
   group by r.account_link_id, side.contract_id, r.metric_id, hour`;
