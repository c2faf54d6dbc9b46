import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryGeneratedColumn, type ValueTransformer } from 'typeorm';
import { Decimal } from '../domain/decimal';
import type { UniqueOperation } from '../domain/aggregate';
import type { Dimensions } from '../domain/usage-content';
import { decimalColumn, FlatObject } from './columns';

/** Why a record has no contract yet. The order of the names is that of the checks. */
export type UnassignedReason = 'NO_CHARGE' | 'NO_CONTRACT' | 'SEVERAL_CONTRACTS';

export const UsageOperation = { ADD: 'ADD', REMOVE: 'REMOVE' } as const satisfies Record<
  UniqueOperation,
  UniqueOperation
>;
registerEnumType(UsageOperation, {
  name: 'UsageOperation',
  description: 'What a record says of a thing that is counted once.',
  valuesConfig: {
    ADD: { description: 'It is there; adding what is there changes nothing.' },
    REMOVE: { description: 'It is gone; removing what is not there changes nothing.' },
  },
});

export type UsageRecordKind = 'USAGE' | 'VOID' | 'REPLACEMENT';

const hex: ValueTransformer = {
  to: (value: string | null | undefined) => (typeof value === 'string' ? Buffer.from(value, 'hex') : value),
  from: (value: Buffer | null) => value?.toString('hex') ?? null,
};

/** One counter of the ledger, never edited. What became of it later stands in other rows: corrections and assignments. */
@ObjectType({
  description:
    'One counter a service pushed. It is never edited; its contract may be found later, and it may be voided.',
})
@Entity('usage_record')
export class UsageRecord {
  @Field(() => ID, { description: 'Our opaque id; with `contentHash` and `receivedAt` the receipt.' })
  @PrimaryGeneratedColumn('identity', { type: 'bigint', generatedIdentity: 'ALWAYS' })
  id!: string;

  /** Of the database, in which it was recorded; the order in which the ledger is sealed. */
  @Column({ type: 'bigint', default: () => 'ledger_transaction()' })
  transaction!: string;

  @Column({ type: 'uuid' })
  serviceId!: string;

  @Column({ type: 'uuid' })
  accountLinkId!: string;

  /** As known when it was recorded; the newest assignment, if there is one, says where it counts. */
  @Column({ type: 'uuid', nullable: true })
  contractId!: string | null;

  @Column({ type: 'text', nullable: true })
  unassignedReason!: UnassignedReason | null;

  @Column({ type: 'uuid' })
  metricId!: string;

  @Field(() => Date, { description: 'The window counted is [windowStart, windowEnd).' })
  @Column({ type: 'timestamptz' })
  windowStart!: Date;

  @Field(() => Date, { description: 'End of the window, not counted itself; equal to the start for an instant.' })
  @Column({ type: 'timestamptz' })
  windowEnd!: Date;

  @Field(() => Date, {
    description:
      'The last instant of the window, which decides period, price and biller: the microsecond before `windowEnd`, printed to the millisecond, or `windowStart` for an instant.',
  })
  @Column({ type: 'timestamptz' })
  countedAt!: Date;

  @Field(() => Decimal, { description: "What was counted, in the metric's unit." })
  @Column(decimalColumn())
  quantity!: Decimal;

  @Field(() => Int, {
    nullable: true,
    description: 'How many events stand behind the quantity; null where nobody said, which counts as 1.',
  })
  @Column({ type: 'integer', nullable: true })
  events!: number | null;

  @Field(() => Int, {
    nullable: true,
    description: 'Of a WINDOW_TOTAL: the highest one of a window counts; null where nobody said.',
  })
  @Column({ type: 'integer', nullable: true })
  revision!: number | null;

  @Field(() => Decimal, {
    nullable: true,
    description: 'Of a CUMULATIVE reading: where the meter stood before; null where nobody said.',
  })
  @Column(decimalColumn({ nullable: true }))
  opening!: Decimal | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Of a CUMULATIVE reading: true when the meter began anew before it, null otherwise.',
  })
  @Column({ type: 'boolean', nullable: true })
  reset!: true | null;

  @Field(() => UsageOperation, {
    nullable: true,
    description: 'Of a UNIQUE_COUNT: whether the thing came or went; null where nobody said, which is ADD.',
  })
  @Column({ type: 'text', nullable: true })
  operation!: UniqueOperation | null;

  @Field(() => FlatObject, { nullable: true, description: 'Labels as they are compared: all values are text.' })
  @Column({ type: 'jsonb', nullable: true })
  dimensions!: Dimensions | null;

  @Field(() => String, { nullable: true, description: 'The reporting instance, where several report on one thing.' })
  @Column({ type: 'text', nullable: true })
  meter!: string | null;

  @Field(() => String, { nullable: true, description: 'Where the counter came from, for people.' })
  @Column({ type: 'text', nullable: true })
  source!: string | null;

  @Column({ type: 'text', default: 'USAGE' })
  kind!: UsageRecordKind;

  /** What this one takes the place of: the record, or its newest correction then. */
  @Column({ type: 'bigint', nullable: true })
  corrects!: string | null;

  /** The usage record that a correction is of; null for usage itself. */
  @Column({ type: 'bigint', nullable: true })
  root!: string | null;

  @Column({ type: 'text', nullable: true })
  reason!: string | null;

  @Column({ type: 'text' })
  actor!: string;

  /** As sent; the link is `accountLinkId`. */
  @Column({ type: 'text', nullable: true })
  account!: string | null;

  /** As sent. */
  @Column({ type: 'uuid', nullable: true })
  subscriptionId!: string | null;

  /** Whether its period had closed when it came; an assignment may be late on its own. */
  @Column({ type: 'boolean' })
  late!: boolean;

  @Field(() => String, { description: 'The key it was sent with, its own for ever within the service.' })
  @Column({ type: 'text' })
  idempotencyKey!: string;

  @Field(() => String, { description: 'Hex SHA-256 of the canonical content; with `id` and `receivedAt` the receipt.' })
  @Column({ type: 'bytea', transformer: hex })
  contentHash!: string;

  @Field(() => Date, { description: 'When we got it.' })
  @Column({ type: 'timestamptz' })
  receivedAt!: Date;
}
