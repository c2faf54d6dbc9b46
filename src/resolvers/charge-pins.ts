/** Pinned charges in GraphQL. */
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
import { Charge } from '../entities/charge';
import { ChargePin } from '../entities/charge-pin';
import { Contract } from '../entities/contract';
import { Metric } from '../entities/metric';
import { pinCharge, unpinCharge } from '../services/charge-pins';
import { chargeById, metricById, pinsByContractId } from './loaders';

@InputType({ description: 'The charge that is to rate its metric on a contract.' })
export class PinChargeInput {
  @Field(() => ID, { description: 'Our id of the contract.' })
  contractId!: string;

  @Field(() => ID, {
    description:
      "Id of the charge, in any of its versions: in use, its product on the contract's order, not bound elsewhere.",
  })
  chargeId!: string;

  @Field(() => String, { description: 'Why, 1 to 500 characters.' })
  reason!: string;
}

@InputType({ description: 'The charge whose pin is to be taken off.' })
export class UnpinChargeInput {
  @Field(() => ID, { description: 'Our id of the contract.' })
  contractId!: string;

  @Field(() => ID, { description: 'Id of the charge that was pinned.' })
  chargeId!: string;

  @Field(() => String, { description: 'Why, 1 to 500 characters.' })
  reason!: string;
}

@ObjectType({ description: 'The decision.' })
export class PinChargePayload {
  @Field(() => ChargePin, { description: 'The pin that holds now.' })
  pin!: ChargePin;
}

@ObjectType({ description: 'The decision.' })
export class UnpinChargePayload {
  @Field(() => ChargePin, { description: 'The decision that none is pinned any more.' })
  pin!: ChargePin;
}

@Resolver(() => ChargePin)
export class ChargePinsResolver {
  @Authorized('billing:run')
  @Mutation(() => PinChargePayload, {
    nullable: true,
    description:
      'Decides which charge rates a metric of a contract where several fit equally well, which blocks it otherwise (AMBIGUOUS_CHARGE). The pin holds for all versions of the charge. What is rated stays; a period that closed while several fitted is rated now. Pinning the pinned one again changes nothing. Scope billing:run.',
  })
  pinCharge(
    @Context() ctx: Ctx,
    @Arg('input', () => PinChargeInput, { description: 'The contract, the charge, and why.' }) input: PinChargeInput,
  ): Promise<PinChargePayload> {
    return pinCharge(ctx, input);
  }

  @Authorized('billing:run')
  @Mutation(() => UnpinChargePayload, {
    nullable: true,
    description:
      'Takes the pin off a charge: where several fit, the contract is blocked again. What is rated stays. Scope billing:run.',
  })
  unpinCharge(
    @Context() ctx: Ctx,
    @Arg('input', () => UnpinChargeInput, { description: 'The contract, the charge, and why.' })
    input: UnpinChargeInput,
  ): Promise<UnpinChargePayload> {
    return unpinCharge(ctx, input);
  }

  @FieldResolver(() => Metric, { description: 'What is rated.' })
  metric(@Root() pin: ChargePin, @Context() ctx: Ctx): Promise<Metric | null> {
    return metricById(ctx).load(pin.metricId);
  }

  @FieldResolver(() => Charge, { nullable: true, description: 'What rates it; null once the pin was taken off.' })
  async charge(@Root() pin: ChargePin, @Context() ctx: Ctx): Promise<Charge | null> {
    return pin.chargeId === null ? null : chargeById(ctx).load(pin.chargeId);
  }
}

@Resolver(() => Contract)
export class PinnedContractsResolver {
  @FieldResolver(() => [ChargePin], {
    description: 'Charges that people have pinned on it, the oldest decision first.',
  })
  async chargePins(@Root() contract: Contract, @Context() ctx: Ctx): Promise<ChargePin[]> {
    return (await pinsByContractId(ctx).load(contract.id)) ?? [];
  }
}
