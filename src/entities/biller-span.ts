import { Field, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

export enum Biller {
  LAGO = 'LAGO',
  ODOO = 'ODOO',
  NONE = 'NONE',
}
registerEnumType(Biller, {
  name: 'Biller',
  description: 'Who bills the usage of a service on a contract in a span of time.',
  valuesConfig: {
    LAGO: { description: 'Lago bills; we record and compare.' },
    ODOO: { description: 'Odoo bills what we write on its subscription lines.' },
    NONE: { description: 'Nobody bills, for the reason the span names.' },
  },
});

/** Spans of one (contract, service) tile time: exactly one biller at every instant. */
@ObjectType({
  description:
    'A span of time with one biller. The spans of one contract and service tile time without gap or overlap.',
})
@Entity('biller_span')
export class BillerSpan {
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  contractId!: string;

  @Column({ type: 'uuid' })
  serviceId!: string;

  @Field(() => Biller, { description: 'Who bills.' })
  @Column({ type: 'text' })
  biller!: Biller;

  @Field(() => String, { nullable: true, description: 'Why nobody bills, or why the biller changed.' })
  @Column({ type: 'text', nullable: true })
  reason!: string | null;

  @Field(() => Date, { name: 'from', nullable: true, description: 'First instant of the span; null: since ever.' })
  @Column({ type: 'timestamptz', nullable: true })
  startsAt!: Date | null;

  @Field(() => Date, {
    name: 'to',
    nullable: true,
    description: 'First instant after the span; null: until further notice.',
  })
  @Column({ type: 'timestamptz', nullable: true })
  endsAt!: Date | null;

  /** Invoices up to this Odoo id were there before the span and bill nothing of it. */
  @Column({ type: 'integer', nullable: true })
  invoicesAfterOdooId!: number | null;
}
