import { Field, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

/** A line of an invoice, tied to the order lines that it bills. */
@ObjectType({ description: 'A line of an invoice, as last read from Odoo.' })
@Entity('invoice_line')
export class InvoiceLine {
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Field(() => Int, { description: "Odoo's id of it." })
  @Column({ type: 'integer' })
  odooId!: number;

  @Column({ type: 'integer' })
  invoiceOdooId!: number;

  @Column({ type: 'integer', array: true })
  saleLineOdooIds!: number[];

  @Column({ type: 'integer', nullable: true })
  productOdooId!: number | null;

  @Field(() => Decimal, { description: 'What it bills, in units of its product.' })
  @Column(decimalColumn())
  quantity!: Decimal;

  @Field(() => Decimal, { description: 'Price of one unit before tax and discount.' })
  @Column(decimalColumn())
  unitPrice!: Decimal;

  @Field(() => Decimal, { description: 'Money after discount and before tax, as Odoo worked it out.' })
  @Column(decimalColumn())
  subtotal!: Decimal;

  @Column({ type: 'timestamptz' })
  writeDate!: Date;

  @Column({ type: 'timestamptz' })
  syncedAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was found to be gone from Odoo; null while it is there.' })
  @Column({ type: 'timestamptz', nullable: true })
  goneAt!: Date | null;
}
