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
  /** A GraphQL document with one variable `input`. */
  document: string;
  /** What is sent: records to the product, rows to the bare route, rows to a generated mutation. */
  shape: 'records' | 'bare' | 'generated';
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

function bodyOf({ world, document, shape, size }: SendOrder, numbers: readonly number[]): string {
  const [n = 0] = numbers;
  switch (shape) {
    case 'records': {
      const records = numbers.map((each) => sentRecord(world, each));
      return JSON.stringify({ query: document, variables: { input: size === 1 ? records[0] : { records } } });
    }
    case 'bare':
      return JSON.stringify(ledgerRow(world, n));
    case 'generated':
      return JSON.stringify({ query: document, variables: { input: { usageRecord: generatedInput(world, n) } } });
  }
}

/** The row as PostGraphile names its columns. */
function generatedInput(world: UsageWorld, n: number): Record<string, unknown> {
  const row = ledgerRow(world, n);
  return {
    serviceId: world.serviceId,
    accountLinkId: row.link_id,
    contractId: row.contract_id,
    metricId: row.metric_id,
    windowStart: row.window_start,
    windowEnd: row.window_end,
    countedAt: row.counted_at,
    quantity: row.quantity,
    actor: 'generated',
    account: row.account,
    late: false,
    idempotencyKey: row.idempotency_key,
    contentHash: Buffer.from(row.content_hash, 'hex').toString('base64'),
    receivedAt: row.window_end,
  };
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
