import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';
import { Decimal } from '../domain/decimal';
import type { PriceModelJson } from '../domain/price-model';
import { decimalColumn } from './columns';

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

  /** Bounds of a version of the charge; all of time while both are null. */
  @Column({ type: 'date', nullable: true })
  validFrom!: string | null;

  @Column({ type: 'date', nullable: true })
  validTo!: string | null;

  @Field(() => Date, { description: 'When it was made.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Since when it is out of use; null while in use.' })
  @Column({ type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;
}
