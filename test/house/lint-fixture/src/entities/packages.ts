import 'typeorm';
import 'type-graphql';
import 'pg'; // expect: no-restricted-imports
import 'fastify'; // expect: no-restricted-imports
import 'graphile-worker'; // expect: no-restricted-imports
import 'undici'; // expect: no-restricted-imports
