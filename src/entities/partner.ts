import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Mirror of an Odoo contact that is linked to an account, holds a subscription, or is the company of one that does. */
@ObjectType({
  description:
    'Mirror of an Odoo contact that is linked to an account, holds a subscription, or is the company of one that does.',
})
@Entity('partner')
export class Partner {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Field(() => Int, { description: "Odoo's id." })
  @Column({ type: 'integer' })
  odooId!: number;

  @Field(() => String, { description: 'Its name in Odoo.' })
  @Column({ type: 'text' })
  name!: string;

  @Field(() => String, { nullable: true, description: 'Its e-mail address in Odoo; null when it has none.' })
  @Column({ type: 'text', nullable: true })
  email!: string | null;

  @Field(() => String, { nullable: true, description: "Odoo's internal reference; null when it has none." })
  @Column({ type: 'text', nullable: true })
  ref!: string | null;

  @Column({ type: 'integer' })
  commercialPartnerOdooId!: number;

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
