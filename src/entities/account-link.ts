import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A service's own account, tied to the Odoo partner who pays. */
@ObjectType({ description: "A service's own account, tied to the Odoo partner who pays for it." })
@Entity('account_link')
export class AccountLink {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  serviceId!: string;

  @Field(() => String, {
    description: "The service's own id of the account, 1 to 200 characters; at any instant it has one link at most.",
  })
  @Column({ type: 'text' })
  account!: string;

  @Column({ type: 'uuid' })
  partnerId!: string;

  @Column({ type: 'uuid', nullable: true })
  contractId!: string | null;

  @Field(() => Date, { description: 'Usage counted earlier is refused.' })
  @Column({ type: 'timestamptz' })
  validFrom!: Date;

  @Field(() => Date, { nullable: true, description: 'Usage counted from then on is refused; null: the link stays.' })
  @Column({ type: 'timestamptz', nullable: true })
  validTo!: Date | null;

  @Field(() => Date, { description: 'When it was made.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Since when it is out of use; null while in use.' })
  @Column({ type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;
}
