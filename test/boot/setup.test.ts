import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeGuardedFolder, type GuardedFolder } from '../support/postgres';

const scripts = path.join(__dirname, '..', '..', 'scripts');

/** Stands where npm does: notes that it was called, takes a while, and leaves what npm leaves. */
const NPM = `#!/bin/sh
echo "npm $*" >>calls
sleep 0.5
mkdir -p node_modules/typescript/bin
cp tsc.js node_modules/typescript/bin/tsc
cp package-lock.json node_modules/.package-lock.json
`;
const TSC = `
require('fs').appendFileSync('calls', 'tsc\\n');
require('fs').mkdirSync('dist/src', { recursive: true });
require('fs').writeFileSync('dist/src/main.js', '');
`;

const BUNDLE = `
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
appendFileSync('calls', 'bundle\\n');
mkdirSync('dist/start', { recursive: true });
writeFileSync('dist/start/main.js', '');
`;

describe('the set-up of a clone', () => {
  let folder: GuardedFolder;
  const file = (name: string): string => path.join(folder.path, name);
  const calls = (): string[] =>
    existsSync(file('calls')) ? readFileSync(file('calls'), 'utf8').trim().split('\n') : [];
  const lockWith = (version: string): string =>
    JSON.stringify({
      packages: { '': {}, 'node_modules/a': { version }, 'node_modules/b': { version, optional: true } },
    });

  beforeEach(() => {
    // Its programs are run: a folder in memory may forbid it.
    folder = makeGuardedFolder('clone', tmpdir());
    for (const name of ['bin', 'scripts', 'src']) mkdirSync(file(name));
    for (const name of ['lock.mjs', 'setup.mjs']) cpSync(path.join(scripts, name), file(`scripts/${name}`));
    writeFileSync(file('scripts/run.mjs'), `import { setUp } from './setup.mjs';\nawait setUp();\n`);
    writeFileSync(file('bin/npm'), NPM);
    chmodSync(file('bin/npm'), 0o755);
    writeFileSync(file('tsc.js'), TSC);
    writeFileSync(file('scripts/bundle.mjs'), BUNDLE);
    writeFileSync(file('src/main.ts'), '');
    writeFileSync(file('package-lock.json'), lockWith('1.0.0'));
  });
  afterEach(() => folder.remove());

  function setUp(): Promise<{ code: number | null; output: string }> {
    const env = { ...process.env, PATH: `${file('bin')}:${process.env.PATH}`, npm_execpath: undefined };
    const child = spawn(process.execPath, ['scripts/run.mjs'], { cwd: folder.path, env });
    let output = '';
    child.stderr.on('data', (chunk) => (output += String(chunk)));
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
  }

  test('two at once install once and build once, and the one that waits says for whom', async () => {
    const [first, second] = await Promise.all([setUp(), setUp()]);
    expect([first.code, second.code]).toEqual([0, 0]);
    expect(calls()).toEqual(['npm ci --ignore-scripts --include=dev --no-audit --no-fund', 'tsc', 'bundle']);
    expect(first.output + second.output).toMatch(/waiting for the set-up of process \d+/);
  });

  test('again without a change does nothing', async () => {
    await setUp();
    const { code, output } = await setUp();
    expect({ code, output }).toEqual({ code: 0, output: '' });
    expect(calls()).toHaveLength(3);
  });

  test('a changed source is built again, and output of a deleted one goes', async () => {
    await setUp();
    writeFileSync(file('src/main.ts'), 'changed');
    writeFileSync(file('dist/src/deleted.js'), '');
    await setUp();
    expect(calls().slice(3)).toEqual(['tsc', 'bundle']);
    expect(existsSync(file('dist/src/deleted.js'))).toBe(false);
  });

  test.each(['dist/src/main.js', 'dist/start/main.js'])('without %s the code is built again', async (output) => {
    await setUp();
    rmSync(file(output));
    await setUp();
    expect(calls().slice(3)).toEqual(['tsc', 'bundle']);
    expect(existsSync(file(output))).toBe(true);
  });

  test('another version in the lock file is installed', async () => {
    await setUp();
    writeFileSync(file('package-lock.json'), lockWith('1.0.1'));
    await setUp();
    expect(calls().slice(3)[0]).toContain('npm ci');
  });

  test('the lock of a dead process is taken over', async () => {
    mkdirSync(file('.setup'));
    const dead = spawn(process.execPath, ['-e', '']);
    await new Promise((resolve) => dead.once('exit', resolve));
    writeFileSync(file('.setup/lock'), JSON.stringify({ pid: dead.pid, born: '1' }));
    const { code, output } = await setUp();
    expect(code).toBe(0);
    expect(output).not.toContain('waiting');
  });

  test('the lock of a process whose number another one has now is taken over', async () => {
    mkdirSync(file('.setup'));
    writeFileSync(file('.setup/lock'), JSON.stringify({ pid: process.pid, born: 'before' }));
    expect((await setUp()).code).toBe(0);
  });

  test('a step that fails ends the set-up with its output, and the next one tries again', async () => {
    writeFileSync(file('tsc.js'), `console.log('src/main.ts: wrong type'); process.exit(2);`);
    const failed = await setUp();
    expect(failed.code).toBe(1);
    expect(failed.output).toContain('src/main.ts: wrong type');
    writeFileSync(file('node_modules/typescript/bin/tsc'), TSC);
    expect((await setUp()).code).toBe(0);
  });
});
