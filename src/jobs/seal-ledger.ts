/** Seals what the ledger has gained. */
import type { App } from '../ctx';
import { sealLedger } from '../services/ledger-blocks';
import { jobCtx } from './context';

export async function sealLedgerJob(app: App, _payload: unknown, now: Date): Promise<void> {
  await sealLedger(jobCtx(app, 'seal-ledger', now));
}
