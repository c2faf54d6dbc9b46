/** Migrations on a real PostgreSQL: from nothing, twice, ten at once, as an owner with few rights, and what they grant. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type DatabaseError } from 'pg';
import { DataSource } from 'typeorm';
import { dataSourceOptions } from '../ormconfig';
import { RUNTIME_ROLE, hasPendingMigrations, migrate } from '../src/migrate';
import { createEmptyDatabase, createTestDatabase, databaseUrl, expectNoLeaks, type TestDatabase } from './support/db';
import { startTestPostgres } from './support/postgres';
import { migrateInProcess } from './migrations/migrate-process';
import { PROVOCATIONS } from './migrations/provocations';
import { insertWorld } from './migrations/world';

/** "1770000000001-catalogue.ts" is the migration Catalogue1770000000001. */
const MIGRATIONS = readdirSync(join(__dirname, '../src/migrations'))
  .sort()
  .map((file) => {
    const [, timestamp = '', first = '', rest = ''] = /^(\d+)-(\w)(\w+)\.ts$/.exec(file) ?? [];
    return `${first.toUpperCase()}${rest}${timestamp}`;
  });

/** Indexes that serve reading only; entities say nothing of them. Those that guard a rule are provoked elsewhere. */
const READING_INDEXES = [
  'account_link_partner_idx',
  'adjustment_line_idx',
  'adjustment_target_idx',
  'audit_entry_service_idx',
  'audit_entry_subject_idx',
  'balance_entry_contract_idx',
  'billable_line_charge_idx',
  'billing_block_contract_idx',
  'billing_period_contract_idx',
  'billing_period_due_idx',
  'billing_period_start_idx',
  'charge_pin_newest_idx',
  'charge_product_idx',
  'invoice_line_invoice_idx',
  'invoice_line_sale_lines_idx',
  'line_pin_newest_idx',
  'partner_commercial_idx',
  'rating_difference_line_idx',
  'slot_settlement_contract_idx',
  'subscription_line_product_idx',
  'subscription_line_subscription_idx',
  'subscription_partner_idx',
  'sync_run_failed_idx',
  'sync_run_model_idx',
  'usage_alert_contract_idx',
  'usage_alert_due_idx',
  'usage_alert_event_crossed_idx',
  'usage_alert_service_idx',
  'usage_assignment_contract_idx',
  'usage_assignment_record_idx',
  'usage_assignment_transaction_idx',
  'usage_record_contract_idx',
  'usage_record_counted_idx',
  'usage_record_link_idx',
  'usage_record_root_idx',
  'usage_record_transaction_idx',
  'usage_record_unassigned_idx',
  'write_back_attempt_write_back_idx',
  'write_back_contract_idx',
  'write_back_line_idx',
  'write_back_period_idx',
  'write_back_sequence_idx',
  'write_back_state_idx',
];

/** Tables of which the run-time may only add rows, and the one it may only read. */
const ADD_ONLY = [
  'adjustment',
  'audit_entry',
  'balance_entry',
  'billable_line',
  'gap_waiver',
  'ledger_block',
  'slot_settlement',
  'usage_alert_event',
  'usage_assignment',
  'usage_record',
];
const READ_ONLY = ['ledger_epoch', 'migrations'];

async function withClient<T>(url: string, work: (client: Client) => Promise<T>, options = ''): Promise<T> {
  const client = new Client({ connectionString: url, options });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function names(client: Client, sql: string, values: unknown[] = []): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(sql, values);
  return rows.map((row) => row.name);
}

/** Structure, functions and migrations of a database as text, to be compared. */
function shape(url: string): Promise<string[]> {
  return withClient(url, (client) =>
    names(
      client,
      `select concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default) as name
         from information_schema.columns where table_schema in ('public', 'graphile_worker')
       union all
       select concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
        where connamespace = 'public'::regnamespace
       union all
       select pg_get_indexdef(indexrelid) from pg_index join pg_class c on c.oid = indrelid
        where c.relnamespace = 'public'::regnamespace
       union all
       select pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = tgrelid
        where c.relnamespace = 'public'::regnamespace and not tgisinternal
       union all
       select p.proname || md5(p.prosrc) || coalesce(p.proacl::text, '') from pg_proc p
         join pg_language l on l.oid = p.prolang
        where p.pronamespace = 'public'::regnamespace and l.lanname in ('sql', 'plpgsql')
       union all
       select concat_ws(' ', 'migrated', id, timestamp, name) from migrations
       order by 1`,
    ),
  );
}

/** What TypeORM would change so that the database equals the entities. */
async function drift(url: string): Promise<string[]> {
  const source = new DataSource(
    dataSourceOptions({ url, poolSize: 2, statementTimeoutMs: 0, applicationName: 'drift' }),
  );
  await source.initialize();
  try {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    return upQueries.map((query) => query.query);
  } finally {
    await source.destroy();
  }
}

const DROPS = /^(?:ALTER TABLE "\w+" DROP CONSTRAINT|DROP INDEX "public"\.)\s*"(\w+)"$/;

describe('a database that was empty', () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await createEmptyDatabase();
  });
  afterAll(async () => {
    await expectNoLeaks(database.url);
    await database.drop();
  });

  it('is brought to the newest schema by every migration, oldest first', async () => {
    expect(MIGRATIONS.length).toBeGreaterThanOrEqual(5);
    expect(await hasPendingMigrations(database.url)).toBe(true);
    expect(await migrate(database.url)).toEqual({ applied: MIGRATIONS });
    expect(await hasPendingMigrations(database.url)).toBe(false);
  });

  it('does not drift from the entities but for constraints and indexes that migrations alone make, each known by name', async () => {
    const queries = await drift(database.url);
    expect(queries.filter((query) => !DROPS.test(query))).toEqual([]);
    const dropped = queries.map((query) => DROPS.exec(query)?.[1] ?? '');
    const known = new Set([...PROVOCATIONS.map((provocation) => provocation.constraint), ...READING_INDEXES]);
    expect(dropped.filter((name) => !known.has(name))).toEqual([]);
    expect(READING_INDEXES.filter((name) => !dropped.includes(name))).toEqual([]);
  });

  it.each([
    ['a column more', 'alter table service add column stray integer'],
    ['a column less', 'alter table service drop column archived_at'],
    ['another type', 'alter table subscription alter column start_on type timestamptz'],
    ['null where it was refused', 'alter table usage_record alter column actor drop not null'],
    ['null refused where it was taken', 'alter table invoice alter column name set not null'],
    ['another default', 'alter table charge alter column free_units set default 5'],
    ['a default less', 'alter table metric alter column id drop default'],
  ])('would be seen to drift with %s', async (_, change) => {
    const changed = await createTestDatabase();
    try {
      await withClient(changed.url, (client) => client.query(change));
      expect((await drift(changed.url)).filter((query) => !DROPS.test(query))).not.toEqual([]);
    } finally {
      await changed.drop();
    }
  });

  it('is left as it is by a second migration, its rows too', async () => {
    await withClient(database.url, insertWorld);
    const before = await shape(database.url);
    expect(await migrate(database.url)).toEqual({ applied: [] });
    expect(await shape(database.url)).toEqual(before);
    const keys = await withClient(database.url, (client) =>
      names(client, 'select idempotency_key as name from usage_record order by 1'),
    );
    expect(keys).toEqual(['key-1', 'key-2']);
  });

  it('is migrated by ten processes at once, each migration by one of them', async () => {
    const shared = await createEmptyDatabase();
    try {
      const applied = await Promise.all(Array.from({ length: 10 }, () => migrateInProcess(shared.url)));
      expect(applied.flat()).toEqual(MIGRATIONS);
      await withClient(shared.url, insertWorld);
      expect(await shape(shared.url)).toEqual(await shape(database.url));
      await expectNoLeaks(shared.url);
    } finally {
      await shared.drop();
    }
  }, 120_000);
});

describe('the run-time role', () => {
  let database: TestDatabase;
  const asRuntime = <T>(work: (client: Client) => Promise<T>): Promise<T> =>
    withClient(database.url, work, `-c role=${RUNTIME_ROLE}`);
  beforeAll(async () => {
    database = await createTestDatabase();
    await withClient(database.url, insertWorld);
  });
  afterAll(async () => {
    await expectNoLeaks(database.url);
    await database.drop();
  });

  it.each<[string, string, string[]]>([
    ['read', 'select', []],
    ['add rows to', 'insert', READ_ONLY],
    ['change rows of', 'update', [...ADD_ONLY, ...READ_ONLY]],
    ['delete rows of', 'delete', [...ADD_ONLY, ...READ_ONLY]],
  ])('may %s every table but those of which it may not', async (_, privilege, except) => {
    const without = await withClient(database.url, (client) =>
      names(
        client,
        `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
            and not has_table_privilege($1, oid, $2) order by 1`,
        [RUNTIME_ROLE, privilege],
      ),
    );
    expect(without).toEqual([...except].sort());
  });

  it.each(
    ADD_ONLY.flatMap((table) => [
      `update ${table} set ${table === 'ledger_block' ? 'number' : 'id'} = default`,
      `delete from ${table}`,
      `truncate ${table} cascade`,
    ]),
  )('is refused %s', async (statement) => {
    const error = await asRuntime((client) => client.query(statement).catch((reason: unknown) => reason));
    expect((error as DatabaseError).code).toBe('42501');
  });

  it.each([
    'truncate service cascade',
    'create table stray (id integer)',
    'alter table usage_record disable trigger all',
    'drop trigger usage_record_refuse on usage_record',
    'alter table usage_record add column stray integer',
    `insert into migrations (timestamp, name) values (1, 'Stray1')`,
    'select * from graphile_worker._private_jobs',
    `select graphile_worker.add_job('stray')`,
  ])('is refused %s', async (statement) => {
    const error = await asRuntime((client) => client.query(statement).catch((reason: unknown) => reason));
    expect((error as DatabaseError).code).toBe('42501');
  });

  it('adds rows to the ledger, and jobs by the one door', async () => {
    await asRuntime(async (client) => {
      await client.query(`insert into usage_assignment (record_id, contract_id, assigned_at, actor, reason, late)
        select record_id, contract_id, assigned_at, actor, reason, late from usage_assignment`);
      await client.query(`select enqueue_job('sync-odoo', '{}', now(), 3, 'one')`);
    });
    await withClient(database.url, async (client) => {
      expect(await names(client, 'select count(*) as name from usage_assignment')).toEqual(['2']);
      expect(await names(client, 'select key as name from graphile_worker.jobs')).toEqual(['one']);
    });
  });
});

describe('an owner without superuser rights', () => {
  it('who may make roles and databases migrates its own, becomes the run-time role, and is refused what is kept for ever', async () => {
    // A server of its own: the role is the server's, and here nobody has made it before.
    const server = await startTestPostgres();
    try {
      await withClient(server.url, (admin) =>
        admin.query(`create role billing_owner login createrole createdb password 'owner'`),
      );
      const owner = new URL(server.url);
      Object.assign(owner, { username: 'billing_owner', password: 'owner' });
      await withClient(owner.href, (client) => client.query('create database billing'));
      const url = databaseUrl(owner.href, 'billing');
      expect(await migrate(url)).toEqual({ applied: MIGRATIONS });
      expect(await migrate(url)).toEqual({ applied: [] });
      await withClient(url, insertWorld);
      await withClient(url, async (client) => {
        expect(await names(client, 'select rolsuper::text as name from pg_roles where rolname = current_user')).toEqual(
          ['false'],
        );
        await expect(client.query('update usage_record set quantity = 6')).rejects.toMatchObject({ code: '23001' });
        await expect(client.query('delete from usage_record')).rejects.toMatchObject({ code: '23001' });
        await client.query(`set role ${RUNTIME_ROLE}`);
        await expect(client.query('delete from usage_record')).rejects.toMatchObject({ code: '42501' });
      });
    } finally {
      await server.stop();
    }
  }, 60_000);
});
