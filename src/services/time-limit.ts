/** How long the database is waited for where an answer without it is worth more than a late one. */
import { timeout, TaskCancelledError, TimeoutStrategy } from 'cockatiel';
import { BillingError } from '../domain/errors';

/**
 * What `work` comes to, unless that takes longer than `limitMs`. The work itself goes on, and nobody waits for it.
 * @throws BillingError UNAVAILABLE after `limitMs`; whatever the work throws.
 */
export async function withinLimit<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  try {
    return await timeout(limitMs, TimeoutStrategy.Aggressive).execute(work);
  } catch (error) {
    if (!(error instanceof TaskCancelledError)) throw error;
    throw new BillingError('UNAVAILABLE', 'The database gave no answer in time; try again.');
  }
}
