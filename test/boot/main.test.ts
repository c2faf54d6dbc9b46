import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { freePort, readPostmaster } from '../../src/boot/postmaster';
import { isAlive, waitUntil } from '../../src/boot/process';
import { readRunning } from '../../src/boot/running';
import { killHard, REGISTER } from '../support/owner-process';
import { makeGuardedFolder, type GuardedFolder } from '../support/postgres';

const root = path.join(__dirname, '..', '..');
const BOOT_LIMIT_MS = 60_000;

interface Instance {
  process: ChildProcess;
  /** Everything said so far. */
  output(): string;
  exit: Promise<number | null>;
}

describe('the process of a bare machine', () => {
  let folder: GuardedFolder;
  let port: number;
  const running: Instance[] = [];

  beforeAll(async () => {
    folder = makeGuardedFolder('machine');
    port = await freePort();
  });
  afterAll(async () => {
    for (const { process } of running)
      if (process.exitCode === null && process.signalCode === null) await killHard(process);
    await folder.remove();
  });

  function launch(variables: Record<string, string> = {}): Instance {
    const env = { PATH: process.env.PATH, DATA_DIR: folder.path, LOG_LEVEL: 'warn', GRAPHIQL: 'off', ...variables };
    const child = spawn(process.execPath, ['-r', REGISTER, 'src/main.ts'], { cwd: root, env });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    const instance = { process: child, output: () => output, exit };
    running.push(instance);
    return instance;
  }

  /** An instance that has printed its last line. */
  async function launchReady(): Promise<Instance> {
    const instance = launch({ PORT: String(port) });
    const settled = (): boolean => instance.process.exitCode !== null || instance.output().includes("}}}'");
    if (!(await waitUntil(settled, BOOT_LIMIT_MS)) || instance.process.exitCode !== null) {
      throw new Error(`did not start: ${instance.output()}`);
    }
    return instance;
  }

  /** Sends what the printed curl sends. */
  async function sendPrinted(text: string): Promise<unknown> {
    const url = /curl -s (\S+)/.exec(text)?.[1] ?? '';
    const key = /Bearer (fb_[\w-]+)/.exec(text)?.[1] ?? '';
    const body = /-d '(.*)'/.exec(text)?.[1] ?? '';
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body });
    return answer.json();
  }

  test(
    'serves, refuses a second start, survives a kill -9, and stops in order with the database last',
    async () => {
      const first = await launchReady();
      const printed = first.output();
      expect(await sendPrinted(printed)).toMatchObject({
        data: { recordUsage: { status: 'RECORDED', record: { quantity: '3' } } },
      });
      const pid = first.process.pid ?? 0;
      expect(readRunning(folder.path)).toMatchObject({ pid, url: `http://127.0.0.1:${port}` });

      const second = launch({ PORT: '0' });
      expect(await second.exit).toBe(1);
      expect(second.output()).toContain(`process ${pid},`);
      expect(second.output()).toContain(`It answers at http://127.0.0.1:${port}`);

      await killHard(first.process);
      const again = await launchReady();
      expect(again.output()).toContain('adopted the PostgreSQL');
      expect(/Demo key +(\S+)/.exec(again.output())?.[1]).toBe(/Demo key +(\S+)/.exec(printed)?.[1]);
      expect(await sendPrinted(printed)).toMatchObject({ data: { recordUsage: { status: 'DUPLICATE' } } });

      const postmaster = readPostmaster(path.join(folder.path, 'postgres'))?.pid ?? 0;
      again.process.kill('SIGTERM');
      expect(await again.exit).toBe(0);
      expect(await waitUntil(() => !isAlive(postmaster), 5_000)).toBe(true);
      expect(existsSync(path.join(folder.path, 'running.json'))).toBe(false);
      expect(again.output()).not.toContain('did not stop in order');
    },
    3 * BOOT_LIMIT_MS,
  );

  test(
    'a port in use stops the boot with the name of the variable, and nothing is left running',
    async () => {
      const taken = net.createServer().listen(0, '127.0.0.1');
      await new Promise((resolve) => taken.once('listening', resolve));
      const { port: used } = taken.address() as net.AddressInfo;
      const instance = launch({ PORT: String(used) });
      const code = await instance.exit;
      taken.close();
      expect(code).toBe(1);
      expect(instance.output()).toContain(`PORT: ${used} on 127.0.0.1 is used by another program`);
      expect(readPostmaster(path.join(folder.path, 'postgres'))).toBeUndefined();
    },
    BOOT_LIMIT_MS,
  );

  test('a wrong variable stops the boot with its name, before anything is started', async () => {
    const instance = launch({ GRACE: 'soon', DATA_DIR: path.join(folder.path, 'untouched') });
    expect(await instance.exit).toBe(1);
    expect(instance.output()).toBe('GRACE: must be a number with s, m, h or d, at most 31d\n');
    expect(existsSync(path.join(folder.path, 'untouched'))).toBe(false);
  });
});
