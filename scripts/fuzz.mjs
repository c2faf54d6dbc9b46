// `npm run test:fuzz`: random requests against the whole application, 10,000 unless `-- --runs=500` says otherwise. The
// first seed is drawn and printed; `--seed=` and `--path=` of a failure play it again.
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setUp } from './setup.mjs';

const DEFAULT_RUNS = '10000';
const MAX_SEED = 2 ** 31 - 1_000;

process.chdir(path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..'));
try {
  const text = { type: 'string' };
  const { values } = parseArgs({ options: { runs: text, seed: text, path: text } });
  process.env.NODE_ENV = 'test';
  process.env.FUZZ_RUNS = wholeNumber('runs', values.runs ?? DEFAULT_RUNS);
  process.env.FUZZ_SEED = wholeNumber('seed', values.seed ?? String(randomInt(MAX_SEED)));
  process.env.FUZZ_PATH = values.path ?? '';
  await setUp({ dev: true });
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const { run } = await import('jest');
// In this very process, so that progress is seen while it happens.
await run(['test/fuzz', '--runInBand']);

function wholeNumber(name, text) {
  if (/^\d{1,10}$/.test(text)) return text;
  throw new Error(`--${name} must be a whole number`);
}
