import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

/** A line of an invoice, tied to the order lines that it bills. */
@Entity('invoice_line')
export class InvoiceLine {
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'integer' })
  odooId!: number;

  @Column({ type: 'integer' })
  invoiceOdooId!: number;

  @Column({ type: 'integer', array: true })
  saleLineOdooIds!: number[];

  @Column({ type: 'integer', nullable: true })
  productOdooId!: number | null;

  @Column(decimalColumn())
  quantity!: Decimal;

  @Column(decimalColumn())
  unitPrice!: Decimal;

  @Column(decimalColumn())
  subtotal!: Decimal;

  @Column({ type: 'timestamptz' })
  writeDate!: Date;

  @Column({ type: 'timestamptz' })
  syncedAt!: Date;

  @Column({ type: 'timestamptz', nullable: true })
  goneAt!: Date | null;
}
