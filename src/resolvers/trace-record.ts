/** Where a usage record went, in GraphQL. */
import {
  Arg,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ObjectType,
  Query,
  registerEnumType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Adjustment } from '../entities/adjustment';
import { BillableLine } from '../entities/billable-line';
import { BillingPeriod } from '../entities/billing-period';
import { Charge } from '../entities/charge';
import { Contract } from '../entities/contract';
import { SlotSettlement } from '../entities/slot-settlement';
import { UsageAssignment } from '../entities/usage-assignment';
import { UsageRecord } from '../entities/usage-record';
import { WriteBack } from '../entities/write-back';
import {
  type ContractReason as Reason,
  MAX_TRACED,
  type RecordOutcome as Outcome,
  type RecordTrace as Trace,
  traceRecord,
} from '../services/trace-record';
import { chargeById, contractById, periodById } from './loaders';
import { UsageCorrection } from './usage-payloads';

const RecordOutcome = {
  IN_PERIOD: 'IN_PERIOD',
  UNASSIGNED: 'UNASSIGNED',
  BEFORE_BILLING: 'BEFORE_BILLING',
  AFTER_END: 'AFTER_END',
  SUPERSEDED: 'SUPERSEDED',
  VOIDED: 'VOIDED',
} as const satisfies Record<Outcome, Outcome>;
registerEnumType(RecordOutcome, {
  name: 'RecordOutcome',
  description: 'What became of the record, or the correction, that a key names.',
  valuesConfig: {
    IN_PERIOD: { description: 'It counts in a billing period.' },
    UNASSIGNED: { description: 'It has no contract yet; `unassignedReason` of the record says why.' },
    BEFORE_BILLING: { description: "It counts before its contract's first period: kept, and never billed." },
    AFTER_END: { description: "It counts after its contract's newest period; the next one takes it when it opens." },
    SUPERSEDED: {
      description:
        'A replacement took its place, and the rest of the trace tells of that one; or a newer send for its window counts instead.',
    },
    VOIDED: { description: 'It was taken out of the count; the rest of the trace tells where it counted.' },
  },
});

const ContractReason = {
  NAMED: 'NAMED',
  PINNED_LINK: 'PINNED_LINK',
  ONLY_CONTRACT: 'ONLY_CONTRACT',
  ASSIGNED: 'ASSIGNED',
} as const satisfies Record<Reason, Reason>;
registerEnumType(ContractReason, {
  name: 'ContractReason',
  description: 'Why a record belongs to its contract.',
  valuesConfig: {
    NAMED: { description: 'The service named the subscription.' },
    PINNED_LINK: { description: 'The account link is pinned to it.' },
    ONLY_CONTRACT: {
      description:
        "It was the payer's only one with a product of the metric, or the link was pinned to it at that time.",
    },
    ASSIGNED: { description: 'It was given later: the last of `assignments` says by whom and why.' },
  },
});

@ObjectType({
  description:
    'Where a usage record went. Several records share a line, so the line tells what it is worth and how many records it is made of; no record has a share of its own.',
})
export class RecordTrace {
  contractId!: string | null;
  periodId!: string | null;
  chargeId!: string | null;

  @Field(() => UsageRecord, {
    description: 'The record, with its corrections; for the key of a correction the record that it corrects.',
  })
  record!: UsageRecord;

  @Field(() => UsageCorrection, {
    nullable: true,
    description: 'The correction that the key names; null when it names a record.',
  })
  correction!: UsageRecord | null;

  @Field(() => RecordOutcome, { description: 'What became of what the key names.' })
  outcome!: Outcome;

  @Field(() => ContractReason, { nullable: true, description: 'Why it belongs to its contract; null without one.' })
  contractReason!: Reason | null;

  @Field(() => [UsageAssignment], { description: 'Contracts it was given after it was recorded, the first one first.' })
  assignments!: UsageAssignment[];

  @Field(() => String, {
    nullable: true,
    description: 'The bucket of the charge that it falls into; empty for a charge without filters or groups.',
  })
  bucket!: string | null;

  @Field(() => [BillableLine], {
    description: `The revisions of the line in which it counts, the first one first, at most the newest ${MAX_TRACED}. Empty while its period is open: \`currentUsage\` has that line.`,
  })
  lines!: BillableLine[];

  @Field(() => [Adjustment], {
    description:
      'What the line changed by since the record, or a correction or assignment of it, came late. One of them took it up, perhaps with other late usage. Empty when nothing came late.',
  })
  adjustments!: Adjustment[];

  @Field(() => [WriteBack], {
    description: `What was written to Odoo for the line's product, in its period and in those that may have taken up an adjustment, the first one first; at most the newest ${MAX_TRACED}.`,
  })
  writeBacks!: WriteBack[];

  @Field(() => [SlotSettlement], {
    description: `What Odoo billed for these slots, with the invoice lines, the first one first; at most the newest ${MAX_TRACED}.`,
  })
  settlements!: SlotSettlement[];
}

@Resolver(() => RecordTrace)
export class RecordTraceResolver {
  @Authorized('usage:read', 'billing:read')
  @Query(() => RecordTrace, {
    nullable: true,
    description:
      'Where a usage record went: contract, period, rated line, adjustments, write-backs and invoice lines. Scopes usage:read and billing:read.',
  })
  traceRecord(
    @Context() ctx: Ctx,
    @Arg('idempotencyKey', () => String, { description: 'The key of the record, or of a correction of it.' })
    idempotencyKey: string,
    @Arg('service', () => String, {
      nullable: true,
      description: 'Service code; needed only with a key of the whole installation.',
    })
    service?: string | null,
  ): Promise<Trace> {
    return traceRecord(ctx, { service, idempotencyKey });
  }

  @FieldResolver(() => Contract, { nullable: true, description: 'The contract it belongs to; null while it has none.' })
  async contract(@Root() { contractId }: RecordTrace, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractId === null ? null : contractById(ctx).load(contractId);
  }

  @FieldResolver(() => BillingPeriod, {
    nullable: true,
    description: 'The period its instant lies in; null outside of every period.',
  })
  async period(@Root() { periodId }: RecordTrace, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodId === null ? null : periodById(ctx).load(periodId);
  }

  @FieldResolver(() => Charge, {
    nullable: true,
    description: 'The charge that rated it, or will when the period closes; null when none does: it is not priced.',
  })
  async charge(@Root() { chargeId }: RecordTrace, @Context() ctx: Ctx): Promise<Charge | null> {
    return chargeId === null ? null : chargeById(ctx).load(chargeId);
  }
}

@Resolver(() => UsageAssignment)
export class UsageAssignmentsResolver {
  @FieldResolver(() => Contract, { nullable: true, description: 'The contract it was given.' })
  contract(@Root() assignment: UsageAssignment, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(assignment.contractId);
  }
}
