// `npm run test:odoo-faults`: every scenario with every fault of Odoo in its middle, for several seeds, three unless
// `-- --rounds=1` says otherwise. The first seed is drawn and printed; `--seed=` and `--case=` of a failure play it again.
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setUp } from './setup.mjs';

const DEFAULT_ROUNDS = '3';
const MAX_SEED = 2 ** 31 - 1_000;

let only = [];
process.chdir(path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..'));
try {
  const text = { type: 'string' };
  const { values } = parseArgs({ options: { rounds: text, seed: text, case: text } });
  process.env.NODE_ENV = 'test';
  process.env.FAULTS_ROUNDS = wholeNumber('rounds', values.rounds ?? DEFAULT_ROUNDS);
  process.env.FAULTS_SEED = wholeNumber('seed', values.seed ?? String(randomInt(MAX_SEED)));
  if (values.case !== undefined) only = ['--testNamePattern', `^${values.case}:`];
  await setUp({ dev: true });
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const { run } = await import('jest');
// In this very process, so that progress is seen while it happens.
await run(['test/scenarios/odoo-faults', '--runInBand', ...only]);

function wholeNumber(name, text) {
  if (/^\d{1,10}$/.test(text)) return text;
  throw new Error(`--${name} must be a whole number`);
}
