import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

/** What Odoo billed for a period's slot: an invoice line, or its date moved over a slot that held nothing. Never edited. */
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

  @Column({ type: 'text' })
  evidence!: 'INVOICE_LINE' | 'DATE_MOVED';

  @Column({ type: 'uuid', nullable: true })
  invoiceLineId!: string | null;

  @Column(decimalColumn())
  billed!: Decimal;

  @Column({ type: 'timestamptz' })
  settledAt!: Date;
}
