/** Once a run, at its end: the server of the run, or at least its template, goes. */
import { Client } from 'pg';

export default async function globalTeardown(): Promise<void> {
  const run = globalThis.testRun;
  if (run === undefined) return;
  if (run.server !== undefined) return run.server.stop();
  const admin = new Client({ connectionString: run.adminUrl });
  await admin.connect();
  try {
    await admin.query(`alter database ${run.template} with is_template false`);
    await admin.query(`drop database ${run.template} with (force)`);
  } finally {
    await admin.end();
  }
}
