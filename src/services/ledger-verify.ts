/**
 * Verifying the ledger against its blocks: every row is hashed again and compared. What was edited, removed, moved or slipped in
 * is named, and a block that is not what it was. Whoever could change rows and all later blocks alike is found by a block's hash
 * that was noted elsewhere.
 */
import type { Ctx } from '../ctx';
import { blockHash, GENESIS_HASH, treeRoot } from '../domain/ledger-chain';
import { BillingError } from '../domain/errors';
import { invalid } from '../domain/parse';
import { blocksFrom, type LedgerBlock } from './ledger-blocks';

/** Blocks of one call, and of one statement. */
export const MAX_VERIFIED_BLOCKS = 500;
const BLOCKS_AT_ONCE = 20;
/** Faults that are named; beyond them verification stops, since something large is wrong. */
const MAX_FAULTS = 100;

export type LedgerFaultKind = 'EDITED' | 'REMOVED' | 'MOVED' | 'ADDED' | 'BLOCK_CHANGED';

export interface LedgerFault {
  kind: LedgerFaultKind;
  blockNumber: number;
  /** The row concerned; null for a block as such. */
  recordId: string | null;
  message: string;
}

export interface LedgerVerification {
  holds: boolean;
  /** Blocks compared now, and the number of the last one; null when there was none. */
  blocks: number;
  lastBlock: number | null;
  lastHash: Buffer | null;
  rows: number;
  /** Whether later blocks are left for another call. */
  hasMore: boolean;
  /** At most 100. */
  faults: LedgerFault[];
}

export interface VerifyLedgerInput {
  /** The first block to compare, from 1. */
  fromBlock: number;
  /** How many at most, 1 to 500. */
  blocks: number;
}

/**
 * Compares blocks with the ledger.
 * @throws BillingError FORBIDDEN for a key of one service: blocks hold the rows of all; VALIDATION_FAILED naming the bound.
 */
export async function verifyLedger(ctx: Ctx, { fromBlock, blocks }: VerifyLedgerInput): Promise<LedgerVerification> {
  if (ctx.actor.serviceId !== null) {
    throw new BillingError('FORBIDDEN', 'The ledger is verified with a key of the whole installation.');
  }
  if (!Number.isSafeInteger(fromBlock) || fromBlock < 1) {
    throw invalid('fromBlock', `fromBlock must be 1 or more, not ${fromBlock}.`);
  }
  if (!Number.isInteger(blocks) || blocks < 1 || blocks > MAX_VERIFIED_BLOCKS) {
    throw invalid('blocks', `blocks must be from 1 to ${MAX_VERIFIED_BLOCKS}, not ${blocks}.`);
  }
  const report: LedgerVerification = {
    holds: true,
    blocks: 0,
    lastBlock: null,
    lastHash: null,
    rows: 0,
    hasMore: false,
    faults: [],
  };
  const [before] = fromBlock === 1 ? [] : await blocksFrom(ctx.db.manager, BigInt(fromBlock - 1), 1);
  let previous: LedgerBlock | null = before ?? null;
  let next = BigInt(fromBlock);
  while (report.blocks < blocks && report.faults.length < MAX_FAULTS) {
    const some = await blocksFrom(ctx.db.manager, next, Math.min(BLOCKS_AT_ONCE, blocks - report.blocks));
    for (const block of some) {
      report.faults.push(...chainFaults(block, previous, next), ...(await rowFaults(ctx, block, previous)));
      report.blocks += 1;
      report.rows += block.recordIds.length;
      previous = block;
      next = block.number + 1n;
    }
    if (some.length === 0) break;
  }
  report.faults.splice(MAX_FAULTS);
  report.holds = report.faults.length === 0;
  report.lastBlock = report.blocks === 0 ? null : Number(previous?.number);
  report.lastHash = report.blocks === 0 ? null : (previous?.hash ?? null);
  report.hasMore = (await blocksFrom(ctx.db.manager, next, 1)).length > 0;
  return report;
}

/** What is wrong with the block itself. */
function chainFaults(block: LedgerBlock, previous: LedgerBlock | null, expected: bigint): LedgerFault[] {
  const faults: string[] = [];
  if (block.number !== expected) faults.push(`Block ${expected} is missing.`);
  else if (!block.previousHash.equals(previous?.hash ?? GENESIS_HASH)) {
    faults.push(`Block ${block.number} does not follow the block before it.`);
  }
  const root = treeRoot(block.rowHashes);
  if (!blockHash({ number: block.number, previousHash: block.previousHash, root }).equals(block.hash)) {
    faults.push(`Block ${block.number} is not what was sealed.`);
  }
  return faults.map((message) => ({
    kind: 'BLOCK_CHANGED',
    blockNumber: Number(block.number),
    recordId: null,
    message,
  }));
}

/** Rows of the ledger where the block lies, against those it was sealed with. */
async function rowFaults(ctx: Ctx, block: LedgerBlock, previous: LedgerBlock | null): Promise<LedgerFault[]> {
  const rows = await ctx.db.query<{ id: string; hash: Buffer }[]>(
    `select r.id, usage_record_hash(r) as hash from usage_record r
      where (r.transaction, r.id) > ($1, $2) and (r.transaction, r.id) <= ($3, $4)`,
    [previous?.lastTransaction ?? '-1', previous?.lastId ?? '0', block.lastTransaction, block.lastId],
  );
  const present = new Map(rows.map((row) => [row.id, row.hash]));
  const faults: LedgerFault[] = [];
  const add = (kind: LedgerFaultKind, recordId: string, message: string): void => {
    faults.push({ kind, blockNumber: Number(block.number), recordId, message });
  };
  for (const [index, id] of block.recordIds.entries()) {
    const hash = present.get(id);
    if (hash === undefined) {
      if (await isInLedger(ctx, id)) add('MOVED', id, `Record ${id} does not stand where it was sealed.`);
      else add('REMOVED', id, `Record ${id} is gone.`);
    } else if (!hash.equals(block.rowHashes[index] ?? GENESIS_HASH)) {
      add('EDITED', id, `Record ${id} is not what was sealed.`);
    }
  }
  const sealed = new Set(block.recordIds);
  for (const id of present.keys()) {
    if (sealed.has(id)) continue;
    // One that was sealed elsewhere is told of there.
    if (!(await isSealed(ctx, id))) add('ADDED', id, `Record ${id} was not there when its place was sealed.`);
  }
  return faults;
}

async function isInLedger(ctx: Ctx, id: string): Promise<boolean> {
  return (await ctx.db.query<unknown[]>('select 1 from usage_record where id = $1', [id])).length > 0;
}

async function isSealed(ctx: Ctx, id: string): Promise<boolean> {
  const found = await ctx.db.query<unknown[]>(
    'select 1 from ledger_block where $1::bigint = any (record_ids) limit 1',
    [id],
  );
  return found.length > 0;
}
