/** Which contract usage goes to when nobody named one: decided anew from the mirror, remembered by catalog-cache.ts. */
import type { EntityManager } from 'typeorm';
import type { UnassignedReason } from '../entities/usage-record';

/** The contract, or why there is none. */
export type ContractChoice =
  { contractId: string; unassignedReason: null } | { contractId: null; unassignedReason: UnassignedReason };

/** An account link and a metric. */
export interface LinkedMetric {
  linkId: string;
  metricId: string;
}

/** One name for the pair, for maps and caches. */
export function choiceName({ linkId, metricId }: LinkedMetric): string {
  return `${linkId} ${metricId}`;
}

/** The pair of a name. */
export function pairOf(name: string): LinkedMetric {
  const [linkId = '', metricId = ''] = name.split(' ');
  return { linkId, metricId };
}

interface ChoiceRow {
  linkId: string;
  metricId: string;
  pinned: string | null;
  charged: boolean;
  contractIds: string[];
}

/**
 * The contract of each link and metric, by `choiceName`: the one the link is pinned to, else the only one of the payer that
 * carries one of the metric's products on a confirmed order. Quotations and upsells are no contracts of their own; an order
 * that ended still is one, since usage of its time may yet come. Pairs whose link does not exist are missing.
 */
export async function chooseContracts(
  tx: EntityManager,
  pairs: readonly LinkedMetric[],
): Promise<Map<string, ContractChoice>> {
  const rows = await tx.query<ChoiceRow[]>(
    `select w.link_id as "linkId", w.metric_id as "metricId", l.contract_id as pinned,
            exists (select 1 from charge c where c.metric_id = w.metric_id and c.archived_at is null) as charged,
            array(
              select distinct s.contract_id
                from charge c
                join product on product.id = c.product_id
                join subscription_line sl on sl.product_odoo_id = product.odoo_id and sl.gone_at is null
                join subscription s on s.odoo_id = sl.subscription_odoo_id and s.gone_at is null
                join partner sp on sp.odoo_id = s.partner_odoo_id
               where c.metric_id = w.metric_id and c.archived_at is null
                 and sp.commercial_partner_odoo_id = p.commercial_partner_odoo_id
                 and s.order_state = 'sale'
                 and s.subscription_state in ('IN_PROGRESS', 'PAUSED', 'RENEWED', 'CHURNED')
               limit 2) as "contractIds"
       from json_to_recordset($1) as w(link_id uuid, metric_id uuid)
       join account_link l on l.id = w.link_id
       join partner p on p.id = l.partner_id`,
    [JSON.stringify(pairs.map(({ linkId, metricId }) => ({ link_id: linkId, metric_id: metricId })))],
  );
  return new Map(
    rows.map((row) => [choiceName(row), choose(row.pinned === null ? row.contractIds : [row.pinned], row.charged)]),
  );
}

function choose([only, ...others]: readonly string[], charged: boolean): ContractChoice {
  if (only !== undefined && others.length === 0) return { contractId: only, unassignedReason: null };
  if (only !== undefined) return { contractId: null, unassignedReason: 'SEVERAL_CONTRACTS' };
  return { contractId: null, unassignedReason: charged ? 'NO_CONTRACT' : 'NO_CHARGE' };
}
