/** The records that are sent, by their number: as callers of the API write them, and as rows that need nobody's judgement. */
import { createHash } from 'node:crypto';
import type { UsageWorld } from './world';

const HOUR_MS = 3_600_000;
/** Windows of an hour each, over the last three days. */
const HOURS = 72;
/** Odd; the upper bits of the product have nothing to do with the remainders by which accounts and metrics are chosen. */
const SCATTER = 2_654_435_761;

export interface SentRecord {
  account: string;
  metric: string;
  windowStart: string;
  windowEnd: string;
  quantity: string;
  idempotencyKey: string;
}

/** Neighbours are of different accounts, then of different metrics, in any hour. */
export function sentRecord({ accounts, metrics, until }: UsageWorld, n: number): SentRecord {
  const { account = '' } = accounts[n % accounts.length] ?? {};
  const { code: metric = '' } = metrics[Math.floor(n / accounts.length) % metrics.length] ?? {};
  const end = until - ((Math.imul(n, SCATTER) >>> 12) % HOURS) * HOUR_MS;
  const windowStart = new Date(end - HOUR_MS).toISOString();
  const quantity = `${(n % 1_000) + 1}.25`;
  const idempotencyKey = `${account}/${metric}/${windowStart.slice(0, 13)}/${n}`;
  return { account, metric, windowStart, windowEnd: new Date(end).toISOString(), quantity, idempotencyKey };
}

/** The same record with all that the ledger keeps of it and that is not the same for a whole request. */
export interface LedgerRow {
  link_id: string;
  contract_id: string;
  metric_id: string;
  window_start: string;
  window_end: string;
  counted_at: string;
  quantity: string;
  account: string;
  idempotency_key: string;
  content_hash: string;
}

export function ledgerRow(world: UsageWorld, n: number): LedgerRow {
  const { account, windowStart, windowEnd, quantity, idempotencyKey } = sentRecord(world, n);
  const { linkId = '', contractId = '' } = world.accounts[n % world.accounts.length] ?? {};
  const { id = '' } = world.metrics[Math.floor(n / world.accounts.length) % world.metrics.length] ?? {};
  return {
    link_id: linkId,
    contract_id: contractId,
    metric_id: id,
    window_start: windowStart,
    window_end: windowEnd,
    // One microsecond before its end.
    counted_at: windowStart.replace(':00:00.000Z', ':59:59.999999Z'),
    quantity,
    account,
    idempotency_key: idempotencyKey,
    content_hash: createHash('sha256').update(idempotencyKey).digest('hex'),
  };
}

/** Numbers `from` to before `from + count`, in groups of `size`. */
export function groupsOf({ from, count, size }: { from: number; count: number; size: number }): number[][] {
  return Array.from({ length: count / size }, (_, group) =>
    Array.from({ length: size }, (_, index) => from + group * size + index),
  );
}
