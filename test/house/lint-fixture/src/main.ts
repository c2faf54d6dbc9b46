import './boot/start';
import './server';
import './cli'; // expect: import-x/no-restricted-paths
import '../sandbox/start';

export const name = 'main';
export const startedAt = new Date();
