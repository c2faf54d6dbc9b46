/** The preview: the open period rated as if it closed now, by the same code that will close it. */
import type { Ctx } from '../ctx';
import { type Decimal, sum } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { explainRating } from '../domain/explanation';
import type { RatedBucket } from '../domain/charge-rating';
import { BillingPeriodState } from '../entities/billing-period';
import type { Contract } from '../entities/contract';
import { withChargesOf } from './balances';
import { asUuid, notFound } from './access';
import { billingPeriods } from './billing-lists';
import { type ChargeState, loadContractState } from './contract-state';
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

/** A line that is rated and not stored: of a preview, a close or an estimate. */
export interface PreviewLine extends RatedBucket {
  charge: Pick<ChargeState, 'id' | 'mode' | 'unitsPerProductUnit' | 'metricUnit'>;
  line: { id: string } | null;
  currency: string;
}

/** How the line's amount came about, in one sentence for an accountant. */
export function explainLine(line: PreviewLine): string {
  const { mode, unitsPerProductUnit, metricUnit: unit } = line.charge;
  return explainRating(line, { mode, unitsPerProductUnit, unit, currency: line.currency });
}

export interface CurrentUsageInput {
  contractId?: string | null;
  subscriptionId?: string | null;
  /** The service's own id of an account. */
  account?: string | null;
  /** Code of the account's service. */
  service?: string | null;
}

/**
 * Rates the open period of the contract, of the subscription's, or of the account's only one. Null before the first period.
 * @throws BillingError VALIDATION_FAILED unless exactly one is named; NOT_FOUND; CONFLICT when the account has several.
 */
export async function currentUsage(ctx: Ctx, input: CurrentUsageInput): Promise<CurrentUsage | null> {
  const contract = await namedContract(ctx, input);
  const loaded = await loadContractState(ctx.db.manager, contract.id);
  const period = loaded?.periods.at(-1);
  if (loaded === null || period === undefined) return null;
  const state = ctx.actor.serviceId === null ? loaded : withChargesOf(loaded, ctx.actor.serviceId);
  const { lines } = await ratePeriod(ctx.db.manager, state, { period, zone: ctx.config.billingTimeZone });
  return {
    contractId: contract.id,
    periodId: period.id,
    asOf: ctx.now,
    lines,
    amount: sum(lines.map((line) => line.amount)),
    currency: state.order.currency,
  };
}

const NAMES = ['contractId', 'subscriptionId', 'account'] as const;

function namedBy(input: CurrentUsageInput): (typeof NAMES)[number] {
  const [field, another] = NAMES.filter((name) => input[name]);
  if (field !== undefined && another === undefined) return field;
  throw new BillingError('VALIDATION_FAILED', 'Name either the contract, the subscription or the account.', {
    field: 'contractId',
  });
}

/**
 * The contract, the subscription's, or the only one of the account.
 * @throws BillingError as currentUsage.
 */
export async function namedContract(ctx: Ctx, input: CurrentUsageInput): Promise<Contract> {
  const field = namedBy(input);
  return contractInSight(ctx, await namedContractId(ctx, input), field);
}

async function namedContractId(ctx: Ctx, input: CurrentUsageInput): Promise<string> {
  if (input.contractId) return input.contractId;
  if (input.account) return contractOfAccount(ctx, input);
  const [row] = await ctx.db.query<{ contract_id: string }[]>('select contract_id from subscription where id = $1', [
    asUuid(input.subscriptionId ?? '', 'contract', 'subscriptionId'),
  ]);
  if (row === undefined) throw notFound('contract', 'subscriptionId');
  return row.contract_id;
}

/** The contract of the account's open period, as the list of periods finds it. */
async function contractOfAccount(ctx: Ctx, { account, service }: CurrentUsageInput): Promise<string> {
  const open = { account, service, states: [BillingPeriodState.OPEN] };
  const { nodes } = await billingPeriods(ctx, open, { order: 'START_AT_ASC', page: { first: 2 } });
  const [period, another] = nodes;
  if (period === undefined) throw notFound('open period', 'account');
  if (another === undefined) return period.contractId;
  throw new BillingError('CONFLICT', 'The account has several contracts: name one by contractId.', {
    field: 'account',
  });
}
