/** Works out the identities of every service and keeps what was found. */
import type { App } from '../ctx';
import { checkIdentities } from '../services/identity-checks';
import { jobCtx } from './context';

export async function checkIdentitiesJob(app: App, _payload: unknown, now: Date): Promise<void> {
  await checkIdentities(jobCtx(app, 'check-identities', now));
}
