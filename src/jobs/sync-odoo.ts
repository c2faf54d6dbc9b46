/** Reads what changed in Odoo into the mirror; with run ids, the runs that were asked for. */
import type { App } from '../ctx';
import { runSync } from '../services/mirror';
import { jobCtx } from './context';

export async function syncOdoo(app: App, payload: { runIds?: string[] }, now: Date): Promise<void> {
  await runSync(jobCtx(app, 'sync-odoo', now), { runIds: payload.runIds });
}
