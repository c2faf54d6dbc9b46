import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

/** What a later truth of a closed period changed, and the period whose target it enters. Never edited. */
@ObjectType({
  description:
    'What a later truth of a closed period changed in its value, and in which period the difference is taken up.',
})
@Entity('adjustment')
export class Adjustment {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  billableLineId!: string;

  @Column({ type: 'uuid' })
  originPeriodId!: string;

  @Column({ type: 'uuid' })
  targetPeriodId!: string;

  @Column({ type: 'uuid' })
  productId!: string;

  @Field(() => Decimal, { description: 'Difference in product units (QUANTITY) or money (AMOUNT); never zero.' })
  @Column(decimalColumn())
  value!: Decimal;

  @Field(() => String, { description: 'Why it differs.' })
  @Column({ type: 'text' })
  reason!: string;

  @Field(() => Date, { description: 'When it was found.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;
}
