/** A worker that is driven by hand, for whoever moves the clock himself: the demo and the tests. It keeps one connection. */
import { EventEmitter } from 'node:events';
import { Logger as WorkerLogger, makeWorkerUtils, runTaskListOnce, type WorkerUtils } from 'graphile-worker';
import type { App } from '../ctx';
import type { TaskName } from '../queue';
import { taskList } from './tasks';

/** What the crontab starts every minute, in the order in which one needs the other. */
export const MINUTE = ['sync-odoo', 'advance-contracts', 'close-due-periods'] as const satisfies TaskName[];

export interface Player {
  /**
   * Runs what is due, then one task after the other, each with all that follows from it.
   * @throws when a job has failed, now or earlier, and waits to be tried again; its first error is the cause.
   */
  play(tasks: readonly TaskName[]): Promise<void>;
  close(): Promise<void>;
}

const SILENT = new WorkerLogger(() => () => undefined);

/** Connects at the first play. */
export function createPlayer(app: App): Player {
  const events = new EventEmitter();
  let failures: unknown[] = [];
  events.on('job:error', ({ error }: { error: unknown }) => failures.push(error));
  const options = { noHandleSignals: true, logger: SILENT, events };
  const tasks = taskList(app);
  let queue: Promise<WorkerUtils> | undefined;
  return {
    async play(names) {
      // The owner's connection: the queue's tables are closed to the run-time role.
      queue ??= makeWorkerUtils({ connectionString: app.config.databaseUrl, logger: SILENT }).catch(
        (error: unknown) => {
          queue = undefined;
          throw error;
        },
      );
      const { addJobs, withPgClient } = await queue;
      // A task of a later place waits until nothing of the earlier ones is left: what follows from a task has priority 0.
      if (names.length > 0)
        await addJobs(names.map((identifier, place) => ({ identifier, payload: {}, priority: place })));
      failures = [];
      const failed = await withPgClient(async (client) => {
        await runTaskListOnce(options, tasks, client).promise;
        const { rows } = await client.query<{ task_identifier: string; last_error: string }>(
          'select task_identifier, last_error from graphile_worker.jobs where last_error is not null',
        );
        return rows;
      });
      if (failed.length > 0) throw new Error(`Jobs failed: ${JSON.stringify(failed)}`, { cause: failures[0] });
    },
    async close() {
      await (await queue)?.release();
    },
  };
}
