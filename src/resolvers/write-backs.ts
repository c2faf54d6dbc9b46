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
import { Contract } from '../entities/contract';
import { Product } from '../entities/product';
import { SubscriptionLine } from '../entities/subscription-line';
import { Decimal } from '../domain/decimal';
import { JsonObject } from '../entities/columns';
import { WriteBack, WriteBackKind, WriteBackState } from '../entities/write-back';
import { WriteBackAttempt } from '../entities/write-back-attempt';
import { type WriteBackOrder as WriteBackOrderName, writeBacks } from '../services/billing-lists';
import { retryWriteBack } from '../services/write-back-retry';
import {
  type Connection,
  connectionType,
  orderEnum,
  toConnection,
  type ListArguments,
  listArguments,
} from './connection';
import { ContractFilter } from './contract-filter';
import {
  attemptsByWriteBackId,
  contractById,
  periodById,
  productById,
  subscriptionLineById,
  writeBackById,
} from './loaders';
import { Problem } from './problem';

const WriteBackConnection = connectionType(WriteBack, 'WriteBack');

const WriteBackOrder = orderEnum<WriteBackOrderName>('WriteBackOrder', 'write-backs', {
  CREATED_AT_ASC: 'As the intents were made, the first one first.',
  CREATED_AT_DESC: 'As the intents were made, the newest first.',
});

@InputType({ description: 'Which write-backs; all conditions hold together.' })
export class WriteBackFilter extends ContractFilter {
  @Field(() => String, { nullable: true, description: "Code of a service: for its charges' products." })
  service?: string | null;

  @Field(() => ID, { nullable: true, description: 'For this period.' })
  periodId?: string | null;

  @Field(() => [WriteBackState], { nullable: true, description: 'In one of these states.' })
  states?: WriteBackState[] | null;

  @Field(() => [WriteBackKind], { nullable: true, description: 'Of one of these kinds.' })
  kinds?: WriteBackKind[] | null;

  @Field(() => Date, { nullable: true, description: 'Whose intent was made at this instant or later.' })
  createdFrom?: string | null;

  @Field(() => Date, { nullable: true, description: 'Whose intent was made before this instant.' })
  createdTo?: string | null;
}

const WriteBacksArguments = listArguments({
  filter: WriteBackFilter,
  description: 'Which write-backs; all when left out.',
  order: WriteBackOrder,
  byDefault: 'CREATED_AT_DESC',
});

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
  @Query(() => WriteBackConnection, { description: 'Write-backs. Scope billing:read.' })
  async writeBacks(
    @Context() ctx: Ctx,
    @Args(() => WriteBacksArguments) { filter, orderBy, ...page }: ListArguments<WriteBackFilter, WriteBackOrderName>,
  ): Promise<Connection<WriteBack>> {
    return toConnection(await writeBacks(ctx, filter ?? {}, { order: orderBy, page }));
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

  @FieldResolver(() => Contract, { nullable: true, description: 'Whose slot it sets.' })
  contract(@Root() writeBack: WriteBack, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(writeBack.contractId);
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

  @FieldResolver(() => [WriteBackAttempt], { description: 'Each attempt at it, the oldest first.' })
  async attemptLog(@Root() writeBack: WriteBack, @Context() ctx: Ctx): Promise<WriteBackAttempt[]> {
    return (await attemptsByWriteBackId(ctx).load(writeBack.id)) ?? [];
  }

  @FieldResolver(() => Problem, {
    nullable: true,
    description: "Odoo's last refusal or failure; null when there was none since.",
  })
  problem(@Root() writeBack: WriteBack): Problem | null {
    return writeBack.problem;
  }
}

@Resolver(() => WriteBackAttempt)
export class WriteBackAttemptsResolver {
  @FieldResolver(() => Decimal, {
    nullable: true,
    description: 'The delivered quantity as read back in the same call; null when nothing came back.',
  })
  readBack(@Root() { observed }: WriteBackAttempt): Decimal | null {
    const quantity = observed?.['deliveredQuantity'];
    return typeof quantity === 'string' ? new Decimal(quantity) : null;
  }

  @FieldResolver(() => JsonObject, {
    nullable: true,
    description:
      'All that was read back of the line and its order: quantities, price, states, next invoice date; null when nothing came back.',
  })
  observed(@Root() { observed }: WriteBackAttempt): Record<string, unknown> | null {
    return observed;
  }

  @FieldResolver(() => Problem, { nullable: true, description: "Odoo's refusal or failure; null when there was none." })
  problem(@Root() { problem }: WriteBackAttempt): Problem | null {
    return problem;
  }
}

@Resolver(() => RetryWriteBackPayload)
export class RetryWriteBackPayloadResolver {
  @FieldResolver()
  writeBack(@Root() payload: RetryWriteBackPayload, @Context() ctx: Ctx): Promise<WriteBack | null> {
    return writeBackById(ctx).load(payload.id);
  }
}
