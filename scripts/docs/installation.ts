/** The installation on which the pages are made: the demo's, on a PostgreSQL that is started for it and thrown away. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pino from 'pino';
import { addSubscription } from '../../sandbox/world';
import { type DemoInstance, openDemoInstance } from '../../src/boot/demo-instance';
import { loadConfig } from '../../src/config';

const START = new Date('2026-03-01T08:00:00Z');

/** One HTTP request and what came back. */
export interface Exchange {
  method: 'GET' | 'POST';
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
}

export interface Reply {
  status: number;
  headers: Record<string, unknown>;
  text: string;
}

/** Runs `work` on a fresh installation with one customer; nothing of it is left, whatever becomes of the work. */
export async function withInstallation<T>(work: (demo: DemoInstance) => Promise<T>): Promise<T> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'fusion-billing-docs-'));
  // As root the server runs as another user, who must be able to pass.
  chmodSync(dataDir, 0o711);
  try {
    const demo = await openDemoInstance(loadConfig({ DATA_DIR: dataDir }), pino({ level: 'silent' }), START);
    return await withCustomer(demo, work).finally(() => demo.close());
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function withCustomer<T>(demo: DemoInstance, work: (demo: DemoInstance) => Promise<T>): Promise<T> {
  await addSubscription(demo.odoo, {
    partner: { name: 'Foxglove Maps' },
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: [
      { code: 'BASE', name: 'Base fee', price: 20, policy: 'order' },
      { code: 'CALLS', name: 'API calls (1k)', price: 0.25 },
      { code: 'METERED', name: 'Metered usage (USD)', price: 1 },
    ],
  });
  await demo.moveTo(START.toISOString());
  return work(demo);
}

/** Sends a request as it would come over HTTP. */
export async function exchange(demo: DemoInstance, { method, url, headers, body }: Exchange): Promise<Reply> {
  const {
    statusCode,
    headers: answered,
    payload,
  } = await demo.server.inject({
    method,
    url,
    headers,
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: statusCode, headers: answered, text: payload };
}
