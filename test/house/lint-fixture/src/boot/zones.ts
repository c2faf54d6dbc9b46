import './start';
import '../services/step';
import '../server';
import '../cli'; // expect: import-x/no-restricted-paths
import '../../sandbox/start';
