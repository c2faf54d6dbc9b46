/** What callers get back for usage they recorded or voided. */
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Decimal } from '../domain/decimal';
import { type UnassignedReason as Reason, UsageRecord, type UsageRecordKind } from '../entities/usage-record';
import type { RecordUsageStatus as Status } from '../services/usage-outcome';
import { Problem } from './problem';

const RecordUsageStatus = {
  RECORDED: 'RECORDED',
  DUPLICATE: 'DUPLICATE',
  REJECTED: 'REJECTED',
} as const satisfies Record<Status, Status>;
registerEnumType(RecordUsageStatus, {
  name: 'RecordUsageStatus',
  description: 'What became of a counter or a correction.',
  valuesConfig: {
    RECORDED: { description: 'It is in the ledger now.' },
    DUPLICATE: { description: 'It was there already with the same content; nothing changed.' },
    REJECTED: {
      description: 'It was refused; nothing changed. Occurs in batches only: elsewhere a refusal is an error.',
    },
  },
});

export const UnassignedReason = {
  NO_CHARGE: 'NO_CHARGE',
  NO_CONTRACT: 'NO_CONTRACT',
  SEVERAL_CONTRACTS: 'SEVERAL_CONTRACTS',
} as const satisfies Record<Reason, Reason>;
registerEnumType(UnassignedReason, {
  name: 'UnassignedReason',
  description:
    'Why a record has no contract yet, as found when it was recorded; it is attached as soon as exactly one fits.',
  valuesConfig: {
    NO_CHARGE: { description: 'No charge makes the metric billable.' },
    NO_CONTRACT: { description: "None of the payer's contracts carries a product of the metric." },
    SEVERAL_CONTRACTS: { description: "Several of the payer's contracts do; pin the account link to one." },
  },
});

@ObjectType({ description: 'What became of a counter.' })
export class RecordUsagePayload {
  @Field(() => RecordUsageStatus, { description: 'RECORDED or DUPLICATE; refusals are errors.' })
  status!: Status;

  @Field(() => UsageRecord, { description: 'The record as it was first accepted.' })
  record!: Pick<UsageRecord, 'id'>;
}

@ObjectType({ description: 'What became of a void.' })
export class VoidUsagePayload {
  @Field(() => RecordUsageStatus, { description: 'RECORDED or DUPLICATE; refusals are errors.' })
  status!: Status;

  @Field(() => UsageRecord, { description: 'The record that was taken out of the count, with `voidedAt`.' })
  record!: UsageRecord;
}

@ObjectType({ description: 'What became of a replacement.' })
export class ReplaceUsagePayload {
  @Field(() => RecordUsageStatus, { description: 'RECORDED or DUPLICATE; refusals are errors.' })
  status!: Status;

  @Field(() => UsageRecord, {
    description: 'The record whose quantity was replaced, with `effectiveQuantity` and `corrections`.',
  })
  record!: UsageRecord;
}

const UsageCorrectionKind = { VOID: 'VOID', REPLACEMENT: 'REPLACEMENT' } as const;
registerEnumType(UsageCorrectionKind, {
  name: 'UsageCorrectionKind',
  description: 'What a correction does to a usage record.',
  valuesConfig: {
    VOID: { description: 'Takes it out of the count.' },
    REPLACEMENT: { description: 'Gives it another quantity.' },
  },
});

@ObjectType({ description: 'A correction of a usage record, never edited itself. The newest one of a record holds.' })
export class UsageCorrection {
  @Field(() => ID, { description: 'Our opaque id.' })
  id!: string;

  @Field(() => UsageCorrectionKind, { description: 'Whether it voids or replaces.' })
  kind!: UsageRecordKind;

  @Field(() => Decimal, { description: 'The quantity from then on; of a void the one it took out.' })
  quantity!: Decimal;

  @Field(() => String, { nullable: true, description: 'Why, as whoever corrected it said.' })
  reason!: string | null;

  @Field(() => String, { description: 'Who: the id of a key, `env` (the key of the environment) or `cli:<user>`.' })
  actor!: string;

  @Field(() => String, { description: 'The key of the correction, its own for ever within the service.' })
  idempotencyKey!: string;

  @Field(() => Date, { description: 'When we got it.' })
  receivedAt!: Date;
}

@ObjectType({ description: 'What became of one item of a batch.' })
export class RecordUsageResult {
  @Field(() => Int, { description: 'Position in the input, from 0.' })
  index!: number;

  @Field(() => String, { description: 'The key as sent, cut to 200 characters.' })
  idempotencyKey!: string;

  @Field(() => RecordUsageStatus, { description: 'Recorded, a duplicate, or rejected.' })
  status!: Status;

  @Field(() => UsageRecord, { nullable: true, description: 'The record stored, now or earlier; null when rejected.' })
  record!: Pick<UsageRecord, 'id'> | null;

  @Field(() => Problem, { nullable: true, description: 'Why it was refused; set exactly when rejected.' })
  problem!: Problem | null;
}

@ObjectType({ description: 'What became of a batch. The three counts add up to its length.' })
export class RecordUsageBatchPayload {
  @Field(() => Int, { description: 'How many are in the ledger now and were not before.' })
  recordedCount!: number;

  @Field(() => Int, { description: 'How many were there already with the same content.' })
  duplicateCount!: number;

  @Field(() => Int, { description: 'How many were refused.' })
  rejectedCount!: number;

  @Field(() => [RecordUsageResult], {
    description: 'The refused ones, in input order. Read these even if you read nothing else.',
  })
  rejections!: RecordUsageResult[];

  @Field(() => [RecordUsageResult], { description: 'Every item in input order; costs nothing unless selected.' })
  results!: RecordUsageResult[];
}
