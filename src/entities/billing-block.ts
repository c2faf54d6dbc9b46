import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

export enum BlockReason {
  LINE_MISSING = 'LINE_MISSING',
  FINAL_DUE = 'FINAL_DUE',
  AMBIGUOUS_LINE = 'AMBIGUOUS_LINE',
  AMBIGUOUS_CHARGE = 'AMBIGUOUS_CHARGE',
  ORDER_CANCELLED = 'ORDER_CANCELLED',
  CONTRACT_ENDED = 'CONTRACT_ENDED',
  CREDIT_NOTE = 'CREDIT_NOTE',
  CURRENCY_MISMATCH = 'CURRENCY_MISMATCH',
  PRICE_NOT_ONE = 'PRICE_NOT_ONE',
  PERIOD_UNCONFIRMED = 'PERIOD_UNCONFIRMED',
  DATE_MOVED_BACK = 'DATE_MOVED_BACK',
  PREVIOUS_NOT_INVOICED = 'PREVIOUS_NOT_INVOICED',
  HELD_BY_DRAFT = 'HELD_BY_DRAFT',
  USAGE_GAP = 'USAGE_GAP',
  READ_BACK_DIFFERS = 'READ_BACK_DIFFERS',
  REFUSED_BY_ODOO = 'REFUSED_BY_ODOO',
}
registerEnumType(BlockReason, {
  name: 'BlockReason',
  description: 'Why nothing is written for a period now. What is due stays in the balance until the block is lifted.',
  valuesConfig: {
    LINE_MISSING: { description: 'The order has no line with the product any more.' },
    FINAL_DUE: {
      description:
        'Something is due that no line will bill, as the product left the order for good; a person settles it by settleFinalDue.',
    },
    AMBIGUOUS_LINE: { description: 'Two lines of the order carry the product.' },
    AMBIGUOUS_CHARGE: { description: 'Two charges of the metric fit the order.' },
    ORDER_CANCELLED: { description: 'The order is cancelled, or gone from Odoo.' },
    CONTRACT_ENDED: { description: 'The order was renewed or churned; what follows is settled by a person.' },
    CREDIT_NOTE: {
      description: 'A credit note or a cancelled invoice touches the line; a person decides what it means.',
    },
    CURRENCY_MISMATCH: { description: "The order's currency is not the charge's." },
    PRICE_NOT_ONE: { description: 'In mode AMOUNT the line must cost 1.00 without discount.' },
    PERIOD_UNCONFIRMED: { description: 'The period was derived at first sight; a person confirms its start.' },
    DATE_MOVED_BACK: { description: 'The next invoice date moved back over a closed boundary.' },
    PREVIOUS_NOT_INVOICED: { description: 'The slot still belongs to an earlier period that Odoo has not invoiced.' },
    HELD_BY_DRAFT: { description: 'A draft invoice holds the line.' },
    USAGE_GAP: {
      description:
        "Usage is missing that the metric expects. With the charge's policy BILL_KNOWN what is known is written all the same, with HOLD nothing is; it stands until the usage came or the gap is waived.",
    },
    READ_BACK_DIFFERS: { description: 'Odoo kept another quantity than the one written.' },
    REFUSED_BY_ODOO: { description: 'Odoo refused the write for good.' },
  },
});

/** A standing reason why a period's quantity is not written; lifted by the next plan that no longer finds it. */
@ObjectType('Block', { description: 'A standing reason why the quantity of a period is not written.' })
@Entity('billing_block')
export class BillingBlock {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'uuid' })
  periodId!: string;

  @Column({ type: 'uuid', nullable: true })
  productId!: string | null;

  @Column({ type: 'uuid', nullable: true })
  subscriptionLineId!: string | null;

  @Field(() => BlockReason, { description: 'The reason as a code.' })
  @Column({ type: 'text' })
  reason!: BlockReason;

  @Field(() => String, { description: 'The reason as a sentence, with what to do.' })
  @Column({ type: 'text' })
  message!: string;

  @Field(() => Date, { description: 'When it was first found.' })
  @Column({ type: 'timestamptz' })
  since!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was gone again; null while it stands.' })
  @Column({ type: 'timestamptz', nullable: true })
  liftedAt!: Date | null;
}
