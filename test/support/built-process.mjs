// The built product as `npm start` runs it, without making the clone ready first: `npm test` has done that.
import { fileURLToPath } from 'node:url';
import { runWithCodeCache } from '../../scripts/code-cache.mjs';
import { nameSourcesInStackTraces } from '../../scripts/stack-traces.mjs';

nameSourcesInStackTraces();
runWithCodeCache(fileURLToPath(new URL('../../dist/start/main.js', import.meta.url)));
