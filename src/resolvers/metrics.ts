/** Metrics in GraphQL. */
import {
  Arg,
  Args,
  ArgsType,
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
import { Charge } from '../entities/charge';
import {
  Aggregation,
  CounterSemantics,
  ExpectedWindows,
  Metric,
  MetricRounding,
  RoundingMode,
} from '../entities/metric';
import { Service } from '../entities/service';
import { archiveMetric, createMetric, listMetrics, updateMetric } from '../services/catalog-metrics';
import { ARCHIVED_FILTER, connectionType, PageArguments, toConnection, type Connection } from './connection';
import { chargesByMetricId, serviceById } from './loaders';

const MetricConnection = connectionType(Metric, 'Metric');

const SIGNED = 'Whether quantities may be negative.';
const RECURRING =
  'Whether each period goes on from where the one before ended: what was added stays, what is present stays, the level stays.';
const UNIQUE_BY =
  'The dimension whose different values are counted, 1 to 100 characters; needed for UNIQUE_COUNT and for nothing else.';
const EXPECTS = 'What its series are expected to cover without a hole;';
const ROUNDING = 'What becomes of the units of a period before they are priced, once for each bucket of a charge.';

@InputType({ description: 'What becomes of the units of a period before they are priced.' })
export class MetricRoundingInput {
  @Field(() => RoundingMode, { description: 'Which way.' })
  mode!: RoundingMode;

  @Field(() => Int, {
    defaultValue: 0,
    description: 'Digits kept after the point, -12 to 12; a negative number clears digits before it.',
  })
  places!: number;
}

@InputType({ description: 'A metric to make.' })
export class CreateMetricInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => String, {
    description:
      'Unique within the service, never changed: 1 to 100 letters, digits, `_`, `.` and `-`, a letter or digit first.',
  })
  code!: string;

  @Field(() => String, { description: 'For people, 1 to 200 characters.' })
  name!: string;

  @Field(() => String, { description: 'Printed after quantities, 1 to 50 characters: "request", "GB".' })
  unit!: string;

  @Field(() => Aggregation, { description: 'How the quantities of a period become one.' })
  aggregation!: Aggregation;

  @Field(() => CounterSemantics, {
    defaultValue: CounterSemantics.DELTA,
    description: "What a record's quantity means; each aggregation goes with some of them.",
  })
  semantics!: CounterSemantics;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Whether records tell how many events stand behind their quantity (`events`), as prices with a part for each event need. Never changed.',
  })
  perEvent!: boolean;

  @Field(() => Boolean, { defaultValue: false, description: `${SIGNED} Not for CUMULATIVE and UNIQUE_COUNT.` })
  signed!: boolean;

  @Field(() => Boolean, {
    nullable: true,
    description: `${RECURRING} For SUM, UNIQUE_COUNT and WEIGHTED_SUM. Left out: true for WEIGHTED_SUM, else false.`,
  })
  recurring?: boolean | null;

  @Field(() => String, { nullable: true, description: UNIQUE_BY })
  uniqueBy?: string | null;

  @Field(() => MetricRoundingInput, { nullable: true, description: ROUNDING })
  rounding?: MetricRoundingInput | null;

  @Field(() => ExpectedWindows, { nullable: true, description: `${EXPECTS} left out: nothing is expected.` })
  expects?: ExpectedWindows | null;
}

@InputType({
  description:
    'What to change of a metric; what is left out stays as it is, and only `expects` can be cleared. Its code never changes.',
})
export class UpdateMetricInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => String, { description: 'Code of the metric.' })
  metric!: string;

  @Field(() => String, { nullable: true, description: 'For people, 1 to 200 characters.' })
  name?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Printed after quantities, 1 to 50 characters. A label: the quantities recorded stay as they are.',
  })
  unit?: string | null;

  @Field(() => Aggregation, {
    nullable: true,
    description: 'How the quantities of a period become one; fixed once there is usage of the metric.',
  })
  aggregation?: Aggregation | null;

  @Field(() => CounterSemantics, {
    nullable: true,
    description: "What a record's quantity means; fixed once there is usage of the metric.",
  })
  semantics?: CounterSemantics | null;

  @Field(() => Boolean, { nullable: true, description: `${SIGNED} Fixed once there is usage of the metric.` })
  signed?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: `${RECURRING} Fixed once there is usage of the metric.` })
  recurring?: boolean | null;

  @Field(() => String, { nullable: true, description: `${UNIQUE_BY} Fixed once there is usage of the metric.` })
  uniqueBy?: string | null;

  @Field(() => MetricRoundingInput, {
    nullable: true,
    description: `${ROUNDING} Fixed once there is usage of the metric.`,
  })
  rounding?: MetricRoundingInput | null;

  @Field(() => ExpectedWindows, {
    nullable: true,
    description: `${EXPECTS} null: nothing any more. May change at any time, and holds for periods that are not closed yet.`,
  })
  expects?: ExpectedWindows | null;
}

@InputType({ description: 'The metric to take out of use.' })
export class ArchiveMetricInput {
  @Field(() => String, {
    nullable: true,
    description: 'Service code; needed only with a key of the whole installation.',
  })
  service?: string | null;

  @Field(() => String, { description: 'Code of the metric.' })
  metric!: string;
}

@ObjectType({ description: 'The metric made.' })
export class CreateMetricPayload {
  @Field(() => Metric, { description: 'The metric made.' })
  metric!: Metric;
}

@ObjectType({ description: 'The metric changed.' })
export class UpdateMetricPayload {
  @Field(() => Metric, { description: 'The metric as it stands now.' })
  metric!: Metric;
}

@ObjectType({ description: 'The metric taken out of use.' })
export class ArchiveMetricPayload {
  @Field(() => Metric, { description: 'The metric as it stands now.' })
  metric!: Metric;
}

@ArgsType()
export class MetricsArguments extends PageArguments {
  @Field(() => String, { nullable: true, description: 'Code of the service whose metrics are wanted.' })
  service?: string | null;

  @Field(() => Boolean, { nullable: true, description: ARCHIVED_FILTER })
  archived?: boolean | null;
}

@Resolver(() => Metric)
export class MetricsResolver {
  @Authorized('catalog:read')
  @Query(() => MetricConnection, { description: 'Metrics, the oldest first. Scope catalog:read.' })
  async metrics(
    @Context() ctx: Ctx,
    @Args(() => MetricsArguments) filter: MetricsArguments,
  ): Promise<Connection<Metric>> {
    return toConnection(await listMetrics(ctx, filter, filter));
  }

  @Authorized('catalog:write')
  @Mutation(() => CreateMetricPayload, { nullable: true, description: 'Makes a metric. Scope catalog:write.' })
  createMetric(
    @Context() ctx: Ctx,
    @Arg('input', () => CreateMetricInput, { description: 'The metric to make.' }) input: CreateMetricInput,
  ): Promise<CreateMetricPayload> {
    return createMetric(ctx, input);
  }

  @Authorized('catalog:write')
  @Mutation(() => UpdateMetricPayload, {
    nullable: true,
    description:
      'Changes what is given of a metric. How it counts is fixed once there is usage of it: CONFLICT names the field. Scope catalog:write.',
  })
  updateMetric(
    @Context() ctx: Ctx,
    @Arg('input', () => UpdateMetricInput, { description: 'The metric, and what to change.' }) input: UpdateMetricInput,
  ): Promise<UpdateMetricPayload> {
    return updateMetric(ctx, input);
  }

  @Authorized('catalog:write')
  @Mutation(() => ArchiveMetricPayload, {
    nullable: true,
    description:
      'Takes a metric out of use, once no charge of it is in use. It stays readable and keeps its code; usage that counts before now is still taken, later usage is refused with CONFLICT. Archiving it again changes nothing. Scope catalog:write.',
  })
  archiveMetric(
    @Context() ctx: Ctx,
    @Arg('input', () => ArchiveMetricInput, { description: 'The metric.' }) input: ArchiveMetricInput,
  ): Promise<ArchiveMetricPayload> {
    return archiveMetric(ctx, input);
  }

  @FieldResolver(() => MetricRounding, {
    nullable: true,
    description: 'What becomes of the units of a period before they are priced; null: nothing.',
  })
  rounding(@Root() { roundingMode: mode, roundingPlaces: places }: Metric): MetricRounding | null {
    return mode === null || places === null ? null : { mode, places };
  }

  @FieldResolver(() => Service, { description: 'The service that counts it.' })
  service(@Root() metric: Metric, @Context() ctx: Ctx): Promise<Service | null> {
    return serviceById(ctx).load(metric.serviceId);
  }

  @FieldResolver(() => [Charge], {
    description: 'Its charges, the oldest first: one for each product that carries it.',
  })
  async charges(@Root() metric: Metric, @Context() ctx: Ctx): Promise<Charge[]> {
    return (await chargesByMetricId(ctx).load(metric.id)) ?? [];
  }
}
