// `npm run test:seeds`: a thousand seeds, ten customers at a time, each with months of late usage, corrections and trouble in
// Odoo. `-- --seed 57` plays one again (with the nine of its group), `--seeds 200` so many, `--from 201` from there on.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setUp } from './setup.mjs';

const DEFAULT_SEEDS = '1000';
/** Each with a database server of its own: node and PostgreSQL take turns, so that two fill two cores. */
const PROCESSES = 2;
/** Seeds of one process before the next one takes over: whole groups. */
const SHARE = 50;
const PROGRESS_MS = 10_000;
const JEST = ['node_modules/jest/bin/jest.js', 'test/seeds', '--runInBand', '--forceExit'];

process.chdir(path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..'));
const { from, count } = parsed();
process.env.NODE_ENV = 'test';
await setUp({ dev: true }).catch((error) => fail(error.message));

const startedAt = performance.now();
const seconds = () => Math.round((performance.now() - startedAt) / 1000);
const waiting = Array.from({ length: Math.ceil(count / SHARE) }, (_, index) => ({
  from: from + index * SHARE,
  count: Math.min(SHARE, count - index * SHARE),
}));
let done = 0;
let hasFailed = false;
const timer = setInterval(() => process.stderr.write(`${progress()}\n`), PROGRESS_MS);
await Promise.all(
  Array.from({ length: PROCESSES }, async () => {
    for (let share = waiting.shift(); share !== undefined; share = waiting.shift()) await play(share);
  }),
);
clearInterval(timer);
process.stdout.write(`seeds: ${done} in ${seconds()} s, from ${from}${hasFailed ? '; some FAILED' : ''}\n`);
process.exit(hasFailed ? 1 : 0);

function parsed() {
  const text = { type: 'string' };
  try {
    const { values } = parseArgs({ options: { seed: text, seeds: text, from: text } });
    for (const [name, value] of Object.entries(values)) {
      if (!/^[1-9]\d{0,8}$/.test(value)) fail(`--${name} is a number from 1`);
    }
    const { seed, seeds = DEFAULT_SEEDS, from: first = '1' } = values;
    return seed === undefined ? { from: Number(first), count: Number(seeds) } : { from: Number(seed), count: 1 };
  } catch (error) {
    return fail(error.message);
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

async function play(share) {
  const env = { ...process.env, SEEDS_FROM: String(share.from), SEEDS_COUNT: String(share.count) };
  const child = spawn(process.execPath, JEST, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('@seeds ')) done += Number(line.slice('@seeds '.length));
    else said += `${line}\n`;
  }
  if ((await ended) === 0) return;
  hasFailed = true;
  process.stderr.write(said);
}

function progress() {
  if (done === 0) return `seeds: ${seconds()} s`;
  const left = Math.max(0, Math.round(((count - done) * seconds()) / done / 60));
  return `seeds: ${done} of ${count}, ${(seconds() / done).toFixed(1)} s each, about ${left} min left`;
}
