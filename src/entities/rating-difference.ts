import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import { decimalColumn } from './columns';

export enum RatingDifferenceState {
  OPEN = 'OPEN',
  ACCEPTED = 'ACCEPTED',
  REFUSED = 'REFUSED',
  WITHDRAWN = 'WITHDRAWN',
}
registerEnumType(RatingDifferenceState, {
  name: 'RatingDifferenceState',
  description: 'What became of a difference that only a newer version of the rating code makes.',
  valuesConfig: {
    OPEN: { description: 'It waits for a person; the balance is as it was.' },
    ACCEPTED: { description: 'A person took it over: there is a new revision, and the difference is in the balance.' },
    REFUSED: { description: 'A person kept what was stored; it is not reported again for these two versions.' },
    WITHDRAWN: { description: 'Usage changed since, or still newer code rates otherwise: it is of no account.' },
  },
});

/** A closed period's line that newer rating code would rate otherwise from the same ledger. Decided by a person, once. */
@ObjectType({
  description:
    'A rated line that a newer version of the rating code would rate otherwise from the very same usage. It changes no balance until a person accepts it.',
})
@Entity('rating_difference')
export class RatingDifference {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  periodId!: string;

  @Column({ type: 'uuid' })
  chargeId!: string;

  @Column({ type: 'text' })
  bucket!: string;

  @Column({ type: 'uuid' })
  billableLineId!: string;

  @Field(() => Int, { description: 'Version of the rating code that made the stored line.' })
  @Column({ type: 'integer' })
  fromVersion!: number;

  @Field(() => Int, { description: 'Version of the rating code that differs.' })
  @Column({ type: 'integer' })
  toVersion!: number;

  @Field(() => Decimal, { description: 'What the stored line is worth: product units (QUANTITY) or money (AMOUNT).' })
  @Column(decimalColumn())
  storedValue!: Decimal;

  @Field(() => Decimal, { description: 'What the newer version makes of the same usage.' })
  @Column(decimalColumn())
  newValue!: Decimal;

  @Field(() => Date, { description: 'When it was found.' })
  @Column({ type: 'timestamptz' })
  foundAt!: Date;

  @Field(() => RatingDifferenceState, { description: 'What became of it.' })
  @Column({ type: 'text' })
  state!: RatingDifferenceState;

  @Field(() => Date, { nullable: true, description: 'When it was decided or withdrawn; null while it waits.' })
  @Column({ type: 'timestamptz', nullable: true })
  decidedAt!: Date | null;

  @Field(() => String, { nullable: true, description: 'Who decided, as audit entries print it.' })
  @Column({ type: 'text', nullable: true })
  actor!: string | null;

  @Field(() => String, { nullable: true, description: 'Why, as the person said it.' })
  @Column({ type: 'text', nullable: true })
  reason!: string | null;
}
