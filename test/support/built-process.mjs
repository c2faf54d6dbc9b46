// The built product as `npm start` runs it, without making the clone ready first: `npm test` has done that.
import { runBuilt } from '../../scripts/run-built.mjs';

await runBuilt();
