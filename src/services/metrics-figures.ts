/** What the page of metrics tells of the whole installation, read from the database in one statement. */
import type { App } from '../ctx';
import { BlockReason } from '../entities/billing-block';
import type { DatabaseFigures } from '../telemetry/gauges';
import { WALK_ORDER } from './mirror-tables';

export interface Figures extends DatabaseFigures {
  /** Codes of all services, by id. */
  services: ReadonlyMap<string, string>;
}

/** Null stands for nothing found: json_agg over no rows. */
type FiguresRow = { services: Record<string, string> | null } & {
  [K in Exclude<keyof DatabaseFigures, 'blocked' | 'mirror'>]: DatabaseFigures[K] | null;
} & Record<'blocked' | 'mirror', Record<string, number> | null>;

/**
 * Each part reads few rows by an index or a small table: usage without a contract by the rollup's contract, intents and blocks
 * by the index of the live ones. The clock of the queue is the database's own.
 */
const FIGURES = `
  select (select json_object_agg(id, code) from service) as services,
    (select json_agg(x) from (
      select s.code as service, coalesce(found.records, 0) as records
        from service s left join (
          select l.service_id, sum(u.records) as records from usage_rollup u join account_link l on l.id = u.account_link_id
           where u.contract_id is null and u.records > 0 group by l.service_id) found on found.service_id = s.id) x) as unassigned,
    (select json_agg(x) from (
      select s.code as service, extract(epoch from $1::timestamptz - c.checked_at) as age, c.records, c.units, c.money, c.unpriced
        from identity_check c join service s on s.id = c.service_id) x) as identities,
    (select json_agg(x) from (
      select state, count(*) as count, extract(epoch from $1::timestamptz - min(created_at)) as "oldestAge"
        from write_back where state in ('PENDING', 'UNKNOWN') group by state) x) as "writeBacks",
    (select json_object_agg(reason, periods) from (
      select reason, count(distinct period_id) as periods
        from billing_block where lifted_at is null group by reason) x) as blocked,
    (select json_object_agg(model, extract(epoch from $1::timestamptz - as_of)) from sync_state where as_of is not null) as mirror,
    (select json_agg(x) from (
      select state, jobs, extract(epoch from now() - oldest_run_at) as "oldestAge" from queue_figures()) x) as queue`;

/** The figures as of the app's clock. */
export async function readFigures(app: App): Promise<Figures> {
  const [row] = await app.db.query<FiguresRow[]>(FIGURES, [app.clock()]);
  return {
    services: new Map(Object.entries(row?.services ?? {})),
    unassigned: row?.unassigned ?? [],
    identities: row?.identities ?? [],
    writeBacks: row?.writeBacks ?? [],
    blocked: Object.values(BlockReason).map((reason) => ({ reason, periods: row?.blocked?.[reason] ?? 0 })),
    mirror: WALK_ORDER.map((model) => ({ model, age: row?.mirror?.[model] ?? null })),
    queue: row?.queue ?? [],
  };
}
