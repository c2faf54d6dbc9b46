/** Which contract usage goes to when nobody named one: decided anew from the mirror, remembered by catalog-cache.ts. */
import type { EntityManager } from 'typeorm';
import type { UnassignedReason } from '../entities/usage-record';
import { boundHere } from './charge-binding';

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
  /** Of archived charges. */
  formerContractIds: string[];
}

/** At most two contracts of the payer with a product of those charges of the metric, none that is bound elsewhere. */
const contractsOf = (charges: string): string => `array(
              select distinct s.contract_id
                from charge c
                join product on product.id = c.product_id
                join subscription_line sl on sl.product_odoo_id = product.odoo_id and sl.gone_at is null
                join subscription s on s.odoo_id = sl.subscription_odoo_id and s.gone_at is null
                join partner sp on sp.odoo_id = s.partner_odoo_id
               where c.metric_id = w.metric_id and ${charges} and ${boundHere('c')}
                 and sp.commercial_partner_odoo_id = p.commercial_partner_odoo_id
                 and s.order_state = 'sale'
                 and s.subscription_state in ('IN_PROGRESS', 'PAUSED', 'RENEWED', 'CHURNED')
               limit 2)`;

/**
 * The contract of each link and metric, by `choiceName`: the one the link is pinned to, else the only one of the payer that
 * carries one of the metric's products on a confirmed order, an archived charge's only when no other does: it rates the periods
 * that began before. Quotations and upsells are no contracts of their own; an order
 * that ended still is one, since usage of its time may yet come. Pairs whose link does not exist are missing.
 */
export async function chooseContracts(
  tx: EntityManager,
  pairs: readonly LinkedMetric[],
): Promise<Map<string, ContractChoice>> {
  const rows = await tx.query<ChoiceRow[]>(
    `select w.link_id as "linkId", w.metric_id as "metricId", l.contract_id as pinned,
            exists (select 1 from charge c where c.metric_id = w.metric_id and c.archived_at is null) as charged,
            ${contractsOf('c.archived_at is null')} as "contractIds",
            ${contractsOf('c.archived_at is not null')} as "formerContractIds"
       from json_to_recordset($1) as w(link_id uuid, metric_id uuid)
       join account_link l on l.id = w.link_id
       join partner p on p.id = l.partner_id`,
    [JSON.stringify(pairs.map(({ linkId, metricId }) => ({ link_id: linkId, metric_id: metricId })))],
  );
  return new Map(rows.map((row) => [choiceName(row), row.pinned === null ? choose(row) : pinnedTo(row.pinned)]));
}

function pinnedTo(contractId: string): ContractChoice {
  return { contractId, unassignedReason: null };
}

function choose({ contractIds, formerContractIds, charged }: ChoiceRow): ContractChoice {
  const [only, ...others] = contractIds.length > 0 ? contractIds : formerContractIds;
  if (only !== undefined && others.length === 0) return pinnedTo(only);
  if (only !== undefined) return { contractId: null, unassignedReason: 'SEVERAL_CONTRACTS' };
  return { contractId: null, unassignedReason: charged ? 'NO_CONTRACT' : 'NO_CHARGE' };
}
