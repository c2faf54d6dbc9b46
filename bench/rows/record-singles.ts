/** How fast single records are recorded, beside a route that only inserts them. */
import { cpuSecondsOf } from '../ground';
import { startChild } from '../child';
import type { BareRouteOrder } from '../processes/bare-route';
import type { Aim, Row, Sides } from '../row';
import { layUsageGround, measureOf } from '../usage/ground';

const SINGLE = { count: 4_000, size: 1, expected: '"status":"RECORDED"' };
const ACCOUNTS = 50;
const DOCUMENT = 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status } }';

function singleRow({ connections, aim }: { connections: number; aim: Aim }): Row {
  return {
    name: `single-${connections}`,
    what: `recordUsage of one by ${connections} connections`,
    baseline: 'a bare Fastify route, one prepared insert a request',
    aim,
    async open(ground): Promise<Sides> {
      const usage = await layUsageGround(ground, ACCOUNTS);
      const route = startChild<BareRouteOrder, string>('bare-route');
      const { world, baselineUrl: databaseUrl } = usage;
      const url = await route.ask({ databaseUrl, serviceId: world.serviceId });
      let inserted = 0;
      let recorded = 0;
      return {
        async baseline() {
          const from = inserted;
          inserted += SINGLE.count;
          const cpuBefore = cpuSecondsOf(route.pid);
          const order = { ...SINGLE, world, url, path: '/usage', headers: {}, document: null, connections, from };
          const spent = await usage.sender.ask(order);
          return measureOf({ ...spent, cpuSeconds: cpuSecondsOf(route.pid) - cpuBefore }, SINGLE);
        },
        async ours() {
          const from = recorded;
          recorded += SINGLE.count;
          return usage.record({ ...SINGLE, document: DOCUMENT, connections, from });
        },
        async close() {
          await route.stop();
          await usage.close();
        },
      };
    },
  };
}

export const singleRows: readonly Row[] = [
  singleRow({ connections: 16, aim: { atLeast: 0.8 } }),
  singleRow({ connections: 64, aim: { atLeast: 1.2 } }),
];
