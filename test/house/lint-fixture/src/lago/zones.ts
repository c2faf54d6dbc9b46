import '../services/step';
import '../resolvers/schema'; // expect: import-x/no-restricted-paths
import '../jobs/tasks'; // expect: import-x/no-restricted-paths
import '../odoo/client'; // expect: import-x/no-restricted-paths
