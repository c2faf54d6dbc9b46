import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Mirror of an Odoo product that stands on a subscription line or carries a charge. */
@ObjectType({ description: 'Mirror of an Odoo product that stands on a subscription line or carries a charge.' })
@Entity('product')
export class Product {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Field(() => Int, { description: "Odoo's id." })
  @Column({ type: 'integer' })
  odooId!: number;

  @Field(() => String, { description: 'Its name in Odoo, in English.' })
  @Column({ type: 'text' })
  name!: string;

  @Field(() => String, { nullable: true, description: "Odoo's internal reference, as MTR-API; null when it has none." })
  @Column({ type: 'text', nullable: true })
  code!: string | null;

  @Field(() => String, { description: "Odoo's product type, as service or consu." })
  @Column({ type: 'text' })
  type!: string;

  @Column({ type: 'text' })
  invoicePolicy!: 'order' | 'delivery';

  @Field(() => Boolean, { description: 'False once it is archived in Odoo.' })
  @Column({ type: 'boolean' })
  active!: boolean;

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
