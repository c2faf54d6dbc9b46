/** Plans the slots of one contract. */
import type { App } from '../ctx';
import { planContract } from '../services/slots';
import { jobCtx } from './context';

export async function planSlots(app: App, payload: { contractId: string }, now: Date): Promise<void> {
  await planContract(jobCtx(app, 'plan-slots', now), payload.contractId);
}
