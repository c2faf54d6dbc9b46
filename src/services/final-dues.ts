/** What is due and nothing will bill: its list, and how a person settles it. The plan finds the items. */
import { strict as assert } from 'node:assert';
import type { SelectQueryBuilder } from 'typeorm';
import type { Ctx } from '../ctx';
import { printDecimal } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { invalid, parseReason } from '../domain/parse';
import { FinalDue, type FinalDueState } from '../entities/final-due';
import { enqueue } from '../queue';
import { asUuid, notFound } from './access';
import { writeAudit } from './audit';
import { insertEntry } from './balance-entries';
import { type ContractFilter, narrowToContracts } from './billing-lists';
import { contractVisible } from './contracts';
import { type Page, type PageArgs, fetchPage, orders } from './page';
import { inTransaction } from './transaction';
import { lockLaneExclusive } from './usage-lanes';

export interface FinalDueFilter extends ContractFilter {
  states?: readonly FinalDueState[] | null;
}

const ORDERS = orders('FOUND_AT', [{ sql: 'item.id', type: 'uuid' }]);
export type FinalDueOrder = keyof typeof ORDERS;

/** A page of the items in sight. @throws BillingError NOT_FOUND naming the filter's field. */
export async function finalDues(
  ctx: Ctx,
  filter: FinalDueFilter,
  { order, page }: { order: FinalDueOrder; page: PageArgs },
): Promise<Page<FinalDue>> {
  const query = inSight(ctx);
  const serviceId = await narrowToContracts(ctx, query, { column: 'item.contract_id', filter });
  if (serviceId !== null) query.andWhere('item.service_id = :chargedBy', { chargedBy: serviceId });
  if (filter.states) query.andWhere('item.state = any (:states)', { states: filter.states });
  return fetchPage(query, ORDERS[order], page);
}

/** Items by id, those in sight of the actor only. */
export async function finalDuesByIds(ctx: Ctx, ids: readonly string[]): Promise<Map<string, FinalDue>> {
  const items = await inSight(ctx).andWhere('item.id = any (:ids)', { ids }).getMany();
  return new Map(items.map((item) => [item.id, item]));
}

function inSight(ctx: Ctx): SelectQueryBuilder<FinalDue> {
  return ctx.db.createQueryBuilder(FinalDue, 'item').where(
    `(:serviceId::uuid is null or item.service_id = :serviceId)
       and exists (select 1 from contract c where c.id = item.contract_id and ${contractVisible(':serviceId')})`,
    { serviceId: ctx.actor.serviceId },
  );
}

export interface SettleFinalDueInput {
  id: string;
  how: 'INVOICED' | 'CREDITED' | 'WAIVED';
  reason: string;
}

/**
 * Takes the item's value out of the balance, because a person invoiced it, credited it, or lets it go.
 * @throws BillingError NOT_FOUND; CONFLICT when it waits no longer; VALIDATION_FAILED naming `reason`, or `how` when it does
 * not go with the sign of the value.
 */
export async function settleFinalDue(ctx: Ctx, input: SettleFinalDueInput): Promise<{ id: string }> {
  const id = asUuid(input.id, 'final due');
  const reason = parseReason(input.reason);
  return inTransaction(ctx, async (tx) => {
    const item = (await finalDuesByIds(ctx, [id])).get(id);
    if (item === undefined) throw notFound('final due', 'id');
    await lockLaneExclusive(tx, item.contractId);
    // What was read before the lane was held may be settled or lifted since.
    const [open] = await tx.query<{ period_id: string }[]>(
      `select p.id as period_id from final_due d join billing_period p on p.contract_id = d.contract_id and p.state = 'OPEN'
        where d.id = $1 and d.state = 'OPEN'`,
      [id],
    );
    if (open === undefined) {
      throw new BillingError(
        'CONFLICT',
        'The final due waits no longer: it is settled, billed after all, or another value by now.',
        {
          field: 'id',
        },
      );
    }
    refuseWrongSign(item, input.how);
    const entryId = await insertEntry(tx, ctx, { ...item, periodId: open.period_id, kind: input.how, reason });
    assert(entryId !== null, 'an entry without a key is always new');
    await tx.query(`update final_due set state = 'SETTLED', closed_at = $2, balance_entry_id = $3 where id = $1`, [
      id,
      ctx.now,
      entryId,
    ]);
    await writeAudit(tx, ctx, {
      action: 'final_due.settled',
      subjectType: 'final_due',
      subjectId: id,
      serviceId: item.serviceId,
      details: { how: input.how, value: printDecimal(item.value), reason },
    });
    await enqueue(tx, 'plan-slots', { contractId: item.contractId }, { jobKey: `plan:${item.contractId}` });
    return { id };
  });
}

function refuseWrongSign({ value }: FinalDue, how: SettleFinalDueInput['how']): void {
  if (how === 'WAIVED' || value.isNegative() === (how === 'CREDITED')) return;
  throw invalid(
    'how',
    value.isNegative()
      ? 'Too much was billed: credit it or waive it.'
      : 'Too little was billed: invoice it or waive it.',
  );
}
