import './resolvers/schema';
import './lago/routes';
import './graphiql';
import './boot/start'; // expect: import-x/no-restricted-paths
import './jobs/tasks'; // expect: import-x/no-restricted-paths

export const name = 'server';
