/** Letting holes in the usage of a period go, by name and reason, and reading what was let go. */
import type { Ctx } from '../ctx';
import { invalid, parseInstant, parseReason, parseText } from '../domain/parse';
import type { BillingPeriod } from '../entities/billing-period';
import { GapWaiver } from '../entities/gap-waiver';
import { enqueue } from '../queue';
import { given, visibleServiceId } from './access';
import { writeAudit } from './audit';
import { periodInSight } from './billing-reads';
import { metricByCode } from './catalog-metrics';
import { inTransaction } from './transaction';
import { lockLaneExclusive } from './usage-lanes';

export interface WaiveGapInput {
  service?: string | null;
  periodId: string;
  /** Code of a metric of the service. */
  metric: string;
  from: string;
  to: string;
  /** Who decided it. */
  name?: string | null;
  reason: string;
}

/**
 * Lets go what is missing of a metric in a part of a period, of all series of the contract; the contract is planned again.
 * Waiving the same time again changes nothing.
 * @throws BillingError NOT_FOUND for an unknown period or metric; VALIDATION_FAILED naming `from`, `to`, `name` or `reason`.
 */
export async function waiveGap(ctx: Ctx, input: WaiveGapInput): Promise<{ waiver: GapWaiver }> {
  const said = {
    name: given(input.name, (name) => parseText(name, 'name', 200)),
    reason: parseReason(input.reason),
  };
  const [startsAt, endsAt] = [parseInstant(input.from, 'from'), parseInstant(input.to, 'to')];
  const serviceId = await visibleServiceId(ctx, input.service);
  const period = await periodInSight(ctx, input.periodId, 'periodId');
  refuseOutside(period, startsAt, endsAt);
  return inTransaction(ctx, async (tx) => {
    await lockLaneExclusive(tx, period.contractId);
    const metric = await metricByCode(tx, serviceId, input.metric);
    const span = { periodId: period.id, metricId: metric.id, startsAt, endsAt };
    const known = await tx.findOneBy(GapWaiver, span);
    if (known !== null) return { waiver: known };
    const waiver = tx.create(GapWaiver, { ...span, ...said, actor: ctx.actor.name, createdAt: ctx.now });
    await tx.save(waiver);
    await writeAudit(tx, ctx, {
      action: 'gap.waived',
      subjectType: 'gap_waiver',
      subjectId: waiver.id,
      serviceId,
      details: { periodId: period.id, metric: metric.code, from: startsAt, to: endsAt, ...said },
    });
    const { contractId } = period;
    await enqueue(tx, 'plan-slots', { contractId }, { jobKey: `plan:${contractId}` });
    return { waiver };
  });
}

function refuseOutside(period: BillingPeriod, from: Date, to: Date): void {
  if (to <= from) throw invalid('to', 'to must lie after from.');
  if (from < period.start) throw invalid('from', `from must not lie before the period, ${period.start.toISOString()}.`);
  if (period.end !== null && to > period.end)
    throw invalid('to', `to must not lie after the end of the period, ${period.end.toISOString()}.`);
}

/** What was let go of the metric and period of each rated line, in the order of time. */
export async function gapWaiversByLineIds(ctx: Ctx, lineIds: readonly string[]): Promise<Map<string, GapWaiver[]>> {
  const waivers = await ctx.db.query<(GapWaiver & { lineId: string })[]>(
    `select line.id as "lineId", w.id, w.period_id as "periodId", w.metric_id as "metricId", w.starts_at as "startsAt",
            w.ends_at as "endsAt", w.name, w.reason, w.actor, w.created_at as "createdAt"
       from billable_line line join charge c on c.id = line.charge_id
       join gap_waiver w on w.period_id = line.period_id and w.metric_id = c.metric_id
      where line.id = any ($1) order by w.starts_at, w.id`,
    [lineIds],
  );
  const byLine = new Map<string, GapWaiver[]>();
  for (const { lineId, ...waiver } of waivers) byLine.set(lineId, [...(byLine.get(lineId) ?? []), waiver]);
  return byLine;
}
