/** How fast single records are recorded, beside a route that only inserts them, and beside a mutation generated for the table. */
import { startChild } from '../child';
import { cpuSecondsOf } from '../ground';
import type { BareRouteOrder } from '../processes/bare-route';
import type { SendOrder } from '../processes/send';
import type { Aim, Row, Sides } from '../row';
import { layUsageGround, measureOf } from '../usage/ground';
import { lacksPostGraphile } from '../usage/postgraphile';

const COUNT = { count: 4_000, size: 1 };
const ACCOUNTS = 50;
const DOCUMENT = 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status } }';
const RECORDED = '"status":"RECORDED"';

/** A server that inserts a row a request: the name of its process, and what it is sent. */
interface Rival {
  process: 'bare-route' | 'postgraphile';
  what: string;
  request: Pick<SendOrder, 'path' | 'shape' | 'document' | 'expected'>;
}

const BARE: Rival = {
  process: 'bare-route',
  what: 'a bare Fastify route, one prepared insert a request',
  request: { path: '/usage', shape: 'bare', document: '', expected: RECORDED },
};
const GENERATED: Rival = {
  process: 'postgraphile',
  what: 'the create mutation that PostGraphile generates',
  request: {
    path: '/graphql',
    shape: 'generated',
    document: 'mutation ($input: CreateUsageRecordInput!) { createUsageRecord(input: $input) { usageRecord { id } } }',
    expected: '"usageRecord":{"id":',
  },
};

interface SingleRow {
  name: string;
  connections: number;
  rival: Rival;
  aim: Aim;
  lacks?: Row['lacks'];
}

function singleRow({ connections, rival, ...row }: SingleRow): Row {
  return {
    ...row,
    what: `recordUsage of one by ${connections} connections`,
    baseline: rival.what,
    async open(ground): Promise<Sides> {
      const usage = await layUsageGround(ground, ACCOUNTS);
      const server = startChild<BareRouteOrder, string>(rival.process);
      const { world, baselineUrl: databaseUrl } = usage;
      const url = await server.ask({ databaseUrl, serviceId: world.serviceId });
      let inserted = 0;
      let recorded = 0;
      return {
        async baseline() {
          const from = inserted;
          inserted += COUNT.count;
          const cpuBefore = cpuSecondsOf(server.pid);
          const order = { ...COUNT, ...rival.request, world, url, headers: {}, connections, from };
          const spent = await usage.sender.ask(order);
          return measureOf({ ...spent, cpuSeconds: cpuSecondsOf(server.pid) - cpuBefore }, COUNT);
        },
        async ours() {
          const from = recorded;
          recorded += COUNT.count;
          return usage.record({ ...COUNT, document: DOCUMENT, expected: RECORDED, connections, from });
        },
        async close() {
          await server.stop();
          await usage.close();
        },
      };
    },
  };
}

export const singleRows: readonly Row[] = [
  singleRow({ name: 'single-16', connections: 16, rival: BARE, aim: { atLeast: 0.8 } }),
  singleRow({ name: 'single-64', connections: 64, rival: BARE, aim: { atLeast: 1.2 } }),
  singleRow({
    name: 'single-16-postgraphile',
    connections: 16,
    rival: GENERATED,
    aim: { atLeast: 2 },
    lacks: lacksPostGraphile,
  }),
  singleRow({
    name: 'single-64-postgraphile',
    connections: 64,
    rival: GENERATED,
    aim: { atLeast: 2 },
    lacks: lacksPostGraphile,
  }),
];
