/** What callers send to record and read usage. */
import { Field, ID, InputType, Int, registerEnumType } from 'type-graphql';
import { Decimal } from '../domain/decimal';
import type { UsageInput } from '../domain/usage-record';
import { FlatObject } from '../entities/columns';
import { UsageOperation } from '../entities/usage-record';
import type { UsageRecordFilter as Filter, UsageRecordOrder as Order } from '../services/usage-reads';
import { orderEnum } from './connection';
import type { UsageGroup as Group, UsageSummaryFilter as SummaryFilter } from '../services/usage-summary';

const SERVICE = 'Service code; needed only with a key of the whole installation.';

@InputType({
  description:
    'One counter. Name the account, the subscription, or both; when several contracts fit, the record is kept unassigned until one is unambiguous.',
})
export class RecordUsageInput implements UsageInput {
  @Field(() => String, { nullable: true, description: SERVICE })
  service?: string | null;

  @Field(() => String, {
    description:
      '1 to 200 characters, unique for ever within the service. Make it from what is counted (service, account, metric, window), never from the attempt.',
  })
  idempotencyKey!: string;

  @Field(() => String, { nullable: true, description: "The service's own account id, as on the account link." })
  account?: string | null;

  @Field(() => ID, {
    nullable: true,
    description:
      'Our id of the subscription whose contract is meant. Without an account it must belong to the company of exactly one linked account.',
  })
  subscriptionId?: string | null;

  @Field(() => String, { description: 'Metric code.' })
  metric!: string;

  @Field(() => Date, {
    description:
      'Start of the window counted. It may lie before the account link or its period begins; what counts is the end.',
  })
  windowStart!: string;

  @Field(() => Date, {
    description:
      'End of the window, not counted itself: at most 32 days after the start and 5 minutes ahead of our clock (of a WINDOW_TOTAL the start is); equal to the start for an instant.',
  })
  windowEnd!: string;

  @Field(() => Decimal, {
    description:
      'What was counted, in the unit of the metric: at most 30 digits, 12 of them after the point; negative only for metrics that are `signed`, a whole number for COUNT, 1 for UNIQUE_COUNT. Of a CUMULATIVE metric the reading itself.',
  })
  quantity!: string;

  @Field(() => FlatObject, {
    nullable: true,
    description: 'Labels, compared as text; an empty object is the same as none.',
  })
  dimensions?: Record<string, unknown> | null;

  @Field(() => String, {
    nullable: true,
    description: 'The reporting instance, where several report on one thing; 1 to 200 characters.',
  })
  meter?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: 'How many events stand behind the quantity, 0 or more; only for metrics with `perEvent`. Left out: 1.',
  })
  events?: number | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'For WINDOW_TOTAL: the send with the highest revision counts for the window, 0 or more, so that a delayed retry never takes the place of a newer send. Left out: older than any that has one; of several the one that came last counts.',
  })
  revision?: number | null;

  @Field(() => Decimal, {
    nullable: true,
    description:
      'For CUMULATIVE: where the meter stood before this reading. For the first reading of a series, which counts nothing without it, and with `reset`, where it is 0 when left out.',
  })
  opening?: string | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      'For CUMULATIVE: true when the meter began anew before this reading; without it a reading below the one before is refused.',
  })
  reset?: boolean | null;

  @Field(() => UsageOperation, {
    nullable: true,
    description: 'For UNIQUE_COUNT: whether the thing came or went. Left out: ADD.',
  })
  operation?: 'ADD' | 'REMOVE' | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Where the counter comes from, for people; 1 to 200 characters. No part of the content that a re-send must match.',
  })
  source?: string | null;
}

@InputType({ description: 'Counters to record together.' })
export class RecordUsageBatchInput {
  @Field(() => [RecordUsageInput], { description: 'At most 1,000 counters, in any order.' })
  records!: RecordUsageInput[];
}

@InputType({ description: 'Which records are wanted; what is left out does not narrow.' })
export class UsageRecordFilter implements Filter {
  @Field(() => String, { nullable: true, description: 'Service code.' })
  service?: string | null;

  @Field(() => String, { nullable: true, description: "The service's own account id." })
  account?: string | null;

  @Field(() => ID, { nullable: true, description: 'Our id of the contract they count for.' })
  contractId?: string | null;

  @Field(() => [String], { nullable: true, description: 'Metric codes.' })
  metrics?: string[] | null;

  @Field(() => Date, { nullable: true, description: 'Counted at or after this instant.' })
  countedFrom?: string | null;

  @Field(() => Date, { nullable: true, description: 'Counted before this instant.' })
  countedTo?: string | null;

  @Field(() => Boolean, { nullable: true, description: 'Only those without a contract, or only those with one.' })
  unassigned?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: 'Only those that came after their period had closed, or only the others.',
  })
  late?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Only those taken out of the count, or only those that count.' })
  voided?: boolean | null;
}

@InputType({ description: 'Which records are totalled: those counted in [from, to), at most 5,000 rows of them.' })
export class UsageSummaryFilter implements SummaryFilter {
  @Field(() => String, { nullable: true, description: 'Service code.' })
  service?: string | null;

  @Field(() => String, { nullable: true, description: "The service's own account id." })
  account?: string | null;

  @Field(() => ID, { nullable: true, description: 'Our id of the contract they count for.' })
  contractId?: string | null;

  @Field(() => [String], { nullable: true, description: 'Metric codes.' })
  metrics?: string[] | null;

  @Field(() => Date, { description: 'First instant counted; a full hour.' })
  from!: string;

  @Field(() => Date, { description: 'First instant not counted any more; a full hour.' })
  to!: string;
}

export const UsageRecordOrder = orderEnum<Order>('UsageRecordOrder', 'usage records', {
  COUNTED_AT_ASC: 'By the instant they count at, the earliest first.',
  COUNTED_AT_DESC: 'By the instant they count at, the latest first.',
  RECEIVED_AT_ASC: 'As they were received, the first one first.',
  RECEIVED_AT_DESC: 'As they were received, the newest first.',
});

export const UsageGroup = {
  ACCOUNT: 'ACCOUNT',
  CONTRACT: 'CONTRACT',
  HOUR: 'HOUR',
  DAY: 'DAY',
  MONTH: 'MONTH',
  PERIOD: 'PERIOD',
} as const satisfies Record<Group, Group>;
registerEnumType(UsageGroup, {
  name: 'UsageGroup',
  description:
    'What usage is totalled by, besides its metric. At most one of HOUR, DAY, MONTH and PERIOD can be named.',
  valuesConfig: {
    ACCOUNT: { description: 'By account link.' },
    CONTRACT: { description: 'By contract; usage without one makes a row of its own.' },
    HOUR: { description: 'By full hour.' },
    DAY: { description: 'By day of the billing time zone.' },
    MONTH: { description: 'By calendar month of the billing time zone.' },
    PERIOD: {
      description:
        "By billing period of the contract, and so by CONTRACT: every period that has an instant in [from, to), whole, with its records outside of [from, to) too. Usage of [from, to) in none of its contract's periods makes a row without `start`.",
    },
  },
});
