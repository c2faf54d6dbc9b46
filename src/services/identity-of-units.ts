/** The identity of units: what the pure definitions make of the ledger, against what stored lines charged. */
import type { Ctx } from '../ctx';
import { meteredBuckets } from '../domain/aggregate';
import { bucketOf, type BucketRule } from '../domain/bucket';
import { type Decimal, ZERO, sum } from '../domain/decimal';
import type { MetricRules } from '../domain/metric';
import type { ContractState, PeriodState } from './contract-state';
import { type LedgerRecord, ledgerRecords } from './ledger-records';
import { meteredRange } from './rating';
import { type UsedMetric, usedMetrics } from './used-metrics';

export interface UnitsIdentity {
  contractId: string;
  periodId: string;
  metricId: string;
  /** The sum over the buckets of the charge that rated the metric. */
  aggregated: Decimal;
  charged: Decimal;
  unpriced: Decimal;
  difference: Decimal;
}

/** One row a metric with usage, or with a line, in each closed period that does not wait for a new rating. */
export async function unitsIdentity(ctx: Ctx, state: ContractState): Promise<UnitsIdentity[]> {
  const services = [...new Set(state.charges.map((charge) => charge.serviceId))];
  const rows: UnitsIdentity[] = [];
  const read = new Map<string, LedgerRecord[]>();
  for (const period of state.periods.filter((candidate) => candidate.closed && !candidate.dirty)) {
    const charged = await chargedUnits(ctx, period.id, services);
    for (const [metricId, rules] of await metricsOf(ctx, { state, period, services }, charged)) {
      const records =
        read.get(metricId) ?? (await ledgerRecords(ctx.db.manager, { contractId: state.id, metricId, ...rules }));
      read.set(metricId, records);
      const line = charged.get(metricId);
      const rule: BucketRule = state.charges.find(({ id }) => id === line?.chargeId) ?? { filters: [], groupBy: [] };
      const counted = meteredBuckets(
        rules,
        { records, bucketOf: ({ dimensions }) => bucketOf(rule, dimensions).key },
        meteredRange(state, { period, zone: ctx.config.billingTimeZone }),
      );
      const aggregated = sum([...counted.values()].map(({ units }) => units));
      const unpriced = line === undefined ? aggregated : ZERO;
      const units = line?.units ?? ZERO;
      const difference = aggregated.minus(units).minus(unpriced);
      rows.push({
        contractId: state.id,
        periodId: period.id,
        metricId,
        aggregated,
        charged: units,
        unpriced,
        difference,
      });
    }
  }
  return rows;
}

interface RatedPeriod {
  state: ContractState;
  period: PeriodState;
  /** Services in sight. */
  services: readonly string[];
}

/** Metrics in sight that have usage or a line in the period, with how they count. */
async function metricsOf(
  ctx: Ctx,
  { state, period, services }: RatedPeriod,
  charged: ReadonlyMap<string, ChargedMetric>,
): Promise<Map<string, MetricRules>> {
  const range = meteredRange(state, { period, zone: ctx.config.billingTimeZone });
  const [metrics = new Map<string, UsedMetric>()] = await usedMetrics(ctx.db.manager, [{ state, range }]);
  const used = [...metrics.values()].filter(({ isUsed }) => isUsed);
  const inSight = await ctx.db.query<{ id: string }[]>(
    'select id from metric where id = any ($1) and service_id = any ($2)',
    [used.map(({ metricId }) => metricId), services],
  );
  const seen = new Set(inSight.map(({ id }) => id));
  const rules = new Map(
    used.filter(({ metricId }) => seen.has(metricId)).map(({ metricId, rules: own }) => [metricId, own]),
  );
  for (const [metricId, { chargeId }] of charged) {
    const charge = state.charges.find(({ id }) => id === chargeId);
    if (charge !== undefined) rules.set(metricId, charge.rules);
  }
  return new Map([...rules].sort(([one], [other]) => (one < other ? -1 : 1)));
}

interface ChargedMetric {
  chargeId: string;
  units: Decimal;
}

/** What the newest revisions of the period's lines charged, by metric; one charge rates a metric. */
async function chargedUnits(
  ctx: Ctx,
  periodId: string,
  services: readonly string[],
): Promise<Map<string, ChargedMetric>> {
  const rows = await ctx.db.query<{ metric_id: string; charge_id: string; units: string }[]>(
    `select metric_id, charge_id, sum(units) as units from (
       select distinct on (l.charge_id, l.bucket) c.metric_id, l.charge_id, l.units
         from billable_line l join charge c on c.id = l.charge_id
        where l.period_id = $1 and c.service_id = any ($2) order by l.charge_id, l.bucket, l.revision desc) newest
      group by metric_id, charge_id order by metric_id, charge_id`,
    [periodId, services],
  );
  const charged = new Map<string, ChargedMetric>();
  for (const { metric_id: metricId, charge_id: chargeId, units } of rows) {
    const known = charged.get(metricId)?.units ?? ZERO;
    charged.set(metricId, { chargeId, units: known.plus(units) });
  }
  return charged;
}
