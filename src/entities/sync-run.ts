import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Problem } from '../domain/errors';

export enum MirrorModel {
  CURRENCY = 'CURRENCY',
  PLAN = 'PLAN',
  PARTNER = 'PARTNER',
  PRODUCT = 'PRODUCT',
  SUBSCRIPTION = 'SUBSCRIPTION',
  SUBSCRIPTION_LINE = 'SUBSCRIPTION_LINE',
  INVOICE = 'INVOICE',
  INVOICE_LINE = 'INVOICE_LINE',
}
registerEnumType(MirrorModel, {
  name: 'MirrorModel',
  description: 'What is mirrored from Odoo, in the order in which it is read.',
  valuesConfig: {
    CURRENCY: { description: 'Currencies with their number of decimals.' },
    PLAN: { description: 'Recurring plans.' },
    PARTNER: { description: 'Contacts that are linked or hold a subscription, and their companies.' },
    PRODUCT: { description: 'Products on subscription lines and charges.' },
    SUBSCRIPTION: { description: 'Sale orders that are subscriptions.' },
    SUBSCRIPTION_LINE: { description: 'Lines of those orders.' },
    INVOICE: { description: 'Customer invoices and credit notes of those orders.' },
    INVOICE_LINE: { description: 'Lines of those invoices that bill an order line.' },
  },
});

/** One reading of one model. Queued while `startedAt` is null. */
@ObjectType({ description: 'One reading of one kind of record from Odoo, and what it changed here.' })
@Entity('sync_run')
export class SyncRun {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Field(() => MirrorModel, { description: 'What was read.' })
  @Column({ type: 'text' })
  model!: MirrorModel;

  @Field(() => Boolean, {
    name: 'full',
    description: 'True when everything was read and compared, not only what changed.',
  })
  @Column({ type: 'boolean' })
  isFull!: boolean;

  @Column({ type: 'text' })
  requestedBy!: string;

  @Field(() => Date, { description: 'When it was asked for.' })
  @Column({ type: 'timestamptz' })
  requestedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When the reading began; null while it is queued.' })
  @Column({ type: 'timestamptz', nullable: true })
  startedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When it ended, well or not; null while it is queued or running.' })
  @Column({ type: 'timestamptz', nullable: true })
  finishedAt!: Date | null;

  @Field(() => Int, { description: 'Records read from Odoo.' })
  @Column({ type: 'integer', default: 0 })
  read!: number;

  @Field(() => Int, { description: 'Records that were new here.' })
  @Column({ type: 'integer', default: 0 })
  inserted!: number;

  @Field(() => Int, { description: 'Records of which anything differed.' })
  @Column({ type: 'integer', default: 0 })
  updated!: number;

  @Field(() => Int, { description: 'Records that were here already, the same.' })
  @Column({ type: 'integer', default: 0 })
  unchanged!: number;

  @Field(() => Int, { description: 'Records that Odoo no longer shows.' })
  @Column({ type: 'integer', default: 0 })
  gone!: number;

  /** Records set aside, in stored form; the API shows them as `Problem`. */
  @Column({ type: 'jsonb', default: () => "'[]'" })
  problems!: Problem[];

  /** How many there are, where `problems` are not to be seen. */
  setAsideCount?: number;

  @Field(() => String, {
    nullable: true,
    description: 'Why it ended early, code first; null when it ended well or has not ended.',
  })
  @Column({ type: 'text', nullable: true })
  error!: string | null;
}
