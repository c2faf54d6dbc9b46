// Stack traces that name the TypeScript sources. As `process.setSourceMapsEnabled(true)`, but for our own files only, and a
// map is read when a trace first needs it: Node reads the maps of all packages while they load, a fifth of the start.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const built = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', 'dist') + path.sep;
const maps = new Map();

/** From now on, in this process. */
export function nameSourcesInStackTraces() {
  Error.prepareStackTrace = (error, frames) => [headOf(error), ...frames.map(describe)].join('\n    at ');
}

function headOf(error) {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return '<error>';
  }
}

function describe(frame) {
  const file = frame.getFileName();
  if (!file?.startsWith(built)) return String(frame);
  const source = mapOf(file)?.findEntry(frame.getLineNumber() - 1, frame.getColumnNumber() - 1);
  if (source?.originalSource === undefined) return String(frame);
  const place = `${source.originalSource}:${source.originalLine + 1}:${source.originalColumn + 1}`;
  return String(frame).replace(`${file}:${frame.getLineNumber()}:${frame.getColumnNumber()}`, place);
}

function mapOf(file) {
  if (!maps.has(file)) maps.set(file, readMap(file));
  return maps.get(file);
}

/** Undefined when there is none that can be read: a trace is printed in any case. */
function readMap(file) {
  try {
    const map = JSON.parse(readFileSync(`${file}.map`, 'utf8'));
    const sources = map.sources.map((source) => path.resolve(path.dirname(file), source));
    return new SourceMap({ ...map, sources });
  } catch {
    return undefined;
  }
}
