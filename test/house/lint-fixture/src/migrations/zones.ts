import '../entities/row'; // expect: import-x/no-restricted-paths
