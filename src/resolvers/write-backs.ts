/** Write-backs in GraphQL: what was, or is to be, set in Odoo. */
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { BillingPeriod } from '../entities/billing-period';
import { Product } from '../entities/product';
import { SubscriptionLine } from '../entities/subscription-line';
import { WriteBack, WriteBackState } from '../entities/write-back';
import { writeBacks } from '../services/billing-reads';
import { retryWriteBack } from '../services/write-backs';
import { type Connection, PageArguments, connectionType, toConnection } from './connection';
import { periodById, productById, subscriptionLineById, writeBackById } from './loaders';
import { Problem } from './problem';

const WriteBackConnection = connectionType(WriteBack, 'WriteBack');

@InputType({ description: 'Which write-backs; all conditions hold together.' })
export class WriteBackFilter {
  @Field(() => ID, { nullable: true, description: 'Of this contract.' })
  contractId?: string | null;

  @Field(() => [WriteBackState], { nullable: true, description: 'In one of these states.' })
  states?: WriteBackState[] | null;
}

@InputType({ description: 'The blocked write-back to send again.' })
export class RetryWriteBackInput {
  @Field(() => ID, { description: 'Id of the write-back.' })
  id!: string;
}

@ObjectType({ description: 'The write-back that waits again.' })
export class RetryWriteBackPayload {
  id!: string;

  @Field(() => WriteBack, { nullable: true, description: 'The write-back as it stands now.' })
  writeBack?: WriteBack | null;
}

@Resolver(() => WriteBack)
export class WriteBacksResolver {
  @Authorized('billing:read')
  @Query(() => WriteBackConnection, { description: 'Write-backs, the newest first. Scope billing:read.' })
  async writeBacks(
    @Context() ctx: Ctx,
    @Args(() => PageArguments) page: PageArguments,
    @Arg('filter', () => WriteBackFilter, { nullable: true, description: 'Which write-backs; all when left out.' })
    filter?: WriteBackFilter | null,
  ): Promise<Connection<WriteBack>> {
    return toConnection(await writeBacks(ctx, filter ?? {}, page));
  }

  @Authorized('billing:run')
  @Mutation(() => RetryWriteBackPayload, {
    nullable: true,
    description: 'Sends a blocked write-back again, once a person has mended the cause. Scope billing:run.',
  })
  retryWriteBack(
    @Context() ctx: Ctx,
    @Arg('input', () => RetryWriteBackInput, { description: 'Which one.' }) input: RetryWriteBackInput,
  ): Promise<RetryWriteBackPayload> {
    return retryWriteBack(ctx, input);
  }

  @FieldResolver(() => BillingPeriod, {
    description: 'The period it is for; of an EMPTY one, the period that was open or had been invoiced.',
  })
  period(@Root() writeBack: WriteBack, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(writeBack.periodId);
  }

  @FieldResolver(() => SubscriptionLine, { nullable: true, description: 'The Odoo line it sets.' })
  line(@Root() writeBack: WriteBack, @Context() ctx: Ctx): Promise<SubscriptionLine | null> {
    return subscriptionLineById(ctx).load(writeBack.subscriptionLineId);
  }

  @FieldResolver(() => Product, { nullable: true, description: 'The product whose balance it takes up.' })
  product(@Root() writeBack: WriteBack, @Context() ctx: Ctx): Promise<Product | null> {
    return productById(ctx).load(writeBack.productId);
  }

  @FieldResolver(() => Problem, {
    nullable: true,
    description: "Odoo's last refusal or failure; null when there was none since.",
  })
  problem(@Root() writeBack: WriteBack): Problem | null {
    return writeBack.problem;
  }
}

@Resolver(() => RetryWriteBackPayload)
export class RetryWriteBackPayloadResolver {
  @FieldResolver()
  writeBack(@Root() payload: RetryWriteBackPayload, @Context() ctx: Ctx): Promise<WriteBack | null> {
    return writeBackById(ctx).load(payload.id);
  }
}
