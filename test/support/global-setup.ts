/** Once a run: a throw-away PostgreSQL (or the one of TEST_DATABASE_URL) with a migrated database to clone. */
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { migrate } from '../../src/migrate';
import { databaseUrl, TEST_SERVER, TEST_TEMPLATE } from './db';
import { startTestPostgres, type TestPostgres } from './postgres';

export interface TestRun {
  adminUrl: string;
  template: string;
  /** Undefined when the server is not ours. */
  server: TestPostgres | undefined;
}

declare global {
  // `var` is what a global declaration needs.
  var testRun: TestRun | undefined;
}

export default async function globalSetup(): Promise<void> {
  const given = process.env.TEST_DATABASE_URL;
  const server = given === undefined ? await startTestPostgres() : undefined;
  const adminUrl = given ?? server?.url ?? '';
  const template = `fb_template_${randomBytes(6).toString('hex')}`;
  globalThis.testRun = { adminUrl, template, server };
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  try {
    // The server's folder may be in memory, and nobody restores it: the write-ahead log is kept short.
    if (server !== undefined) await admin.query(`alter system set max_wal_size = '128MB'`);
    if (server !== undefined) await admin.query('select pg_reload_conf()');
    await admin.query(`create database ${template}`);
    await migrate(databaseUrl(adminUrl, template));
    // Nobody may connect from here on: a database with sessions cannot be cloned.
    await admin.query(`alter database ${template} with is_template true allow_connections false`);
  } finally {
    await admin.end();
  }
  process.env[TEST_SERVER] = adminUrl;
  process.env[TEST_TEMPLATE] = template;
}
