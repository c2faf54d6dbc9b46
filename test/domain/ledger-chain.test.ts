import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { blockHash, GENESIS_HASH, provenRoot, treeProof, treeRoot } from '../../src/domain/ledger-chain';

const sha = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const leaf = (text: string): Buffer => sha(Buffer.from([0]), Buffer.from(text));
const [a, b, c] = [leaf('a'), leaf('b'), leaf('c')] as const;
const node = (left: Buffer, right: Buffer): Buffer => sha(Buffer.from([1]), left, right);

it('the root of one row is its hash; of three that of two and the third', () => {
  expect(treeRoot([a])).toEqual(a);
  expect(treeRoot([a, b])).toEqual(node(a, b));
  expect(treeRoot([a, b, c])).toEqual(node(node(a, b), c));
});

it('the proof of a row names what stands beside its way up', () => {
  expect(treeProof([a, b, c], 0)).toEqual([
    { side: 'RIGHT', hash: b },
    { side: 'RIGHT', hash: c },
  ]);
  expect(treeProof([a, b, c], 2)).toEqual([{ side: 'LEFT', hash: node(a, b) }]);
});

it('a block without rows has no root, and a row that is not in it no proof', () => {
  expect(() => treeRoot([])).toThrow('a block has rows');
  for (const index of [-1, 1]) expect(() => treeProof([a], index)).toThrow('the row is one of the leaves');
});

it('a block covers its number, the block before it and its rows', () => {
  const number = Buffer.from([0, 0, 0, 0, 0, 0, 1, 2]);
  const expected = sha(Buffer.from([2]), number, GENESIS_HASH, a);
  expect(blockHash({ number: 258n, previousHash: GENESIS_HASH, root: a })).toEqual(expected);
});

it('every row of a block is proven by its own proof, in at most ten steps for 1,000, and nothing else is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(), (count, at) => {
      const leaves = Array.from({ length: count }, (_, index) => leaf(String(index)));
      const index = at % count;
      const proof = treeProof(leaves, index);
      const root = treeRoot(leaves);
      expect(proof.length).toBeLessThanOrEqual(10);
      expect(provenRoot(leaf(String(index)), proof)).toEqual(root);
      expect(provenRoot(leaf('another'), proof)).not.toEqual(root);
    }),
    { numRuns: 30 },
  );
});
