/** One minute of the worker, played by hand, for whoever moves the clock himself. */
import { EventEmitter } from 'node:events';
import { Logger as WorkerLogger, runOnce } from 'graphile-worker';
import type { App } from '../ctx';
import { enqueue, type TaskName } from '../queue';
import { inTransaction } from '../services/transaction';
import { taskList } from './tasks';

/** What the crontab starts every minute, in the order in which one needs the other. */
const MINUTE = ['sync-odoo', 'advance-contracts', 'close-due-periods'] as const satisfies TaskName[];

const SILENT = new WorkerLogger(() => () => undefined);

/**
 * Queues the tasks of a minute one after another and runs, after each, all that follows from it.
 * @throws the first error of a job; nothing is tried again.
 */
export async function playMinute(app: App): Promise<void> {
  for (const task of MINUTE) {
    await inTransaction(app, (tx) => enqueue(tx, task, {}));
    await runDueJobs(app);
  }
}

async function runDueJobs(app: App): Promise<void> {
  const failures: unknown[] = [];
  const events = new EventEmitter();
  events.on('job:error', ({ error }: { error: unknown }) => failures.push(error));
  // The owner's connection: the queue's tables are closed to the run-time role.
  const connectionString = app.config.databaseUrl;
  await runOnce({ connectionString, taskList: taskList(app), noHandleSignals: true, logger: SILENT, events });
  if (failures.length > 0) throw failures[0];
}
