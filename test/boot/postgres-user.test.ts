import { chmodSync, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import pino from 'pino';
import { startEmbeddedPostgres } from '../../src/boot/embedded-postgres';
import { readPostmaster } from '../../src/boot/postmaster';
import { findPostgresUser } from '../../src/boot/postgres-user';
import { makeGuardedFolder, type GuardedFolder } from '../support/postgres';

const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? test : test.skip;
const log = pino({ level: 'silent' });

describe('as whom PostgreSQL runs', () => {
  let folder: GuardedFolder;
  beforeEach(() => {
    folder = makeGuardedFolder('user');
  });
  afterEach(() => folder.remove());
  const homeIn = (dataDir: string): string => path.join(dataDir, 'postgres');

  (isRoot ? test.skip : test)('an ordinary user runs it without any help', () => {
    const user = findPostgresUser({ dataDir: folder.path, home: homeIn(folder.path) });
    expect(user).toMatchObject({ wrapper: [] });
    expect(user.ids).toBeUndefined();
  });

  asRoot('root lets an unprivileged user run it, who owns the data', async () => {
    const server = await startEmbeddedPostgres({ dataDir: folder.path, log, throwaway: true });
    const owner = statSync(homeIn(folder.path)).uid;
    const runner = statSync(`/proc/${readPostmaster(homeIn(folder.path))?.pid}`).uid;
    await server.stop();
    expect(owner).not.toBe(0);
    expect(runner).toBe(owner);
  });

  asRoot('root runs it in a folder that only root may enter', async () => {
    chmodSync(folder.path, 0o700);
    const first = await startEmbeddedPostgres({ dataDir: folder.path, log, throwaway: true });
    await first.stop();
    expect(statSync(homeIn(folder.path)).uid).toBe(0);
    const again = await startEmbeddedPostgres({ dataDir: folder.path, log, throwaway: true });
    await again.stop();
    expect(again.adopted).toBe(false);
  });

  asRoot('a cluster runs as the user it belongs to, whoever starts it', async () => {
    const first = await startEmbeddedPostgres({ dataDir: folder.path, log, throwaway: true });
    await first.stop();
    const { uid, gid } = statSync(homeIn(folder.path));
    const user = findPostgresUser({ dataDir: folder.path, home: homeIn(folder.path) });
    expect(user.ids).toEqual({ uid, gid });
  });

  asRoot('where no way works the error names a folder that would do', () => {
    const closed = path.join(folder.path, 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const search = (): unknown =>
      findPostgresUser({ dataDir: closed, home: homeIn(closed), unshare: '/no/such/unshare' });
    expect(search).toThrow(`no other user can reach ${closed}. A folder that would do: DATA_DIR=/`);
    const named = /DATA_DIR=(\S+)\./.exec(messageOf(search))?.[1] ?? '';
    expect(path.basename(named)).toBe('fusion-billing');
    expect(existsSync(path.dirname(named))).toBe(true);
  });
});

function messageOf(work: () => unknown): string {
  try {
    work();
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}
