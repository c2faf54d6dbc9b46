/** A server that answers and cannot serve: full disk, read-only, no connection left, time-outs. Callers may try again, it heals itself. */
import { lstatSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type BillingError } from '../../src/domain/errors';
import { inTransaction } from '../../src/services/transaction';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../support/app';
import { contentOf } from '../support/cut';
import { outcomeOf } from '../support/graphql-http';
import { startOwnPostgres, type OwnPostgres } from '../support/own-postgres';
import { nthCounter, UNAVAILABLE } from '../support/usage-load';
import { seedUsageWorld } from '../support/usage-world';

const MAX_CONNECTIONS = 30;
const STATEMENT_TIMEOUT_MS = 500;
const RECOVERY_LIMIT_MS = 20_000;
const LEDGER = ['usage_record', 'usage_rollup', 'usage_assignment'];

let server: OwnPostgres;
let test: TestApp;
let database: string;
let service: string;
let sent = 0;

beforeAll(async () => {
  server = await startOwnPostgres(MAX_CONNECTIONS);
  test = await startTestApp({ sandbox: false, config: { statementTimeoutMs: STATEMENT_TIMEOUT_MS } });
  database = new URL(test.databaseUrl).pathname.slice(1);
  service = (await seedUsageWorld(test.app.db)).service.code;
}, 60_000);
afterAll(async () => {
  await test?.close();
  await server?.remove();
});

const owner = (sql: string): Promise<Record<string, unknown>[]> => server.run(sql, database);

/** Ends every session of the App: the next request connects anew. */
const cutAll = (): string => `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`;

/** A batch of two new counters. */
function record(): Promise<GraphqlAnswer> {
  sent += 2;
  const records = [sent - 1, sent].map((n) => nthCounter(n, { service, now: test.clock.now() }));
  const query = `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { recordedCount } }`;
  return test.gql(test.adminKey, query, { input: { records } });
}

const read = (): Promise<GraphqlAnswer> => test.gql(test.adminKey, '{ services(first: 10) { nodes { code } } }');

async function ready(): Promise<number> {
  return (await test.server.inject('/readyz')).statusCode;
}

async function recovers(): Promise<void> {
  const deadline = performance.now() + RECOVERY_LIMIT_MS;
  while ((await ready()) !== 200) {
    if (performance.now() > deadline) throw new Error('Readiness does not come back.');
    await sleep(100);
  }
  expect(outcomeOf(await record())).toBe('OK');
}

/** Usage is refused for now, and nothing of it is stored. */
async function expectRefusal(): Promise<void> {
  const before = await contentOf(test.databaseUrl, LEDGER);
  const answer = await record();
  expect(outcomeOf(answer)).toBe(UNAVAILABLE);
  expect(answer.body).not.toMatch(/fusion_billing|base\/|No space|ERROR/);
  expect(await contentOf(test.databaseUrl, LEDGER)).toEqual(before);
}

it('a full disk: usage is UNAVAILABLE, nothing is stored, reads go on, readiness tells, and it heals itself', async () => {
  // The ledger's file is empty yet: /dev/full in its place reads as empty too, and has no room for a page.
  const [found] = await owner(`select pg_relation_filepath('usage_record') as path`);
  const file = path.join(server.cluster, found?.path as string);
  renameSync(file, `${file}.aside`);
  symlinkSync('/dev/full', file);
  await server.run(cutAll());
  expect(await ready()).toBe(200);
  await expectRefusal();
  expect(await ready()).toBe(503);
  expect(outcomeOf(await read())).toBe('OK');
  await expectRefusal();
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
  rmSync(file);
  renameSync(`${file}.aside`, file);
  await server.run(cutAll());
  await recovers();
}, 60_000);

it('a server that may only read: usage is UNAVAILABLE, readiness tells at once, reads go on', async () => {
  await server.run('alter system set default_transaction_read_only = on');
  await server.run('select pg_reload_conf()');
  while ((await ready()) !== 503) await sleep(20);
  await expectRefusal();
  expect(outcomeOf(await read())).toBe('OK');
  await server.run('alter system reset default_transaction_read_only');
  await server.run('select pg_reload_conf()');
  await recovers();
}, 60_000);

/** Takes every connection that the server has left. */
async function takeConnections(): Promise<Client[]> {
  const taken: Client[] = [];
  for (;;) {
    const client = new Client({ connectionString: server.url });
    try {
      await client.connect();
    } catch (error) {
      expect((error as { code?: string }).code).toBe('53300');
      return taken;
    }
    taken.push(client);
  }
}

it('no connection left: requests are UNAVAILABLE, also where the key is checked, and readiness tells', async () => {
  const taken = await takeConnections();
  await taken[0]?.query(cutAll());
  taken.push(...(await takeConnections()));
  const answers = await Promise.all([record(), read()]);
  expect(answers.map(outcomeOf)).toEqual([UNAVAILABLE, UNAVAILABLE]);
  expect(answers.map(({ status }) => status)).toEqual([503, 503]);
  expect(await ready()).toBe(503);
  await Promise.all(taken.map((client) => client.end()));
  await recovers();
}, 60_000);

it('a server that falls silent: UNAVAILABLE in bounded time, and its connections are not used again', async () => {
  await Promise.all([read(), read(), read()]);
  const sessions = await owner(
    `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );
  const pids = sessions.map(({ pid }) => pid as number);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  try {
    // Requests of one key share its reading, and single sends a transaction: several may meet the same silence.
    const outcomes = (await Promise.all([...pids.map(record), read()])).map(outcomeOf);
    expect(outcomes).toContain(UNAVAILABLE);
    expect(outcomes.filter((outcome) => outcome !== UNAVAILABLE && outcome !== 'OK')).toEqual([]);
    await recovers();
  } finally {
    for (const pid of pids) process.kill(pid, 'SIGCONT');
  }
}, 60_000);

it('a lock that is not given back, and a statement that takes too long: UNAVAILABLE after the time-out', async () => {
  const holder = new Client({ connectionString: test.databaseUrl });
  await holder.connect();
  await holder.query('begin; lock table usage_rollup in share mode');
  await expectRefusal();
  await holder.query('rollback');
  await holder.end();
  await owner(`create function dawdle() returns trigger language plpgsql as $$ begin perform pg_sleep(5); return new; end $$;
    create trigger dawdle before insert on usage_record for each row execute function dawdle()`);
  await expectRefusal();
  await owner('drop trigger dawdle on usage_record; drop function dawdle()');
  await recovers();
}, 60_000);

it('a transaction that stood idle too long was ended by the server: UNAVAILABLE, though no statement was under way', async () => {
  const idle = inTransaction(test.app, async (tx) => {
    await tx.query(`set local idle_in_transaction_session_timeout = '20ms'`);
    await sleep(300);
    await tx.query('select 1');
  });
  await expect(idle).rejects.toMatchObject({ code: 'UNAVAILABLE' } satisfies Partial<BillingError>);
  await recovers();
});
