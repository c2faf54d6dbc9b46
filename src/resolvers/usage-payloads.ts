/** What callers get back for usage they recorded or voided. */
import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { type UnassignedReason as Reason, UsageRecord } from '../entities/usage-record';
import type {
  RecordUsageBatchResult,
  RecordUsageResult as Result,
  RecordUsageStatus as Status,
} from '../services/usage-records';
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
  record!: UsageRecord;
}

@ObjectType({ description: 'What became of a void.' })
export class VoidUsagePayload {
  @Field(() => RecordUsageStatus, { description: 'RECORDED or DUPLICATE; refusals are errors.' })
  status!: Status;

  @Field(() => UsageRecord, { description: 'The record that was taken out of the count, with `voidedAt`.' })
  record!: UsageRecord;
}

@ObjectType({ description: 'What became of one item of a batch.' })
export class RecordUsageResult implements Result {
  @Field(() => Int, { description: 'Position in the input, from 0.' })
  index!: number;

  @Field(() => String, { description: 'The key as sent, cut to 200 characters.' })
  idempotencyKey!: string;

  @Field(() => RecordUsageStatus, { description: 'Recorded, a duplicate, or rejected.' })
  status!: Status;

  @Field(() => UsageRecord, { nullable: true, description: 'The record stored, now or earlier; null when rejected.' })
  record!: UsageRecord | null;

  @Field(() => Problem, { nullable: true, description: 'Why it was refused; set exactly when rejected.' })
  problem!: Problem | null;
}

@ObjectType({ description: 'What became of a batch. The three counts add up to its length.' })
export class RecordUsageBatchPayload implements RecordUsageBatchResult {
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
