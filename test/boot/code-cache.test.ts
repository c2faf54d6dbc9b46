import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeGuardedFolder, type GuardedFolder } from '../support/postgres';

/** Tells what was compiled from which code kept, then runs. */
const RUN = `
import vm from 'node:vm';
import path from 'node:path';
import { runWithCodeCache } from './code-cache.mjs';
const { Script } = vm;
vm.Script = class extends Script {
  constructor(source, options) {
    super(source, options);
    console.log(path.basename(options.filename), options.cachedData === undefined ? 'anew' : 'kept');
  }
};
runWithCodeCache(path.resolve('main.js'));
`;

describe('code that is kept between runs', () => {
  let folder: GuardedFolder;
  const file = (name: string): string => path.join(folder.path, name);
  const run = (): string[] =>
    execFileSync(process.execPath, [file('run.mjs')], { cwd: folder.path, encoding: 'utf8' })
      .trim()
      .split('\n');

  beforeEach(() => {
    folder = makeGuardedFolder('code', tmpdir());
    cpSync(path.join(__dirname, '..', '..', 'scripts', 'code-cache.mjs'), file('code-cache.mjs'));
    writeFileSync(file('run.mjs'), RUN);
    writeFileSync(file('main.js'), `exports.own = 1; console.log(require('./part.js').say(require('named')));`);
    // It asks for its caller, as files that were joined do.
    writeFileSync(file('part.js'), `exports.say = (name) => name + require('./main.js').own;`);
    mkdirSync(file('node_modules/named'), { recursive: true });
    writeFileSync(file('node_modules/named/index.js'), `module.exports = 'named';`);
  });
  afterEach(() => folder.remove());

  it('is used by the next run, for the files that lie together', () => {
    expect(run()).toEqual(['main.js anew', 'part.js anew', 'named1']);
    expect(run()).toEqual(['main.js kept', 'part.js kept', 'named1']);
    expect(existsSync(file('node_modules/named/index.js.code'))).toBe(false);
  });

  it('is not used for another source of the same length', () => {
    run();
    writeFileSync(file('part.js'), readFileSync(file('part.js'), 'utf8').replace('name +', '2222 +'));
    expect(run()).toEqual(['main.js kept', 'part.js anew', '2223']);
    expect(run()).toEqual(['main.js kept', 'part.js kept', '2223']);
  });

  it.each(['', 'torn'])('is not used when it is damaged (%j)', (damage) => {
    run();
    const kept = readFileSync(file('main.js.code'));
    if (damage === 'torn') kept.fill(0, kept.length - 64);
    writeFileSync(file('main.js.code'), damage === 'torn' ? kept : '');
    expect(run()).toEqual(['main.js anew', 'part.js kept', 'named1']);
    expect(run()).toEqual(['main.js kept', 'part.js kept', 'named1']);
  });

  it('is done without where it cannot be kept', () => {
    for (const name of ['main.js', 'part.js']) mkdirSync(file(`${name}.code/in-the-way`), { recursive: true });
    expect(run()).toEqual(['main.js anew', 'part.js anew', 'named1']);
    expect(run()).toEqual(['main.js anew', 'part.js anew', 'named1']);
  });
});
