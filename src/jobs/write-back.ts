/** Works off the intents of one order. */
import type { App } from '../ctx';
import { runWriteBacks } from '../services/write-backs';
import { jobCtx } from './context';

export async function writeBackJob(app: App, payload: { subscriptionId: string }, now: Date): Promise<void> {
  await runWriteBacks(jobCtx(app, 'write-back', now), payload.subscriptionId);
}
