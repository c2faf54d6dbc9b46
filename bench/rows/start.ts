/** How long `npm start` takes on data that are there already, until the API answers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../src/boot/postmaster';
import { makeGuardedFolder } from '../../test/support/postgres';
import { untilReady } from '../ground';
import type { Measure, Row, Sides } from '../row';

const ROOT = path.join(__dirname, '..', '..');

export const startRow: Row = {
  name: 'start',
  what: '`npm start` on prepared data until the API answers',
  baseline: null,
  aim: { atMost: 2 },
  async open(): Promise<Sides> {
    const folder = makeGuardedFolder('bench-start', tmpdir());
    // The warm-up makes the database and the demo's data: the rounds find them.
    return { ours: () => start(folder.path), close: () => folder.remove() };
  },
};

async function start(dataDir: string): Promise<Measure> {
  const port = await freePort();
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, DATA_DIR: dataDir, PORT: String(port) };
  const startedAt = performance.now();
  // A group of its own: npm does not hand every signal down.
  const child = spawn('npm', ['start'], { cwd: ROOT, env, stdio: 'ignore', detached: true });
  const ended = once(child, 'close');
  await untilReady(child, `http://127.0.0.1:${port}`);
  const seconds = (performance.now() - startedAt) / 1_000;
  process.kill(-(child.pid ?? 0), 'SIGTERM');
  await ended;
  return { value: seconds, unit: 's' };
}
