import '../services/step';
import '../entities/row';
import '../ctx';
import '../lago/routes'; // expect: import-x/no-restricted-paths
import '../jobs/tasks'; // expect: import-x/no-restricted-paths
import '../server'; // expect: import-x/no-restricted-paths
import '../odoo/client'; // expect: import-x/no-restricted-paths
import '../queue'; // expect: import-x/no-restricted-paths
