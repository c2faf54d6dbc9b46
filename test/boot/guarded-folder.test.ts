import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { isAlive, waitUntil } from '../../src/boot/process';
import { killHard, REGISTER } from '../support/owner-process';

test('the server of a test run and its folder are gone soon after the run was killed', async () => {
  const support = path.join(__dirname, '..', 'support');
  const script = `
    const { startTestPostgres } = require('${support}/postgres.ts');
    const { Client } = require('pg');
    startTestPostgres().then(async ({ url }) => {
      const client = new Client({ connectionString: url });
      await client.connect();
      const { rows } = await client.query("select current_setting('data_directory') as folder");
      const [pid] = require('fs').readFileSync(rows[0].folder + '/postmaster.pid', 'utf8').split('\\n');
      console.log(JSON.stringify({ folder: require('path').resolve(rows[0].folder, '..', '..'), pid: Number(pid) }));
    });`;
  const run = spawn(process.execPath, ['-r', REGISTER, '-e', script], {
    cwd: path.join(support, '..', '..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { value: line } = await createInterface({ input: run.stdout })[Symbol.asyncIterator]().next();
  const { folder, pid } = JSON.parse(line as string) as { folder: string; pid: number };
  expect([existsSync(folder), isAlive(pid)]).toEqual([true, true]);
  await killHard(run);
  expect(await waitUntil(() => !existsSync(folder) && !isAlive(pid), 15_000)).toBe(true);
});
