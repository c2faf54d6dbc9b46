/** The report of what newer rating code would rate otherwise: its list, its decisions, and filling it on purpose. */
import { strict as assert } from 'node:assert';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import type { Ctx } from '../ctx';
import { BillingError } from '../domain/errors';
import { parseDay, parseReason } from '../domain/parse';
import { Charge } from '../entities/charge';
import { BillingPeriod } from '../entities/billing-period';
import { RatingDifference, type RatingDifferenceState } from '../entities/rating-difference';
import { enqueue } from '../queue';
import { asUuid, notFound } from './access';
import { writeAudit } from './audit';
import { type ContractFilter, narrowToContracts } from './billing-lists';
import { loadContractState } from './contract-state';
import { contractInSight, contractVisible } from './contracts';
import { type Page, type PageArgs, fetchPage, orders } from './page';
import { rerateDirtyPeriods } from './rerating';
import { inTransaction } from './transaction';
import { lockLaneExclusive } from './usage-lanes';

export interface RatingDifferenceFilter extends ContractFilter {
  states?: readonly RatingDifferenceState[] | null;
}

const ORDERS = orders('FOUND_AT', [{ sql: 'difference.id', type: 'uuid' }]);
export type RatingDifferenceOrder = keyof typeof ORDERS;

/** A page of the differences in sight. @throws BillingError NOT_FOUND naming the filter's field. */
export async function ratingDifferences(
  ctx: Ctx,
  filter: RatingDifferenceFilter,
  { order, page }: { order: RatingDifferenceOrder; page: PageArgs },
): Promise<Page<RatingDifference>> {
  const query = inSight(ctx);
  const serviceId = await narrowToContracts(ctx, query, { column: 'rated.contract_id', filter });
  if (serviceId !== null) query.andWhere('charge.service_id = :chargedBy', { chargedBy: serviceId });
  if (filter.states) query.andWhere('difference.state = any (:states)', { states: filter.states });
  return fetchPage(query, ORDERS[order], page);
}

/** Differences by id, those in sight of the actor only. */
export async function ratingDifferencesByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, RatingDifference>> {
  const found = await inSight(ctx).andWhere('difference.id = any (:ids)', { ids }).getMany();
  return new Map(found.map((difference) => [difference.id, difference]));
}

function inSight(ctx: Ctx): SelectQueryBuilder<RatingDifference> {
  return ctx.db
    .createQueryBuilder(RatingDifference, 'difference')
    .innerJoin(BillingPeriod, 'rated', 'rated.id = difference.period_id')
    .innerJoin(Charge, 'charge', 'charge.id = difference.charge_id')
    .where(
      `(:serviceId::uuid is null or charge.service_id = :serviceId)
         and exists (select 1 from contract c where c.id = rated.contract_id and ${contractVisible(':serviceId')})`,
      { serviceId: ctx.actor.serviceId },
    );
}

export interface DecideRatingDifferenceInput {
  id: string;
  accept: boolean;
  reason: string;
}

/**
 * Accepted, the difference is a new revision with an adjustment at once; refused, the stored line stays and the difference is
 * not reported again.
 * @throws BillingError NOT_FOUND; CONFLICT when it waits no longer, or is none any more; VALIDATION_FAILED without a reason.
 */
export async function decideRatingDifference(ctx: Ctx, input: DecideRatingDifferenceInput): Promise<{ id: string }> {
  const id = asUuid(input.id, 'rating difference');
  const reason = parseReason(input.reason);
  return inTransaction(ctx, async (tx) => {
    const { contractId, periodId, serviceId } = await lockedDifference(tx, ctx, id);
    const state = input.accept ? 'ACCEPTED' : 'REFUSED';
    const [, changed] = await tx.query<[unknown, number]>(
      `update rating_difference set state = $2, decided_at = $3, actor = $4, reason = $5 where id = $1 and state = 'OPEN'`,
      [id, state, ctx.now, ctx.actor.name, reason],
    );
    if (changed === 0) throw conflict('The difference waits for a decision no longer.');
    if (input.accept) await takeOver(tx, ctx, { id, contractId, periodId });
    await writeAudit(tx, ctx, {
      action: 'rating_difference.decided',
      subjectType: 'rating_difference',
      subjectId: id,
      serviceId,
      details: { accept: input.accept, reason },
    });
    return { id };
  });
}

function conflict(message: string): BillingError {
  return new BillingError('CONFLICT', message, { field: 'id' });
}

interface Found {
  contractId: string;
  periodId: string;
  serviceId: string;
}

/** Where the difference belongs; its contract's lane is held from here on. */
async function lockedDifference(tx: EntityManager, ctx: Ctx, id: string): Promise<Found> {
  const difference = (await ratingDifferencesByIds(ctx, [id])).get(id);
  if (difference === undefined) throw notFound('rating difference', 'id');
  const [found] = await tx.query<Found[]>(
    `select p.contract_id as "contractId", p.id as "periodId", c.service_id as "serviceId"
       from billing_period p, charge c where p.id = $1 and c.id = $2`,
    [difference.periodId, difference.chargeId],
  );
  assert(found !== undefined, 'a difference has its period and charge');
  await lockLaneExclusive(tx, found.contractId);
  return found;
}

/** The period is rated again, and takes what was accepted; unless it is worth something else by now. */
async function takeOver(
  tx: EntityManager,
  ctx: Ctx,
  { id, contractId, periodId }: { id: string; contractId: string; periodId: string },
): Promise<void> {
  await tx.query('update billing_period set dirty = true where id = $1', [periodId]);
  const state = await loadContractState(tx, contractId);
  assert(state !== null, 'a period has its contract');
  await rerateDirtyPeriods(tx, ctx, state);
  const [taken] = await tx.query<{ is_taken: boolean }[]>(
    `select exists (
       select 1 from billable_line l
        where (l.period_id, l.charge_id, l.bucket) = (d.period_id, d.charge_id, d.bucket)
          and l.rating_version = d.to_version and l.value = d.new_value) as is_taken
       from rating_difference d where d.id = $1`,
    [id],
  );
  if (!taken?.is_taken) throw conflict('Usage changed since the difference was found: it is worked out again.');
  await enqueue(tx, 'plan-slots', { contractId }, { jobKey: `plan:${contractId}` });
}

export interface RerateClosedPeriodsInput {
  contractId: string;
  reason: string;
  /** Only periods that begin before this day. */
  before?: string | null;
}

/** Each is rated anew in one transaction that holds the contract's lane. */
const MAX_PERIODS = 60;

/**
 * Has the newest closed periods of a contract rated again, at most 60: what only newer rating code changes is reported.
 * @throws BillingError NOT_FOUND, VALIDATION_FAILED naming the field.
 */
export async function rerateClosedPeriods(
  ctx: Ctx,
  input: RerateClosedPeriodsInput,
): Promise<{ periodIds: string[]; hasMore: boolean }> {
  const reason = parseReason(input.reason);
  const before = input.before === null || input.before === undefined ? null : parseDay(input.before, 'before');
  return inTransaction(ctx, async (tx) => {
    const { id: contractId } = await contractInSight(ctx, input.contractId);
    await lockLaneExclusive(tx, contractId);
    const found = await tx.query<{ id: string }[]>(
      `select id from billing_period where contract_id = $1 and state = 'CLOSED' and ($2::date is null or start_on < $2)
        order by start_at desc limit $3`,
      [contractId, before, MAX_PERIODS + 1],
    );
    const periodIds = found.slice(0, MAX_PERIODS).map((period) => period.id);
    await tx.query('update billing_period set dirty = true where id = any ($1)', [periodIds]);
    await writeAudit(tx, ctx, {
      action: 'contract.rerated',
      subjectType: 'contract',
      subjectId: contractId,
      serviceId: ctx.actor.serviceId,
      details: { reason, periods: periodIds.length, before },
    });
    await enqueue(tx, 'plan-slots', { contractId }, { jobKey: `plan:${contractId}` });
    return { periodIds, hasMore: found.length > MAX_PERIODS };
  });
}
