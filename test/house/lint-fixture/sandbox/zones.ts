import '../src/domain/rules'; // expect: import-x/no-restricted-paths
import '../test/plain'; // expect: import-x/no-restricted-paths
import './start';

export const level = process.env.LOG_LEVEL; // expect: no-restricted-properties
