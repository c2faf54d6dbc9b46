/** The tasks of the queue with their payloads, and how one is added inside a transaction: the queue is the outbox. */
import type { EntityManager } from 'typeorm';

/** Payloads carry ids only; everything else is read when the task runs. */
export interface TaskPayloads {
  'sync-odoo': { runIds?: string[] };
  'sync-odoo-full': Record<string, never>;
  'advance-contracts': Record<string, never>;
  'close-due-periods': Record<string, never>;
  'close-periods': { periodIds: string[] };
  'plan-slots': { contractId: string };
  'write-back': { subscriptionId: string };
  'assign-usage': Record<string, never>;
  'check-rollup': Record<string, never>;
  'seal-ledger': Record<string, never>;
  'check-alerts': Record<string, never>;
  'check-identities': Record<string, never>;
}
export type TaskName = keyof TaskPayloads;

export interface EnqueueOptions {
  /** Jobs with one key collapse into one as long as none of them runs. */
  jobKey?: string;
  runAt?: Date;
  maxAttempts?: number;
}

/** Adds a job in `tx`: it exists exactly when the transaction commits. */
export async function enqueue<T extends TaskName>(
  tx: EntityManager,
  task: T,
  payload: TaskPayloads[T],
  options: EnqueueOptions = {},
): Promise<void> {
  await tx.query('select enqueue_job($1, $2, $3, $4, $5)', [
    task,
    JSON.stringify(payload),
    options.runAt ?? null,
    options.maxAttempts ?? 25,
    options.jobKey ?? null,
  ]);
}

/** The same for many jobs of a task, each with a key of its own; they are added in the order of their keys. */
export async function enqueueAll<T extends TaskName>(
  tx: EntityManager,
  task: T,
  jobs: readonly { payload: TaskPayloads[T]; jobKey: string }[],
): Promise<void> {
  if (jobs.length === 0) return;
  await tx.query('select enqueue_jobs($1, $2)', [task, JSON.stringify(jobs)]);
}
