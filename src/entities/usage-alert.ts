import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import { decimalListColumn } from './columns';

export enum UsageAlertKind {
  UNITS = 'UNITS',
  AMOUNT = 'AMOUNT',
}
registerEnumType(UsageAlertKind, {
  name: 'UsageAlertKind',
  description: 'What an alert watches of the open period.',
  valuesConfig: {
    UNITS: {
      description: "Units by the metric's aggregation, before free units, whether a charge prices them or not.",
    },
    AMOUNT: {
      description:
        "Money before tax and discount as `currentUsage` shows it, a minimum amount included, in the line's currency; an estimate in mode QUANTITY.",
    },
  },
});

/** Tells when the usage of one metric in the open period of one contract reaches its thresholds. */
@ObjectType({
  description:
    'Tells when the usage of a metric in the open period of a contract reaches its thresholds: an event for each, once a period.',
})
@Entity('usage_alert')
export class UsageAlert {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  serviceId!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'uuid' })
  metricId!: string;

  @Field(() => String, { description: 'For people, 1 to 200 characters.' })
  @Column({ type: 'text' })
  name!: string;

  @Field(() => UsageAlertKind, { description: 'What it watches.' })
  @Column({ type: 'text' })
  kind!: UsageAlertKind;

  @Field(() => [Decimal], { description: '1 to 20, rising, above 0; reached at exactly the threshold.' })
  @Column(decimalListColumn())
  thresholds!: Decimal[];

  /** When it is checked next. */
  @Column({ type: 'timestamptz' })
  dueAt!: Date;

  @Field(() => Date, { description: 'When it was made.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Since when it is out of use; null while in use.' })
  @Column({ type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;
}
