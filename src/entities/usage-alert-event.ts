import { Field, ID, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

/** A threshold of an alert that was reached in a period; at most one a threshold and period, never changed. */
@ObjectType({
  description: 'A threshold of an alert that was reached in a period: at most once, and never taken back.',
})
@Entity('usage_alert_event')
export class UsageAlertEvent {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  alertId!: string;

  @Column({ type: 'uuid' })
  periodId!: string;

  @Field(() => Decimal, { description: 'The threshold, in units or in money.' })
  @Column(decimalColumn())
  threshold!: Decimal;

  @Field(() => Decimal, {
    description: 'What the period had come to when that was noticed: the threshold or more.',
  })
  @Column(decimalColumn())
  value!: Decimal;

  @Field(() => String, { nullable: true, description: 'ISO 4217 code of both; null for units.' })
  @Column({ type: 'text', nullable: true })
  currency!: string | null;

  @Field(() => Date, {
    description:
      'When it was noticed: within some two minutes of the usage that reached it, at the latest at the close.',
  })
  @Column({ type: 'timestamptz' })
  crossedAt!: Date;
}
