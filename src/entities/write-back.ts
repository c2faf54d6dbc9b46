import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import type { Problem } from '../domain/errors';
import { BlockReason } from './billing-block';
import { decimalColumn } from './columns';

export enum WriteBackState {
  PENDING = 'PENDING',
  UNKNOWN = 'UNKNOWN',
  WRITTEN = 'WRITTEN',
  INVOICED = 'INVOICED',
  BLOCKED = 'BLOCKED',
  SUPERSEDED = 'SUPERSEDED',
}
registerEnumType(WriteBackState, {
  name: 'WriteBackState',
  description: 'How far the intent to set a slot has come.',
  valuesConfig: {
    PENDING: { description: 'Waits for its turn.' },
    UNKNOWN: { description: 'Sent, or about to be, without an answer yet; it is settled by reading back.' },
    WRITTEN: { description: 'Read back from Odoo as wanted.' },
    INVOICED: { description: 'Its invoice line is there.' },
    BLOCKED: { description: 'Needs a person; `blockReason` says why.' },
    SUPERSEDED: { description: 'Gave way to a later intent, or the period moved on before it was sent.' },
  },
});

export enum WriteBackKind {
  EMPTY = 'EMPTY',
  PROVISIONAL = 'PROVISIONAL',
  FINAL = 'FINAL',
}
registerEnumType(WriteBackKind, {
  name: 'WriteBackKind',
  description: 'What a write to a slot is for.',
  valuesConfig: {
    EMPTY: { description: 'Zero, from first sight and after each invoice, so that Odoo never bills an older number.' },
    PROVISIONAL: { description: "What is due so far, before the close, because Odoo's run may come first." },
    FINAL: { description: 'What is due at the close, or since.' },
  },
});

/** The intent to set `qty_delivered` of one line, and what came of it. Absolute, never an increment. */
@ObjectType({ description: 'The intent to set the delivered quantity of one Odoo line, and what came of it.' })
@Entity('write_back')
export class WriteBack {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  /** Order in which intents were made. */
  @Column({ type: 'bigint', generated: 'increment' })
  sequence!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'uuid' })
  periodId!: string;

  @Column({ type: 'uuid' })
  productId!: string;

  @Column({ type: 'uuid' })
  subscriptionLineId!: string;

  @Field(() => WriteBackKind, { description: 'What the write is for.' })
  @Column({ type: 'text' })
  kind!: WriteBackKind;

  @Field(() => Decimal, { description: 'The delivered quantity to set: absolute, 0 or more, as Odoo rounds.' })
  @Column(decimalColumn())
  target!: Decimal;

  @Field(() => WriteBackState, { description: 'How far it has come.' })
  @Column({ type: 'text' })
  state!: WriteBackState;

  @Field(() => Decimal, {
    nullable: true,
    description: 'The delivered quantity as read back from Odoo in the same call.',
  })
  @Column(decimalColumn({ nullable: true }))
  readBack!: Decimal | null;

  @Field(() => Int, { description: 'Calls made to Odoo for it.' })
  @Column({ type: 'integer', default: 0 })
  attempts!: number;

  @Field(() => BlockReason, { nullable: true, description: 'Set exactly when blocked.' })
  @Column({ type: 'text', nullable: true })
  blockReason!: BlockReason | null;

  @Column({ type: 'jsonb', nullable: true })
  problem!: Problem | null;

  @Field(() => Date, { description: 'When the intent was made.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;

  @Field(() => Date, { description: 'When it last changed.' })
  @Column({ type: 'timestamptz' })
  updatedAt!: Date;
}
