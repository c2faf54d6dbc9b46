/** Queues closes for the periods whose grace is over. */
import type { App } from '../ctx';
import { enqueueDueCloses } from '../services/period-closes';
import { jobCtx } from './context';

export async function closeDuePeriods(app: App, _payload: unknown, now: Date): Promise<void> {
  await enqueueDueCloses(jobCtx(app, 'close-due-periods', now));
}
