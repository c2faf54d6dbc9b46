import { existsSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { freePort, readPostmaster } from '../../src/boot/postmaster';
import { isAlive, waitUntil } from '../../src/boot/process';
import { readRunning } from '../../src/boot/running';
import { BOOT_LIMIT_MS, makeMachine, printedCurl, type Instance, type Machine } from '../support/machine';
import { killHard } from '../support/owner-process';

describe('the process of a bare machine', () => {
  let machine: Machine;
  let port: number;

  beforeAll(async () => {
    machine = makeMachine();
    port = await freePort();
  });
  afterAll(() => machine.remove());

  /** Sends what the printed curl sends. */
  async function sendPrinted(instance: Instance, body = printedCurl(instance).body): Promise<unknown> {
    const { url, key } = printedCurl(instance);
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body });
    return answer.json();
  }

  test(
    'serves, refuses a second start, survives a kill -9, and stops in order with the database last',
    async () => {
      const first = await machine.launchReady({ PORT: String(port) });
      expect(await sendPrinted(first)).toMatchObject({
        data: { recordUsage: { status: 'RECORDED', record: { quantity: '3' } } },
      });
      const pid = first.process.pid ?? 0;
      expect(readRunning(machine.path)).toMatchObject({ pid, url: `http://127.0.0.1:${port}` });

      const second = machine.launch({ PORT: '0' });
      expect(await second.exit).toBe(1);
      expect(second.output()).toContain(`process ${pid},`);
      expect(second.output()).toContain(`It answers at http://127.0.0.1:${port}`);

      await killHard(first.process);
      const again = await machine.launchReady({ PORT: String(port) });
      expect(again.output()).toContain('adopted the PostgreSQL');
      expect(printedCurl(again).key).toBe(printedCurl(first).key);
      expect(await sendPrinted(again, printedCurl(first).body)).toMatchObject({
        data: { recordUsage: { status: 'DUPLICATE' } },
      });

      const postmaster = readPostmaster(path.join(machine.path, 'postgres'))?.pid ?? 0;
      again.process.kill('SIGTERM');
      expect(await again.exit).toBe(0);
      expect(await waitUntil(() => !isAlive(postmaster), 5_000)).toBe(true);
      expect(existsSync(path.join(machine.path, 'running.json'))).toBe(false);
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
      const instance = machine.launch({ PORT: String(used) });
      const code = await instance.exit;
      taken.close();
      expect(code).toBe(1);
      expect(instance.output()).toContain(`PORT: ${used} on 127.0.0.1 is used by another program`);
      expect(readPostmaster(path.join(machine.path, 'postgres'))).toBeUndefined();
    },
    BOOT_LIMIT_MS,
  );

  test('a wrong variable stops the boot with its name, before anything is started', async () => {
    const instance = machine.launch({ GRACE: 'soon', DATA_DIR: path.join(machine.path, 'untouched') });
    expect(await instance.exit).toBe(1);
    expect(instance.output()).toBe('GRACE: must be a number with s, m, h or d, at most 31d\n');
    expect(existsSync(path.join(machine.path, 'untouched'))).toBe(false);
  });
});
