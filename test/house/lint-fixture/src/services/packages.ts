import 'typeorm';
import 'type-graphql'; // expect: no-restricted-imports
import 'graphql'; // expect: no-restricted-imports
import '@apollo/server'; // expect: no-restricted-imports
import 'fastify'; // expect: no-restricted-imports
import 'graphile-worker'; // expect: no-restricted-imports
import 'undici'; // expect: no-restricted-imports
