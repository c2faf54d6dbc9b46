/** Closes periods of contracts of one lane. */
import type { App } from '../ctx';
import { closePeriods } from '../services/period-closes';
import { jobCtx } from './context';

export async function closePeriodsJob(app: App, payload: { periodIds: string[] }, now: Date): Promise<void> {
  await closePeriods(jobCtx(app, 'close-periods', now), payload.periodIds);
}
