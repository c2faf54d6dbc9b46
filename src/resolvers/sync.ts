/** The mirror's state in GraphQL, and asking for a reading now. */
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { MirrorModel, SyncRun } from '../entities/sync-run';
import { syncNow } from '../services/mirror';
import {
  listSyncRuns,
  syncStatus,
  type ModelStatus,
  type SyncRunOrder as SyncRunOrderName,
  type SyncStatus as Status,
} from '../services/mirror-status';
import { pageOfArray } from '../services/page';
import {
  connectionType,
  orderEnum,
  PageArguments,
  toConnection,
  type Connection,
  type ListArguments,
  listArguments,
} from './connection';
import { Problem } from './problem';

const SyncRunConnection = connectionType(SyncRun, 'SyncRun');
const ProblemConnection = connectionType(Problem, 'Problem');

const SyncRunOrder = orderEnum<SyncRunOrderName>('SyncRunOrder', 'readings of Odoo', {
  REQUESTED_AT_ASC: 'As they were asked for, the first one first.',
  REQUESTED_AT_DESC: 'As they were asked for, the newest first.',
});

@InputType({ description: 'Which readings are wanted; what is left out does not narrow.' })
export class SyncRunFilter {
  @Field(() => [MirrorModel], { nullable: true, description: 'Of one of these kinds of records.' })
  models?: MirrorModel[] | null;

  @Field(() => Boolean, { nullable: true, description: 'Only those that read everything, or only the others.' })
  full?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Only those that ended early, or only the others.' })
  failed?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: 'Only those that set records aside, or only the others.' })
  setAside?: boolean | null;

  @Field(() => Date, { nullable: true, description: 'Asked for at this instant or later.' })
  from?: string | null;

  @Field(() => Date, { nullable: true, description: 'Asked for before this instant.' })
  to?: string | null;
}

const SyncRunsArguments = listArguments({
  filter: SyncRunFilter,
  description: 'Which readings are wanted.',
  order: SyncRunOrder,
  byDefault: 'REQUESTED_AT_DESC',
});

@ObjectType({ description: 'How the mirror of one kind of record stands.' })
class MirrorStatus implements ModelStatus {
  @Field(() => MirrorModel, { description: 'The kind of record.' })
  model!: MirrorModel;

  @Field(() => Date, {
    nullable: true,
    description: 'Every row of it equals Odoo as of this instant, or a later one; null before the first reading.',
  })
  asOf!: Date | null;

  @Field(() => SyncRun, { nullable: true, description: 'The newest reading that has begun; null before the first.' })
  lastRun!: SyncRun | null;

  @Field(() => Boolean, { description: 'Whether it is being read now.' })
  running!: boolean;
}

@ObjectType({ description: "How the mirror stands against Odoo, by Odoo's clock." })
class SyncStatus implements Status {
  @Field(() => Date, {
    nullable: true,
    description:
      'Every mirrored row equals Odoo as of this instant, or a later one; null until all has been read once.',
  })
  asOf!: Date | null;

  @Field(() => Boolean, { description: 'Whether Odoo answered when it was last asked.' })
  odooReachable!: boolean;

  @Field(() => [MirrorStatus], { description: 'One for each kind of record, in the order of reading.' })
  models!: MirrorStatus[];
}

@InputType({ description: 'What to read from Odoo.' })
export class SyncNowInput {
  @Field(() => [MirrorModel], { nullable: true, description: 'The kinds of records to read; all when not given.' })
  models?: MirrorModel[] | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description: 'Read and compare everything, and notice what is gone, instead of what changed.',
  })
  full!: boolean;
}

@ObjectType({ description: 'The readings asked for.' })
class SyncNowPayload {
  @Field(() => [SyncRun], { description: 'One for each kind of record, queued; `syncStatus` shows how they end.' })
  runs!: SyncRun[];
}

@Resolver(() => SyncRun)
export class SyncResolver {
  @Authorized('billing:read')
  @Query(() => SyncStatus, { description: 'How fresh the mirror of Odoo is. Scope billing:read.' })
  syncStatus(@Context() ctx: Ctx): Promise<Status> {
    return syncStatus(ctx);
  }

  @Authorized('billing:read')
  @Query(() => SyncRunConnection, {
    description:
      'Readings of Odoo, kept for 30 days. Only a key of the whole installation sees why one failed and what was set aside. Scope billing:read.',
  })
  async syncRuns(
    @Context() ctx: Ctx,
    @Args(() => SyncRunsArguments) { filter, orderBy, ...page }: ListArguments<SyncRunFilter, SyncRunOrderName>,
  ): Promise<Connection<SyncRun>> {
    return toConnection(await listSyncRuns(ctx, filter ?? {}, { order: orderBy, page }));
  }

  @Authorized('billing:run')
  @Mutation(() => SyncNowPayload, {
    nullable: true,
    description: 'Queue a reading of Odoo now instead of within the minute. Scope billing:run.',
  })
  syncNow(
    @Context() ctx: Ctx,
    @Arg('input', () => SyncNowInput, { description: 'What to read.' }) input: SyncNowInput,
  ): Promise<{ runs: SyncRun[] }> {
    return syncNow(ctx, input);
  }

  @FieldResolver(() => [Problem], {
    deprecationReason: 'Use `setAside`, which comes in pages.',
    description:
      'Records set aside, with the reason; the rest went on, and they are tried again. Only for keys of the whole installation, else empty.',
  })
  problems(@Root() run: SyncRun): Problem[] {
    return run.problems;
  }

  @FieldResolver(() => Int, { description: 'How many records were set aside.' })
  setAsideCount(@Root() run: SyncRun): number {
    return run.setAsideCount ?? run.problems.length;
  }

  @FieldResolver(() => ProblemConnection, {
    description:
      'Records set aside, with the reason; the rest went on, and they are tried again. Only for keys of the whole installation, else empty.',
  })
  setAside(@Root() run: SyncRun, @Args(() => PageArguments) page: PageArguments): Connection<Problem> {
    return toConnection(pageOfArray(run.problems, page));
  }
}
