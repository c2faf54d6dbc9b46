import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Day } from './columns';

export enum SubscriptionState {
  DRAFT = 'DRAFT',
  RENEWAL_DRAFT = 'RENEWAL_DRAFT',
  IN_PROGRESS = 'IN_PROGRESS',
  PAUSED = 'PAUSED',
  RENEWED = 'RENEWED',
  CHURNED = 'CHURNED',
  UPSELL = 'UPSELL',
}
registerEnumType(SubscriptionState, {
  name: 'SubscriptionState',
  description: "Odoo's state of a subscription.",
  valuesConfig: {
    DRAFT: { description: 'A quotation.' },
    RENEWAL_DRAFT: { description: 'A quotation that renews an earlier order.' },
    IN_PROGRESS: { description: 'Running: Odoo invoices it.' },
    PAUSED: { description: 'Paused by a person.' },
    RENEWED: { description: 'Ended, another order goes on in its place.' },
    CHURNED: { description: 'Closed.' },
    UPSELL: { description: 'A quotation whose lines join a running order once it is confirmed.' },
  },
});

/** Mirror of an Odoo sale order that is a subscription. */
@ObjectType({ description: 'Mirror of an Odoo sale order that is a subscription.' })
@Entity('subscription')
export class Subscription {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Field(() => Int, { description: "Odoo's id." })
  @Column({ type: 'integer' })
  odooId!: number;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'integer', default: 1 })
  contractSequence!: number;

  @Field(() => String, { description: "Odoo's number, as S00042." })
  @Column({ type: 'text' })
  name!: string;

  @Field(() => String, { nullable: true, description: "The customer's reference on the order; null when it has none." })
  @Column({ type: 'text', nullable: true })
  reference!: string | null;

  @Column({ type: 'text' })
  orderState!: string;

  @Field(() => SubscriptionState, {
    name: 'state',
    nullable: true,
    description: 'Where it stands in its life; null when Odoo gives none.',
  })
  @Column({ type: 'text', nullable: true })
  subscriptionState!: SubscriptionState | null;

  @Column({ type: 'boolean' })
  locked!: boolean;

  @Column({ type: 'integer' })
  partnerOdooId!: number;

  @Column({ type: 'integer', nullable: true })
  planOdooId!: number | null;

  @Column({ type: 'integer' })
  currencyOdooId!: number;

  @Field(() => Day, { nullable: true, description: 'First day of the subscription; null when Odoo has none.' })
  @Column({ type: 'date', nullable: true })
  startOn!: string | null;

  @Field(() => Day, {
    nullable: true,
    description: 'The day on which Odoo invoices next, and the end of the open period; null when Odoo has none.',
  })
  @Column({ type: 'date', nullable: true })
  nextInvoiceOn!: string | null;

  @Field(() => Day, { nullable: true, description: 'Last day of the subscription; null when it is open-ended.' })
  @Column({ type: 'date', nullable: true })
  endOn!: string | null;

  @Column({ type: 'timestamptz' })
  writeDate!: Date;

  @Column({ type: 'timestamptz' })
  syncedAt!: Date;

  @Field(() => Date, {
    nullable: true,
    description: 'When Odoo was first found not to show it any more; null while it does.',
  })
  @Column({ type: 'timestamptz', nullable: true })
  goneAt!: Date | null;
}
