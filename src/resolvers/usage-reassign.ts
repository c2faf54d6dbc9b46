/** Moving usage to another contract in GraphQL. */
import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Authorized, Ctx as Context, Field, ID, Info, InputType, Mutation, Resolver } from 'type-graphql';
import type { Ctx } from '../ctx';
import { type ReassignUsageInput as Reassigned, reassignUsage } from '../services/usage-reassign';
import { batchPayload } from './batch-payload';
import { selects } from './selection';
import { RecordUsageBatchPayload } from './usage-payloads';

@InputType({ description: 'A record to move.' })
export class ReassignedRecordInput {
  @Field(() => String, { description: 'Idempotency key of the record, or of a replacement of it.' })
  idempotencyKey!: string;
}

@InputType({ description: 'Records to count for another contract, named by its id or by a subscription of it.' })
export class ReassignUsageInput implements Reassigned {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => [ReassignedRecordInput], { description: '1 to 1,000 records.' })
  records!: ReassignedRecordInput[];

  @Field(() => ID, {
    nullable: true,
    description: 'Our id of the contract; leave it out when you name a subscription.',
  })
  contractId?: string | null;

  @Field(() => ID, { nullable: true, description: 'Our id of a subscription whose contract is meant.' })
  subscriptionId?: string | null;

  @Field(() => String, { description: 'Why, for people; 1 to 500 characters, kept for ever.' })
  reason!: string;
}

@Resolver()
export class UsageReassignResolver {
  @Authorized('billing:run')
  @Mutation(() => RecordUsageBatchPayload, {
    nullable: true,
    description:
      "Counts records for another contract of the company that pays for their account, from the instant they count at: both contracts' closed periods are rated again, and the difference enters both balances. The records stay as they were sent; `contract` shows where they count. RECORDED: it was moved now; DUPLICATE: it counts there already; REJECTED: NOT_FOUND for an unknown key and for a contract of another company, VALIDATION_FAILED for the key of a void, CONFLICT for a voided record, and where a meter would fall or windows of a series would overlap, on either side. One that is refused never spoils the others; sending all again is harmless. Scope billing:run.",
  })
  async reassignUsage(
    @Context() ctx: Ctx,
    @Arg('input', () => ReassignUsageInput, { description: 'The records and their contract.' })
    input: ReassignUsageInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<RecordUsageBatchPayload> {
    const withResults = selects(info, 'results');
    return batchPayload(ctx, info, await reassignUsage(ctx, input, { withResults }));
  }
}
