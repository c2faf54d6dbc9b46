#!/usr/bin/env node
// `npx fusion-billing`: makes the clone ready when it is not, then runs the command line in this very process.
import { setUp } from './setup.mjs';

try {
  await setUp();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
process.setSourceMapsEnabled(true);
await import('../dist/src/cli.js');
