import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { connectSandbox, startSandbox, type Sandbox } from '../../sandbox/sandbox';
import { addSubscription } from '../../sandbox/world';
import { billed, callOdoo, deliver } from './call';

const ROOT = path.resolve(__dirname, '..', '..');
const NOW = '2026-01-05T09:00:00.000Z';

let folder: string;
let stateFile: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sandbox-state-'));
  stateFile = path.join(folder, 'state.json');
});

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

interface Served extends Pick<Sandbox, 'url' | 'database' | 'apiKey'> {
  child: ChildProcess;
}

async function serve(...flags: string[]): Promise<Served> {
  const register = path.join(ROOT, 'test', 'support', 'register.cjs');
  const args = ['-r', register, path.join(ROOT, 'sandbox', 'serve.ts'), '--state', stateFile, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return { ...(JSON.parse(line) as Served), child };
}

test('a sandbox process killed with -9 comes back with every answered write, its key, clock, mode and log', async () => {
  const first = await serve('--load', 'empty', '--now', NOW);
  const control = connectSandbox(first.url, first.apiKey);
  await control.setMode('keep');
  const ids = await addSubscription(control, {
    startDate: '2026-01-01',
    nextInvoiceDate: '2026-02-01',
    lines: [{ code: 'CALLS', price: 0.25 }],
  });
  const line = ids.lineIds[0] ?? 0;
  await deliver(first, line, 12.345);
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');

  const second = await serve();
  expect([second.apiKey, second.database]).toEqual([first.apiKey, 'nexa']);
  const again = connectSandbox(second.url, second.apiKey);
  expect((await again.now()).toISOString()).toBe(NOW);
  expect((await again.record('sale.order.line', line)).qty_delivered).toBe(12.35);
  expect((await again.writes()).map((write) => write.vals)).toEqual([{ qty_delivered: 12.345 }]);
  await again.setNow(new Date('2026-03-01T00:00:00Z'));
  expect(await billed(second, line)).toEqual(['2026-02-01 12.35', '2026-03-01 12.35']);
});

test('the state is on disk before the answer: a sandbox on the same file sees it at once', async () => {
  const first = await startSandbox({ load: 'empty', stateFile, now: new Date(NOW) });
  const made = await callOdoo(first, { path: 'res.partner/create', body: { vals_list: [{ name: 'Foxtrot' }] } });
  const second = await startSandbox({ stateFile });
  const [id] = made.body as [number];
  expect((await second.control.record('res.partner', id)).name).toBe('Foxtrot');
  expect(readdirSync(folder)).toEqual(['state.json']);
  expect(statSync(stateFile).mode & 0o777).toBe(0o600);
  await first.close();
  await second.close();
});

test('ids are not used again after a restart, not even those of deleted records', async () => {
  const first = await startSandbox({ load: 'empty', stateFile, now: new Date(NOW) });
  const id = await first.control.create('res.partner', { name: 'Golf' });
  await first.control.remove('res.partner', id);
  const second = await startSandbox({ stateFile });
  expect(await second.control.create('res.partner', { name: 'Hotel' })).toBe(id + 1);
  await first.close();
  await second.close();
});

test('runs that fell into the time a sandbox was off are made up for', async () => {
  const first = await startSandbox({ load: 'empty', stateFile, now: new Date(NOW) });
  const ids = await addSubscription(first.control, {
    startDate: '2026-01-01',
    nextInvoiceDate: '2026-02-01',
    lines: [{ code: 'BASE', price: 99, policy: 'order' }],
  });
  await first.close();
  const second = await startSandbox({ stateFile, now: new Date('2026-03-05T00:00:00Z') });
  expect(await billed(second, ids.lineIds[0] ?? 0)).toEqual(['2026-02-01 1', '2026-03-01 1']);
  await second.close();
});

test('a running clock moved ahead goes on running from there', async () => {
  const sandbox = await startSandbox({ load: 'empty', now: null });
  const before = Date.now();
  await sandbox.control.advance({ hours: 24 * 40 });
  const first = (await sandbox.control.now()).getTime();
  expect(first - before).toBeGreaterThanOrEqual(40 * 86_400_000);
  expect(first - before).toBeLessThan(40 * 86_400_000 + 5000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect((await sandbox.control.now()).getTime()).toBeGreaterThan(first);
  await sandbox.close();
});

describe('the control over HTTP', () => {
  test('is refused without the key of the sandbox, and tells nothing', async () => {
    const sandbox = await startSandbox({ load: 'empty', now: new Date(NOW) });
    await expect(connectSandbox(sandbox.url, 'wrong').now()).rejects.toThrow('Invalid apikey');
    await expect(connectSandbox(sandbox.url, sandbox.apiKey).record('res.partner', 99)).rejects.toThrow(
      'does not exist',
    );
    await sandbox.close();
  });

  test('goes on while the sandbox is down for everybody else', async () => {
    const sandbox = await startSandbox({ load: 'empty', now: new Date(NOW) });
    const remote = connectSandbox(sandbox.url, sandbox.apiKey);
    await remote.addFault({ fault: 'down' });
    await expect(fetch(`${sandbox.url}/web/version`)).rejects.toThrow('fetch failed');
    await remote.clearFaults();
    expect((await fetch(`${sandbox.url}/web/version`)).status).toBe(200);
    await sandbox.close();
  });
});

test('a sandbox without a state file writes nothing', async () => {
  const sandbox = await startSandbox({ load: 'empty' });
  await sandbox.control.create('res.partner', { name: 'India' });
  await sandbox.close();
  expect(existsSync(stateFile)).toBe(false);
});

test('a saved state goes on in another sandbox, over HTTP too: records, mode, clock, log and armed faults, with the key of the other', async () => {
  const options = { load: 'empty', now: new Date(NOW) } as const;
  const [from, to] = [await startSandbox({ ...options, mode: 'keep' }), await startSandbox(options)];
  try {
    const { lineIds } = await addSubscription(from.control, {
      startDate: '2026-01-01',
      nextInvoiceDate: '2026-02-01',
      lines: [{ code: 'CALLS', price: 0.25 }],
    });
    const line = lineIds[0] ?? 0;
    await deliver(from, line, 12);
    await from.control.addFault({ fault: 'refused', match: { method: 'web_save' } });
    const saved = await connectSandbox(from.url, from.apiKey).saveState();
    await deliver(from, line, 13);
    await connectSandbox(to.url, to.apiKey).loadState(saved);

    expect(await to.control.writes()).toMatchObject([{ vals: { qty_delivered: 12 } }]);
    expect((await deliver(to, line, 14)).status).toBe(422);
    expect((await deliver(to, line, 15)).status).toBe(200);
    await to.control.setNow(new Date('2026-02-01T09:00:00.000Z'));
    expect(await billed(to, line)).toEqual(['2026-02-01 15']);
    expect((await to.control.record('sale.order.line', line)).qty_delivered).toBe(15);
    expect((await from.control.record('sale.order.line', line)).qty_delivered).toBe(12);
  } finally {
    await Promise.all([from.close(), to.close()]);
  }
});
