import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** The chain of orders that renewals make of one subscription. */
@ObjectType({
  description:
    'The chain of orders that renewals make of one subscription. Periods, balances and usage belong to it, so they survive a renewal.',
})
@Entity('contract')
export class Contract {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  /** Odoo's next invoice date as periods last followed it. */
  @Column({ type: 'date', nullable: true })
  seenNextInvoiceOn!: string | null;

  /** The newest invoice of the order that periods have seen. */
  @Column({ type: 'integer', nullable: true })
  seenInvoiceOdooId!: number | null;

  /** The newest mirrored change its periods and slots have been planned for, in Odoo's time. */
  @Column({ type: 'timestamptz', nullable: true })
  plannedAsOf!: Date | null;

  @Field(() => Date, { description: 'When the order was first seen here.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;
}
