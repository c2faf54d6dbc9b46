import { Field, ID, Int, ObjectType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import type { PriceStepKind } from '../domain/price';
import { decimalColumn, FlatObject } from './columns';

/** One step of a price as stored: decimals as strings. */
export interface StoredPriceStep {
  kind: PriceStepKind;
  fromUnits: string;
  toUnits: string;
  units: string;
  unitPrice: string;
  flatPrice: string;
  amount: string;
}

/** The rated result of one charge (and bucket) in one period. Revisions are kept, the newest counts. */
@ObjectType({
  description:
    'The rated result of one charge in one closed period. A later truth makes a new revision; the newest counts.',
})
@Entity('billable_line')
export class BillableLine {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  periodId!: string;

  @Column({ type: 'uuid' })
  chargeId!: string;

  @Column({ type: 'text', default: '' })
  bucket!: string;

  @Field(() => String, {
    nullable: true,
    description: "Name of the charge's filter that took the usage; null for what no filter takes.",
  })
  @Column({ type: 'text', nullable: true })
  bucketFilter!: string | null;

  @Field(() => FlatObject, {
    description:
      'The values of the dimensions that the charge groups by, null for a missing one; empty without groups.',
  })
  @Column({ type: 'jsonb', default: () => "'{}'" })
  bucketGroup!: Record<string, string | null>;

  @Field(() => Int, { description: 'From 1; each later truth of the period makes the next one.' })
  @Column({ type: 'integer' })
  revision!: number;

  @Column({ type: 'uuid', nullable: true })
  subscriptionLineId!: string | null;

  @Field(() => Decimal, { description: "Units by the metric's aggregation, before free units." })
  @Column(decimalColumn())
  units!: Decimal;

  @Field(() => Decimal, { description: 'Units after free units, never negative.' })
  @Column(decimalColumn())
  billableUnits!: Decimal;

  @Field(() => Decimal, {
    description: 'What enters the balance: product units in mode QUANTITY, money in mode AMOUNT.',
  })
  @Column(decimalColumn())
  value!: Decimal;

  @Field(() => Decimal, {
    description:
      "Money before tax and discount, rounded once, half away from zero, to the currency's decimals; in mode QUANTITY an estimate at the line's price.",
  })
  @Column(decimalColumn())
  amount!: Decimal;

  @Field(() => String, { description: 'ISO 4217 code of `amount`.' })
  @Column({ type: 'text' })
  currency!: string;

  @Field(() => Int, { description: 'How many records its units are made of.' })
  @Column({ type: 'bigint' })
  recordCount!: string;

  @Column({ type: 'jsonb' })
  explanation!: StoredPriceStep[];

  @Field(() => Int, { description: 'Version of the rating code that worked it out.' })
  @Column({ type: 'integer' })
  ratingVersion!: number;

  /** Fingerprint of the ledger rows it was rated from. */
  @Column({ type: 'text' })
  ledgerMark!: string;

  @Field(() => Date, { description: 'When this revision was rated.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;
}
