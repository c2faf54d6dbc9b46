/** What an invoice line is made of, in GraphQL, back to the usage records. */
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  Int,
  ObjectType,
  Query,
  registerEnumType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { Adjustment } from '../entities/adjustment';
import { BillableLine } from '../entities/billable-line';
import { BillingPeriod } from '../entities/billing-period';
import { Charge } from '../entities/charge';
import { InvoiceLine } from '../entities/invoice-line';
import { SlotSettlement } from '../entities/slot-settlement';
import { UsageRecord } from '../entities/usage-record';
import {
  type InvoiceLineStatus as Status,
  type InvoiceLineTrace as Trace,
  traceInvoiceLine,
  type TracedWorth as Worth,
} from '../services/trace-invoice-line';
import { type RecordPart as Part, type TracedRecord as Traced, tracedRecords } from '../services/trace-usage';
import { type Connection, connectionType, PageArguments, toConnection } from './connection';
import { chargeById, periodById } from './loaders';

const InvoiceLineStatus = {
  SETTLED: 'SETTLED',
  AWAITED: 'AWAITED',
  NOT_METERED: 'NOT_METERED',
  CREDIT_NOTE: 'CREDIT_NOTE',
  GONE: 'GONE',
  NOT_POSTED: 'NOT_POSTED',
  NOT_BILLED_BY_ODOO: 'NOT_BILLED_BY_ODOO',
  BEFORE_SEAM: 'BEFORE_SEAM',
} as const satisfies Record<Status, Status>;
registerEnumType(InvoiceLineStatus, {
  name: 'InvoiceLineStatus',
  description: 'Whether an invoice line bills usage of ours, or why it does not.',
  valuesConfig: {
    SETTLED: { description: "It billed a period's slot." },
    AWAITED: { description: 'It is ours; its slot is settled with the next plan of the contract.' },
    NOT_METERED: { description: 'No charge is on its product: it bills no usage.' },
    CREDIT_NOTE: { description: 'It credits; by itself that changes no balance.' },
    GONE: { description: 'It is gone from Odoo, and settled nothing before.' },
    NOT_POSTED: { description: 'Its invoice is a draft, or was cancelled before it settled anything.' },
    NOT_BILLED_BY_ODOO: { description: 'The service is not live, so its quantity is none of ours.' },
    BEFORE_SEAM: {
      description: 'Its invoice is older than the first write to the order: its quantity is none of ours.',
    },
  },
});

const RecordPart = {
  IN_PERIOD: 'IN_PERIOD',
  LATE_USAGE: 'LATE_USAGE',
  SINCE: 'SINCE',
} as const satisfies Record<Part, Part>;
registerEnumType(RecordPart, {
  name: 'RecordPart',
  description:
    'How a record stands to what an invoice line billed, told by when it was received and when that was rated.',
  valuesConfig: {
    IN_PERIOD: {
      description: 'It counts in a period that the line covers, and was there when the quantity was worked out.',
    },
    LATE_USAGE: {
      description:
        'It counts in an earlier period; it, a correction or an assignment came late, and was taken up here.',
    },
    SINCE: { description: 'It counts in a period that the line covers, but came later: a later invoice takes it up.' },
  },
});

@ObjectType({ description: 'A usage record behind an invoice line.' })
export class TracedRecord {
  periodId!: string;
  chargeId!: string | null;

  @Field(() => UsageRecord, { description: 'The record, voided ones too; `corrections` says what changed when.' })
  record!: UsageRecord;

  @Field(() => RecordPart, { description: 'How it stands to what was billed.' })
  part!: Part;

  @Field(() => String, {
    nullable: true,
    description: 'The bucket of the charge it falls into; null without a charge.',
  })
  bucket!: string | null;
}

const TracedRecordConnection = connectionType(TracedRecord, 'TracedRecord');

@ObjectType({ description: 'What one charge was worth in one period when the quantity was worked out, and is now.' })
export class TracedWorth {
  periodId!: string;
  chargeId!: string;

  @Field(() => String, { description: 'The bucket of the charge; empty for a charge without filters or groups.' })
  bucket!: string;

  @Field(() => BillableLine, {
    nullable: true,
    description: 'The line as it was; null when the period was still open, so that a provisional quantity was billed.',
  })
  atWrite!: BillableLine | null;

  @Field(() => BillableLine, { nullable: true, description: 'The line as it is now: its newest revision.' })
  now!: BillableLine | null;
}

@ObjectType({
  description:
    'What an invoice line is made of. The quantity of a slot is all that was due when it was worked out: quantity = worth + adjusted + rest.',
})
export class InvoiceLineTrace {
  @Field(() => InvoiceLine, { description: 'The line, with its invoice.' })
  invoiceLine!: InvoiceLine;

  @Field(() => InvoiceLineStatus, { description: 'Whether it bills usage of ours. Only SETTLED has more to tell.' })
  status!: Status;

  @Field(() => SlotSettlement, { nullable: true, description: 'The slot that it settled, with period and product.' })
  settlement!: SlotSettlement | null;

  @Field(() => Date, {
    nullable: true,
    description:
      'When the quantity that was billed was worked out. Of a quantity that a person wrote: when it was seen.',
  })
  asOf!: Date | null;

  @Field(() => [TracedWorth], {
    description:
      'Rated lines: of the period, of those before it that no invoice line had billed, and of those whose adjustments were taken up. The earliest period comes first.',
  })
  worths!: Worth[];

  @Field(() => [Adjustment], {
    description: 'What changed in periods billed before, since the quantity of the invoice line before was worked out.',
  })
  adjustments!: Adjustment[];

  @Field(() => Decimal, {
    nullable: true,
    description: 'What the periods covered were worth then; null when one of them was still open.',
  })
  worth!: Decimal | null;

  @Field(() => Decimal, { nullable: true, description: 'Sum of the adjustments.' })
  adjusted!: Decimal | null;

  @Field(() => Decimal, {
    nullable: true,
    description:
      'What else is in the quantity: what earlier periods left in the balance (rounding, a provisional quantity, more billed than was due), rounding now, or an edit by hand.',
  })
  rest!: Decimal | null;
}

@Resolver(() => InvoiceLineTrace)
export class InvoiceLineTraceResolver {
  @Authorized('usage:read', 'billing:read')
  @Query(() => InvoiceLineTrace, {
    nullable: true,
    description:
      'What a line of an Odoo invoice is made of, back to the usage records. Scopes usage:read and billing:read.',
  })
  traceInvoiceLine(
    @Context() ctx: Ctx,
    @Arg('odooId', () => Int, { description: "Odoo's id of the invoice line (account.move.line)." }) odooId: number,
  ): Promise<Trace> {
    return traceInvoiceLine(ctx, odooId);
  }

  @FieldResolver(() => TracedRecordConnection, {
    description: 'The usage records behind it, in the order of time. Empty without a settlement.',
  })
  async records(
    @Root() { source }: Trace,
    @Context() ctx: Ctx,
    @Args(() => PageArguments) page: PageArguments,
  ): Promise<Connection<Traced>> {
    return toConnection(source === null ? null : await tracedRecords(ctx, source, page));
  }
}

@Resolver(() => TracedWorth)
export class TracedWorthsResolver {
  @FieldResolver(() => BillingPeriod, { description: 'The period.' })
  period(@Root() { periodId }: Worth, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(periodId);
  }

  @FieldResolver(() => Charge, { description: 'What was charged.' })
  charge(@Root() { chargeId }: Worth, @Context() ctx: Ctx): Promise<Charge | null> {
    return chargeById(ctx).load(chargeId);
  }
}

@Resolver(() => TracedRecord)
export class TracedRecordsResolver {
  @FieldResolver(() => BillingPeriod, { description: 'The period it counts in.' })
  period(@Root() { periodId }: Traced, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(periodId);
  }

  @FieldResolver(() => Charge, { nullable: true, description: 'The charge that rated it there; null when none did.' })
  async charge(@Root() { chargeId }: Traced, @Context() ctx: Ctx): Promise<Charge | null> {
    return chargeId === null ? null : chargeById(ctx).load(chargeId);
  }
}
