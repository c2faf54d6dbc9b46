/** The preview: the open period rated as if it closed now, by the same code that will close it. */
import type { Ctx } from '../ctx';
import { type Decimal, sum } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { withChargesOf } from './balances';
import { asUuid, notFound } from './access';
import { loadContractState } from './contract-state';
import { contractInSight } from './contracts';
import { type RatedLine, ratePeriod } from './rating';

export interface CurrentUsage {
  contractId: string;
  periodId: string;
  asOf: Date;
  lines: RatedLine[];
  /** Sum of the lines' rounded amounts. */
  amount: Decimal;
  currency: string;
}

export interface CurrentUsageInput {
  contractId?: string | null;
  subscriptionId?: string | null;
}

/**
 * Rates the open period of the contract, or of the subscription's contract. Null before the first period.
 * @throws BillingError VALIDATION_FAILED unless exactly one is named; NOT_FOUND.
 */
export async function currentUsage(ctx: Ctx, input: CurrentUsageInput): Promise<CurrentUsage | null> {
  const contract = await contractInSight(
    ctx,
    await namedContract(ctx, input),
    input.contractId ? 'contractId' : 'subscriptionId',
  );
  const loaded = await loadContractState(ctx.db.manager, contract.id);
  const period = loaded?.periods.at(-1);
  if (loaded === null || period === undefined) return null;
  const state = ctx.actor.serviceId === null ? loaded : withChargesOf(loaded, ctx.actor.serviceId);
  const { lines } = await ratePeriod(ctx.db.manager, state, period);
  return {
    contractId: contract.id,
    periodId: period.id,
    asOf: ctx.now,
    lines,
    amount: sum(lines.map((line) => line.amount)),
    currency: state.order.currency,
  };
}

async function namedContract(ctx: Ctx, input: CurrentUsageInput): Promise<string> {
  const { contractId, subscriptionId } = input;
  if (Boolean(contractId) === Boolean(subscriptionId)) {
    throw new BillingError('VALIDATION_FAILED', 'Name either the contract or the subscription.', {
      field: 'contractId',
    });
  }
  if (contractId) return contractId;
  const [row] = await ctx.db.query<{ contract_id: string }[]>('select contract_id from subscription where id = $1', [
    asUuid(subscriptionId ?? '', 'contract', 'subscriptionId'),
  ]);
  if (row === undefined) throw notFound('contract', 'subscriptionId');
  return row.contract_id;
}
