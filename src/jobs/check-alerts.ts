/** Checks the alerts of contracts whose usage changed. */
import type { App } from '../ctx';
import { checkAlerts } from '../services/usage-alert-checks';
import { jobCtx } from './context';

export async function checkAlertsJob(app: App, _payload: unknown, now: Date): Promise<void> {
  await checkAlerts(jobCtx(app, 'check-alerts', now));
}
