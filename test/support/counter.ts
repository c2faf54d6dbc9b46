/** A counter as callers send it, for tests with and without a database. */
import type { UsageInput } from '../../src/domain/usage-record';

/** A counter of account "acme" and metric "calls" in the hour before ten on 10 March 2026, unless it says otherwise. */
export function counter(change: Partial<UsageInput> = {}): UsageInput {
  return {
    idempotencyKey: 'acme/calls/2026-03-10T09',
    account: 'acme',
    metric: 'calls',
    windowStart: '2026-03-10T09:00:00Z',
    windowEnd: '2026-03-10T10:00:00Z',
    quantity: '10',
    ...change,
  };
}
