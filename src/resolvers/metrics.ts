/** Metrics in GraphQL. */
import {
  Arg,
  Args,
  Authorized,
  Ctx as Context,
  Field,
  FieldResolver,
  InputType,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  Root,
} from 'type-graphql';
import type { Ctx } from '../ctx';
import { Charge } from '../entities/charge';
import { Aggregation, CounterSemantics, Metric } from '../entities/metric';
import { Service } from '../entities/service';
import { createMetric, listMetrics } from '../services/catalog-metrics';
import { connectionType, PageArguments, toConnection, type Connection } from './connection';
import { chargesByMetricId, serviceById } from './loaders';

const MetricConnection = connectionType(Metric, 'Metric');

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

  @Field(() => Aggregation, { description: 'How the quantities of a period become one: SUM or COUNT.' })
  aggregation!: Aggregation;

  @Field(() => CounterSemantics, {
    defaultValue: CounterSemantics.DELTA,
    description: "What a record's quantity means: DELTA.",
  })
  semantics!: CounterSemantics;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Whether records tell how many events stand behind their quantity (`events`), as prices with a part for each event need. Never changed.',
  })
  perEvent!: boolean;
}

@ObjectType({ description: 'The metric made.' })
export class CreateMetricPayload {
  @Field(() => Metric, { description: 'The metric made.' })
  metric!: Metric;
}

@Resolver(() => Metric)
export class MetricsResolver {
  @Authorized('catalog:read')
  @Query(() => MetricConnection, { description: 'Metrics, the oldest first. Scope catalog:read.' })
  async metrics(
    @Context() ctx: Ctx,
    @Args(() => PageArguments) page: PageArguments,
    @Arg('service', () => String, { nullable: true, description: 'Code of the service whose metrics are wanted.' })
    service: string | null = null,
  ): Promise<Connection<Metric>> {
    return toConnection(await listMetrics(ctx, service, page));
  }

  @Authorized('catalog:write')
  @Mutation(() => CreateMetricPayload, { nullable: true, description: 'Makes a metric. Scope catalog:write.' })
  createMetric(
    @Context() ctx: Ctx,
    @Arg('input', () => CreateMetricInput, { description: 'The metric to make.' }) input: CreateMetricInput,
  ): Promise<CreateMetricPayload> {
    return createMetric(ctx, input);
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
