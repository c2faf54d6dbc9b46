import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Day } from './columns';

export enum BillingPeriodState {
  OPEN = 'OPEN',
  CLOSED = 'CLOSED',
}
registerEnumType(BillingPeriodState, {
  name: 'BillingPeriodState',
  description: 'Whether a period still takes usage as a matter of course.',
  valuesConfig: {
    OPEN: { description: 'Usage counted in it is in time. A provisional write leaves it open.' },
    CLOSED: { description: 'Rated for good; usage counted in it later is late and enters the balance.' },
  },
});

/** `[start, end)` of one contract: what one Odoo invoice bills. Periods tile without gap or overlap. */
@ObjectType({
  description:
    'The time of one contract that one Odoo invoice bills, [start, end). Periods tile without gap or overlap, and exactly one is open.',
})
@Entity('billing_period')
export class BillingPeriod {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Field(() => Day, { description: 'Its first day in the billing time zone.' })
  @Column({ type: 'date' })
  startOn!: string;

  @Field(() => Day, {
    nullable: true,
    description: "The day after its last one, Odoo's next invoice date; null while unknown.",
  })
  @Column({ type: 'date', nullable: true })
  endOn!: string | null;

  @Field(() => Date, { description: 'First instant of `startOn` in the billing time zone.' })
  @Column({ name: 'start_at', type: 'timestamptz' })
  start!: Date;

  @Field(() => Date, { nullable: true, description: 'First instant after the period; null while unknown.' })
  @Column({ name: 'end_at', type: 'timestamptz', nullable: true })
  end!: Date | null;

  @Field(() => BillingPeriodState, { description: 'Open or closed.' })
  @Column({ type: 'text', default: 'OPEN' })
  state!: BillingPeriodState;

  @Field(() => Boolean, {
    description: 'Usage or a correction came late and is not rated yet; the next target waits for it.',
  })
  @Column({ type: 'boolean', default: false })
  dirty!: boolean;

  @Field(() => Boolean, {
    description:
      'The order was first seen running, so the start is worked out; a person confirms it before the first write.',
  })
  @Column({ type: 'boolean', default: false })
  derived!: boolean;

  @Field(() => Date, { nullable: true, description: 'When a person confirmed the derived start.' })
  @Column({ type: 'timestamptz', nullable: true })
  confirmedAt!: Date | null;

  @Field(() => Date, { nullable: true, description: 'When it was closed; null while open.' })
  @Column({ type: 'timestamptz', nullable: true })
  closedAt!: Date | null;

  @Column({ type: 'timestamptz' })
  createdAt!: Date;
}
