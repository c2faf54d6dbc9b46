/** Plans every contract that a mirrored change, a due provisional write or a new charge gives something to do. */
import type { App } from '../ctx';
import { planChangedContracts } from '../services/slots-due';
import { jobCtx } from './context';

export async function advanceContracts(app: App, _payload: unknown, now: Date): Promise<void> {
  await planChangedContracts(jobCtx(app, 'advance-contracts', now));
}
