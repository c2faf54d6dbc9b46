/** Runs the queue: graphile-worker with our tasks, and a heartbeat by which the jobs of dead workers are freed within a minute. */
import { EventEmitter } from 'node:events';
import { Logger as WorkerLogger, run } from 'graphile-worker';
import { Pool } from 'pg';
import type { App } from '../ctx';
import { CRONTAB, taskList } from './tasks';

const HEARTBEAT_MS = 10_000;
const POLL_MS = 2000;
const CONCURRENCY = 4;

export interface RunningWorker {
  /** Lets jobs in flight finish, then returns. */
  stop(): Promise<void>;
}

/** Starts a worker of this process. Without `crontab` only what is queued runs. */
export async function startWorker(app: App, options: { crontab?: boolean } = {}): Promise<RunningWorker> {
  // The owner's connection: the queue's tables are closed to the run-time role.
  const pool = new Pool({
    connectionString: app.config.databaseUrl,
    max: CONCURRENCY + 3,
    application_name: 'fusion-billing worker',
  });
  const lost = (error: Error): void => app.log.warn({ err: error }, 'the queue lost a connection');
  pool.on('error', lost);
  pool.on('connect', (client) => client.on('error', lost));
  const events = new EventEmitter();
  const heartbeat = startHeartbeat(app, pool);
  events.on('pool:create', ({ workerPool }: { workerPool: { id: string } }) => heartbeat.follow(workerPool.id));
  const runner = await run({
    pgPool: pool,
    taskList: taskList(app),
    crontab: options.crontab === false ? '' : CRONTAB,
    concurrency: CONCURRENCY,
    pollInterval: POLL_MS,
    noHandleSignals: true,
    logger: new WorkerLogger(
      () => (level, message) => app.log[level === 'warning' ? 'warn' : level]({ component: 'queue' }, message),
    ),
    events,
  });
  return {
    async stop(): Promise<void> {
      await runner.stop();
      await heartbeat.stop();
      await pool.end();
    },
  };
}

/** Says every few seconds that this process lives under the name by which it locks jobs, and frees what the dead have locked. */
function startHeartbeat(app: App, pool: Pool): { follow(workerId: string): void; stop(): Promise<void> } {
  const ids = new Set<string>();
  let beating: Promise<void> = Promise.resolve();
  const beat = (): void => {
    beating = recordLife(pool, [...ids]).catch((error: unknown) => app.log.warn({ err: error }, 'heartbeat failed'));
  };
  const timer = setInterval(beat, HEARTBEAT_MS);
  return {
    follow(workerId): void {
      ids.add(workerId);
      beat();
    },
    async stop(): Promise<void> {
      clearInterval(timer);
      await beating;
      await pool.query('delete from worker where id = any ($1)', [[...ids]]);
    },
  };
}

/** A job locked for longer than that by somebody who shows no sign of life is free again. */
const DEAD_AFTER = "interval '30 seconds'";

async function recordLife(pool: Pool, ids: readonly string[]): Promise<void> {
  await pool.query(
    `insert into worker (id, seen_at) select id, now() from unnest($1::text[]) as id order by id
     on conflict (id) do update set seen_at = now()`,
    [ids],
  );
  await pool.query(
    `select graphile_worker.force_unlock_workers(array_agg(distinct j.locked_by))
       from graphile_worker.jobs j
      where j.locked_at < now() - ${DEAD_AFTER}
        and not exists (select 1 from worker w where w.id = j.locked_by and w.seen_at > now() - ${DEAD_AFTER})
     having count(*) > 0`,
  );
  await pool.query(`delete from worker where seen_at < now() - interval '1 day'`);
}
