/** PostGraphile over the ledger's own table: the create mutation that it generates, and nothing else of a product. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { answerOrders } from '../child';
import { requirePostGraphile } from '../usage/postgraphile';

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
  const { postgraphile, amber, pg, node } = load();
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

function load(): Packages {
  addWithResolvers();
  return {
    postgraphile: requirePostGraphile() as Packages['postgraphile'],
    amber: requirePostGraphile('/presets/amber') as Packages['amber'],
    pg: requirePostGraphile('/adaptors/pg') as Packages['pg'],
    node: requirePostGraphile('/grafserv/node') as Packages['node'],
  };
}

/** The one thing of Node 22 that PostGraphile uses here and Node 20 has not. */
function addWithResolvers(): void {
  if ('withResolvers' in Promise) return;
  Object.assign(Promise, {
    withResolvers() {
      let settle: object = {};
      const promise = new Promise((resolve, reject) => {
        settle = { resolve, reject };
      });
      return { promise, ...settle };
    },
  });
}
