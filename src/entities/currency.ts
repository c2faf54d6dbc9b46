import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A currency of Odoo, as last read. */
@Entity('currency')
export class Currency {
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'integer' })
  odooId!: number;

  @Column({ type: 'text' })
  code!: string;

  @Column({ type: 'integer' })
  decimalPlaces!: number;

  @Column({ type: 'timestamptz' })
  writeDate!: Date;

  @Column({ type: 'timestamptz' })
  syncedAt!: Date;

  @Column({ type: 'timestamptz', nullable: true })
  goneAt!: Date | null;
}
