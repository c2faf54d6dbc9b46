/** The note of a running instance in DATA_DIR: who runs, where it answers. A help for people, never a lock. */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { OdooConnection } from '../config';
import { birthMark, isAlive, waitUntil } from './process';

/** A little more than the time an instance gives itself to drain. */
const STOP_LIMIT_MS = 180_000;

export interface RunningNote {
  pid: number;
  /** Tells this process from a later one of the same number. */
  birthMark: string;
  /** Where the API answers; null for a worker without one. */
  url: string | null;
  startedAt: string;
  /** The sandbox Odoo of this instance, for the demo; null when Odoo is a real one. */
  sandbox: OdooConnection | null;
}

const noteFile = (dataDir: string): string => path.join(dataDir, 'running.json');

/** The note of the instance that runs on `dataDir`; undefined when none runs. */
export function readRunning(dataDir: string): RunningNote | undefined {
  const file = noteFile(dataDir);
  if (!existsSync(file)) return undefined;
  const note = JSON.parse(readFileSync(file, 'utf8')) as RunningNote;
  return isAlive(note.pid) && birthMark(note.pid) === note.birthMark ? note : undefined;
}

/** Notes that this process runs on `dataDir`. */
export function writeRunning(dataDir: string, where: Omit<RunningNote, 'pid' | 'birthMark'>): void {
  const file = noteFile(dataDir);
  const note: RunningNote = { pid: process.pid, birthMark: birthMark(process.pid), ...where };
  writeFileSync(`${file}.new`, `${JSON.stringify(note)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

export function clearRunning(dataDir: string): void {
  rmSync(noteFile(dataDir), { force: true });
}

/** Asks the instance of `dataDir` to stop and waits until it has. Undefined when none ran. */
export async function stopRunning(dataDir: string): Promise<RunningNote | undefined> {
  const note = readRunning(dataDir);
  if (note === undefined) return undefined;
  process.kill(note.pid, 'SIGTERM');
  if (await waitUntil(() => !isAlive(note.pid), STOP_LIMIT_MS)) return note;
  throw new Error(`Process ${note.pid} does not stop.`);
}
