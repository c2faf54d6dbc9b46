/** Recording and reading usage in GraphQL. */
import { strict as assert } from 'node:assert';
import type { GraphQLResolveInfo } from 'graphql';
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  FieldResolver,
  Info,
  Mutation,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { AccountLink } from '../entities/account-link';
import { Contract } from '../entities/contract';
import { Metric } from '../entities/metric';
import { type UnassignedReason as Reason, UsageRecord } from '../entities/usage-record';
import { acknowledgeUsage, recordUsage, recordUsageBatch } from '../services/usage-records';
import {
  correctionsByRecordIds,
  usageRecordByKey,
  type UsageRecordOrder as Order,
  usageRecords,
  type UsageRecordState,
  usageRecordStatesByIds,
} from '../services/usage-reads';
import { type Connection, connectionType, toConnection, type ListArguments, listArguments } from './connection';
import { accountLinkById, contractById, loader, metricById } from './loaders';
import { batchPayload, selectsOnlyId } from './batch-payload';
import { selects } from './selection';
import { RecordUsageBatchInput, RecordUsageInput, UsageRecordFilter, UsageRecordOrder } from './usage-inputs';
import { RecordUsageBatchPayload, RecordUsagePayload, UnassignedReason, UsageCorrection } from './usage-payloads';

const UsageRecordConnection = connectionType(UsageRecord, 'UsageRecord');

const UsageRecordsArguments = listArguments({
  filter: UsageRecordFilter,
  description: 'Which records are wanted.',
  order: UsageRecordOrder,
  byDefault: 'RECEIVED_AT_DESC',
  orderDescription:
    'The order of the records; those of one instant come in the order they were recorded, or its reverse.',
});

/** What became of a record since it was recorded, read once for all fields that tell it. */
const stateById = loader(usageRecordStatesByIds);
const correctionsByRecordId = loader(correctionsByRecordIds);

async function stateOf(ctx: Ctx, record: UsageRecord): Promise<UsageRecordState> {
  const state = await stateById(ctx).load(record.id);
  assert(state, 'a record that was read has a state');
  return state;
}

@Resolver(() => UsageRecord)
export class UsageRecordsResolver {
  @Authorized('usage:write')
  @Mutation(() => RecordUsagePayload, {
    nullable: true,
    description:
      'Records one counter; the answer leaves after the commit. The same key and content again: DUPLICATE, for ever; other content: IDEMPOTENCY_CONFLICT with the field and both values. Scope usage:write.',
  })
  async recordUsage(
    @Context() ctx: Ctx,
    @Arg('input', () => RecordUsageInput, { description: 'The counter.' }) input: RecordUsageInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<RecordUsagePayload> {
    if (!selectsOnlyId(info, ['record'])) return recordUsage(ctx, input);
    const { status, recordId } = await acknowledgeUsage(ctx, input);
    return { status, record: { id: recordId } };
  }

  @Authorized('usage:write')
  @Mutation(() => RecordUsageBatchPayload, {
    nullable: true,
    description:
      'Records up to 1,000 counters in one transaction. Good ones are kept whatever becomes of their neighbours; sending all again is harmless. Scope usage:write.',
  })
  async recordUsageBatch(
    @Context() ctx: Ctx,
    @Arg('input', () => RecordUsageBatchInput, { description: 'The counters.' }) { records }: RecordUsageBatchInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<RecordUsageBatchPayload> {
    const withResults = selects(info, 'results');
    return batchPayload(ctx, info, await recordUsageBatch(ctx, records, { withResults }));
  }

  @Authorized('usage:read')
  @Query(() => UsageRecord, {
    nullable: true,
    description: 'The record an idempotency key belongs to; null when there is none. Scope usage:read.',
  })
  usageRecord(
    @Context() ctx: Ctx,
    @Arg('idempotencyKey', () => String, { description: 'The key it was sent with.' }) idempotencyKey: string,
    @Arg('service', () => String, {
      nullable: true,
      description: 'Service code; needed only with a key of the whole installation.',
    })
    service: string | null = null,
  ): Promise<UsageRecord | null> {
    return usageRecordByKey(ctx, { service, idempotencyKey });
  }

  @Authorized('usage:read')
  @Query(() => UsageRecordConnection, {
    description: 'Records of the ledger, voided ones too. Scope usage:read.',
  })
  async usageRecords(
    @Context() ctx: Ctx,
    @Args(() => UsageRecordsArguments) { filter, orderBy, ...page }: ListArguments<UsageRecordFilter, Order>,
  ): Promise<Connection<UsageRecord>> {
    return toConnection(await usageRecords(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @FieldResolver(() => AccountLink, { description: 'The account it was counted for.' })
  accountLink(@Root() record: UsageRecord, @Context() ctx: Ctx): Promise<AccountLink | null> {
    return accountLinkById(ctx).load(record.accountLinkId);
  }

  @FieldResolver(() => Metric, { description: 'What was counted.' })
  metric(@Root() record: UsageRecord, @Context() ctx: Ctx): Promise<Metric | null> {
    return metricById(ctx).load(record.metricId);
  }

  @FieldResolver(() => Contract, {
    nullable: true,
    description: 'The contract it counts for; null while it has none.',
  })
  async contract(@Root() record: UsageRecord, @Context() ctx: Ctx): Promise<Contract | null> {
    const { contractId } = await stateOf(ctx, record);
    return contractId === null ? null : contractById(ctx).load(contractId);
  }

  @FieldResolver(() => UnassignedReason, {
    nullable: true,
    description: 'Why it had no contract when it was recorded; set exactly while it has none.',
  })
  async unassignedReason(@Root() record: UsageRecord, @Context() ctx: Ctx): Promise<Reason | null> {
    return (await stateOf(ctx, record)).unassignedReason;
  }

  @FieldResolver(() => Boolean, {
    description: 'A period boundary lies inside its window; it is counted whole at `countedAt`.',
  })
  async straddles(@Root() record: UsageRecord, @Context() ctx: Ctx): Promise<boolean> {
    return (await stateOf(ctx, record)).straddles;
  }

  @FieldResolver(() => Boolean, {
    description: 'It came, or found its contract, after its period had closed, and is in the balance.',
  })
  async late(@Root() record: UsageRecord, @Context() ctx: Ctx): Promise<boolean> {
    return (await stateOf(ctx, record)).late;
  }

  @FieldResolver(() => Decimal, {
    nullable: true,
    description: 'What it counts now: its quantity, or that of its newest replacement; null once it is voided.',
  })
  async effectiveQuantity(@Root() record: UsageRecord, @Context() ctx: Ctx): Promise<Decimal | null> {
    return (await stateOf(ctx, record)).effectiveQuantity;
  }

  @FieldResolver(() => [UsageCorrection], {
    description: 'Its replacements and its void, the first one first; at most 100.',
  })
  async corrections(@Root() record: UsageRecord, @Context() ctx: Ctx): Promise<UsageCorrection[]> {
    return (await correctionsByRecordId(ctx).load(record.id)) ?? [];
  }

  @FieldResolver(() => Date, {
    nullable: true,
    description: 'When it was taken out of the count; null while it counts.',
  })
  async voidedAt(@Root() record: UsageRecord, @Context() ctx: Ctx): Promise<Date | null> {
    return (await stateOf(ctx, record)).voidedAt;
  }
}
