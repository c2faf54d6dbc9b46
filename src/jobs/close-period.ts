/** Closes one period. */
import type { App } from '../ctx';
import { closePeriod } from '../services/periods';
import { jobCtx } from './context';

export async function closePeriodJob(app: App, payload: { periodId: string }, now: Date): Promise<void> {
  await closePeriod(jobCtx(app, 'close-period', now), payload);
}
