/** The mirror's first full pass over many orders, against a script that pages the same rows and stores nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { Client } from 'pg';
import type { OdooConnection } from '../../src/config';
import type { Ground } from '../ground';
import { ordersInOdoo } from '../odoo/orders';
import type { PagingOrder } from '../odoo/page-orders';
import { runScript, startOdoo } from '../odoo/server';
import type { Measure, Row, Sides } from '../row';

const ROOT = path.join(__dirname, '..', '..');
const ORDERS = 5_000;
/** A fee and two metered products. */
const LINES = [
  { code: 'BASE', name: 'Base fee', price: 20, policy: 'order' as const },
  { code: 'CALLS', name: 'Calls', price: 2 },
  { code: 'STORAGE', name: 'Storage', price: 1 },
];

export const mirrorRow: Row = {
  name: 'mirror',
  what: `full mirror of ${ORDERS.toLocaleString('en')} orders with ${LINES.length} lines each`,
  baseline: 'a bare script that pages the same rows',
  aim: { atMost: 1.3 },
  async open(ground): Promise<Sides> {
    const world = await ordersInOdoo(ORDERS, LINES);
    const odoo = await startOdoo(await world.control.saveState());
    await world.close();
    const { connection } = odoo;
    const lines = ORDERS * LINES.length;
    const paging: PagingOrder = { connection, lines };
    return {
      baseline: async () => ({ value: await runScript('page-orders', paging), unit: 's' }),
      ours: () => mirror(ground, connection, lines),
      close: () => odoo.stop(),
    };
  },
};

/** From the request for the runs to the end of the last one, into an empty database. */
async function mirror(ground: Ground, odoo: OdooConnection, lines: number): Promise<Measure> {
  const databaseUrl = await ground.database();
  await sync(databaseUrl, odoo);
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ seconds: number; lines: number; failed: number }>(
    `select extract(epoch from max(finished_at) - min(requested_at))::float8 as seconds,
            (select count(*) from subscription_line)::int as lines, count(error)::int as failed from sync_run`,
  );
  await client.end();
  await ground.drop(databaseUrl);
  const [run] = rows;
  if (run?.lines !== lines || run.failed > 0) throw new Error(`The mirror is not whole: ${JSON.stringify(run)}`);
  return { value: run.seconds, unit: 's' };
}

async function sync(databaseUrl: string, odoo: OdooConnection): Promise<void> {
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: databaseUrl,
    ODOO_URL: odoo.url,
    ODOO_DATABASE: odoo.database,
    ODOO_API_KEY: odoo.apiKey,
  };
  const child = spawn(process.execPath, ['dist/src/cli.js', 'sync', '--full'], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`The sync ended with ${code}.`);
}
