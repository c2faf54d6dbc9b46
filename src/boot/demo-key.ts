/** The key of the demo, kept in a file of its own so that later starts can print it. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The demo's key: read from DATA_DIR/demo-key, or made and stored there, readable by its owner only. */
export function ensureDemoKey(dataDir: string): string {
  const file = path.join(dataDir, 'demo-key');
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  const key = `fb_${randomBytes(32).toString('base64url')}`;
  writeFileSync(`${file}.new`, `${key}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return key;
}
