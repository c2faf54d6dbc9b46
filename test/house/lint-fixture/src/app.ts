import './ctx';
import './server'; // expect: import-x/no-restricted-paths

export const name = 'app';
