import { Field, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Decimal } from '../domain/decimal';
import { Day, decimalColumn } from './columns';

export enum InvoiceType {
  INVOICE = 'out_invoice',
  CREDIT_NOTE = 'out_refund',
}
registerEnumType(InvoiceType, {
  name: 'InvoiceType',
  description: 'What a document of Odoo is to the customer.',
  valuesConfig: {
    INVOICE: { description: 'An invoice.' },
    CREDIT_NOTE: { description: 'A credit note.' },
  },
});

export enum InvoiceState {
  DRAFT = 'draft',
  POSTED = 'posted',
  CANCELLED = 'cancel',
}
registerEnumType(InvoiceState, {
  name: 'InvoiceState',
  description: 'How far an invoice is in Odoo.',
  valuesConfig: {
    DRAFT: { description: 'Not sent yet: it bills nothing.' },
    POSTED: { description: 'Final: it bills.' },
    CANCELLED: { description: 'Cancelled.' },
  },
});

/** A customer invoice or credit note of a subscription, as last read from Odoo. */
@ObjectType({ description: 'A customer invoice or credit note of a subscription, as last read from Odoo.' })
@Entity('invoice')
export class Invoice {
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Field(() => Int, { description: "Odoo's id of it." })
  @Column({ type: 'integer' })
  odooId!: number;

  @Field(() => String, {
    nullable: true,
    name: 'number',
    description: 'Its number, such as INV/2026/00012; null while it has none.',
  })
  @Column({ type: 'text', nullable: true })
  name!: string | null;

  @Field(() => InvoiceType, { name: 'type', description: 'An invoice or a credit note.' })
  @Column({ type: 'text' })
  moveType!: InvoiceType;

  @Field(() => InvoiceState, { description: 'How far it is.' })
  @Column({ type: 'text' })
  state!: InvoiceState;

  @Column({ type: 'text' })
  paymentState!: string;

  @Column({ type: 'integer', nullable: true })
  partnerOdooId!: number | null;

  @Column({ type: 'integer' })
  currencyOdooId!: number;

  @Field(() => Day, { nullable: true, description: 'Its date; null while it has none.' })
  @Column({ type: 'date', nullable: true })
  invoiceOn!: string | null;

  @Column(decimalColumn())
  amountUntaxed!: Decimal;

  @Column(decimalColumn())
  amountTotal!: Decimal;

  @Column(decimalColumn())
  amountResidual!: Decimal;

  @Column({ type: 'timestamptz' })
  writeDate!: Date;

  @Column({ type: 'timestamptz' })
  syncedAt!: Date;

  @Column({ type: 'timestamptz', nullable: true })
  goneAt!: Date | null;
}
