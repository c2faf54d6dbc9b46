// An exclusive lock between processes, kept as a file. It belongs to a living process: the lock of a dead one
// (or of one whose process number was given to somebody else since) is taken over. Plain Node, no packages.
import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;
const TAKEOVER_STALE_MS = 10_000;
const WAIT_LIMIT_MS = 15 * 60_000;

/**
 * Waits for the lock `file`, runs `work` under it and releases it. `onWait(pid)` is called once when somebody else
 * holds it. Gives up after 15 minutes.
 */
export async function withLock(file, work, onWait = () => {}) {
  await acquire(file, onWait);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

async function acquire(file, onWait) {
  mkdirSync(path.dirname(file), { recursive: true });
  const own = `${file}.${process.pid}`;
  // Written aside and linked: the lock never exists without the name of its holder.
  writeFileSync(own, JSON.stringify({ pid: process.pid, born: bornMark(process.pid) }));
  try {
    const deadline = performance.now() + WAIT_LIMIT_MS;
    for (let told = false; !tryLink(own, file);) {
      if (takeOverIfDead(file)) continue;
      const { pid } = readHolder(file) ?? {};
      if (!told && pid !== undefined) onWait(pid);
      told ||= pid !== undefined;
      if (performance.now() > deadline) throw new Error(`Process ${pid} has held ${file} for 15 minutes; giving up.`);
      await sleep(POLL_MS);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

function tryLink(own, file) {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes the lock of a dead process. Only one process at a time may judge, or two would remove each other's. */
function takeOverIfDead(file) {
  if (isAlive(readHolder(file))) return false;
  const guard = `${file}.takeover`;
  try {
    mkdirSync(guard);
  } catch {
    removeStaleGuard(guard);
    return false;
  }
  try {
    const holder = readHolder(file);
    if (holder === undefined || isAlive(holder)) return false;
    unlinkSync(file);
    return true;
  } finally {
    rmdirSync(guard);
  }
}

function removeStaleGuard(guard) {
  try {
    // A guard is held for microseconds; one that is seconds old lost its process.
    if (Date.now() - statSync(guard).mtimeMs > TAKEOVER_STALE_MS) rmdirSync(guard);
  } catch {
    // It went away by itself: the next round sees.
  }
}

function readHolder(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(holder) {
  if (holder === undefined) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (error.code === 'ESRCH') return false;
  }
  return bornMark(holder.pid) === holder.born;
}

/** The start time of a process in clock ticks since boot, where the system tells it (Linux): numbers are used again. */
function bornMark(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')')).split(' ')[20] ?? '';
  } catch {
    return '';
  }
}
