/** Makes the cluster of the embedded PostgreSQL: complete at its final place, or not there at all. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BootError } from './boot-error';
import { layoutOf } from './postmaster';
import { isAlive } from './process';
import { commandAs, type PostgresUser } from './postgres-user';

/** The owner of the cluster, known by password only. */
export const OWNER = 'fusion_billing';

const INITDB_LIMIT_MS = 120_000;

/**
 * Makes `home` with a new cluster in it, unless it is there. The work is done in a folder beside it and put in place by
 * one rename, so a killed start leaves nothing half-made, and of two starts at once one wins.
 */
export function ensureCluster(home: string, user: PostgresUser, options: { throwaway: boolean }): void {
  removeAbandoned(home);
  if (existsSync(home)) return;
  const aside = `${home}.new-${process.pid}`;
  const { cluster, password } = layoutOf(aside);
  mkdirSync(aside, { mode: 0o700 });
  mkdirSync(cluster, { mode: 0o700 });
  writeFileSync(password, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (user.ids !== undefined) {
    for (const file of [aside, cluster, password]) chownSync(file, user.ids.uid, user.ids.gid);
  }
  try {
    runInitdb(aside, user, options);
    putInPlace(aside, home);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function runInitdb(home: string, user: PostgresUser, { throwaway }: { throwaway: boolean }): void {
  const { cluster, password } = layoutOf(home);
  const command = commandAs(user, 'initdb', [
    ...['-D', cluster, '--username', OWNER, '--pwfile', password, '--auth', 'scram-sha-256'],
    // The built-in provider sorts and compares alike on every system.
    ...['--encoding', 'UTF8', '--locale', 'C', '--locale-provider', 'builtin', '--builtin-locale', 'C.UTF-8'],
    ...(throwaway ? ['--no-sync'] : []),
  ]);
  const { status, error, stderr } = spawnSync(command.file, command.args, {
    ...command.options,
    encoding: 'utf8',
    timeout: INITDB_LIMIT_MS,
  });
  if (status === 0) return;
  throw new BootError(`initdb could not make ${cluster}: ${error?.message ?? stderr.trim().slice(-1_000)}`);
}

function putInPlace(aside: string, home: string): void {
  try {
    renameSync(aside, home);
  } catch (error) {
    // Another start was faster: its cluster is as good as ours.
    if (!existsSync(home)) throw error;
  }
}

/** Folders of starts that died in the middle; those of living ones stay. */
function removeAbandoned(home: string): void {
  const prefix = `${path.basename(home)}.new-`;
  for (const name of readdirSync(path.dirname(home))) {
    const pid = Number(name.slice(prefix.length));
    if (!name.startsWith(prefix) || (pid !== process.pid && isAlive(pid))) continue;
    rmSync(path.join(path.dirname(home), name), { recursive: true, force: true });
  }
}
