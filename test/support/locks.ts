/** Waiting until others wait: for tests of what happens when two come at the same time. */
import type { DataSource } from 'typeorm';

/** Comes back when at least `count` connections of the database wait for a lock that another one holds. */
export async function waitForLocks(db: DataSource, count = 1): Promise<void> {
  for (;;) {
    const [{ waiting }] = await db.query<[{ waiting: number }]>(
      `select count(distinct l.pid)::integer as waiting from pg_locks l join pg_stat_activity s on s.pid = l.pid
        where s.datname = current_database() and not l.granted`,
    );
    if (waiting >= count) return;
  }
}
