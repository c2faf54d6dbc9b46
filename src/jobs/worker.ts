/**
 * Runs the queue: graphile-worker with our tasks, started again when a lost database ended it, and a heartbeat by which the
 * jobs of dead workers are freed within a minute.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger as WorkerLogger, run, type Runner } from 'graphile-worker';
import type { App } from '../ctx';
import { forgetWorkers, recordWorkers } from '../services/workers';
import { CRONTAB, taskList } from './tasks';

const HEARTBEAT_MS = 10_000;
const POLL_MS = 2000;
const CONCURRENCY = 4;
const RESTART_DELAY_MS = 1_000;

/** Each finished job is news to the queue, not to the operator. */
const LOG_LEVELS = { error: 'error', warning: 'warn', info: 'debug', debug: 'trace' } as const;

export interface RunningWorker {
  /** Lets jobs in flight finish, then returns. */
  stop(): Promise<void>;
}

/** Starts a worker of this process. Without `crontab` only what is queued runs. */
export async function startWorker(app: App, options: { crontab?: boolean } = {}): Promise<RunningWorker> {
  const heartbeat = startHeartbeat(app);
  const start = (): Promise<Runner> => startRunner(app, heartbeat, options.crontab === false ? '' : CRONTAB);
  const stopping = new AbortController();
  let runner: Runner | undefined = await start();
  const keepRunning = async (): Promise<void> => {
    for (;;) {
      await runner?.promise.catch((error: unknown) => app.log.error({ err: error }, 'the queue did not end in order'));
      if (stopping.signal.aborted) return;
      // Jobs that it could not put away are a dead worker's from now on.
      heartbeat.forget();
      await sleep(RESTART_DELAY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      app.log.warn('the queue ended; starting it again');
      runner = await start().catch((error: unknown) => {
        app.log.warn({ err: error }, 'the queue cannot start yet');
        return undefined;
      });
      if (stopping.signal.aborted) await runner?.stop();
    }
  };
  const kept = keepRunning();
  return {
    async stop(): Promise<void> {
      stopping.abort();
      // It may have ended by itself just now, which it takes for a mistake of ours.
      await runner?.stop().catch((error: unknown) => app.log.debug({ err: error }, 'the queue had ended'));
      await kept;
      await heartbeat.stop();
    },
  };
}

async function startRunner(app: App, heartbeat: Heartbeat, crontab: string): Promise<Runner> {
  const events = new EventEmitter();
  events.on('pool:create', ({ workerPool }: { workerPool: { id: string } }) => heartbeat.follow(workerPool.id));
  return run({
    // The owner's connection: the queue's tables are closed to the run-time role.
    connectionString: app.config.databaseUrl,
    maxPoolSize: CONCURRENCY + 2,
    taskList: taskList(app),
    crontab,
    concurrency: CONCURRENCY,
    pollInterval: POLL_MS,
    noHandleSignals: true,
    logger: new WorkerLogger(() => (level, message) => app.log[LOG_LEVELS[level]]({ component: 'queue' }, message)),
    events,
    // Without batches of its own the queue leaves the failure of putting a job away unhandled, which ends the process.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
  });
}

interface Heartbeat {
  follow(workerId: string): void;
  /** Shows no more signs of life of those followed so far. */
  forget(): void;
  stop(): Promise<void>;
}

/** Says every few seconds that this process lives under the names by which it locks jobs. */
function startHeartbeat(app: App): Heartbeat {
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
    forget: () => ids.clear(),
    async stop(): Promise<void> {
      clearInterval(timer);
      await beating;
      await forgetWorkers(app, [...ids]);
    },
  };
}
