import '../domain/rules';
import '../services/step'; // expect: import-x/no-restricted-paths
import '../queue'; // expect: import-x/no-restricted-paths
