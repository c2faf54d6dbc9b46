/** Where PostGraphile is, if it is here: a folder of its own, for it brings a hundred packages, for two rows. */
import { createRequire } from 'node:module';
import path from 'node:path';

const FOLDER = path.join(__dirname, '..', '..', '.setup', 'postgraphile');

const fromThere = createRequire(path.join(FOLDER, 'index.js'));

/** The package, or a part of it such as "/presets/amber". @throws Error when it is not installed. */
export function requirePostGraphile(part = ''): unknown {
  return fromThere(`postgraphile${part}`);
}

/** Why a row beside it cannot be measured; null when it can. */
export function lacksPostGraphile(): string | null {
  try {
    fromThere.resolve('postgraphile');
    return null;
  } catch {
    return 'the package postgraphile is not installed in .setup/postgraphile.';
  }
}
