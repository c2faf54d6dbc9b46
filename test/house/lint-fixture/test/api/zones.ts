import '../../src/boot/start'; // expect: import-x/no-restricted-paths
