/** What the bare scripts share: their order from the parent, the seconds back to it, and one call of JSON-2. */
import { once } from 'node:events';
import { Agent, request } from 'undici';
import type { OdooConnection } from '../../src/config';

// As the product's client: the server closes each connection after its answer anyway.
const dispatcher = new Agent({ pipelining: 0 });

/** The same bytes as the product sends, the answer parsed and not looked at any further. */
export async function call<T>(
  connection: OdooConnection,
  route: string,
  body: Readonly<Record<string, unknown>>,
): Promise<T> {
  const response = await request(`${connection.url}/json/2/${route}`, {
    method: 'POST',
    dispatcher,
    headers: {
      authorization: `bearer ${connection.apiKey}`,
      'content-type': 'application/json',
      'x-odoo-database': connection.database,
      accept: 'application/json',
    },
    body: JSON.stringify(body),
  });
  const text = await response.body.text();
  if (response.statusCode !== 200) throw new Error(`${route}: ${response.statusCode} ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}

/** Waits for the order, works it off, and tells how many seconds that took. */
export async function obey<Order>(work: (order: Order) => Promise<void>): Promise<void> {
  const [order] = (await once(process, 'message')) as [Order];
  const startedAt = performance.now();
  await work(order);
  process.send?.((performance.now() - startedAt) / 1_000);
}
