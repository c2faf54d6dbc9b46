import '../sandbox/start'; // expect: import-x/no-restricted-paths
import '../src/domain/rules'; // expect: import-x/no-restricted-paths
