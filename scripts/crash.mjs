// `npm run test:crash`: every scenario, with the process dying at every message it sends, each time started again. Two
// scenarios at a time, the rest waits. `-- --scenario 4 --step 6 --n 57 --position before` plays one death again, `--every 10`
// takes every tenth message, `--shard 1/3` every third scenario.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setUp } from './setup.mjs';

const PROCESSES = 2;
const PROGRESS_MS = 10_000;
const JEST = ['node_modules/jest/bin/jest.js', 'test/crash/crash', '--runInBand', '--forceExit'];

process.chdir(path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..'));
const text = { type: 'string' };
const options = parsed();
process.env.NODE_ENV = 'test';
await setUp({ dev: true }).catch((error) => fail(error.message));

const require = createRequire(import.meta.url);
require('reflect-metadata');
require('../test/support/register.cjs');
const { SCENARIOS } = require('../test/scenarios/catalogue/all.ts');
const numbers = SCENARIOS.map(({ name }) => name.split(':')[0]).filter(
  (number, index) => (options.scenario ?? number) === number && index % options.shards === options.shard,
);
if (numbers.length === 0) fail(`there is no scenario ${options.scenario ?? 'in this shard'}`);

const startedAt = performance.now();
const seconds = () => Math.round((performance.now() - startedAt) / 1000);
const runs = numbers.map((number) => ({ number, total: null, done: 0, steps: [], failed: false }));
const waiting = [...runs];
const timer = setInterval(() => process.stderr.write(`${progress()}\n`), PROGRESS_MS);
await Promise.all(
  Array.from({ length: PROCESSES }, async () => {
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) await play(run);
  }),
);
clearInterval(timer);
process.stdout.write(summary());
process.exit(runs.some(({ failed }) => failed) ? 1 : 0);

function parsed() {
  try {
    const { values } = parseArgs({
      options: { scenario: text, step: text, n: text, position: text, every: text, shard: text },
    });
    const [, shard = '1', shards = '1'] = /^(\d+)\/(\d+)$/.exec(values.shard ?? '1/1') ?? fail('--shard is i/m');
    if (![undefined, 'before', 'after'].includes(values.position)) fail('--position is before or after');
    for (const name of ['step', 'n', 'every']) if (!/^\d*$/.test(values[name] ?? '')) fail(`--${name} is a number`);
    return { ...values, shard: Number(shard) - 1, shards: Number(shards) };
  } catch (error) {
    return fail(error.message);
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** One scenario in a process of its own. */
async function play(run) {
  const { step, n, position, every } = options;
  const chosen = Object.entries({ STEP: step, N: n, POSITION: position, EVERY: every }).filter(([, value]) => value);
  const env = {
    ...process.env,
    CRASH_SCENARIO: run.number,
    ...Object.fromEntries(chosen.map(([name, value]) => [`CRASH_${name}`, value])),
  };
  const child = spawn(process.execPath, JEST, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('@crash ')) note(run, JSON.parse(line.slice('@crash '.length)));
    else said += `${line}\n`;
  }
  run.failed = (await ended) !== 0;
  process.stderr.write(run.failed ? said : `scenario ${run.number}: ${run.done} deaths, ${seconds()} s\n`);
}

function note(run, { total, done, ...step }) {
  if (total !== undefined) run.total = total;
  else if (done !== undefined) run.done += done;
  else run.steps.push(step);
}

function progress() {
  const known = runs.filter(({ total }) => total !== null);
  const done = sum(runs, (run) => run.done);
  if (known.length === 0 || done === 0) return `crash: ${seconds()} s, the plain runs come first`;
  // Scenarios that have not begun count like those that have.
  const total = Math.round((sum(known, (run) => run.total) / known.length) * runs.length);
  const rate = done / seconds();
  const left = Math.max(0, Math.round((total - done) / rate / 60));
  return `crash: ${done} of about ${total} deaths, ${rate.toFixed(1)} a second, about ${left} min left`;
}

function summary() {
  const lines = runs.map(({ number, steps, failed }) => {
    const of = (count) => sum(steps, (step) => step[count]);
    const found = `${of('messages')} messages, ${of('deaths')} deaths, ${of('worlds')} worlds left, ${of('ends')} worlds after`;
    return `  scenario ${number}: ${found}${failed ? ', FAILED' : ''}`;
  });
  const [longest] = runs.flatMap(({ steps }) => steps.map((step) => step.longest)).sort((a, b) => b.ms - a.ms);
  return [
    `crash: ${sum(runs, (run) => run.done)} deaths in ${seconds()} s; nothing is drawn, so there is no seed`,
    ...lines,
    `  longest: ${longest?.ms.toFixed(0)} ms for ${longest?.what}`,
    '',
  ].join('\n');
}

function sum(list, of) {
  return list.reduce((total, item) => total + of(item), 0);
}
