/** Runs the queue: graphile-worker with our tasks, and a heartbeat by which the jobs of dead workers are freed within a minute. */
import { EventEmitter } from 'node:events';
import { Logger as WorkerLogger, run } from 'graphile-worker';
import type { App } from '../ctx';
import { forgetWorkers, recordWorkers } from '../services/workers';
import { CRONTAB, taskList } from './tasks';

const HEARTBEAT_MS = 10_000;
const POLL_MS = 2000;
const CONCURRENCY = 4;

/** Each finished job is news to the queue, not to the operator. */
const LOG_LEVELS = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const;

export interface RunningWorker {
  /** Lets jobs in flight finish, then returns. */
  stop(): Promise<void>;
}

/** Starts a worker of this process. Without `crontab` only what is queued runs. */
export async function startWorker(app: App, options: { crontab?: boolean } = {}): Promise<RunningWorker> {
  const events = new EventEmitter();
  const heartbeat = startHeartbeat(app);
  events.on('pool:create', ({ workerPool }: { workerPool: { id: string } }) => heartbeat.follow(workerPool.id));
  const runner = await run({
    // The owner's connection: the queue's tables are closed to the run-time role.
    connectionString: app.config.databaseUrl,
    maxPoolSize: CONCURRENCY + 2,
    taskList: taskList(app),
    crontab: options.crontab === false ? '' : CRONTAB,
    concurrency: CONCURRENCY,
    pollInterval: POLL_MS,
    noHandleSignals: true,
    logger: new WorkerLogger(() => (level, message) => app.log[LOG_LEVELS[level]]({ component: 'queue' }, message)),
    events,
  });
  return {
    async stop(): Promise<void> {
      await runner.stop();
      await heartbeat.stop();
    },
  };
}

/** Says every few seconds that this process lives under the names by which it locks jobs. */
function startHeartbeat(app: App): { follow(workerId: string): void; stop(): Promise<void> } {
  const ids = new Set<string>();
  let beating: Promise<void> = Promise.resolve();
  const beat = (): void => {
    beating = recordWorkers(app, [...ids]).catch((error: unknown) => app.log.warn({ err: error }, 'heartbeat failed'));
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
      await forgetWorkers(app, [...ids]);
    },
  };
}
