import '../services/step';
import '../queue';
import '../resolvers/schema'; // expect: import-x/no-restricted-paths
import '../lago/routes'; // expect: import-x/no-restricted-paths
import '../odoo/client'; // expect: import-x/no-restricted-paths
import '../entities/row'; // expect: import-x/no-restricted-paths
