/** A worker of its own process, to be killed: runs the queue at a standing clock until nobody needs it any more. */
import 'reflect-metadata';
import { createApp } from '../../src/app';
import { loadConfig, type OdooConnection } from '../../src/config';
import { startWorker } from '../../src/jobs/worker';

export interface WorkerOrder {
  databaseUrl: string;
  odoo: OdooConnection;
  now: string;
}

async function work(order: WorkerOrder): Promise<void> {
  const config = { ...loadConfig({ LOG_LEVEL: 'silent' }), databaseUrl: order.databaseUrl, odoo: order.odoo };
  const app = await createApp(config, { clock: () => new Date(order.now) });
  await startWorker(app, { crontab: false });
  // A worker whose parent is gone has nobody to kill it.
  process.on('disconnect', () => process.exit(0));
}

void work(JSON.parse(process.argv[2] ?? '') as WorkerOrder);
