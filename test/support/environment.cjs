// Node's own test environment, in a worker that ends with its run: one whose parent was killed must not stay behind.
const { TestEnvironment } = require('jest-environment-node');

const PARENT_CHECK_MS = 500;
const parent = process.ppid;

setInterval(() => {
  if (process.ppid !== parent) process.exit(1);
}, PARENT_CHECK_MS).unref();

module.exports = TestEnvironment;
