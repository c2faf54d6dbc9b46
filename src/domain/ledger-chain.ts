/**
 * The hashes that seal the ledger. The rows of a block are the leaves of a tree as in RFC 6962, so that a proof for one row is
 * a dozen hashes; a block's hash covers its number, its rows, and the hash of the block before.
 */
import { createHash } from 'node:crypto';
import { strict as assert } from 'node:assert';

const NODE = Buffer.of(1);
const BLOCK = Buffer.of(2);

/** What the first block names as the hash of the block before it. */
export const GENESIS_HASH = Buffer.alloc(32);

/** A hash beside the way from a row to the root, and on which side it stands. */
export interface ProofStep {
  side: 'LEFT' | 'RIGHT';
  hash: Buffer;
}

/** Root of the tree over `leaves`, 32 bytes each, in their order; at least one. */
export function treeRoot(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  assert(only !== undefined, 'a block has rows');
  if (leaves.length === 1) return only;
  const cut = splitOf(leaves.length);
  return nodeHash(treeRoot(leaves.slice(0, cut)), treeRoot(leaves.slice(cut)));
}

/** The hashes by which `leaves[index]` is led up to the root, the nearest first. */
export function treeProof(leaves: readonly Buffer[], index: number): ProofStep[] {
  assert(index >= 0 && index < leaves.length, 'the row is one of the leaves');
  if (leaves.length === 1) return [];
  const cut = splitOf(leaves.length);
  const [left, right] = [leaves.slice(0, cut), leaves.slice(cut)];
  return index < cut
    ? [...treeProof(left, index), { side: 'RIGHT', hash: treeRoot(right) }]
    : [...treeProof(right, index - cut), { side: 'LEFT', hash: treeRoot(left) }];
}

/** The root that `leaf` leads to by `proof`: the same as `treeRoot` exactly when the row is in the block. */
export function provenRoot(leaf: Buffer, proof: readonly ProofStep[]): Buffer {
  return proof.reduce(
    (hash, step) => (step.side === 'LEFT' ? nodeHash(step.hash, hash) : nodeHash(hash, step.hash)),
    leaf,
  );
}

/** Hash of a block: of its number (8 bytes, big-endian), the hash of the block before it, and the root of its rows. */
export function blockHash(block: { number: bigint; previousHash: Buffer; root: Buffer }): Buffer {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(block.number);
  return sha256(BLOCK, number, block.previousHash, block.root);
}

/** The largest power of two below `count`. */
function splitOf(count: number): number {
  let size = 1;
  while (size * 2 < count) size *= 2;
  return size;
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return sha256(NODE, left, right);
}

function sha256(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
