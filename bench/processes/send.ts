/** Sends prepared requests over HTTP, one at a time on each of its connections. */
import { Client } from 'undici';
import { answerOrders, type Spent, timed } from '../child';
import { groupsOf, ledgerRow, sentRecord } from '../usage/records';
import type { UsageWorld } from '../usage/world';

export interface SendOrder {
  world: UsageWorld;
  /** Where to, and what is written into each request; every answer must hold `expected`. */
  url: string;
  path: string;
  headers: Record<string, string>;
  expected: string;
  /** A GraphQL document with one variable `input`; null: the request is the bare row. */
  document: string | null;
  connections: number;
  /** Number of the first record, how many, and how many go into a request. */
  from: number;
  count: number;
  size: number;
}

answerOrders(async (order: SendOrder): Promise<Spent> => {
  const bodies = groupsOf(order).map((numbers) => Buffer.from(bodyOf(order, numbers)));
  const clients = Array.from({ length: order.connections }, () => new Client(order.url));
  try {
    return await timed(
      bodies,
      clients.map((client) => (body: Buffer) => send(client, body, order)),
    );
  } finally {
    await Promise.all(clients.map((client) => client.close()));
  }
});

function bodyOf({ world, document, size }: SendOrder, numbers: readonly number[]): string {
  if (document === null) return JSON.stringify(numbers.map((n) => ledgerRow(world, n))[0]);
  const records = numbers.map((n) => sentRecord(world, n));
  return JSON.stringify({ query: document, variables: { input: size === 1 ? records[0] : { records } } });
}

async function send(client: Client, body: Buffer, { path, headers, expected }: SendOrder): Promise<void> {
  const answer = await client.request({
    method: 'POST',
    path,
    headers: { 'content-type': 'application/json', ...headers },
    body,
  });
  const text = await answer.body.text();
  if (!text.includes(expected)) throw new Error(`${answer.statusCode}: ${text.slice(0, 1_000)}`);
}
