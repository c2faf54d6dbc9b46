import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

export enum FinalDueCause {
  LINE_GONE = 'LINE_GONE',
  CONTRACT_ENDED = 'CONTRACT_ENDED',
}
registerEnumType(FinalDueCause, {
  name: 'FinalDueCause',
  description: 'Why no line of an order will bill what is due.',
  valuesConfig: {
    LINE_GONE: {
      description:
        'The order has no line with the product any more, nothing more is rated with it, and no product takes its place in the same mode, currency and units.',
    },
    CONTRACT_ENDED: { description: 'The order was renewed, churned or cancelled, or is gone.' },
  },
});

export enum FinalDueState {
  OPEN = 'OPEN',
  SETTLED = 'SETTLED',
  LIFTED = 'LIFTED',
}
registerEnumType(FinalDueState, {
  name: 'FinalDueState',
  description: 'Whether a final due waits for a person.',
  valuesConfig: {
    OPEN: { description: 'It waits for a person.' },
    SETTLED: { description: 'A person settled it; `entry` says how.' },
    LIFTED: { description: 'It is billed after all, or another value took its place.' },
  },
});

/** What is due on a product that nothing will bill: a person invoices, credits or waives it. Another value is another item. */
@ObjectType({
  description:
    'What is due on one product of a contract while no line will bill it: a person invoices, credits or waives it. When its value changes, another item takes its place.',
})
@Entity('final_due')
export class FinalDue {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  serviceId!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'uuid' })
  productId!: string;

  @Field(() => Decimal, {
    description: 'In product units (QUANTITY) or money (AMOUNT); negative when too much was billed.',
  })
  @Column(decimalColumn())
  value!: Decimal;

  @Field(() => FinalDueCause, { description: 'Why nothing will bill it.' })
  @Column({ type: 'text' })
  cause!: FinalDueCause;

  @Field(() => FinalDueState, { description: 'Whether it waits for a person.' })
  @Column({ type: 'text' })
  state!: FinalDueState;

  @Field(() => Date, { description: 'When it was found.' })
  @Column({ type: 'timestamptz' })
  foundAt!: Date;

  @Field(() => Date, { nullable: true, description: 'When it was settled or lifted; null while it waits.' })
  @Column({ type: 'timestamptz', nullable: true })
  closedAt!: Date | null;

  @Column({ type: 'uuid', nullable: true })
  balanceEntryId!: string | null;
}
