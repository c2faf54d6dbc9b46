/** Pinned lines in GraphQL. */
import {
  Arg,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  Mutation,
  ObjectType,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Contract } from '../entities/contract';
import { LinePin } from '../entities/line-pin';
import { Product } from '../entities/product';
import { SubscriptionLine } from '../entities/subscription-line';
import { pinLine, unpinLine } from '../services/line-pins';
import { linePinsByContractId, productById, subscriptionLineById } from './loaders';

@InputType({ description: "The line that is to carry what is due on its product of a contract's order." })
export class PinLineInput {
  @Field(() => ID, { description: 'Our id of the contract.' })
  contractId!: string;

  @Field(() => ID, { description: "Our id of the line: on the contract's order, its product with a charge in sight." })
  lineId!: string;

  @Field(() => String, { description: 'Why, 1 to 500 characters.' })
  reason!: string;
}

@InputType({ description: 'The line whose pin is to be taken off.' })
export class UnpinLineInput {
  @Field(() => ID, { description: 'Our id of the contract.' })
  contractId!: string;

  @Field(() => ID, { description: 'Our id of the line that was pinned.' })
  lineId!: string;

  @Field(() => String, { description: 'Why, 1 to 500 characters.' })
  reason!: string;
}

@ObjectType({ description: 'The decision.' })
export class PinLinePayload {
  @Field(() => LinePin, { description: 'The pin that holds now.' })
  pin!: LinePin;
}

@ObjectType({ description: 'The decision.' })
export class UnpinLinePayload {
  @Field(() => LinePin, { description: 'The decision that none is pinned any more.' })
  pin!: LinePin;
}

@Resolver(() => LinePin)
export class LinePinsResolver {
  @Authorized('billing:run')
  @Mutation(() => PinLinePayload, {
    nullable: true,
    description:
      "Decides which line carries what is due on a product where several lines of a contract's order do, which blocks it otherwise (AMBIGUOUS_LINE). The other lines are emptied first, and until Odoo has confirmed that, the block stays; what they billed stays billed. The pin holds while the line is on the order with this product. Pinning the pinned one again changes nothing. Scope billing:run.",
  })
  pinLine(
    @Context() ctx: Ctx,
    @Arg('input', () => PinLineInput, { description: 'The contract, the line, and why.' }) input: PinLineInput,
  ): Promise<PinLinePayload> {
    return pinLine(ctx, input);
  }

  @Authorized('billing:run')
  @Mutation(() => UnpinLinePayload, {
    nullable: true,
    description:
      'Takes the pin off a line: where several carry the product, it is blocked again. What is billed stays. Scope billing:run.',
  })
  unpinLine(
    @Context() ctx: Ctx,
    @Arg('input', () => UnpinLineInput, { description: 'The contract, the line, and why.' }) input: UnpinLineInput,
  ): Promise<UnpinLinePayload> {
    return unpinLine(ctx, input);
  }

  @FieldResolver(() => Product, { description: 'What the line carries.' })
  product(@Root() pin: LinePin, @Context() ctx: Ctx): Promise<Product | null> {
    return productById(ctx).load(pin.productId);
  }

  @FieldResolver(() => SubscriptionLine, {
    nullable: true,
    description: 'What is due goes to its slot; null once the pin was taken off.',
  })
  async line(@Root() pin: LinePin, @Context() ctx: Ctx): Promise<SubscriptionLine | null> {
    return pin.subscriptionLineId === null ? null : subscriptionLineById(ctx).load(pin.subscriptionLineId);
  }
}

@Resolver(() => Contract)
export class LinePinnedContractsResolver {
  @FieldResolver(() => [LinePin], {
    description: 'Lines that people have pinned on it and that are on its order, the oldest decision first.',
  })
  async linePins(@Root() contract: Contract, @Context() ctx: Ctx): Promise<LinePin[]> {
    return (await linePinsByContractId(ctx).load(contract.id)) ?? [];
  }
}
