/** Attaches usage that has found its contract. */
import type { App } from '../ctx';
import { assignUsage as assign } from '../services/usage-assign';
import { jobCtx } from './context';

export async function assignUsage(app: App, _payload: unknown, now: Date): Promise<void> {
  await assign(jobCtx(app, 'assign-usage', now));
}
