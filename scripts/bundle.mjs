// Joins the modules of `npm start` into the few files of dist/start: to find and read two thousand, one by one, is half of
// a start. The code is that of dist and of the packages as they are; it only lies together.
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const built = path.join(root, 'dist') + path.sep;
const folder = path.join(built, 'start');

/** One such character doubles the memory of a whole file's text. */
const BEYOND_LATIN = /[^\0-\xff]/;

const ours = {
  name: 'ours',
  /** Tracing stays apart: it is loaded only when an exporter is set, before all else, and brings its own packages. */
  resolveId: (id) => (id === './tracing' ? { id: '../src/telemetry/tracing.js', external: true } : null),
  /** With the compiler's map, so that stack traces name our sources. */
  load: (file) => (file.startsWith(built) ? { code: text(file), map: JSON.parse(text(`${file}.map`)) } : null),
};

rmSync(folder, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: root,
  platform: 'node',
  input: path.join(built, 'src', 'main.js'),
  // Tracing patches pg when it is required by its name; the compiler is huge and needed by nobody.
  external: ['pg', 'typescript'],
  plugins: [ours],
});
await bundle.write({
  dir: folder,
  format: 'cjs',
  chunkFileNames: '[name].js',
  comments: false,
  sourcemap: true,
  codeSplitting: {
    groups: [
      { name: 'translations', test: (id) => isPackage(id) && BEYOND_LATIN.test(text(id)) },
      { name: 'packages', test: isPackage },
    ],
  },
});
// Nobody needs the maps of packages, and a stack trace would spend a second on them.
for (const name of ['translations', 'packages']) rmSync(path.join(folder, `${name}.js.map`));

function isPackage(id) {
  return id.includes('node_modules');
}

function text(file) {
  return readFileSync(file, 'utf8');
}
