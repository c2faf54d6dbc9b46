/** Which queue workers are alive, and freeing the jobs that dead ones have locked. */
import type { App } from '../ctx';

/**
 * Records that the queue workers `ids` of this process are alive, and frees jobs whose worker has shown no sign of life for
 * half a minute: after a kill -9 they run again within a minute, not after the queue's own four hours.
 */
export async function recordWorkers(app: App, ids: readonly string[]): Promise<void> {
  await app.db.query(
    `insert into worker (id, seen_at) select id, now() from unnest($1::text[]) as id order by id
     on conflict (id) do update set seen_at = now()`,
    [ids],
  );
  await app.db.query(`select free_jobs_of_dead_workers(interval '30 seconds')`);
  await app.db.query(`delete from worker where seen_at < now() - interval '1 day'`);
}

/** Takes leave: the process ends in order and has nothing locked. */
export async function forgetWorkers(app: App, ids: readonly string[]): Promise<void> {
  await app.db.query('delete from worker where id = any ($1)', [ids]);
}
