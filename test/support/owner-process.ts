/**
 * A process that owns an embedded PostgreSQL, for tests that kill it. Started by `startOwner`; run by itself it prints one
 * line of JSON when the server is up, or the error, and stops it on SIGTERM.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import pino from 'pino';
import { startEmbeddedPostgres } from '../../src/boot/embedded-postgres';

/** For `node -r`: our TypeScript as it is. */
export const REGISTER = require.resolve('./register.cjs');

export interface Owner {
  process: ChildProcess;
  pid: number;
  url: string;
  adopted: boolean;
  /** Set instead of the others when it could not start. */
  error?: string;
}

/** Starts an owner of `dataDir` in a process of its own and waits for its line. */
export async function startOwner(dataDir: string): Promise<Owner> {
  const child = spawn(process.execPath, ['-r', REGISTER, __filename, dataDir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { process: child, ...(JSON.parse(line) as Omit<Owner, 'process'>) };
  }
  throw new Error('the owner ended without a word');
}

/** Ends a process as nothing can prevent, and waits for its end. */
export async function killHard(child: ChildProcess): Promise<void> {
  const closed = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await closed;
}

async function own(dataDir: string): Promise<void> {
  const tell = (line: object): boolean => process.stdout.write(`${JSON.stringify({ pid: process.pid, ...line })}\n`);
  try {
    const server = await startEmbeddedPostgres({ dataDir, log: pino({ level: 'silent' }), throwaway: true });
    process.once('SIGTERM', () => void server.stop().then(() => process.exit(0)));
    tell({ url: server.url, adopted: server.adopted });
  } catch (error) {
    tell({ error: (error as Error).message });
    process.exitCode = 1;
  }
}

if (require.main === module) void own(process.argv[2] ?? '');
