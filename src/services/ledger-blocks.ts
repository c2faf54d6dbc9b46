/**
 * Sealing the ledger: blocks of rows, each with the hashes of its rows and of the block before. Only rows whose transaction is
 * older than every running one are sealed: nothing can appear among them any more. (An id is no order of commits.)
 */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import { blockHash, GENESIS_HASH, type ProofStep, treeProof, treeRoot } from '../domain/ledger-chain';
import { asRecordId, notFound } from './access';
import { inTransaction, LOCK_CLASS } from './transaction';

/** Rows of a block at most; the table's check says the same. */
const MAX_BLOCK_ROWS = 1_000;
/** Blocks of one run at most: a million rows; the next minute's run goes on. */
const MAX_BLOCKS = 1_000;
const HASH_BYTES = 32;

/** A block as it is stored. */
export interface LedgerBlock {
  number: bigint;
  /** Where it ends, in the order of (transaction, id). */
  lastTransaction: string;
  lastId: string;
  recordIds: string[];
  rowHashes: Buffer[];
  previousHash: Buffer;
  hash: Buffer;
  sealedAt: Date;
}

interface BlockRow {
  number: string;
  last_transaction: string;
  last_id: string;
  record_ids: string[];
  row_hashes: Buffer;
  previous_hash: Buffer;
  hash: Buffer;
  sealed_at: Date;
}

const BLOCK_COLUMNS =
  'number, last_transaction, last_id, record_ids::text[] as record_ids, row_hashes, previous_hash, hash, sealed_at';

/** Seals what can be sealed now. One process at a time does; another one finds nothing to do. */
export async function sealLedger(ctx: Ctx): Promise<{ blocks: number; rows: number }> {
  const sealed = { blocks: 0, rows: 0 };
  for (let isDone = false; !isDone && sealed.blocks < MAX_BLOCKS;) {
    const rows = await inTransaction(ctx, (tx) => sealBlock(tx, ctx.now));
    isDone = rows < MAX_BLOCK_ROWS;
    sealed.blocks += rows > 0 ? 1 : 0;
    sealed.rows += rows;
  }
  return sealed;
}

/** Seals one block and returns how many rows it has; 0 when there is nothing to seal, or somebody else is sealing. */
async function sealBlock(tx: EntityManager, now: Date): Promise<number> {
  const [lock] = await tx.query<{ taken: boolean }[]>('select pg_try_advisory_xact_lock($1, 0) as taken', [
    LOCK_CLASS.SEAL,
  ]);
  if (lock?.taken !== true) return 0;
  const last = await lastBlock(tx);
  // The rows and the oldest running transaction are seen by one snapshot.
  const rows = await tx.query<{ id: string; transaction: string; hash: Buffer }[]>(
    `select r.id, r.transaction, usage_record_hash(r) as hash from usage_record r
      where (r.transaction, r.id) > ($1, $2) and r.transaction < ledger_settled_before()
      order by r.transaction, r.id limit $3`,
    [last?.lastTransaction ?? '-1', last?.lastId ?? '0', MAX_BLOCK_ROWS],
  );
  const end = rows.at(-1);
  if (end === undefined) return 0;
  const number = (last?.number ?? 0n) + 1n;
  const previousHash = last?.hash ?? GENESIS_HASH;
  const hashes = rows.map((row) => row.hash);
  await tx.query(
    `insert into ledger_block (number, last_transaction, last_id, record_ids, row_hashes, previous_hash, hash, sealed_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      number.toString(),
      end.transaction,
      end.id,
      rows.map((row) => row.id),
      Buffer.concat(hashes),
      previousHash,
      blockHash({ number, previousHash, root: treeRoot(hashes) }),
      now,
    ],
  );
  return rows.length;
}

async function lastBlock(tx: EntityManager): Promise<LedgerBlock | null> {
  const [row] = await tx.query<BlockRow[]>(`select ${BLOCK_COLUMNS} from ledger_block order by number desc limit 1`);
  return row === undefined ? null : asBlock(row);
}

/** Blocks from `number` on, in their order. */
export async function blocksFrom(tx: EntityManager, number: bigint, limit: number): Promise<LedgerBlock[]> {
  const rows = await tx.query<BlockRow[]>(
    `select ${BLOCK_COLUMNS} from ledger_block where number >= $1 order by number limit $2`,
    [number.toString(), limit],
  );
  return rows.map(asBlock);
}

function asBlock(row: BlockRow): LedgerBlock {
  return {
    number: BigInt(row.number),
    lastTransaction: row.last_transaction,
    lastId: row.last_id,
    recordIds: row.record_ids,
    rowHashes: Array.from({ length: row.row_hashes.length / HASH_BYTES }, (_, index) =>
      row.row_hashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
    ),
    previousHash: row.previous_hash,
    hash: row.hash,
    sealedAt: row.sealed_at,
  };
}

/** What a service can keep to prove that a record was in the ledger, and unchanged. */
export interface ReceiptProof {
  recordId: string;
  /** PENDING until the record's block is sealed, usually within a minute. */
  state: 'PENDING' | 'SEALED';
  /** What is hashed of the record: every column, as one text. */
  text: string;
  recordHash: Buffer;
  block: Pick<LedgerBlock, 'number' | 'hash' | 'previousHash' | 'sealedAt'> | null;
  path: ProofStep[];
}

/**
 * The proof of one record, correction or not.
 * @throws BillingError NOT_FOUND for a record that the caller may not see.
 */
export async function receiptProof(ctx: Ctx, id: string): Promise<ReceiptProof> {
  const [record] = await ctx.db.query<{ id: string; text: string; hash: Buffer; transaction: string }[]>(
    `select r.id, r.transaction, usage_record_text(r) as text, usage_record_hash(r) as hash
       from usage_record r where r.id = $1 and ($2::uuid is null or r.service_id = $2)`,
    [asRecordId(id), ctx.actor.serviceId],
  );
  if (record === undefined) throw notFound('usage record', 'id');
  const [row] = await ctx.db.query<BlockRow[]>(
    `select ${BLOCK_COLUMNS} from ledger_block where (last_transaction, last_id) >= ($1, $2)
      order by last_transaction, last_id limit 1`,
    [record.transaction, record.id],
  );
  const block = row === undefined ? null : asBlock(row);
  const index = block?.recordIds.indexOf(record.id) ?? -1;
  const isSealed = block !== null && index >= 0;
  return {
    recordId: record.id,
    state: isSealed ? 'SEALED' : 'PENDING',
    text: record.text,
    recordHash: record.hash,
    block: isSealed ? block : null,
    path: isSealed ? treeProof(block.rowHashes, index) : [],
  };
}
