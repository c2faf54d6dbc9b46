// `npm run docs`: makes the clone ready, then writes docs/api.md and docs/errors.md from an installation of their own.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

try {
  await setUp({ dev: true });
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const child = spawn(process.execPath, ['dist/scripts/docs.js', 'emit'], { cwd: root, stdio: 'inherit' });
// Ctrl-C reaches the child too, which takes its PostgreSQL down; its end is waited for.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
