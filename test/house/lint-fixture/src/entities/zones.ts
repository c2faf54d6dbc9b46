import '../domain/rules';
import '../services/step'; // expect: import-x/no-restricted-paths
import '../resolvers/schema'; // expect: import-x/no-restricted-paths
