// `npm run bench`: measures every path of the product side by side with its baseline, and prints the table. `-- --only=NAME`
// measures one row, and again for another one. It wants the machine for itself.
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
const hooks = ['reflect-metadata', './test/support/register.cjs'].flatMap((hook) => ['-r', hook]);
const child = spawn(process.execPath, [...hooks, 'bench/main.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.on('SIGINT', () => undefined);
child.on('close', (code) => {
  process.exitCode = code ?? 1;
});
