import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

/** A customer invoice or credit note of a subscription, as last read from Odoo. */
@Entity('invoice')
export class Invoice {
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'integer' })
  odooId!: number;

  @Column({ type: 'text', nullable: true })
  name!: string | null;

  @Column({ type: 'text' })
  moveType!: 'out_invoice' | 'out_refund';

  @Column({ type: 'text' })
  state!: 'draft' | 'posted' | 'cancel';

  @Column({ type: 'text' })
  paymentState!: string;

  @Column({ type: 'integer', nullable: true })
  partnerOdooId!: number | null;

  @Column({ type: 'integer' })
  currencyOdooId!: number;

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
