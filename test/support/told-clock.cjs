// In a process of a test: the App's clock stands where the parent says, in TEST_NOW first and then by messages.
const Module = require('node:module');

let now = process.env.TEST_NOW;
process.on('message', (told) => {
  now = told.now;
  process.send({ now });
});
// A process whose parent is gone has nobody to stop it.
process.on('disconnect', () => process.exit(1));

const load = Module._load;
Module._load = function (...request) {
  const loaded = load.apply(this, request);
  if (typeof loaded?.createApp !== 'function') return loaded;
  const createApp = (config, options) => loaded.createApp(config, { ...options, clock: () => new Date(now) });
  return { ...loaded, createApp };
};
