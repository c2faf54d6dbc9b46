import 'type-graphql';
import 'graphql';
import 'typeorm'; // expect: no-restricted-imports
import 'pg'; // expect: no-restricted-imports
import 'graphile-worker'; // expect: no-restricted-imports
import 'undici'; // expect: no-restricted-imports
