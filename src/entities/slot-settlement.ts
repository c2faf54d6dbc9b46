import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

export enum SettlementEvidence {
  INVOICE_LINE = 'INVOICE_LINE',
  DATE_MOVED = 'DATE_MOVED',
}
registerEnumType(SettlementEvidence, {
  name: 'SettlementEvidence',
  description: 'How we know what Odoo billed for a slot.',
  valuesConfig: {
    INVOICE_LINE: { description: 'A posted invoice line.' },
    DATE_MOVED: { description: 'The next invoice date moved on over a slot that held nothing: nothing was billed.' },
  },
});

/** What Odoo billed for a period's slot: an invoice line, or its date moved over a slot that held nothing. Never edited. */
@ObjectType({
  description:
    "Evidence that Odoo billed a period's slot. It is never edited; a later credit note or cancellation changes nothing in it.",
})
@Entity('slot_settlement')
export class SlotSettlement {
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'uuid' })
  periodId!: string;

  @Column({ type: 'uuid' })
  productId!: string;

  @Column({ type: 'uuid' })
  subscriptionLineId!: string;

  @Field(() => SettlementEvidence, { description: 'How we know.' })
  @Column({ type: 'text' })
  evidence!: SettlementEvidence;

  @Column({ type: 'uuid', nullable: true })
  invoiceLineId!: string | null;

  @Field(() => Decimal, { description: 'The quantity billed: product units (QUANTITY) or money (AMOUNT).' })
  @Column(decimalColumn())
  billed!: Decimal;

  @Field(() => Date, { description: 'When we saw it.' })
  @Column({ type: 'timestamptz' })
  settledAt!: Date;
}
