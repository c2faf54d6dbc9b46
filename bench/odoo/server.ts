/** The sandbox Odoo as a process of its own, in a state that was made elsewhere, and the bare scripts that talk to it. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { connectSandbox, type SandboxControl, type SandboxState } from '../../sandbox/sandbox';
import type { OdooConnection } from '../../src/config';

const ROOT = path.join(__dirname, '..', '..');

export interface OdooProcess {
  connection: OdooConnection;
  control: SandboxControl;
  stop(): Promise<void>;
}

/** Starts the built sandbox and brings it into `state`. */
export async function startOdoo(state: SandboxState): Promise<OdooProcess> {
  const child = spawn(process.execPath, ['dist/sandbox/serve.js', '--load', 'empty'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const connection = JSON.parse(line) as OdooConnection;
  const control = connectSandbox(connection.url, connection.apiKey);
  await control.loadState(state);
  return { connection, control, stop: () => end(child) };
}

/** Runs `bench/odoo/<script>.ts` in a process of its own; the seconds that it measured. */
export async function runScript<Order>(script: string, order: Order): Promise<number> {
  const child = fork(path.join(__dirname, `${script}.ts`));
  child.send(order as object);
  const [seconds] = (await Promise.race([once(child, 'message'), ended(child, script)])) as [number];
  await end(child);
  return seconds;
}

async function ended(child: ChildProcess, script: string): Promise<never> {
  const [code] = (await once(child, 'close')) as [number | null];
  throw new Error(`${script} ended with ${code} before it had measured anything.`);
}

/** Ends a process that holds nothing worth keeping. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGKILL');
  await closed;
}
