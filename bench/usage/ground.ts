/** What the rows of recording stand on: the product over its world, the same world for a baseline, and a sender. */
import { type Child, type Spent, startChild } from '../child';
import { type Ground, type ServerProcess, startServer } from '../ground';
import type { Measure } from '../row';
import type { SendOrder } from '../processes/send';
import { layUsageWorld, type UsageWorld } from './world';

export interface UsageGround {
  world: UsageWorld;
  server: ServerProcess;
  /** Database with the same world, for the baseline alone. */
  baselineUrl: string;
  sender: Child<SendOrder, Spent>;
  /** Sends records to the product with a key of the service. */
  record(sending: Sending): Promise<Measure>;
  close(): Promise<void>;
}

/** What is sent, and how: the rest of a `SendOrder` is the same for all. */
export type Sending = Pick<SendOrder, 'document' | 'connections' | 'from' | 'count' | 'size' | 'expected'>;

export async function layUsageGround(ground: Ground, accounts: number): Promise<UsageGround> {
  const databaseUrl = await ground.database();
  const world = await layUsageWorld(databaseUrl, accounts);
  const baselineUrl = await ground.database(databaseUrl);
  const server = await startServer(databaseUrl);
  const sender = startChild<SendOrder, Spent>('send');
  return {
    world,
    server,
    baselineUrl,
    sender,
    record: await recorder(server, world, sender),
    async close() {
      await sender.stop();
      await server.stop();
      await ground.drop(databaseUrl);
      await ground.drop(baselineUrl);
    },
  };
}

/** Has `sender` send records to the product with a key of the service. */
export async function recorder(
  server: ServerProcess,
  world: UsageWorld,
  sender: Child<SendOrder, Spent>,
): Promise<(sending: Sending) => Promise<Measure>> {
  const headers = { authorization: `Bearer ${await serviceKey(server, world)}` };
  return async (sending) => {
    const cpuBefore = server.cpuSeconds();
    const spent = await sender.ask({ world, url: server.url, path: '/graphql', headers, shape: 'records', ...sending });
    return measureOf({ ...spent, cpuSeconds: server.cpuSeconds() - cpuBefore }, sending);
  };
}

/** The figure of a round: in records where many go into a request, in requests otherwise. */
export function measureOf({ seconds, cpuSeconds }: Spent, { count, size }: { count: number; size: number }): Measure {
  const what = size === 1 ? 'request' : 'record';
  return {
    value: count / seconds,
    unit: `${what}s/s`,
    also: { [`node µs/${what}`]: (cpuSeconds / count) * 1_000_000 },
  };
}

async function serviceKey(server: ServerProcess, { service }: UsageWorld): Promise<string> {
  const { createApiKey } = await server.ask<{ createApiKey: { secret: string } }>(
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret } }',
    { input: { service, name: 'sender', scopes: ['USAGE_WRITE'] } },
  );
  return createApiKey.secret;
}
