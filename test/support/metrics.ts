/** Reads what an App counts. */
import type { App } from '../../src/ctx';

/** How often a transaction was run again; the parallel tests require none. */
export async function rerunsOf(app: App): Promise<number> {
  const { values } = await app.metrics.transactionReruns.get();
  return values.reduce((sum, { value }) => sum + value, 0);
}
