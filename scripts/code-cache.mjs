// Runs CommonJS files that lie together, with the code V8 made of them in an earlier run: compiling them anew is a third of
// a start. (Node 22 has this for modules, Node 20 has not.)
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import vm from 'node:vm';

/** By then everything that a start runs has run and so was compiled; later V8 forgets what was used only once. */
const KEEP_AFTER_MS = 5_000;
const MARK_BYTES = 32;
/** As Node wraps a module. */
const HEAD = Buffer.from('(function (exports, require, module, __filename, __dirname) { ');
const TAIL = Buffer.from('\n})');

/** Runs `entry`; what it requires by a path is run in the same way, all else is left to Node. */
export function runWithCodeCache(entry) {
  const modules = new Map();
  const uncached = [];
  const load = (file) => {
    const known = modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(file, module);
    const { script, source } = compile(file);
    if (script.cachedDataRejected !== false) uncached.push({ file, script, source });
    const folder = path.dirname(file);
    const nodes = createRequire(file);
    const require = (id) => (id.startsWith('./') ? load(path.join(folder, id)) : nodes(id));
    script.runInThisContext()(module.exports, Object.assign(require, nodes), module, file, folder);
    return module.exports;
  };
  const keepAll = () => uncached.splice(0).forEach(keep);
  process.once('exit', keepAll);
  setTimeout(keepAll, KEEP_AFTER_MS).unref();
  return load(entry);
}

function compile(file) {
  const source = Buffer.concat([HEAD, readFileSync(file), TAIL]);
  const script = new vm.Script(source.toString(), {
    filename: file,
    cachedData: readKept(file, source),
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return { script, source };
}

/** What was kept for exactly this source, if it is there and whole. Whether it also fits this Node, V8 judges. */
function readKept(file, source) {
  try {
    const kept = readFileSync(nameOf(file));
    const code = kept.subarray(MARK_BYTES);
    return markOf(source, code).equals(kept.subarray(0, MARK_BYTES)) ? code : undefined;
  } catch {
    return undefined;
  }
}

function keep({ file, script, source }) {
  const aside = `${nameOf(file)}.${process.pid}`;
  try {
    const code = script.createCachedData();
    writeFileSync(aside, Buffer.concat([markOf(source, code), code]));
    renameSync(aside, nameOf(file));
  } catch {
    // No room, or not our folder: the next start compiles again.
    rmSync(aside, { force: true });
  }
}

function nameOf(file) {
  return `${file}.code`;
}

function markOf(source, code) {
  return createHash('sha256').update(source).update(code).digest();
}
