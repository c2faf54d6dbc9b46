/** PostGraphile over the ledger's own table: the create mutation that it generates, and nothing else of a product. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { answerOrders } from '../child';

/** What is used of packages that may be missing, and so have no types here. */
interface Packages {
  postgraphile: { postgraphile(preset: object): { createServ(grafserv: unknown): { addTo(server: object): unknown } } };
  amber: { PostGraphileAmberPreset: object };
  pg: { makePgService(options: object): object };
  node: { grafserv: unknown };
}

const POOL_SIZE = 10;

/** Answers its address. */
answerOrders(async ({ databaseUrl }: { databaseUrl: string }): Promise<string> => {
  const { postgraphile, amber, pg, node } = await load();
  const instance = postgraphile.postgraphile({
    extends: [amber.PostGraphileAmberPreset],
    pgServices: [
      pg.makePgService({ connectionString: databaseUrl, schemas: ['public'], poolConfig: { max: POOL_SIZE } }),
    ],
    grafserv: { graphiql: false, watch: false },
  });
  const server = createServer();
  await instance.createServ(node.grafserv).addTo(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

async function load(): Promise<Packages> {
  const name = 'postgraphile';
  const [postgraphile, amber, pg, node] = (await Promise.all(
    ['', '/presets/amber', '/adaptors/pg', '/grafserv/node'].map((part) => import(`${name}${part}`)),
  )) as [Packages['postgraphile'], Packages['amber'], Packages['pg'], Packages['node']];
  return { postgraphile, amber, pg, node };
}
