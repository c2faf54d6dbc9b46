/** Queues one close for each period whose grace is over. */
import type { App } from '../ctx';
import { enqueueDueCloses } from '../services/periods';
import { jobCtx } from './context';

export async function closeDuePeriods(app: App, _payload: unknown, now: Date): Promise<void> {
  await enqueueDueCloses(jobCtx(app, 'close-due-periods', now));
}
