import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

export enum BalanceEntryKind {
  WAIVED = 'WAIVED',
  INVOICED = 'INVOICED',
  CREDITED = 'CREDITED',
  WRITTEN_OFF = 'WRITTEN_OFF',
  PASSED_OUT = 'PASSED_OUT',
  PASSED_IN = 'PASSED_IN',
}
registerEnumType(BalanceEntryKind, {
  name: 'BalanceEntryKind',
  description: 'What changed a balance besides usage and the invoices of the line.',
  valuesConfig: {
    WAIVED: { description: 'A person let it go.' },
    INVOICED: { description: 'A person invoiced it in Odoo apart from the line, when nothing else would bill it.' },
    CREDITED: { description: 'A person gave it back in Odoo, when no later usage would take it up.' },
    WRITTEN_OFF: { description: 'Less than half of what Odoo can bill was left over at an end.' },
    PASSED_OUT: { description: 'It went to the product that took the place of this one on the order.' },
    PASSED_IN: { description: 'It came from the product whose place this one took on the order.' },
  },
});

/** What a person or a plan did to the balance of a (contract, product), and why. Never edited. */
@ObjectType({
  description:
    'What a person, or the plan of an order, did to what is due on one product of a contract, with its reason. Entries are never edited: a mistake is set right by another one.',
})
@Entity('balance_entry')
export class BalanceEntry {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  serviceId!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'uuid' })
  productId!: string;

  @Column({ type: 'uuid' })
  periodId!: string;

  @Field(() => BalanceEntryKind, { description: 'What was done.' })
  @Column({ type: 'text' })
  kind!: BalanceEntryKind;

  @Field(() => Decimal, {
    description:
      'In product units (QUANTITY) or money (AMOUNT). PASSED_IN adds it to what is due, every other kind takes it away; negative where the balance was.',
  })
  @Column(decimalColumn())
  value!: Decimal;

  @Field(() => String, { description: 'Why, as the person said it, or the plan.' })
  @Column({ type: 'text' })
  reason!: string;

  @Field(() => String, { description: 'Who did it, as audit entries print it.' })
  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'uuid', nullable: true })
  counterpartId!: string | null;

  @Field(() => String, { nullable: true, description: 'The key it was sent with; null without one.' })
  @Column({ type: 'text', nullable: true })
  idempotencyKey!: string | null;

  @Field(() => Date, { description: 'When it was done.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;
}
