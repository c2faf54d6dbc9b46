// `npm test`: makes the clone ready, then runs jest in this very process; arguments are jest's. The database of the
// run is thrown away by a watchdog of its own (test/support/postgres.ts), even when this process is killed.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUp } from './setup.mjs';

process.chdir(path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..'));
process.env.NODE_ENV = 'test';
try {
  await setUp({ dev: true });
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const { run } = await import('jest');
await run(process.argv.slice(2));
