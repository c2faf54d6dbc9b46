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
  body?: string;
  /** Requests are counted by address until their key is known. */
  from?: string;
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
    return await Promise.race([withCustomer(demo, work), interruption()]).finally(() => demo.close());
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Fails at Ctrl-C, so that the PostgreSQL does not stay behind. */
function interruption(): Promise<never> {
  return new Promise((_resolve, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => reject(new Error('Interrupted; nothing was written.')));
    }
  });
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
export async function exchange(demo: DemoInstance, { method, url, headers, body, from }: Exchange): Promise<Reply> {
  const response = await demo.server.inject({ method, url, headers, payload: body, remoteAddress: from });
  return { status: response.statusCode, headers: response.headers, text: response.payload };
}

/** An operation as clients send it; without a key when there is none. A text is sent as it is. */
export function graphqlRequest(key: string | undefined, payload: object | string): Exchange {
  return {
    method: 'POST',
    url: '/graphql',
    headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), 'content-type': 'application/json' },
    body: typeof payload === 'string' ? payload : JSON.stringify(payload),
  };
}
