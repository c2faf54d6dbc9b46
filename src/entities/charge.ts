import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import type { PriceModelJson } from '../domain/price-model';
import type { ChargeFilterJson } from '../domain/charge-filter';
import { Day, decimalColumn } from './columns';

export enum ChargeMode {
  QUANTITY = 'QUANTITY',
  AMOUNT = 'AMOUNT',
}
registerEnumType(ChargeMode, {
  name: 'ChargeMode',
  description: 'Who prices the usage of a charge.',
  valuesConfig: {
    QUANTITY: {
      description: 'Odoo prices the units we deliver, by its price list; the charge has no price of its own.',
    },
    AMOUNT: { description: 'We price; the product costs 1.00, and the delivered quantity is the amount.' },
  },
});

export enum GapPolicy {
  BILL_KNOWN = 'BILL_KNOWN',
  HOLD = 'HOLD',
}
registerEnumType(GapPolicy, {
  name: 'GapPolicy',
  description: 'What becomes of a period when usage is missing that its metric expects.',
  valuesConfig: {
    BILL_KNOWN: { description: 'What is known is billed; what comes later is in a later invoice.' },
    HOLD: {
      description:
        'Nothing of the product is billed for the period until the usage came or a person waived the gap; the invoice after that has it.',
    },
  },
});

/** How a metric becomes billable, and the Odoo product whose subscription line carries it. */
@ObjectType({ description: 'How a metric becomes billable, and the Odoo product whose subscription line carries it.' })
@Entity('charge')
export class Charge {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  serviceId!: string;

  @Column({ type: 'uuid' })
  metricId!: string;

  @Column({ type: 'uuid' })
  productId!: string;

  @Field(() => ChargeMode, { description: 'Who prices the usage.' })
  @Column({ type: 'text' })
  mode!: ChargeMode;

  /** As sent; `parsePriceModel` reads it. */
  @Column({ type: 'jsonb', nullable: true })
  price!: PriceModelJson | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Currency of the price, three letters; an order in another one is blocked, never converted. Null in mode QUANTITY.',
  })
  @Column({ type: 'text', nullable: true })
  currency!: string | null;

  @Field(() => Decimal, { description: 'Units of the metric taken off before pricing, once a period; 0 or more.' })
  @Column(decimalColumn({ default: 0 }))
  freeUnits!: Decimal;

  @Field(() => Decimal, {
    description:
      'How many units of the metric one unit of the product is: 1000 for "API calls (1k)". 1 in mode AMOUNT.',
  })
  @Column(decimalColumn({ default: 1 }))
  unitsPerProductUnit!: Decimal;

  @Field(() => Decimal, {
    description:
      'Least amount of a full period, in `currency`; what the price leaves is added, by days for a part of a period. 0 for none.',
  })
  @Column(decimalColumn({ default: 0 }))
  minimumAmount!: Decimal;

  @Field(() => GapPolicy, { description: 'What becomes of a period when usage is missing that the metric expects.' })
  @Column({ type: 'text', default: GapPolicy.BILL_KNOWN })
  onGap!: GapPolicy;

  /** As sent; `parseBucketRule` reads them. */
  @Column({ type: 'jsonb', default: () => "'[]'" })
  filters!: ChargeFilterJson[];

  @Field(() => [String], {
    description:
      'Dimensions of which each combination of values is priced apart, with free units and tiers of its own; a dimension that a record lacks is a value of its own. Empty: all usage is priced together.',
  })
  @Column({ type: 'text', array: true, default: () => "'{}'" })
  groupBy!: string[];

  /** It rates contracts whose order has this plan; null for all. */
  @Column({ type: 'integer', nullable: true })
  planOdooId!: number | null;

  /** It rates this contract only; null for all. */
  @Column({ type: 'uuid', nullable: true })
  contractId!: string | null;

  /** The first of its versions; null in the first itself. */
  @Column({ type: 'uuid', nullable: true })
  firstId!: string | null;

  /** The version it took over from. */
  @Column({ type: 'uuid', nullable: true })
  previousId!: string | null;

  @Field(() => Day, {
    nullable: true,
    description: 'It rates periods that begin on this day or later; null: however early they begin.',
  })
  @Column({ type: 'date', nullable: true })
  validFrom!: string | null;

  @Field(() => Day, {
    nullable: true,
    description:
      'It rates periods that begin before this day; null: without end. The same day as `validFrom` for a version that was withdrawn before it priced anything.',
  })
  @Column({ type: 'date', nullable: true })
  validTo!: string | null;

  @Field(() => Date, { description: 'When it was made.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Since when it is out of use; null while in use.' })
  @Column({ type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;
}
