/** Reads everything the mirror holds from Odoo again, and notices what is gone. */
import type { App } from '../ctx';
import { runSync } from '../services/mirror';
import { jobCtx } from './context';

export async function syncOdooFull(app: App, _payload: unknown, now: Date): Promise<void> {
  await runSync(jobCtx(app, 'sync-odoo-full', now), { full: true, wait: true });
}
