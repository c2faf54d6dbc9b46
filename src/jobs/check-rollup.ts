/** Compares the rollup with the ledger. */
import type { App } from '../ctx';
import { checkRollup as check } from '../services/rollup-check';
import { jobCtx } from './context';

export async function checkRollup(app: App, _payload: unknown, now: Date): Promise<void> {
  await check(jobCtx(app, 'check-rollup', now));
}
