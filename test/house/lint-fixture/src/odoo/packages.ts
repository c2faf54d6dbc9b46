import 'undici';
import 'typeorm'; // expect: no-restricted-imports
import 'pg'; // expect: no-restricted-imports
import 'type-graphql'; // expect: no-restricted-imports
import 'graphql'; // expect: no-restricted-imports
import 'fastify'; // expect: no-restricted-imports
import 'graphile-worker'; // expect: no-restricted-imports
