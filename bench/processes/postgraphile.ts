/** PostGraphile over the ledger's own table: the create mutation that it generates, and nothing else of a product. */
import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Pool } from 'pg';
import { answerOrders } from '../child';

/** What is used of a package that may be missing, and so has no types here. */
interface Package {
  postgraphile(pool: Pool, schema: string, options: object): RequestListener;
}

const POOL_SIZE = 10;

/** Answers its address. */
answerOrders(async ({ databaseUrl }: { databaseUrl: string }): Promise<string> => {
  const name = 'postgraphile';
  const { postgraphile } = (await import(name)) as Package;
  const pool = new Pool({ connectionString: databaseUrl, max: POOL_SIZE });
  const server = createServer(postgraphile(pool, 'public', { graphiql: false, disableQueryLog: true }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
