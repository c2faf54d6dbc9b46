/** The product as `npm start` runs it, in a process of its own on a folder of its own, to be asked, killed and started again. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { runningDatabaseUrl } from '../../src/boot/embedded-postgres';
import { waitUntil } from '../../src/boot/process';
import { killHard, REGISTER } from './owner-process';
import { makeGuardedFolder } from './postgres';

const root = path.join(__dirname, '..', '..');
const BUILT = require.resolve('./built-process.mjs');
export const BOOT_LIMIT_MS = 60_000;

export interface Instance {
  process: ChildProcess;
  /** Everything said so far. */
  output(): string;
  exit: Promise<number | null>;
}

export interface Machine {
  /** DATA_DIR of its instances. */
  path: string;
  launch(variables?: Record<string, string>): Instance;
  /** An instance that has printed its last line. */
  launchReady(variables?: Record<string, string>): Promise<Instance>;
  /** Address of the running instance's database, with the owner's rights. */
  databaseUrl(): string;
  /** Kills what still runs and removes the folder. */
  remove(): Promise<void>;
}

/** From the sources as they are; `built`: from the code that `npm test` has built, as `npm start` runs it. */
export function makeMachine({ built = false } = {}): Machine {
  const command = built ? [BUILT] : ['-r', REGISTER, 'src/main.ts'];
  const folder = makeGuardedFolder('machine');
  const running: Instance[] = [];
  const launch = (variables: Record<string, string> = {}): Instance => {
    const env = { PATH: process.env.PATH, DATA_DIR: folder.path, LOG_LEVEL: 'warn', GRAPHIQL: 'off', ...variables };
    const child = spawn(process.execPath, command, { cwd: root, env });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    const instance = { process: child, output: () => output, exit };
    running.push(instance);
    return instance;
  };
  return {
    path: folder.path,
    launch,
    async launchReady(variables = {}) {
      const instance = launch(variables);
      const settled = (): boolean => instance.process.exitCode !== null || instance.output().includes("}}}'");
      if (!(await waitUntil(settled, BOOT_LIMIT_MS)) || instance.process.exitCode !== null) {
        throw new Error(`did not start: ${instance.output()}`);
      }
      return instance;
    },
    databaseUrl() {
      const url = runningDatabaseUrl(folder.path);
      if (url === undefined) throw new Error('no database runs');
      return url;
    },
    async remove() {
      for (const { process: child } of running) {
        if (child.exitCode === null && child.signalCode === null) await killHard(child);
      }
      await folder.remove();
    },
  };
}

/** Where the printed curl of an instance sends what, with which key. */
export function printedCurl(instance: Instance): { url: string; key: string; body: string } {
  const text = instance.output();
  return {
    url: /curl -s (\S+)/.exec(text)?.[1] ?? '',
    key: /Bearer (fb_[\w-]+)/.exec(text)?.[1] ?? '',
    body: /-d '(.*)'/.exec(text)?.[1] ?? '',
  };
}
