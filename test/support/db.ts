/** A database for one test file: a clone of the migrated template, dropped at its end, with a check for leaks. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';

/** Environment variables by which the set-up of the run tells the test files where its server is. */
export const TEST_SERVER = 'FUSION_TEST_SERVER_URL';
export const TEST_TEMPLATE = 'FUSION_TEST_TEMPLATE';

const CLONE_ATTEMPTS = 50;
const CLONE_DELAY_MS = 100;
const LEAK_LIMIT_MS = 2_000;
const OBJECT_IN_USE = '55006';

export interface TestDatabase {
  /** Address with the owner's rights. */
  url: string;
  /** Drops the database, whoever is still connected. */
  drop(): Promise<void>;
}

/** The same server, another database. */
export function databaseUrl(url: string, database: string): string {
  const address = new URL(url);
  address.pathname = `/${database}`;
  return address.href;
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1);
}

/** Clones the migrated template, or the database of `url`, to which nobody may be connected, under a random name. */
export function createTestDatabase(url?: string): Promise<TestDatabase> {
  const template = url === undefined ? setting(TEST_TEMPLATE) : nameOf(url);
  return makeDatabase((admin, name) => clone(admin, name, template));
}

/** An empty database without any migration, for the tests of the migrations themselves. */
export function createEmptyDatabase(): Promise<TestDatabase> {
  return makeDatabase(async (admin, name) => {
    await admin.query(`create database ${name} template template0`);
  });
}

async function makeDatabase(make: (admin: Client, name: string) => Promise<void>): Promise<TestDatabase> {
  const name = `fb_test_${randomBytes(6).toString('hex')}`;
  await onServer((admin) => make(admin, name));
  return {
    url: databaseUrl(setting(TEST_SERVER), name),
    drop: () =>
      onServer(async (admin) => {
        await admin.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

/** Fails when somebody is still connected to the database of `url`; to be called when a test file has closed all. */
export async function expectNoLeaks(url: string): Promise<void> {
  const database = nameOf(url);
  const deadline = performance.now() + LEAK_LIMIT_MS;
  let leaked = await sessionsOf(database);
  // A closed connection takes a moment to disappear from the server's list.
  while (leaked.length > 0 && performance.now() < deadline) {
    await sleep(20);
    leaked = await sessionsOf(database);
  }
  if (leaked.length > 0) throw new Error(`Connections left open: ${leaked.join('; ')}`);
}

async function sessionsOf(database: string): Promise<string[]> {
  return onServer(async (admin) => {
    const { rows } = await admin.query<{ session: string }>(
      `select concat_ws(', ', application_name, state, left(query, 200)) as session
       from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
      [database],
    );
    return rows.map(({ session }) => session);
  });
}

async function clone(admin: Client, name: string, template: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      // Copying the files costs less than writing every page to the write-ahead log.
      await admin.query(`create database ${name} template ${template} strategy file_copy`);
      return;
    } catch (error) {
      // Another clone may be under way.
      if ((error as { code?: string }).code !== OBJECT_IN_USE || attempt === CLONE_ATTEMPTS) throw error;
      await sleep(CLONE_DELAY_MS);
    }
  }
}

async function onServer<T>(work: (admin: Client) => Promise<T>): Promise<T> {
  const admin = new Client({ connectionString: setting(TEST_SERVER) });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined)
    throw new Error(`${name} is not set: run the tests by jest, whose set-up starts the server.`);
  return value;
}
