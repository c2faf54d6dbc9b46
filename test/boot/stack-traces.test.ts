import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeGuardedFolder, type GuardedFolder } from '../support/postgres';

/** As the compiler leaves it: line 3 of the source is line 2 here. */
const BUILT = `"use strict";
exports.fail = () => { throw new RangeError('too far'); };
`;
const MAP = { version: 3, file: 'far.js', sources: ['../../src/far.ts'], names: [], mappings: ';AAEA,OAAO,CAAC' };
const RUN = `
import { createRequire } from 'node:module';
import { nameSourcesInStackTraces } from './stack-traces.mjs';
const { fail } = createRequire(import.meta.url)('../dist/src/far.js');
nameSourcesInStackTraces();
try { fail(); } catch (error) { console.log(error.stack); }
`;

describe('a stack trace', () => {
  let folder: GuardedFolder;
  const file = (name: string): string => path.join(folder.path, name);
  const trace = (): string[] =>
    execFileSync(process.execPath, [file('scripts/run.mjs')], { encoding: 'utf8' })
      .trim()
      .split('\n');

  beforeEach(() => {
    folder = makeGuardedFolder('traces', tmpdir());
    for (const name of ['scripts', 'dist/src']) mkdirSync(file(name), { recursive: true });
    cpSync(path.join(__dirname, '..', '..', 'scripts', 'stack-traces.mjs'), file('scripts/stack-traces.mjs'));
    writeFileSync(file('scripts/run.mjs'), RUN);
    writeFileSync(file('dist/src/far.js'), BUILT);
    writeFileSync(file('dist/src/far.js.map'), JSON.stringify(MAP));
  });
  afterEach(() => folder.remove());

  it('names the line of the source in our files, and leaves other files as they are', () => {
    const [head, ours, caller] = trace();
    expect(head).toBe('RangeError: too far');
    expect(ours).toContain(`${file('src/far.ts')}:3:`);
    expect(caller).toContain(`${file('scripts/run.mjs')}:6:`);
  });

  it('names the built file when there is no map, or none that can be read', () => {
    writeFileSync(file('dist/src/far.js.map'), '{"version":3,"sour');
    expect(trace()[1]).toContain(`${file('dist/src/far.js')}:2:`);
    rmSync(file('dist/src/far.js.map'));
    expect(trace()[1]).toContain(`${file('dist/src/far.js')}:2:`);
  });
});
