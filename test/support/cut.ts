/** Cuts a connection to the database in the middle of a transaction, at a table of one's choice. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

const WAIT_LIMIT_MS = 20_000;
const POLL_MS = 10;

export interface Barrier {
  /** Waits until somebody wants to change the table, cuts their connection, and lets the others pass. */
  cut(): Promise<void>;
}

/** From here on whoever inserts into `table` or changes it waits. `url` is the owner's; the table is free after `cut`. */
export async function barrierAt(url: string, table: string): Promise<Barrier> {
  const holder = new Client({ connectionString: url });
  await holder.connect();
  await holder.query('begin');
  await holder.query(`lock table ${table} in share mode`);
  return {
    async cut() {
      try {
        const deadline = performance.now() + WAIT_LIMIT_MS;
        for (;;) {
          const { rowCount } = await holder.query(
            `select pg_terminate_backend(pid) from pg_locks where relation = $1::regclass and not granted`,
            [table],
          );
          if (rowCount !== null && rowCount > 0) return;
          if (performance.now() > deadline) throw new Error(`Nobody came to ${table}.`);
          await sleep(POLL_MS);
        }
      } finally {
        await holder.end();
      }
    },
  };
}

/** Runs `work` and cuts the first connection that wants to change `table` meanwhile; what became of `work`. */
export async function cutAt<T>(url: string, table: string, work: () => Promise<T>): Promise<PromiseSettledResult<T>> {
  const barrier = await barrierAt(url, table);
  const [result] = await Promise.all([Promise.allSettled([work()]), barrier.cut()]);
  return result[0];
}

/** One text for the content of each table that matters: whatever was left half-done shows. */
export async function contentOf(url: string, tables: readonly string[]): Promise<Record<string, string>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const content: Record<string, string> = {};
    for (const table of tables) {
      const { rows } = await client.query<{ content: string }>(
        `select count(*) || ' ' || coalesce(md5(string_agg(t::text, ';' order by t::text)), '') as content from ${table} t`,
      );
      content[table] = rows[0]?.content ?? '';
    }
    return content;
  } finally {
    await client.end();
  }
}
