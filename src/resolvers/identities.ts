/** The identities in GraphQL: the proof that nothing was counted twice and nothing lost. */
import {
  Arg,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  ID,
  InputType,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Decimal } from '../domain/decimal';
import { AccountLink } from '../entities/account-link';
import { BillingPeriod } from '../entities/billing-period';
import { Contract } from '../entities/contract';
import { Metric } from '../entities/metric';
import { Product } from '../entities/product';
import { type Identities as AllIdentities, type RecordsIdentity as Records, identities } from '../services/identities';
import type { MoneyIdentity as Money } from '../services/identity-of-money';
import type { UnitsIdentity as Units } from '../services/identity-of-units';
import { accountLinkById, contractById, metricById, periodById, productById } from './loaders';

@InputType({ description: 'What to prove; everything in sight when empty.' })
export class IdentityFilter {
  @Field(() => String, { nullable: true, description: 'Of this service, by code.' })
  service?: string | null;

  @Field(() => String, { nullable: true, description: "Of this account, by the service's own id." })
  account?: string | null;

  @Field(() => ID, { nullable: true, description: 'Of this contract.' })
  contractId?: string | null;
}

@ObjectType({
  description:
    'Counts of the records of one account and metric: accepted = effective + superseded + voided; effective = inPeriod + unassigned + beforeBilling + afterEnd.',
})
export class RecordsIdentity {
  @Field(() => Int, { description: 'Usage records in the ledger.' })
  accepted!: number;

  @Field(() => Int, { description: 'Of them, those that count now.' })
  effective!: number;

  @Field(() => Int, { description: 'Of them, those that a later send replaced.' })
  superseded!: number;

  @Field(() => Int, { description: 'Of them, those that were voided.' })
  voided!: number;

  @Field(() => Int, { description: 'Of the effective ones, those counted in a billing period.' })
  inPeriod!: number;

  @Field(() => Int, { description: 'Of the effective ones, those without a contract yet.' })
  unassigned!: number;

  @Field(() => Int, {
    description: 'Of the effective ones, those counted before the first period: kept, never billed.',
  })
  beforeBilling!: number;

  @Field(() => Int, {
    description: 'Of the effective ones, those counted after the newest period: the next one takes them.',
  })
  afterEnd!: number;

  @Field(() => Int, { description: 'What does not add up; 0, or somebody is called.' })
  difference!: number;
}

@ObjectType({ description: 'Units of one metric in one closed period: aggregated = charged + unpriced.' })
export class UnitsIdentity {
  @Field(() => Decimal, { description: 'The aggregation of the effective records, by the pure function.' })
  aggregated!: Decimal;

  @Field(() => Decimal, { description: 'Units of the charges.' })
  charged!: Decimal;

  @Field(() => Decimal, { description: 'Units that no charge prices; above 0 somebody is called.' })
  unpriced!: Decimal;

  @Field(() => Decimal, { description: 'What does not add up; 0, or somebody is called.' })
  difference!: Decimal;
}

@ObjectType({
  description:
    'What one product of a contract is worth: truth of closed periods + passed = billed + waived + settled + balance.',
})
export class MoneyIdentity {
  @Field(() => Decimal, { description: 'What the closed periods that Odoo bills are worth.' })
  truth!: Decimal;

  @Field(() => Decimal, { description: "Quantities of Odoo's posted invoice lines for them, from the mirror." })
  billed!: Decimal;

  @Field(() => Decimal, { description: 'What a person let go, by name, and what was written off.' })
  waived!: Decimal;

  @Field(() => Decimal, { description: 'What a person invoiced or credited in Odoo apart from the line.' })
  settled!: Decimal;

  @Field(() => Decimal, { description: 'What came from other products, less what went to them.' })
  passed!: Decimal;

  @Field(() => Decimal, { description: 'What is still due.' })
  balance!: Decimal;

  @Field(() => Decimal, { description: 'What does not add up; 0, or somebody is called.' })
  difference!: Decimal;
}

@ObjectType({ description: 'The identities that prove nothing was counted twice and nothing lost.' })
export class Identities {
  @Field(() => Date, { description: 'The instant they were worked out at.' })
  asOf!: Date;

  @Field(() => Boolean, { description: 'Every difference is 0 and nothing is unpriced.' })
  holds!: boolean;

  @Field(() => Int, {
    description: 'How many rows were worked out; each list below carries at most 1,000, those that do not hold first.',
  })
  checked!: number;

  @Field(() => [RecordsIdentity], { description: 'By account and metric.' })
  records!: RecordsIdentity[];

  @Field(() => [UnitsIdentity], {
    description: 'By closed period and metric; periods that wait for a new rating are left out.',
  })
  units!: UnitsIdentity[];

  @Field(() => [MoneyIdentity], { description: 'By contract and product.' })
  money!: MoneyIdentity[];
}

@Resolver(() => Identities)
export class IdentitiesResolver {
  @Authorized('billing:read')
  @Query(() => Identities, {
    nullable: true,
    description: 'The three identities of nothing counted twice, nothing lost. Scope billing:read.',
  })
  identities(
    @Context() ctx: Ctx,
    @Arg('filter', () => IdentityFilter, {
      nullable: true,
      description: 'What to prove; everything in sight when left out.',
    })
    filter?: IdentityFilter | null,
  ): Promise<AllIdentities> {
    return identities(ctx, filter ?? {});
  }
}

@Resolver(() => RecordsIdentity)
export class RecordsIdentitiesResolver {
  @FieldResolver(() => AccountLink, { nullable: true, description: 'The account.' })
  accountLink(@Root() row: Records, @Context() ctx: Ctx): Promise<AccountLink | null> {
    return accountLinkById(ctx).load(row.accountLinkId);
  }

  @FieldResolver(() => Metric, { nullable: true, description: 'The metric.' })
  metric(@Root() row: Records, @Context() ctx: Ctx): Promise<Metric | null> {
    return metricById(ctx).load(row.metricId);
  }
}

@Resolver(() => UnitsIdentity)
export class UnitsIdentitiesResolver {
  @FieldResolver(() => BillingPeriod, { nullable: true, description: 'The closed period.' })
  period(@Root() row: Units, @Context() ctx: Ctx): Promise<BillingPeriod | null> {
    return periodById(ctx).load(row.periodId);
  }

  @FieldResolver(() => Metric, { nullable: true, description: 'The metric.' })
  metric(@Root() row: Units, @Context() ctx: Ctx): Promise<Metric | null> {
    return metricById(ctx).load(row.metricId);
  }
}

@Resolver(() => MoneyIdentity)
export class MoneyIdentitiesResolver {
  @FieldResolver(() => Contract, { nullable: true, description: 'The contract.' })
  contract(@Root() row: Money, @Context() ctx: Ctx): Promise<Contract | null> {
    return contractById(ctx).load(row.contractId);
  }

  @FieldResolver(() => Product, { nullable: true, description: 'The product.' })
  product(@Root() row: Money, @Context() ctx: Ctx): Promise<Product | null> {
    return productById(ctx).load(row.productId);
  }
}
