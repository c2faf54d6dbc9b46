// The tests of the domain by themselves, without a database: what `npm run test:mutation` runs for each mutant.
/** @type {import('jest').Config} */
module.exports = {
  rootDir: '../..',
  // What the tests share is a way from a test to the rule it reaches.
  roots: ['<rootDir>/test/domain', '<rootDir>/test/support'],
  testMatch: ['**/*.test.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  setupFiles: ['<rootDir>/test/support/same-examples.ts'],
};
