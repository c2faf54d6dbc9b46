/** A PostgreSQL for one run of the tests, and the watchdog that removes it when the run is killed. */
import { spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdtempSync, realpathSync, statfsSync } from 'node:fs';
import { freemem, tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { startEmbeddedPostgres } from '../../src/boot/embedded-postgres';

export interface GuardedFolder {
  path: string;
  /** Ends every PostgreSQL in the folder and removes it. */
  remove(): Promise<void>;
}

/**
 * Waits for the end of its input, which comes when its owner closes it or dies, however he dies. Then it ends whatever
 * PostgreSQL runs in the folder and removes it, until nothing puts files back (an initdb may be under way).
 */
const WATCHDOG = `
  cat >/dev/null
  gone=0
  for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    for file in $(find "$1" -name postmaster.pid 2>/dev/null); do
      read -r pid <"$file" && pid=\${pid#-} || continue
      command=$(tr '\\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null || ps -o args= -p "$pid")
      case "$command" in *"$1"*) kill -QUIT "$pid" ;; esac
    done
    rm -rf "$1" 2>/dev/null
    if [ -e "$1" ]; then gone=0; else gone=$((gone + 1)); fi
    [ "$gone" -ge "$2" ] && exit 0
    sleep 0.2
  done`;

/** Linux keeps its files in memory: a database of a thousand files is cloned there in a tenth of the time that a disk takes. */
const MEMORY_FOLDER = '/dev/shm';
/** Several times what a whole run of the tests leaves there at once. */
const MEMORY_NEEDED_BYTES = 4 * 1024 ** 3;

/** The folder in memory where there is plenty of it, otherwise the system's temporary one, as in Docker. */
function roomyFolder(): string {
  try {
    accessSync(MEMORY_FOLDER, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY_FOLDER);
    if (Math.min(bavail * bsize, freemem()) >= MEMORY_NEEDED_BYTES) return MEMORY_FOLDER;
  } catch {
    // Other systems have none.
  }
  return tmpdir();
}

/** A new folder, in memory where there is plenty of it, that does not outlive this process, even when it is killed. */
export function makeGuardedFolder(name: string, parent = roomyFolder()): GuardedFolder {
  const folder = realpathSync(mkdtempSync(path.join(parent, `fusion-billing-${name}-`)));
  // As root the server runs as another user, who must be able to pass.
  chmodSync(folder, 0o711);
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'watchdog', folder, '3'], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  const ended = new Promise<void>((resolve) => watchdog.once('close', () => resolve()));
  const input = watchdog.stdin as typeof watchdog.stdin & { unref(): void };
  input.unref();
  return {
    path: folder,
    remove(): Promise<void> {
      watchdog.ref();
      input.end();
      return ended;
    },
  };
}

export interface TestPostgres {
  /** Address with the owner's rights. */
  url: string;
  stop(): Promise<void>;
}

/** Starts a server to throw away, on a free port. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const folder = makeGuardedFolder('test');
  const server = await startEmbeddedPostgres({
    dataDir: folder.path,
    log: pino({ level: 'warn' }),
    throwaway: true,
  });
  return {
    url: server.url,
    async stop(): Promise<void> {
      await server.stop();
      await folder.remove();
    },
  };
}
