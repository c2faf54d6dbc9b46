/** A route that does nothing but one prepared insert: what HTTP, Fastify and the database cost without any product. */
import fastify from 'fastify';
import { Pool } from 'pg';
import { answerOrders } from '../child';
import type { LedgerRow } from '../usage/records';

export interface BareRouteOrder {
  databaseUrl: string;
  serviceId: string;
}

const POOL_SIZE = 10;

const INSERT = `
  insert into usage_record (service_id, account_link_id, contract_id, metric_id, window_start, window_end, counted_at,
    quantity, actor, account, late, idempotency_key, content_hash, received_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, 'bare', $9, false, $10, decode($11, 'hex'), $12)
  on conflict (service_id, idempotency_key) do nothing`;

/** Answers its address. */
answerOrders(async ({ databaseUrl, serviceId }: BareRouteOrder): Promise<string> => {
  const pool = new Pool({ connectionString: databaseUrl, max: POOL_SIZE });
  const server = fastify();
  server.post('/usage', async ({ body }) => {
    const row = body as LedgerRow;
    const values = [
      serviceId,
      row.link_id,
      row.contract_id,
      row.metric_id,
      row.window_start,
      row.window_end,
      row.counted_at,
      row.quantity,
      row.account,
      row.idempotency_key,
      row.content_hash,
      new Date(),
    ];
    await pool.query({ name: 'insert', text: INSERT, values });
    return { status: 'RECORDED' };
  });
  return server.listen({ host: '127.0.0.1', port: 0 });
});
