import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

/** Mirror of a line of a subscription. A service sees those with its own products and those with products on which nobody charges. */
@ObjectType({
  description:
    'Mirror of a line of a subscription. A service sees those with its own products and those with products on which nobody charges.',
})
@Entity('subscription_line')
export class SubscriptionLine {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Field(() => Int, { description: "Odoo's id." })
  @Column({ type: 'integer' })
  odooId!: number;

  @Column({ type: 'integer' })
  subscriptionOdooId!: number;

  @Column({ type: 'integer', nullable: true })
  productOdooId!: number | null;

  @Field(() => String, { description: "The line's text in Odoo." })
  @Column({ type: 'text' })
  description!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Set for rows that are no sale: line_section, line_subsection or line_note; null for real lines.',
  })
  @Column({ type: 'text', nullable: true })
  displayType!: string | null;

  @Field(() => Decimal, { description: 'The quantity ordered, in units of the product.' })
  @Column(decimalColumn())
  orderedQuantity!: Decimal;

  @Field(() => Decimal, {
    description:
      'The quantity delivered, in units of the product: what Odoo bills of a metered product, and what we write.',
  })
  @Column(decimalColumn())
  deliveredQuantity!: Decimal;

  @Column({ type: 'text', nullable: true })
  deliveredMethod!: string | null;

  @Field(() => Decimal, { description: 'The quantity invoiced over the life of the line, drafts included.' })
  @Column(decimalColumn())
  invoicedQuantity!: Decimal;

  @Field(() => Decimal, {
    description: 'Price of one unit in the currency of the subscription, before discount and tax.',
  })
  @Column(decimalColumn())
  unitPrice!: Decimal;

  @Field(() => Decimal, { description: 'Discount in percent.' })
  @Column(decimalColumn())
  discount!: Decimal;

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
