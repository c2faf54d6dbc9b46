/** Brings a database to the newest schema, the queue's included, and grants the run-time role what it may do. */
import { runMigrations } from 'graphile-worker';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../ormconfig';

/** The run-time's role: everything but changing what is kept for ever. */
export const RUNTIME_ROLE = 'fusion_billing_runtime';

/** Any number will do that nobody else uses; it is the same in every process. */
const MIGRATION_LOCK = 7_340_211_905;

/** Tables of which the run-time may only add rows. */
const APPEND_ONLY = [
  'usage_record',
  'usage_assignment',
  'audit_entry',
  'billable_line',
  'adjustment',
  'slot_settlement',
  'balance_entry',
  'gap_waiver',
  'ledger_block',
  'usage_alert_event',
];

/** What the run-time may do with the queue: functions that `prepareQueue` makes. */
const QUEUE_DOORS = 'enqueue_job, enqueue_jobs, free_jobs_of_dead_workers, queue_figures';

export interface MigrationReport {
  /** Names of the migrations that ran now, oldest first. */
  applied: string[];
}

/**
 * Runs pending migrations under an advisory lock, so that any number of processes may call it at once. `url` must be the
 * owner's. Harmless when nothing is pending.
 */
export async function migrate(url: string): Promise<MigrationReport> {
  return withOwner(url, async (owner) => {
    const applied = await owner.runMigrations({ transaction: 'all' });
    await runMigrations({ connectionString: url });
    await prepareQueue(owner);
    await grantRuntimeRole(owner);
    await alignLedgerEpoch(owner);
    return { applied: applied.map((migration) => migration.name) };
  });
}

/** Whether migrations are pending, without running any. */
export async function hasPendingMigrations(url: string): Promise<boolean> {
  return withOwner(url, (owner) => owner.showMigrations());
}

async function withOwner<T>(url: string, work: (owner: DataSource) => Promise<T>): Promise<T> {
  const owner = new DataSource(
    dataSourceOptions({ url, poolSize: 3, statementTimeoutMs: 0, applicationName: 'fusion-billing migrate' }),
  );
  await owner.initialize();
  const lock = owner.createQueryRunner();
  try {
    await lock.connect();
    await lock.query('select pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await work(owner);
  } finally {
    await lock.query('select pg_advisory_unlock($1)', [MIGRATION_LOCK]).catch(() => undefined);
    await lock.release();
    await owner.destroy();
  }
}

/** The queue's tables are guarded by row security; these functions are the doors through which the run-time uses them. */
async function prepareQueue(owner: DataSource): Promise<void> {
  await owner.query(`
    create or replace function enqueue_job(task text, payload json, run_at timestamptz, max_attempts integer, job_key text)
      returns void language sql security definer set search_path = pg_catalog, pg_temp as $$
        select graphile_worker.add_job(task, payload, run_at => enqueue_job.run_at, max_attempts => enqueue_job.max_attempts,
          job_key => enqueue_job.job_key)
      $$`);
  await owner.query(`
    create or replace function enqueue_jobs(task text, jobs json) returns void
      language sql security definer set search_path = pg_catalog, pg_temp as $$
        select graphile_worker.add_jobs(array_agg(
                 row(task, j.payload, null, null, null, j."jobKey", null, null)::graphile_worker.job_spec order by j."jobKey"))
          from json_to_recordset(jobs) as j(payload json, "jobKey" text)
      $$`);
  await owner.query(`
    create or replace function free_jobs_of_dead_workers(silence interval) returns void
      language sql security definer set search_path = public, pg_temp as $$
        select graphile_worker.force_unlock_workers(array_agg(distinct j.locked_by))
          from graphile_worker.jobs j
         where j.locked_at < now() - silence
           and not exists (select 1 from worker w where w.id = j.locked_by and w.seen_at > now() - silence)
        having count(*) > 0
      $$`);
  await owner.query(`
    create or replace function queue_figures() returns table (state text, jobs bigint, oldest_run_at timestamptz)
      language sql stable security definer set search_path = pg_catalog, pg_temp as $$
        select case when locked_at is not null then 'running' when attempts >= max_attempts then 'failed'
                    when run_at > now() then 'delayed' else 'ready' end, count(*), min(run_at)
          from graphile_worker.jobs group by 1
      $$`);
  await owner.query(`revoke all on function ${QUEUE_DOORS} from public`);
}

async function grantRuntimeRole(owner: DataSource): Promise<void> {
  // Roles belong to the whole server: another database's migration may make it in the same moment.
  await owner.query(`
    do $$ begin
      if not exists (select from pg_roles where rolname = '${RUNTIME_ROLE}') then create role ${RUNTIME_ROLE} nologin; end if;
    exception when duplicate_object or unique_violation then null;
    end $$`);
  await owner.query(`
    do $$ begin
      -- From PostgreSQL 16 on, making a role does not include the right to become it.
      if not pg_has_role(current_user, '${RUNTIME_ROLE}',
          case when current_setting('server_version_num')::integer >= 160000 then 'SET' else 'MEMBER' end) then
        execute format('grant ${RUNTIME_ROLE} to %I', current_user);
      end if;
    exception when insufficient_privilege then
      -- The role belongs to whoever made it first, perhaps for another database of the server.
      raise exception 'DATABASE_URL: a superuser must first run: grant ${RUNTIME_ROLE} to %;', quote_ident(current_user);
    end $$`);
  await owner.query(`grant usage on schema public to ${RUNTIME_ROLE}`);
  await owner.query(`grant select, insert, update, delete on all tables in schema public to ${RUNTIME_ROLE}`);
  await owner.query(`grant usage on all sequences in schema public to ${RUNTIME_ROLE}`);
  await owner.query(`revoke update, delete, truncate on ${APPEND_ONLY.join(', ')} from ${RUNTIME_ROLE}`);
  await owner.query(`revoke insert, update, delete on migrations, ledger_epoch from ${RUNTIME_ROLE}`);
  await owner.query(`grant execute on function ${QUEUE_DOORS} to ${RUNTIME_ROLE}`);
}

/**
 * Keeps the order of the ledger when the database was restored into a younger cluster, whose transaction numbers are lower
 * than those already sealed. Runs before anything is recorded.
 */
async function alignLedgerEpoch(owner: DataSource): Promise<void> {
  await owner.query(`
    insert into ledger_epoch (number, shift)
    select e.number + 1, e.shift + b.last_transaction - ledger_transaction() + 1
      from (select number, shift from ledger_epoch order by number desc limit 1) e
     cross join (select max(last_transaction) as last_transaction from ledger_block) b
     where b.last_transaction >= ledger_transaction()`);
}
