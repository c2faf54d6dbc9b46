import { Field, ID, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

/** All of them are named, so that a caller learns which are refused and why. */
export enum Aggregation {
  SUM = 'SUM',
  COUNT = 'COUNT',
  MAX = 'MAX',
  LATEST = 'LATEST',
  WEIGHTED_SUM = 'WEIGHTED_SUM',
  UNIQUE_COUNT = 'UNIQUE_COUNT',
}
registerEnumType(Aggregation, {
  name: 'Aggregation',
  description:
    'How the quantities of a period become one. A metric can be made with SUM and COUNT; the others are refused.',
  valuesConfig: {
    SUM: { description: 'The total of the quantities.' },
    COUNT: { description: 'The total of whole numbers: a record of quantity 3 counts three things.' },
    MAX: { description: 'The largest quantity. Not offered yet.' },
    LATEST: { description: 'The quantity counted last. Not offered yet.' },
    WEIGHTED_SUM: { description: 'Levels weighted by how long each held. Not offered yet.' },
    UNIQUE_COUNT: { description: 'How many different things were seen. Not offered yet.' },
  },
});

export enum CounterSemantics {
  DELTA = 'DELTA',
  WINDOW_TOTAL = 'WINDOW_TOTAL',
  CUMULATIVE = 'CUMULATIVE',
}
registerEnumType(CounterSemantics, {
  name: 'CounterSemantics',
  description: "What a record's quantity means. A metric can be made with DELTA; the others are refused.",
  valuesConfig: {
    DELTA: { description: 'It happened in the window; windows may overlap, and all add up.' },
    WINDOW_TOTAL: { description: 'The whole truth for exactly its window. Not offered yet.' },
    CUMULATIVE: { description: 'A reading of a meter that only rises. Not offered yet.' },
  },
});

/** What is counted. */
@ObjectType({ description: 'What is counted.' })
@Entity('metric')
export class Metric {
  @Field(() => ID, { description: 'Our opaque id.' })
  @PrimaryColumn({ type: 'uuid', default: () => 'uuid_v7()' })
  id!: string;

  @Column({ type: 'uuid' })
  serviceId!: string;

  @Field(() => String, {
    description:
      'Unique within the service, never changed: 1 to 100 letters, digits, `_`, `.` and `-`, a letter or digit first.',
  })
  @Column({ type: 'text' })
  code!: string;

  @Field(() => String, { description: 'For people, 1 to 200 characters.' })
  @Column({ type: 'text' })
  name!: string;

  @Field(() => String, { description: 'Printed after quantities, 1 to 50 characters: "request", "GB".' })
  @Column({ type: 'text' })
  unit!: string;

  @Field(() => Aggregation, { description: 'How the quantities of a period become one.' })
  @Column({ type: 'text' })
  aggregation!: Aggregation;

  @Field(() => CounterSemantics, { description: "What a record's quantity means; fixed." })
  @Column({ type: 'text', default: 'DELTA' })
  semantics!: CounterSemantics;

  /** Whether quantities may be negative. */
  @Column({ type: 'boolean', default: false })
  signed!: boolean;

  @Field(() => Boolean, {
    description:
      'Whether records tell how many events stand behind their quantity (`events`), as prices with a part for each event need.',
  })
  @Column({ type: 'boolean', default: false })
  perEvent!: boolean;

  @Field(() => Date, { description: 'When it was made.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Since when it is out of use; null while in use.' })
  @Column({ type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;
}
