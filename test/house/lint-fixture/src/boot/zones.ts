import './start';
import '../services/step';
import '../server'; // expect: import-x/no-restricted-paths
import '../cli'; // expect: import-x/no-restricted-paths
import '../../sandbox/start';
