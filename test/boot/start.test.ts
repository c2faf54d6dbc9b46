/** The built product as `npm start` runs it. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { BOOT_LIMIT_MS, makeMachine, printedCurl, type Instance, type Machine } from '../support/machine';

const root = path.join(__dirname, '..', '..');
const KEPT = path.join(root, 'dist', 'start', 'main.js.code');

describe('the built product', () => {
  let machine: Machine;

  beforeAll(() => {
    machine = makeMachine({ built: true });
  });
  afterAll(() => machine.remove());

  async function stop(instance: Instance): Promise<void> {
    instance.process.kill('SIGTERM');
    expect(await instance.exit).toBe(0);
  }

  async function sendPrinted(instance: Instance, body: string): Promise<unknown> {
    const { url, key } = printedCurl(instance);
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    return (await fetch(url, { method: 'POST', headers, body })).json();
  }

  test(
    'serves the API and the editor, and again with the code that the first start kept',
    async () => {
      rmSync(KEPT, { force: true });
      const first = await machine.launchReady({ PORT: '0', GRAPHIQL: 'on' });
      const { url, body } = printedCurl(first);
      expect(await sendPrinted(first, body)).toMatchObject({ data: { recordUsage: { status: 'RECORDED' } } });
      const page = await fetch(new URL('/graphiql', url));
      expect(page.headers.get('content-type')).toContain('text/html');
      await stop(first);
      const kept = statSync(KEPT).ino;

      const second = await machine.launchReady({ PORT: '0' });
      expect(await sendPrinted(second, body)).toMatchObject({ data: { recordUsage: { status: 'DUPLICATE' } } });
      await stop(second);
      // Code that V8 refuses is kept anew, in a file of its own.
      expect(statSync(KEPT).ino).toBe(kept);
    },
    3 * BOOT_LIMIT_MS,
  );

  test(
    'names our sources when the boot fails',
    async () => {
      const dataDir = path.join(machine.path, 'damaged');
      mkdirSync(dataDir);
      writeFileSync(path.join(dataDir, 'running.json'), 'no JSON');
      const failed = machine.launch({ DATA_DIR: dataDir, DATABASE_URL: 'postgresql://127.0.0.1:9/none' });
      expect(await failed.exit).toBe(1);
      expect(failed.output()).toContain(`readRunning (${path.join(root, 'src', 'boot', 'running.ts')}:`);
    },
    BOOT_LIMIT_MS,
  );
});
