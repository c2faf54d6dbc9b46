import '../domain/rules';
import '../entities/row';
import '../queue';
import '../odoo/client';
import '../ctx';
import './step';
import '../resolvers/schema'; // expect: import-x/no-restricted-paths
import '../jobs/tasks'; // expect: import-x/no-restricted-paths
import '../server'; // expect: import-x/no-restricted-paths
import '../boot/start'; // expect: import-x/no-restricted-paths
import '../../sandbox/start'; // expect: import-x/no-restricted-paths
import '../../test/plain'; // expect: import-x/no-restricted-paths
import '../../scripts/tool'; // expect: import-x/no-restricted-paths
import '../../bench/load'; // expect: import-x/no-restricted-paths
import '../../web/page'; // expect: import-x/no-restricted-paths
