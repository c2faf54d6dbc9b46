import '../entities/row'; // expect: import-x/no-restricted-paths
import '../services/step'; // expect: import-x/no-restricted-paths
import '../odoo/client'; // expect: import-x/no-restricted-paths
import '../ctx'; // expect: import-x/no-restricted-paths
import '../config'; // expect: import-x/no-restricted-paths
import '../../sandbox/start'; // expect: import-x/no-restricted-paths
