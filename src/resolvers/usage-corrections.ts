/** Correcting usage in GraphQL: voids and replacements, one by one and in batches. */
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Authorized, Ctx as Context, Field, Info, InputType, Mutation, Resolver } from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import type { ReplacementInput, VoidInput } from '../domain/usage-correction';
import { replaceUsage, replaceUsageBatch, voidUsage, voidUsageBatch } from '../services/usage-corrections';
import { batchPayload } from './batch-payload';
import { selects } from './selection';
import { RecordUsageBatchPayload, ReplaceUsagePayload, VoidUsagePayload } from './usage-payloads';

const SERVICE = 'Service code; needed only with a key of the whole installation.';
const KEY = 'The key of the correction itself, 1 to 200 characters, from the same keys as those of records.';
const TARGET = 'Idempotency key of the record, or of an earlier replacement of it.';
const REASON = 'Why, for people; 1 to 500 characters, kept for ever.';

@InputType({ description: 'A record to take out of the count.' })
export class VoidUsageInput implements VoidInput {
  @Field(() => String, { nullable: true, description: SERVICE })
  service?: string | null;

  @Field(() => String, { description: KEY })
  idempotencyKey!: string;

  @Field(() => String, { description: TARGET })
  voids!: string;

  @Field(() => String, { description: REASON })
  reason!: string;
}

@InputType({ description: 'A record to give another quantity; where and when it counts stays.' })
export class ReplaceUsageInput implements ReplacementInput {
  @Field(() => String, { nullable: true, description: SERVICE })
  service?: string | null;

  @Field(() => String, { description: KEY })
  idempotencyKey!: string;

  @Field(() => String, { description: TARGET })
  replaces!: string;

  @Field(() => Decimal, { description: 'What it counts from now on, by the rules of a record of the metric.' })
  quantity!: string;

  @Field(() => String, { description: REASON })
  reason!: string;
}

@InputType({ description: 'Records to take out of the count together.' })
export class VoidUsageBatchInput {
  @Field(() => [VoidUsageInput], { description: 'At most 1,000 voids, applied in their order.' })
  voids!: VoidUsageInput[];
}

@InputType({ description: 'Records to give other quantities together.' })
export class ReplaceUsageBatchInput {
  @Field(() => [ReplaceUsageInput], { description: 'At most 1,000 replacements, applied in their order.' })
  replacements!: ReplaceUsageInput[];
}

@Resolver()
export class UsageCorrectionsResolver {
  @Authorized('usage:write')
  @Mutation(() => VoidUsagePayload, {
    nullable: true,
    description:
      'Takes a record out of the count at the instant it counted at; it stays in the ledger and keeps its key, so that sending it again revives nothing. Applies to what the record is now, replaced or not; CONFLICT when it is voided already, or when another correction of it came at the same time. Scope usage:write.',
  })
  voidUsage(
    @Context() ctx: Ctx,
    @Arg('input', () => VoidUsageInput, { description: 'The record to take out.' }) input: VoidUsageInput,
  ): Promise<VoidUsagePayload> {
    return voidUsage(ctx, input);
  }

  @Authorized('usage:write')
  @Mutation(() => ReplaceUsagePayload, {
    nullable: true,
    description:
      'Gives a record another quantity at the instant it counted at; in a closed period the difference enters the balance. Applies to what the record is now, so a later replacement takes the place of an earlier one; CONFLICT, with both keys, when another correction came at the same time, and when the record is voided. Scope usage:write.',
  })
  replaceUsage(
    @Context() ctx: Ctx,
    @Arg('input', () => ReplaceUsageInput, { description: 'The record and its quantity.' }) input: ReplaceUsageInput,
  ): Promise<ReplaceUsagePayload> {
    return replaceUsage(ctx, input);
  }

  @Authorized('usage:write')
  @Mutation(() => RecordUsageBatchPayload, {
    nullable: true,
    description:
      'Voids up to 1,000 records in one transaction. Good ones are kept whatever becomes of their neighbours; sending all again is harmless. Scope usage:write.',
  })
  async voidUsageBatch(
    @Context() ctx: Ctx,
    @Arg('input', () => VoidUsageBatchInput, { description: 'The voids.' }) { voids }: VoidUsageBatchInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<RecordUsageBatchPayload> {
    const withResults = selects(info, 'results');
    return batchPayload(ctx, info, await voidUsageBatch(ctx, voids, { withResults }));
  }

  @Authorized('usage:write')
  @Mutation(() => RecordUsageBatchPayload, {
    nullable: true,
    description:
      'Replaces up to 1,000 quantities in one transaction. Good ones are kept whatever becomes of their neighbours; sending all again is harmless. Scope usage:write.',
  })
  async replaceUsageBatch(
    @Context() ctx: Ctx,
    @Arg('input', () => ReplaceUsageBatchInput, { description: 'The replacements.' })
    { replacements }: ReplaceUsageBatchInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<RecordUsageBatchPayload> {
    const withResults = selects(info, 'results');
    return batchPayload(ctx, info, await replaceUsageBatch(ctx, replacements, { withResults }));
  }
}
