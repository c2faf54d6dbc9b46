#!/usr/bin/env node
// `npx fusion-billing`: makes the clone ready when it is not, then runs the command line in this very process.
import { setUp } from './setup.mjs';
import { nameSourcesInStackTraces } from './stack-traces.mjs';

try {
  await setUp();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
nameSourcesInStackTraces();
await import('../dist/src/cli.js');
