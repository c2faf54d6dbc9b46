import './boot/start';
import './server'; // expect: import-x/no-restricted-paths
import '../sandbox/start'; // expect: import-x/no-restricted-paths

export const name = 'cli';
console.log('the command line may print', Date.now());
