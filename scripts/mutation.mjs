// `npm run test:mutation`: breaks src/domain in every way Stryker knows, one at a time, and asks whether a test of test/domain
// notices. What has not changed since the last run is taken from it, unless `-- --force`. `--mutate=src/domain/price.ts` runs
// one file, afresh; `--concurrency=1` takes one process. Pages to look at: .setup/mutation/report.html.
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setUp } from './setup.mjs';

const ALL = 'src/domain/**/*.ts';
/** Percent of the mutants that tests must notice. */
const LOWEST_SCORE = 90;
const PROCESSES = '2';
/** Ignored by git. */
const FOLDER = '.setup/mutation';
const DEAD = ['Killed', 'Timeout'];
const ALIVE = ['Survived', 'NoCoverage'];

process.chdir(path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..'));
const { mutate, concurrency, force } = parsed();
await setUp({ dev: true }).catch((error) => fail(error.message));
// It takes both cores for minutes: whoever works beside it goes first.
os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);

const startedAt = performance.now();
const { Stryker } = await import('@stryker-mutator/core');
const stryker = new Stryker({
  mutate: [mutate],
  testRunner: 'jest',
  jest: { projectType: 'custom', configFile: 'test/domain/jest.config.cjs' },
  coverageAnalysis: 'perTest',
  concurrency: Number(concurrency),
  // The last run would answer for the other files as well.
  incremental: mutate === ALL,
  incrementalFile: `${FOLDER}/last-run.json`,
  force,
  // Of the copy that is mutated and tested only what it needs.
  ignorePatterns: ['/*', '!/package.json', '!/.swcrc', '!/src', '!/test', '/test/*', '!/test/domain', '!/test/support'],
  tempDirName: `${FOLDER}/copies`,
  reporters: ['progress-append-only', 'html'],
  htmlReporter: { fileName: `${FOLDER}/report.html` },
  logLevel: 'warn',
  // It would advise to leave the constants of modules out.
  warnings: { slow: false },
  allowConsoleColors: false,
});
const mutants = await stryker.runMutationTest().catch((error) => fail(error.message));
const { lines, score } = summary(mutants.filter(({ status }) => DEAD.includes(status) || ALIVE.includes(status)));
process.stdout.write(`${lines.join('\n')}\n`);
process.exit(score >= LOWEST_SCORE ? 0 : 1);

function parsed() {
  try {
    const { values } = parseArgs({
      options: {
        mutate: { type: 'string', default: ALL },
        concurrency: { type: 'string', default: PROCESSES },
        force: { type: 'boolean', default: false },
      },
    });
    return /^[1-9]\d?$/.test(values.concurrency) ? values : fail('--concurrency is a number of processes');
  } catch (error) {
    return fail(error.message);
  }
}

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Each mutant that lives with its place, the score of each file, and last of all the score of all. */
function summary(tried) {
  const files = [...new Set(tried.map(({ fileName }) => fileName))].sort();
  const byFile = files.map((fileName) => {
    const own = tried.filter((mutant) => mutant.fileName === fileName);
    return { name: path.relative('.', fileName), own, alive: own.filter(({ status }) => ALIVE.includes(status)) };
  });
  const alive = byFile.reduce((count, file) => count + file.alive.length, 0);
  const score = scoreOf(tried.length, alive);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const survivors = byFile.filter((file) => file.alive.length > 0).map((file) => `${file.name} ${file.alive.length}`);
  const lines = byFile.flatMap(({ name, own, alive }) => [
    ...alive.map(
      (mutant) => `  ${name}:${mutant.location.start.line} ${mutant.mutatorName}: ${shown(mutant.replacement)}`,
    ),
    `${name}: ${scoreOf(own.length, alive.length).toFixed(1)} % of ${own.length}`,
  ]);
  const left = survivors.length === 0 ? 'none lives' : `${alive} live: ${survivors.join(', ')}`;
  const last = `mutation: ${score.toFixed(1)} % of ${tried.length} mutants noticed in ${seconds} s; ${left}`;
  return { lines: [...lines, last], score };
}

function scoreOf(tried, alive) {
  return tried === 0 ? 100 : ((tried - alive) / tried) * 100;
}

function shown(replacement) {
  const line = replacement.replace(/\s+/g, ' ');
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
