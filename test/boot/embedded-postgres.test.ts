import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import pino from 'pino';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/boot/embedded-postgres';
import { readPostmaster } from '../../src/boot/postmaster';
import { isAlive, waitUntil } from '../../src/boot/process';
import { killHard, startOwner } from '../support/owner-process';
import { makeGuardedFolder, type GuardedFolder } from '../support/postgres';

const log = pino({ level: 'silent' });

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

let folder: GuardedFolder;
let home: string;
const open: EmbeddedPostgres[] = [];

function useNewFolder(): void {
  folder = makeGuardedFolder('embedded');
  home = path.join(folder.path, 'postgres');
}

async function start(): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir: folder.path, log, throwaway: true });
  open.push(server);
  return server;
}

const postmasterPid = (): number => readPostmaster(home)?.pid ?? 0;

afterEach(async () => {
  for (const server of open.splice(0)) await server.stop();
});

describe('the embedded PostgreSQL', () => {
  beforeAll(useNewFolder);
  afterAll(() => folder.remove());
  test('keeps its data over a stop, and asks for a password that only its owner can read', async () => {
    const first = await start();
    await query(first.url, 'drop table if exists kept; create table kept as select 7 as n');
    await first.stop();
    expect(readPostmaster(home)).toBeUndefined();
    const second = await start();
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }]);
    expect(statSync(path.join(home, 'password')).mode & 0o777).toBe(0o600);
    const wrong = second.url.replace(/:[^:@]+@/, ':wrong@');
    await expect(query(wrong, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('listens on the loopback address only, sorts by code point and speaks UTC', async () => {
    const { url } = await start();
    const settings = ['listen_addresses', 'unix_socket_directories', 'timezone', 'synchronous_commit'];
    const columns = settings.map((name) => `current_setting('${name}') as ${name}`).join(', ');
    expect(await query(url, `select ${columns}`)).toEqual([
      { listen_addresses: '127.0.0.1', unix_socket_directories: '', timezone: 'UTC', synchronous_commit: 'on' },
    ]);
    expect(await query(url, `select string_agg(x, '' order by x) as o from unnest(array['a','B','ä','z']) x`)).toEqual([
      { o: 'Bazä' },
    ]);
  });

  test('after a kill -9 of its owner the next start adopts the same server', async () => {
    const owner = await startOwner(folder.path);
    await query(owner.url, 'drop table if exists kept; create table kept as select 7 as n');
    const pid = postmasterPid();
    await killHard(owner.process);
    expect(isAlive(pid)).toBe(true);
    const server = await start();
    expect(server.adopted).toBe(true);
    expect(server.url).toBe(owner.url);
    expect(postmasterPid()).toBe(pid);
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 7 }]);
    await server.stop();
    expect(await waitUntil(() => !isAlive(pid), 5_000)).toBe(true);
  });

  test('a second owner is refused with the process and the address of the first, which goes on', async () => {
    const server = await start();
    const second = await startOwner(folder.path);
    expect(second.error).toBe(
      `Fusion Billing runs already on these data: process ${process.pid}, ` +
        `its PostgreSQL at 127.0.0.1:${new URL(server.url).port}.`,
    );
    expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('after a kill -9 of the server itself it is back at the same address with all that was committed', async () => {
    const server = await start();
    await query(server.url, 'drop table if exists kept; create table kept as select generate_series(1, 1000) as n');
    const pid = postmasterPid();
    process.kill(pid, 'SIGKILL');
    const back = (): boolean => postmasterPid() !== pid && readPostmaster(home)?.status === 'ready';
    expect(await waitUntil(back, 20_000)).toBe(true);
    expect(await query(server.url, 'select count(*)::int as n from kept')).toEqual([{ n: 1000 }]);
    await expect(startOwner(folder.path)).resolves.toMatchObject({
      error: expect.stringContaining(`process ${process.pid},`) as string,
    });
  });

  test('after a kill -9 of owner and server the next start recovers', async () => {
    const owner = await startOwner(folder.path);
    await query(owner.url, 'drop table if exists kept; create table kept as select 7 as n');
    await killHard(owner.process);
    process.kill(postmasterPid(), 'SIGKILL');
    const server = await start();
    expect(server.adopted).toBe(false);
    expect(await query(server.url, 'select n from kept')).toEqual([{ n: 7 }]);
  });

  test('a record left by a dead server whose number another program has now does not stand in the way', async () => {
    const first = await start();
    await first.stop();
    const record = [process.pid, 'x', 0, 1, '', '127.0.0.1', '', 'ready', ''].join('\n');
    writeFileSync(path.join(home, 'cluster', 'postmaster.pid'), record);
    const server = await start();
    expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('SIGTERM to the owner ends the server and leaves the data complete', async () => {
    const owner = await startOwner(folder.path);
    const exit = new Promise((resolve) => owner.process.once('exit', resolve));
    owner.process.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(readFileSync(path.join(home, 'server.log'), 'utf8')).toContain('database system is shut down');
  });
});

describe('the first start of an embedded PostgreSQL', () => {
  beforeEach(useNewFolder);
  afterEach(() => folder.remove());

  test('of two first starts at once exactly one owns the server', async () => {
    const owners = await Promise.all([startOwner(folder.path), startOwner(folder.path)]);
    const winners = owners.filter(({ error }) => error === undefined);
    expect(winners).toHaveLength(1);
    expect(owners.find(({ error }) => error !== undefined)?.error).toContain(`process ${winners[0]?.pid},`);
    expect(readdirSync(folder.path)).toEqual(['postgres']);
    for (const winner of winners) await killHard(winner.process);
  });

  test('what a start that died in initdb left beside the cluster is removed', async () => {
    const owner = await startOwner(folder.path);
    await killHard(owner.process);
    const abandoned = path.join(folder.path, `postgres.new-${owner.pid}`);
    mkdirSync(abandoned);
    writeFileSync(path.join(abandoned, 'half'), '');
    await start();
    expect(existsSync(abandoned)).toBe(false);
  });

  test('a cluster that cannot start ends in an error with the words of its log', async () => {
    const first = await start();
    await first.stop();
    writeFileSync(path.join(home, 'cluster', 'postgresql.conf'), 'no_such_setting = 1\n');
    await expect(start()).rejects.toThrow('no_such_setting');
  });
});
