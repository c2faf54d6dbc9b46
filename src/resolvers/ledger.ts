/** The ledger's seal in GraphQL: what proves a record, and whether the ledger still is what was sealed. */
import {
  Arg,
  Authorized,
  Ctx as Context,
  Field,
  ID,
  Int,
  ObjectType,
  Query,
  registerEnumType,
  Resolver,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import type { ProofStep } from '../domain/ledger-chain';
import { receiptProof, type ReceiptProof as Proof } from '../services/ledger-blocks';
import {
  type LedgerFault as Fault,
  type LedgerFaultKind as FaultKind,
  type LedgerVerification as Verification,
  MAX_VERIFIED_BLOCKS,
  verifyLedger,
} from '../services/ledger-verify';

const ReceiptState = { PENDING: 'PENDING', SEALED: 'SEALED' } as const satisfies Record<Proof['state'], Proof['state']>;
registerEnumType(ReceiptState, {
  name: 'ReceiptState',
  description: 'Whether a record stands in a sealed block yet.',
  valuesConfig: {
    PENDING: { description: 'Not yet: its block is sealed within a minute or two of its commit.' },
    SEALED: { description: 'It does.' },
  },
});

const ProofSide = { LEFT: 'LEFT', RIGHT: 'RIGHT' } as const satisfies Record<ProofStep['side'], ProofStep['side']>;
registerEnumType(ProofSide, {
  name: 'ProofSide',
  description: 'On which side of the hash worked out so far another one stands.',
  valuesConfig: { LEFT: { description: 'Before it.' }, RIGHT: { description: 'Behind it.' } },
});

const LedgerFaultKind = {
  EDITED: 'EDITED',
  REMOVED: 'REMOVED',
  MOVED: 'MOVED',
  ADDED: 'ADDED',
  BLOCK_CHANGED: 'BLOCK_CHANGED',
} as const satisfies Record<FaultKind, FaultKind>;
registerEnumType(LedgerFaultKind, {
  name: 'LedgerFaultKind',
  description: 'What was done to the ledger behind our back.',
  valuesConfig: {
    EDITED: { description: 'A row is not what was sealed; of two that were swapped both.' },
    REMOVED: { description: 'A row is gone.' },
    MOVED: { description: 'A row does not stand where it was sealed.' },
    ADDED: { description: 'A row stands among sealed ones that was not there.' },
    BLOCK_CHANGED: { description: 'A block is missing, or is not what was sealed.' },
  },
});

@ObjectType({ description: 'One hash on the way from a record to its block: SHA-256(0x01 ‖ left ‖ right).' })
class ReceiptProofStep {
  @Field(() => ProofSide, { description: 'On which side it stands.' })
  side!: ProofStep['side'];

  @Field(() => String, { description: '64 hexadecimal digits.' })
  hash!: string;
}

@ObjectType({
  description:
    'Proof that a record stands in the ledger as it does, for whoever noted the hash of its block. `recordHash` is SHA-256(0x00 ‖ `text`); the steps of `path` lead it to the root of the block; the hash of a block is SHA-256(0x02 ‖ number as 8 bytes ‖ `previousHash` ‖ root).',
})
class ReceiptProof {
  @Field(() => ID, { description: 'The record.' })
  recordId!: string;

  @Field(() => ReceiptState, { description: 'Whether its block is sealed; all about the block is null until then.' })
  state!: Proof['state'];

  @Field(() => String, { description: 'Every column of the record as one text: what is hashed.' })
  text!: string;

  @Field(() => String, { description: 'Hash of the text, 64 hexadecimal digits.' })
  recordHash!: string;

  @Field(() => [ReceiptProofStep], { description: 'The steps up to the root of the block, at most 10.' })
  path!: ReceiptProofStep[];

  @Field(() => Int, { nullable: true, description: 'Number of the block, from 1.' })
  blockNumber!: number | null;

  @Field(() => String, { nullable: true, description: 'Hash of the block before; 64 zeros for the first.' })
  previousHash!: string | null;

  @Field(() => String, { nullable: true, description: 'Hash of the block.' })
  blockHash!: string | null;

  @Field(() => Date, { nullable: true, description: 'When it was sealed.' })
  sealedAt!: Date | null;
}

@ObjectType({ description: 'One thing in the ledger that is not as it was sealed.' })
class LedgerFault implements Fault {
  @Field(() => LedgerFaultKind, { description: 'What was done.' })
  kind!: FaultKind;

  @Field(() => Int, { description: 'In which block.' })
  blockNumber!: number;

  @Field(() => ID, { nullable: true, description: 'The record; null when it is the block itself.' })
  recordId!: string | null;

  @Field(() => String, { description: 'The same as a sentence.' })
  message!: string;
}

@ObjectType({ description: 'What came of comparing blocks with the ledger.' })
class LedgerVerification {
  @Field(() => Boolean, { description: 'Everything compared is as it was sealed.' })
  holds!: boolean;

  @Field(() => Int, { description: 'Blocks compared.' })
  blocks!: number;

  @Field(() => Int, { description: 'Rows compared.' })
  rows!: number;

  @Field(() => Int, {
    nullable: true,
    description: 'The last block compared: go on behind it. Null when there was none.',
  })
  lastBlock!: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Its hash. Note it where nobody who can change the database can change it: it then vouches for everything before.',
  })
  lastHash!: string | null;

  @Field(() => Boolean, { description: 'Whether there are later blocks.' })
  hasMore!: boolean;

  @Field(() => [LedgerFault], { description: 'What is not as it was sealed; at most 100.' })
  faults!: LedgerFault[];
}

@Resolver()
export class LedgerResolver {
  @Authorized('usage:read')
  @Query(() => ReceiptProof, {
    nullable: true,
    description: 'What proves that a record, or a correction, stands in the ledger unchanged. Scope usage:read.',
  })
  async receiptProof(
    @Context() ctx: Ctx,
    @Arg('id', () => ID, { description: 'Id of the record.' }) id: string,
  ): Promise<ReceiptProof> {
    const { recordHash, block, path, ...proof } = await receiptProof(ctx, id);
    return {
      ...proof,
      recordHash: recordHash.toString('hex'),
      path: path.map(({ side, hash }) => ({ side, hash: hash.toString('hex') })),
      blockNumber: block === null ? null : Number(block.number),
      previousHash: block?.previousHash.toString('hex') ?? null,
      blockHash: block?.hash.toString('hex') ?? null,
      sealedAt: block?.sealedAt ?? null,
    };
  }

  @Authorized('billing:read')
  @Query(() => LedgerVerification, {
    nullable: true,
    description:
      'Compares sealed blocks with the ledger, row by row, and names what was edited, removed, moved or slipped in. For keys of the whole installation. Scope billing:read.',
  })
  async verifyLedger(
    @Context() ctx: Ctx,
    @Arg('fromBlock', () => Int, { defaultValue: 1, description: 'The first block, from 1.' }) fromBlock: number,
    @Arg('blocks', () => Int, {
      defaultValue: 100,
      description: `How many blocks at most, 1 to ${MAX_VERIFIED_BLOCKS}, of up to 1,000 rows each.`,
    })
    blocks: number,
  ): Promise<LedgerVerification> {
    const report: Verification = await verifyLedger(ctx, { fromBlock, blocks });
    return { ...report, lastHash: report.lastHash?.toString('hex') ?? null };
  }
}
