import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Column, Entity, PrimaryColumn } from 'typeorm';

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
  description: 'How the quantities of a period become one.',
  valuesConfig: {
    SUM: { description: 'The total of the quantities.' },
    COUNT: { description: 'The total of whole numbers: a record of quantity 3 counts three things.' },
    MAX: { description: 'The largest quantity; 0 without records.' },
    LATEST: { description: 'The quantity counted last, not below 0; 0 without records.' },
    WEIGHTED_SUM: {
      description:
        "A level, weighted by how long it held: the sum of level × time over the time of the plan's full period. With DELTA each record changes the level, with WINDOW_TOTAL it states it.",
    },
    UNIQUE_COUNT: {
      description:
        'How many different values of the dimension `uniqueBy` were seen: those whose last operation was not REMOVE.',
    },
  },
});

export enum CounterSemantics {
  DELTA = 'DELTA',
  WINDOW_TOTAL = 'WINDOW_TOTAL',
  CUMULATIVE = 'CUMULATIVE',
}
registerEnumType(CounterSemantics, {
  name: 'CounterSemantics',
  description:
    "What a record's quantity means. Records of one contract (or account without one), metric, dimensions and meter are a series.",
  valuesConfig: {
    DELTA: {
      description: 'It happened in the window; windows may overlap, and all add up. Goes with every aggregation.',
    },
    WINDOW_TOTAL: {
      description:
        'The whole truth for exactly its window: a later send for the same window of the series takes the place of the one before, by `revision` where one is sent. Windows of a series never overlap otherwise. Goes with all but UNIQUE_COUNT.',
    },
    CUMULATIVE: {
      description:
        'A reading of a meter that only rises: what it rose since the reading before in the series counts at the later one. Goes with SUM and COUNT.',
    },
  },
});

export enum RoundingMode {
  ROUND = 'ROUND',
  CEIL = 'CEIL',
  FLOOR = 'FLOOR',
}
registerEnumType(RoundingMode, {
  name: 'RoundingMode',
  description: 'Which way units are rounded before they are priced.',
  valuesConfig: {
    ROUND: { description: 'To the nearest; halves away from zero.' },
    CEIL: { description: 'Up, towards the larger number.' },
    FLOOR: { description: 'Down, towards the smaller number.' },
  },
});

export enum ExpectedWindows {
  HOUR = 'HOUR',
  DAY = 'DAY',
}
registerEnumType(ExpectedWindows, {
  name: 'ExpectedWindows',
  description:
    'What the windows of a series are expected to cover without a hole. A window may be as long as it likes: it covers all it spans; an instant covers nothing. A quantity of 0 covers its window as any other.',
  valuesConfig: {
    HOUR: { description: 'Every full hour of UTC.' },
    DAY: { description: 'Every full day of the billing time zone.' },
  },
});

/** What becomes of the units of a bucket before they are priced. */
@ObjectType({ description: 'What becomes of the units of a period before they are priced.' })
export class MetricRounding {
  @Field(() => RoundingMode, { description: 'Which way.' })
  mode!: RoundingMode;

  @Field(() => Int, { description: 'Digits kept after the point; a negative number clears digits before it.' })
  places!: number;
}

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

  @Field(() => Boolean, { description: 'Whether quantities may be negative.' })
  @Column({ type: 'boolean', default: false })
  signed!: boolean;

  @Field(() => Boolean, {
    description:
      'Whether records tell how many events stand behind their quantity (`events`), as prices with a part for each event need.',
  })
  @Column({ type: 'boolean', default: false })
  perEvent!: boolean;

  @Field(() => Boolean, {
    description:
      'Whether each period goes on from where the one before ended (what was added stays, what is present stays, the level stays) instead of beginning from nothing.',
  })
  @Column({ type: 'boolean', default: false })
  recurring!: boolean;

  @Field(() => String, {
    nullable: true,
    description: 'Of UNIQUE_COUNT the dimension whose different values are counted; null for the others.',
  })
  @Column({ type: 'text', nullable: true })
  uniqueBy!: string | null;

  @Column({ type: 'text', nullable: true })
  roundingMode!: RoundingMode | null;

  @Column({ type: 'integer', nullable: true })
  roundingPlaces!: number | null;

  @Field(() => ExpectedWindows, {
    nullable: true,
    description:
      'What its series are expected to cover without a hole; null: nothing is expected, and so nothing missing.',
  })
  @Column({ type: 'text', nullable: true })
  expects!: ExpectedWindows | null;

  @Field(() => Date, { description: 'When it was made.' })
  @Column({ type: 'timestamptz' })
  createdAt!: Date;

  @Field(() => Date, { nullable: true, description: 'Since when it is out of use; null while in use.' })
  @Column({ type: 'timestamptz', nullable: true })
  archivedAt!: Date | null;
}
