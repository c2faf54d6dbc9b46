/** Ledgers of any size, straight in SQL: the same accounts, metrics and hours whatever their size, and the rollup that fits. */
import { Client } from 'pg';
import type { UsageWorld } from '../usage/world';

const CHUNK = 1_000_000;
/** Hours in which usage counts: a week. */
const HOURS = 168;
/** Coprime to the hours, so that neighbours fall into different ones. */
const SCATTER = 61;

/** What is put into a ledger, besides the world that is there. */
export interface Filling {
  records: number;
  /** Records of the first account, whatever the size of the ledger. */
  ofFirst: number;
}

/** Indexes that a filled ledger gets when it is full: keeping them meanwhile takes several times as long. */
interface Index {
  name: string;
  definition: string;
}

/** Fills the empty ledger of a database. Its keys are checked, its triggers are not fired: nothing of it has to be refused. */
export async function fillLedger(databaseUrl: string, world: UsageWorld, filling: Filling): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      'set session_replication_role = replica; set statement_timeout = 0; set maintenance_work_mem = "1GB"',
    );
    const { rows: indexes } = await client.query<Index>(SECONDARY_INDEXES);
    for (const { name } of indexes) await client.query(`drop index ${name}`);
    for (let from = 0; from < filling.records; from += CHUNK) {
      const to = Math.min(from + CHUNK, filling.records);
      await client.query(FILL, [
        ...[from, to, filling.ofFirst],
        ...[world.accounts.map(({ linkId }) => linkId), world.accounts.map(({ contractId }) => contractId)],
        ...[world.metrics.map(({ id }) => id), new Date(world.until), world.serviceId],
      ]);
      process.stderr.write(`[bench]   ledger: ${to} of ${filling.records} records\n`);
    }
    for (const { definition } of indexes) await client.query(definition);
    await client.query(ROLL_UP);
    await client.query('vacuum analyze');
  } finally {
    await client.end();
  }
}

const SECONDARY_INDEXES = `
  select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
   where indrelid = 'usage_record'::regclass and not exists (select 1 from pg_constraint c where c.conindid = indexrelid)`;

/** $1 to before $2: numbers of the records; $3 the first account's; $4, $5 links and contracts; $6 metrics. */
const FILL = `
  insert into usage_record (transaction, service_id, account_link_id, contract_id, metric_id, window_start, window_end,
    counted_at, quantity, actor, account, late, idempotency_key, content_hash, received_at)
  select 1, $8, ($4::uuid[])[account], ($5::uuid[])[account], ($6::uuid[])[metric], hour_end - interval '1 hour', hour_end,
         hour_end - interval '1 microsecond', n % 1000 + 1.25, 'bench', 'acct_' || account, false, 'filled/' || n,
         sha256(n::text::bytea), hour_end
    from (
      select n, metric, case when n < $3 then 1 else 2 + n / cardinality($6::uuid[]) % (cardinality($4::uuid[]) - 1) end as account,
             $7::timestamptz - interval '1 hour' * (n / cardinality($6::uuid[]) * ${SCATTER} % ${HOURS}) as hour_end
        from (select n, 1 + n % cardinality($6::uuid[]) as metric from generate_series($1::integer, $2::integer - 1) n) numbered) r`;

const ROLL_UP = `
  insert into usage_rollup (account_link_id, contract_id, metric_id, hour, quantity, records)
  select account_link_id, contract_id, metric_id, date_trunc('hour', counted_at, 'UTC'), sum(quantity), count(*)
    from usage_record group by 1, 2, 3, 4`;
