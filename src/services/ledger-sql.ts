/** What every query over the ledger has in common: which rows stand now, and which of them belong to a contract. */

/** Whether row `u` stands for its usage record now: neither a void nor corrected. */
export const isHead = (u: string): string =>
  `${u}.kind <> 'VOID' and not exists (select 1 from usage_record v where v.corrects = ${u}.id)`;

/**
 * A query for `columns` of the heads `u` of a contract that meet `condition`. The two branches keep the index on (contract,
 * metric, counted_at) in use: records that knew their contract at once, and those assigned later. `contract` is a parameter
 * or a column of an outer query.
 */
export function headsOfContract(contract: string, columns: string, condition: string): string {
  return `
      select ${columns} from usage_record u
       where u.contract_id = ${contract} and ${isHead('u')} and ${condition}
         and not exists (select 1 from usage_assignment a where a.record_id = u.id)
      union all
      select ${columns} from usage_assignment a join usage_record u on u.id = a.record_id
       where a.contract_id = ${contract} and ${isHead('u')} and ${condition}
         and not exists (select 1 from usage_assignment b where b.record_id = a.record_id and b.id > a.id)`;
}

/** The same of an account link's heads that have no contract yet. */
export function headsOfLink(link: string, columns: string, condition: string): string {
  return `
      select ${columns} from usage_record u
       where u.account_link_id = ${link} and u.contract_id is null and ${isHead('u')} and ${condition}
         and not exists (select 1 from usage_assignment a where a.record_id = u.id)`;
}

/** The contract that row `u` counts for now: its newest assignment's, else the one it was recorded with. */
export const presentContract = (u: string): string => `coalesce(
  (select a.contract_id from usage_assignment a where a.record_id = ${u}.id order by a.id desc limit 1), ${u}.contract_id)`;

/**
 * Whether a newer send for the same window of the series stands beside `record`, a head of a WINDOW_TOTAL `metric` that counts
 * for `contract` now.
 */
export const isSuperseded = ({
  record: u,
  metric: m,
  contract,
}: Record<'record' | 'metric' | 'contract', string>): string => `
  ${m}.semantics = 'WINDOW_TOTAL' and ${u}.kind <> 'VOID' and exists (
    select 1 from usage_record n
     where n.metric_id = ${u}.metric_id and n.counted_at = ${u}.counted_at
       and (n.account_link_id = ${u}.account_link_id or n.contract_id = ${contract} or n.id in (
         select a.record_id from usage_assignment a where a.contract_id = ${contract}))
       and (n.window_start, n.window_end) = (${u}.window_start, ${u}.window_end)
       and (n.dimensions, n.meter) is not distinct from (${u}.dimensions, ${u}.meter)
       and ${isHead('n')}
       and coalesce(${presentContract('n')}, n.account_link_id) = coalesce(${contract}, ${u}.account_link_id)
       and (coalesce(n.revision, -1), coalesce(n.root, n.id)) > (coalesce(${u}.revision, -1), coalesce(${u}.root, ${u}.id)))`;

/** Collects the parameters of a statement that is put together: each value gets its place. */
export class Parameters {
  readonly values: unknown[] = [];

  /** The place of `value`: "$1". */
  add(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}
