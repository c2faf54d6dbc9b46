/** The limit of recording: rows that were judged before go into the ledger, one statement a batch, and nothing hangs on them. */
import { Client } from 'pg';
import { answerOrders, type Spent, timed } from '../child';
import { groupsOf, ledgerRow } from '../usage/records';
import type { UsageWorld } from '../usage/world';

export interface RawBatchOrder {
  world: UsageWorld;
  databaseUrl: string;
  connections: number;
  from: number;
  count: number;
  size: number;
}

const INSERT = `
  insert into usage_record (transaction, service_id, account_link_id, contract_id, metric_id, window_start, window_end,
    counted_at, quantity, actor, account, late, idempotency_key, content_hash, received_at)
  select (select ledger_transaction()), $2, link_id, contract_id, metric_id, window_start, window_end,
         counted_at, quantity, 'raw', account, false, idempotency_key, decode(content_hash, 'hex'), $3
    from json_to_recordset($1) as r(link_id uuid, contract_id uuid, metric_id uuid, window_start timestamptz,
      window_end timestamptz, counted_at timestamptz, quantity numeric, account text, idempotency_key text,
      content_hash text)
  on conflict (service_id, idempotency_key) do nothing`;

answerOrders(async (order: RawBatchOrder): Promise<Spent> => {
  const { world, databaseUrl, connections } = order;
  const batches = groupsOf(order).map((numbers) => JSON.stringify(numbers.map((n) => ledgerRow(world, n))));
  const clients = Array.from({ length: connections }, () => new Client({ connectionString: databaseUrl }));
  await Promise.all(clients.map((client) => client.connect()));
  const receivedAt = new Date();
  try {
    return await timed(
      batches,
      clients.map((client) => async (rows: string) => {
        await client.query({ name: 'insert', text: INSERT, values: [rows, world.serviceId, receivedAt] });
      }),
    );
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
});
