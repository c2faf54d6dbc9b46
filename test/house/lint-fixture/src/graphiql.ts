import './services/step'; // expect: import-x/no-restricted-paths
import '../sandbox/start'; // expect: import-x/no-restricted-paths

export const name = 'graphiql';
