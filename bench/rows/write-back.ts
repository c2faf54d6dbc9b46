/** Writing what is due to many orders through the queue, against a script that makes the same calls and keeps nothing. */
import { fork } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { Fault } from '../../sandbox/sandbox';
import { loadConfig, type OdooConnection } from '../../src/config';
import type { WorkerOrder } from '../../test/support/worker-process';
import type { Ground } from '../ground';
import { closedOrders, type ClosedOrders } from '../odoo/orders';
import { end, type OdooProcess, runScript, startOdoo } from '../odoo/server';
import type { WritingOrder } from '../odoo/write-slots';
import type { Measure, Row, Sides } from '../row';

const ORDERS = 1_000;
const WORKER = path.join(__dirname, '..', '..', 'test', 'support', 'worker-process.ts');
const POLL_MS = 10;

/** What a real Odoo 19 was seen to take for one line, on one machine and without a network between. */
const REAL_ODOO: Fault[] = [
  { fault: 'slow', match: { method: 'web_read' }, delayMs: 10, times: Number.MAX_SAFE_INTEGER },
  { fault: 'slow', match: { method: 'web_save' }, delayMs: 30, times: Number.MAX_SAFE_INTEGER },
];

export const writeBackRow: Row = {
  name: 'write-back',
  what: `write-back of ${ORDERS.toLocaleString('en')} orders, Odoo answering as fast as a real one: 10 ms a read, 30 ms a write`,
  baseline: 'a bare script that makes the same calls',
  aim: { atMost: 1.15 },
  // A round takes a minute.
  rounds: 2,
  open: (ground) => openSides(ground, REAL_ODOO),
};

export const writeBackAtOnceRow: Row = {
  name: 'write-back-at-once',
  what: 'the same, the sandbox answering at once: what our side costs',
  baseline: 'the same',
  aim: null,
  open: (ground) => openSides(ground, []),
};

async function openSides(ground: Ground, faults: readonly Fault[]): Promise<Sides> {
  const world = await worldOf(ground);
  const odoo = await startOdoo(world.odoo);
  const inFlight = loadConfig({}).odooCallsInFlight;
  const { connection } = odoo;
  const writing: WritingOrder = {
    connection,
    lineOdooIds: world.lineOdooIds,
    quantity: world.quantity,
    inFlight,
  };
  const side = async (work: () => Promise<Measure>): Promise<Measure> => {
    await rewind(odoo, world, faults);
    const measure = await work();
    await checkWrites(odoo, world);
    return measure;
  };
  return {
    baseline: () => side(async () => ({ value: await runScript('write-slots', writing), unit: 's' })),
    ours: () => side(() => workOff(ground, world, connection)),
    close: () => odoo.stop(),
  };
}

const worlds = new WeakMap<Ground, Promise<ClosedOrders>>();

/** Closing so many periods takes longer than the rounds: both rows write to copies of one world, which goes with its ground. */
function worldOf(ground: Ground): Promise<ClosedOrders> {
  const world = worlds.get(ground) ?? closedOrders(ground, ORDERS);
  worlds.set(ground, world);
  return world;
}

/** Odoo as it was before anything was written. */
async function rewind({ control }: OdooProcess, world: ClosedOrders, faults: readonly Fault[]): Promise<void> {
  await control.loadState(world.odoo);
  for (const fault of faults) await control.addFault(fault);
}

async function checkWrites({ control }: OdooProcess, world: ClosedOrders): Promise<void> {
  const written = (await control.writes()).map(({ ids }) => ids[0] ?? 0).sort((a, b) => a - b);
  if (JSON.stringify(written) !== JSON.stringify(world.lineOdooIds))
    throw new Error(`${written.length} writes instead of one of each line.`);
}

/** From the moment that the jobs are queued until no intent waits any more. */
async function workOff(ground: Ground, world: ClosedOrders, odoo: OdooConnection): Promise<Measure> {
  const databaseUrl = await ground.database(world.databaseUrl);
  const order: WorkerOrder = { databaseUrl, odoo, now: world.now };
  const worker = fork(WORKER, [JSON.stringify(order)]);
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const until = async (condition: string): Promise<void> => {
    for (;;) {
      const { rows } = await client.query<{ done: boolean }>(`select ${condition} as done`);
      if (rows[0]?.done === true) return;
      if (worker.exitCode !== null) throw new Error('The worker ended.');
      await sleep(POLL_MS);
    }
  };
  try {
    await until('exists (select 1 from worker)');
    const startedAt = performance.now();
    await client.query(
      `select enqueue_job('write-back', json_build_object('subscriptionId', id), null, 25, 'write-back:' || id) from subscription`,
    );
    await until(`not exists (select 1 from write_back where state in ('PENDING', 'UNKNOWN'))`);
    return { value: (performance.now() - startedAt) / 1_000, unit: 's' };
  } finally {
    await client.end();
    await end(worker);
    await ground.drop(databaseUrl);
  }
}
