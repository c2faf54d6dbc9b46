// `npm start`: makes the clone ready, then runs the server in this very process, so that signals reach it.
import { readFileSync } from 'node:fs';
import { runBuilt } from './run-built.mjs';
import { setUp } from './setup.mjs';

const PARENT_CHECK_MS = 1_000;

try {
  await setUp();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
if (process.env.npm_lifecycle_event === 'start') stopWithNpm();
await runBuilt();

/** When npm itself is killed and cannot pass the signal on, the server must not stay behind unseen. */
function stopWithNpm() {
  const npm = npmAbove();
  const timer = setInterval(() => {
    if (npmAbove() === npm) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, PARENT_CHECK_MS);
  timer.unref();
}

/** The number of the npm that started us: our parent, or the parent of the shell npm put in between. */
function npmAbove() {
  try {
    const isShell = readFileSync(`/proc/${process.ppid}/cmdline`, 'utf8').includes('start.mjs');
    if (!isShell) return process.ppid;
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')')).split(' ')[2]);
  } catch {
    // No /proc on this system: the parent has to do.
    return process.ppid;
  }
}
