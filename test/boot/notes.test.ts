import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { announcement } from '../../src/boot/announce';
import { ensureDemoKey } from '../../src/boot/demo-key';
import { clearRunning, readRunning, stopRunning, writeRunning } from '../../src/boot/running';
import type { ReadyConfig } from '../../src/ctx';
import { loadConfig } from '../../src/config';
import { killHard } from '../support/owner-process';
import { makeGuardedFolder, type GuardedFolder } from '../support/postgres';

const where = { url: 'http://127.0.0.1:4000', startedAt: '2026-03-01T00:00:00.000Z', sandbox: null };

describe('what a running instance leaves in DATA_DIR', () => {
  let folder: GuardedFolder;
  beforeEach(() => {
    folder = makeGuardedFolder('notes');
  });
  afterEach(() => folder.remove());

  test('the demo key is made once, in the shape of a key, for its owner only', () => {
    const key = ensureDemoKey(folder.path);
    expect(key).toMatch(/^fb_[A-Za-z0-9_-]{43}$/);
    expect(ensureDemoKey(folder.path)).toBe(key);
    expect(statSync(path.join(folder.path, 'demo-key')).mode & 0o777).toBe(0o600);
  });

  test('the note of the running instance is found until it is cleared', () => {
    expect(readRunning(folder.path)).toBeUndefined();
    writeRunning(folder.path, where);
    expect(readRunning(folder.path)).toMatchObject({ pid: process.pid, ...where });
    clearRunning(folder.path);
    expect(readRunning(folder.path)).toBeUndefined();
  });

  test('the note of a killed instance counts no longer, and nobody else of its number is stopped', async () => {
    writeRunning(folder.path, where);
    const file = path.join(folder.path, 'running.json');
    const note = JSON.parse(readFileSync(file, 'utf8')) as object;
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    writeFileSync(file, JSON.stringify({ ...note, pid: other.pid, birthMark: 'another' }));
    expect(await stopRunning(folder.path)).toBeUndefined();
    expect(other.exitCode).toBeNull();
    await killHard(other);
    expect(existsSync(file)).toBe(true);
  });
});

describe('the announcement', () => {
  const config: ReadyConfig = {
    ...loadConfig({}),
    databaseUrl: 'postgresql://owner:hidden@127.0.0.1:5433/fusion_billing',
    odoo: { url: 'http://127.0.0.1:8069', database: 'demo', apiKey: 'odoo' },
  };
  const text = announcement({
    config,
    url: 'http://127.0.0.1:4000',
    sandboxUrl: config.odoo.url,
    demo: { key: 'fb_demo', account: 'acct_1', metric: 'api_calls' },
    now: new Date('2026-03-01T12:00:00.000Z'),
  });

  test('names every address and the demo key, and no password', () => {
    for (const part of ['4000/graphql', '4000/graphiql', '4000/healthz', ':8069', '@127.0.0.1:5433/', 'fb_demo']) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('hidden');
  });

  test('its curl sends one record with a key made of what is counted', () => {
    const body = JSON.parse(/-d '(.*)'/.exec(text)?.[1] ?? '{}') as { variables: { input: object } };
    expect(body.variables.input).toEqual({
      account: 'acct_1',
      metric: 'api_calls',
      windowStart: '2026-03-01T12:00:00.000Z',
      windowEnd: '2026-03-01T12:00:00.000Z',
      quantity: '3',
      idempotencyKey: 'acct_1:api_calls:2026-03-01T12:00:00.000Z',
    });
  });

  test('a worker alone has no address to offer', () => {
    const worker = announcement({ config, url: undefined, sandboxUrl: undefined, demo: undefined, now: new Date(0) });
    expect(worker).not.toMatch(/graphql|curl/);
  });
});
