import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

export enum PlanUnit {
  WEEK = 'week',
  MONTH = 'month',
  YEAR = 'year',
}
registerEnumType(PlanUnit, {
  name: 'PlanUnit',
  description: 'The unit of a recurring plan; Odoo knows no days.',
  valuesConfig: {
    WEEK: { description: 'Seven days.' },
    MONTH: { description: 'A calendar month.' },
    YEAR: { description: 'A calendar year.' },
  },
});

/** Mirror of Odoo's recurring plan: how often a subscription is invoiced. */
@ObjectType({ description: "Mirror of Odoo's recurring plan: how often a subscription is invoiced." })
@Entity('plan')
export class Plan {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Field(() => Int, { description: "Odoo's id." })
  @Column({ type: 'integer' })
  odooId!: number;

  @Field(() => String, { description: 'Its name in Odoo, in English.' })
  @Column({ type: 'text' })
  name!: string;

  @Field(() => Int, { description: 'How many units make one period, above 0.' })
  @Column({ type: 'integer' })
  periodCount!: number;

  @Field(() => PlanUnit, { description: 'The unit of the period.' })
  @Column({ type: 'text' })
  periodUnit!: PlanUnit;

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
