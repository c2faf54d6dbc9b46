// `npm run check`: everything a change must pass, in order, up to the first failure. Arguments of the form
// --except=tests leave steps out by name.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name, ...args) => [path.join(root, 'node_modules', '.bin', name), ...args];

const steps = [
  { name: 'format', command: bin('prettier', '--check', '.') },
  { name: 'lint', command: bin('eslint', '--max-warnings=0', '.') },
  { name: 'types', command: bin('tsc', '--noEmit', '-p', 'tsconfig.json') },
  { name: 'web-types', command: bin('tsc', '--noEmit', '-p', 'web/tsconfig.json') },
  { name: 'unused', command: bin('knip') },
  { name: 'schema', command: [process.execPath, 'dist/scripts/schema.js', 'check'] },
  { name: 'schema-diff', command: [process.execPath, 'dist/scripts/schema.js', 'diff'] },
  { name: 'docs', command: [process.execPath, 'dist/scripts/docs.js', 'check'] },
  { name: 'tests', command: [process.execPath, 'scripts/test.mjs'] },
];

const left = new Set(process.argv.slice(2).map((argument) => argument.replace(/^--except=/, '')));
const unknown = [...left].filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  process.stderr.write(`Unknown step: ${unknown.join(', ')}. Steps: ${steps.map(({ name }) => name).join(', ')}.\n`);
  process.exit(2);
}

try {
  await setUp({ dev: true });
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
for (const { name, command } of steps.filter((step) => !left.has(step.name))) {
  const start = performance.now();
  process.stdout.write(`[check] ${name} ...\n`);
  const code = await run(command);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`[check] ${name}: ${code === 0 ? 'passed' : 'FAILED'} in ${seconds} s\n`);
  if (code !== 0) process.exit(1);
}

function run([file, ...args]) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, stdio: 'inherit' });
    child.on('error', (error) => {
      process.stderr.write(`${error.message}\n`);
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}
