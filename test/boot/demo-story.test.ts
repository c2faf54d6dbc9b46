/** The demo as a newcomer runs it: its numbers, and that nothing of it stays behind. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import pino from 'pino';
import { readPostmaster } from '../../src/boot/postmaster';
import { type DemoStep, playDemo } from '../../src/boot/demo-story';
import { loadConfig } from '../../src/config';
import { TEST_SERVER } from '../support/db';
import { REGISTER } from '../support/owner-process';
import { makeGuardedFolder } from '../support/postgres';

const root = path.join(__dirname, '..', '..');
const log = pino({ level: 'silent' });
const DATABASE_URL = process.env[TEST_SERVER] ?? '';
const LIMIT_MS = 120_000;
const demo = ['-r', REGISTER, 'src/cli.ts', 'demo'];

const STORY = [
  ['2026-03-01T08:00:00.000Z', 'Odoo has a subscription', 'S00001 of Foxglove Maps, next invoice on 2026-04-01'],
  ['2026-03-01T08:00:00.000Z', 'Say what is charged', '1,000 api_calls of nexacloud are 1 of "API calls (1k)"'],
  ['2026-03-01T08:00:00.000Z', 'Link an account', 'acct_42 is Foxglove Maps'],
  ['2026-03-10T10:05:00.000Z', 'Send usage', '1,000 calls, RECORDED'],
  ['2026-03-20T11:05:00.000Z', 'Send usage', '234 calls, RECORDED'],
  ['2026-03-20T11:05:00.000Z', 'Send it again', 'DUPLICATE'],
  ['2026-03-20T11:05:00.000Z', 'Send 999 under that key', 'IDEMPOTENCY_CONFLICT'],
  ['2026-03-20T11:05:00.000Z', 'Preview March', '1234 calls, 2.47 USD'],
  ['2026-04-01T02:00:00.000Z', 'Close March', 'CLOSED, 1234 calls are 1.234 product units'],
  ['2026-04-01T02:00:00.000Z', 'Write the quantity', '1.23 delivered'],
  ['2026-04-01T12:01:00.000Z', 'Odoo invoices', 'INV/2026/00001, 1.23 x 2.00 = 2.46 USD'],
  ['2026-04-01T12:01:00.000Z', 'The slot is empty again', '0 delivered'],
  ['2026-04-01T12:01:00.000Z', 'The balance', '1.234 truth - 1.23 billed = 0.004 due'],
  ['2026-04-02T09:00:00.000Z', 'A late counter', '500 calls of 31 March, RECORDED, late: true'],
  ['2026-04-02T09:01:00.000Z', 'March is rated again', '1.734 product units, adjustment 0.5'],
  ['2026-04-02T09:01:00.000Z', 'The balance', '1.734 truth - 1.23 billed = 0.504 due'],
  ['2026-04-15T12:05:00.000Z', 'Send usage', '2,000 calls, RECORDED'],
  ['2026-05-01T02:00:00.000Z', 'Close April, write', '2.5 delivered'],
  ['2026-05-01T12:01:00.000Z', 'Odoo invoices', 'INV/2026/00002, 2.5 x 2.00 = 5.00 USD'],
  ['2026-05-01T12:01:00.000Z', 'The balance', '3.734 truth - 3.73 billed = 0.004 due'],
  ['2026-05-01T12:01:00.000Z', 'The identities', 'hold, over 4 records'],
];

/** Databases of demos on the server of this run. */
async function demoDatabases(): Promise<string[]> {
  const client = new Client({ connectionString: DATABASE_URL });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    `select datname as name from pg_database where datname like 'fusion_billing_demo_%'`,
  );
  await client.end();
  return rows.map(({ name }) => name);
}

/** The same, as soon as there is one. */
async function firstDemoDatabases(): Promise<string[]> {
  for (let look = 0; look < 500; look += 1) {
    const names = await demoDatabases();
    if (names.length > 0) return names;
    await sleep(20);
  }
  return [];
}

it(
  'on a machine where nothing runs it starts a PostgreSQL, tells the whole story as JSON, and ends it',
  async () => {
    const folder = makeGuardedFolder('demo');
    try {
      const env = { PATH: process.env.PATH, DATA_DIR: folder.path };
      const { stdout } = await promisify(execFile)(process.execPath, [...demo, '--json'], { cwd: root, env });
      const steps = JSON.parse(stdout) as DemoStep[];
      expect(steps.map(({ at, step, value }) => [at, step, value])).toEqual(STORY);
      expect(steps.filter(({ meaning }) => !/^\S.+[^.]\.$/.test(meaning))).toEqual([]);
      expect(readPostmaster(path.join(folder.path, 'postgres'))).toBeUndefined();
    } finally {
      await folder.remove();
    }
  },
  LIMIT_MS,
);

it(
  'on a PostgreSQL that runs it plays in a database of its own, which is gone when the story breaks off',
  async () => {
    const told: string[] = [];
    const say = (text: string): void => {
      told.push(text);
      if (told.length === 3) throw new Error('the pipe is closed');
    };
    const playing = expect(playDemo({ config: loadConfig({ DATABASE_URL }), log, say })).rejects.toThrow(
      'the pipe is closed',
    );
    expect(await firstDemoDatabases()).toEqual([expect.stringMatching(/^fusion_billing_demo_[0-9a-f]{12}$/)]);
    await playing;
    expect(told[2]).toBe(
      '2026-03-01 08:00  Link an account: acct_42 is Foxglove Maps\n' +
        '                  From here on the service sends usage under its own account id.\n',
    );
    expect(await demoDatabases()).toEqual([]);
  },
  LIMIT_MS,
);

it.each([
  ['Ctrl-C', (child: ChildProcess) => child.kill('SIGINT')],
  ['a reader who goes', (child: ChildProcess) => child.stdout?.destroy()],
])(
  '%s stops it at the next step, and nothing is left',
  async (_name, disturb) => {
    const env = { PATH: process.env.PATH, DATABASE_URL };
    const child = spawn(process.execPath, demo, { cwd: root, env });
    let errors = '';
    child.stderr.on('data', (chunk) => (errors += String(chunk)));
    child.stdout.once('data', () => disturb(child));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(errors).toBe('Interrupted; nothing of the demo is left.\n');
    expect(code).toBe(1);
    expect(await demoDatabases()).toEqual([]);
  },
  LIMIT_MS,
);

it('production is no place for it', async () => {
  const config = loadConfig({
    DATABASE_URL,
    ODOO_URL: 'https://odoo.example.com',
    ODOO_DATABASE: 'main',
    ODOO_API_KEY: 'secret',
  });
  const say = jest.fn();
  await expect(playDemo({ config, log, say })).rejects.toThrow(
    'The demo is not played in production (DATABASE_URL and ODOO_URL are set).',
  );
  expect(say).not.toHaveBeenCalled();
});
