/** Metrics: what a service counts. */
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { invalid, parseText } from '../domain/parse';
import { Aggregation, CounterSemantics, Metric } from '../entities/metric';
import { visibleServiceId, visibleServiceIdOrAll } from './access';
import { writeAudit } from './audit';
import { bumpCatalogVersion } from './catalog-version';
import { byId, fetchPage, type Page, type PageArgs } from './page';
import { inTransaction, violatedConstraint } from './transaction';

const OFFERED_AGGREGATIONS: ReadonlySet<Aggregation> = new Set([Aggregation.SUM, Aggregation.COUNT]);

export interface CreateMetricInput {
  service?: string | null;
  code: string;
  name: string;
  unit: string;
  aggregation: Aggregation;
  semantics: CounterSemantics;
  /** Whether records carry `events`; false when left out. */
  perEvent?: boolean;
}

/** @throws BillingError CONFLICT for a code that is taken, VALIDATION_FAILED for an aggregation or semantics not offered. */
export async function createMetric(ctx: Ctx, input: CreateMetricInput): Promise<{ metric: Metric }> {
  const values = parseMetric(input);
  const serviceId = await visibleServiceId(ctx, input.service);
  return inTransaction(ctx, async (tx) => {
    const metric = tx.create(Metric, { ...values, serviceId, createdAt: ctx.now, archivedAt: null });
    await tx.save(metric).catch(refuseTakenCode);
    await bumpCatalogVersion(tx, [serviceId]);
    await writeAudit(tx, ctx, {
      action: 'metric.created',
      subjectType: 'metric',
      subjectId: metric.id,
      serviceId,
      details: values,
    });
    return { metric };
  });
}

/** Metrics of a service, or all that the caller may see, the oldest first. */
export async function listMetrics(ctx: Ctx, service: string | null, page: PageArgs): Promise<Page<Metric>> {
  const serviceId = await visibleServiceIdOrAll(ctx, service);
  const query = ctx.db.createQueryBuilder(Metric, 'metric');
  if (serviceId !== null) query.where('metric.service_id = :serviceId', { serviceId });
  return fetchPage(query, byId('metric'), page);
}

export async function metricsByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, Metric>> {
  const query = ctx.db.createQueryBuilder(Metric, 'metric').where('metric.id = any(:ids)', { ids });
  if (ctx.actor.serviceId !== null)
    query.andWhere('metric.service_id = :serviceId', { serviceId: ctx.actor.serviceId });
  return new Map((await query.getMany()).map((metric) => [metric.id, metric]));
}

function parseMetric(input: CreateMetricInput): Omit<CreateMetricInput, 'service'> & { signed: boolean } {
  const { code, aggregation, semantics, perEvent = false } = input;
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/.test(code)) {
    throw invalid('code', 'code must be 1 to 100 letters, digits, `_`, `.` and `-`, with a letter or digit first.');
  }
  if (!OFFERED_AGGREGATIONS.has(aggregation)) {
    throw invalid('aggregation', `The aggregation ${aggregation} is not offered yet; SUM and COUNT are.`);
  }
  if (semantics !== CounterSemantics.DELTA) {
    throw invalid('semantics', `The semantics ${semantics} are not offered yet; DELTA are.`);
  }
  const name = parseText(input.name, 'name', 200);
  return { code, name, unit: parseText(input.unit, 'unit', 50), aggregation, semantics, perEvent, signed: false };
}

function refuseTakenCode(error: unknown): never {
  if (violatedConstraint(error) !== 'metric_service_code_key') throw error;
  throw new BillingError('CONFLICT', 'The service has a metric with this code already.', { field: 'code' });
}
