import '../sandbox/start';
import '../src/boot/start'; // expect: import-x/no-restricted-paths
import '../src/services/step';
