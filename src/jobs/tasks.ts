/** The list of tasks and the crontab. Each task parses its payload, builds a Ctx, and calls one use case. */
import type { TaskList } from 'graphile-worker';
import { z } from 'zod';
import type { App } from '../ctx';
import type { TaskName } from '../queue';
import { advanceContracts } from './advance-contracts';
import { assignUsage } from './assign-usage';
import { checkAlertsJob } from './check-alerts';
import { checkIdentitiesJob } from './check-identities';
import { checkRollup } from './check-rollup';
import { closeDuePeriods } from './close-due-periods';
import { closePeriodsJob } from './close-periods';
import { planSlots } from './plan-slots';
import { sealLedgerJob } from './seal-ledger';
import { syncOdoo } from './sync-odoo';
import { syncOdooFull } from './sync-odoo-full';
import { writeBackJob } from './write-back';

/** `now` is the app's clock when the job starts; schedules are made up after a downtime by the state of the data itself. */
type Job<P> = (app: App, payload: P, now: Date) => Promise<unknown>;

const nothing = z.looseObject({});

const JOBS = {
  'sync-odoo': job(z.looseObject({ runIds: z.array(z.uuid()).optional() }), syncOdoo),
  'sync-odoo-full': job(nothing, syncOdooFull),
  'advance-contracts': job(nothing, advanceContracts),
  'close-due-periods': job(nothing, closeDuePeriods),
  'close-periods': job(z.looseObject({ periodIds: z.array(z.uuid()) }), closePeriodsJob),
  'plan-slots': job(z.looseObject({ contractId: z.uuid() }), planSlots),
  'write-back': job(z.looseObject({ subscriptionId: z.uuid() }), writeBackJob),
  'assign-usage': job(nothing, assignUsage),
  'check-rollup': job(nothing, checkRollup),
  'seal-ledger': job(nothing, sealLedgerJob),
  'check-alerts': job(nothing, checkAlertsJob),
  'check-identities': job(nothing, checkIdentitiesJob),
} satisfies Record<TaskName, (app: App, payload: unknown) => Promise<void>>;

/** Cron lines in UTC; a job key keeps a slow minute from piling up. */
export const CRONTAB = [
  '* * * * * sync-odoo ?jobKey=sync-odoo&max=1',
  '* * * * * advance-contracts ?jobKey=advance-contracts&max=1',
  '* * * * * close-due-periods ?jobKey=close-due-periods&max=1',
  '*/5 * * * * assign-usage ?jobKey=assign-usage&max=1',
  '17 3 * * * sync-odoo-full ?jobKey=sync-odoo-full&max=3',
  '* * * * * seal-ledger ?jobKey=seal-ledger&max=1',
  '* * * * * check-alerts ?jobKey=check-alerts&max=1',
  '47 * * * * check-rollup ?jobKey=check-rollup&max=1',
  '37 4 * * * check-identities ?jobKey=check-identities&max=3',
].join('\n');

/** The tasks as graphile-worker takes them, bound to one App; each run is timed and, with tracing on, a trace of its own. */
export function taskList(app: App): TaskList {
  return Object.fromEntries(
    Object.entries(JOBS).map(([name, run]) => {
      const work = (payload: unknown): Promise<void> => timed(app, name, () => run(app, payload));
      const { tracing } = app;
      return [
        name,
        tracing === null ? work : (payload): Promise<void> => tracing.trace(`job ${name}`, () => work(payload)),
      ];
    }),
  );
}

async function timed({ metrics }: App, task: string, work: () => Promise<void>): Promise<void> {
  const stop = metrics.jobs.startTimer({ task });
  try {
    await work();
    stop({ outcome: 'ok' });
  } catch (error) {
    stop({ outcome: 'failed' });
    throw error;
  }
}

function job<P>(schema: z.ZodType<P>, run: Job<P>): (app: App, payload: unknown) => Promise<void> {
  return async (app, payload) => {
    await run(app, schema.parse(payload ?? {}), app.clock());
  };
}
