/** What units would cost, worked out by the very function that rates a period. Nothing is stored. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import type { Aggregation } from '../domain/aggregate';
import { Decimal, ZERO } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { invalid, parseDecimal } from '../domain/parse';
import { type CountedUsage, type Occurrence, rate, type Rating, type RatingTerms } from '../domain/price';
import { type CountedMetric, quantityRefusal } from '../domain/usage-record';
import type { Metric } from '../entities/metric';
import { asUuid, notFound, visibleServiceId } from './access';
import { withChargesOf } from './balances';
import { metricByCode, metricsByIds } from './catalog-metrics';
import { type ChargeState, type ContractState, type LineState, loadCharge, loadContractState } from './contract-state';
import { contractInSight } from './contracts';
import { daysOf, fittingCharges, occurrencesOf, type PeriodRange } from './rating';
import { usageTotals } from './usage-totals';

export interface EstimateUsageInput {
  /** Code of the service, to the metric. */
  service?: string | null;
  contractId?: string | null;
  /** Code of a metric that the contract is charged for; or else `chargeId`. */
  metric?: string | null;
  chargeId?: string | null;
  units: string;
  /** How many equal occurrences the units are; 1 when left out. */
  events?: number | null;
  /** How many days of the plan's interval the period has; all of them when left out. */
  days?: number | null;
  /** On top of what the open period has come to. */
  onTopOfCurrent?: boolean | null;
}

export interface EstimatedLine extends Rating {
  charge: ChargeState;
  line: LineState | null;
  currency: string;
}

export interface UsageEstimate {
  asOf: Date;
  /** One for the charge. */
  lines: EstimatedLine[];
  amount: Decimal;
  currency: string;
  /** What the open period has come to without the units; null unless they go on top of it. */
  currentAmount: Decimal | null;
  /** What the units add to it. */
  difference: Decimal | null;
}

/** Events of one estimate at most: what a GraphQL Int holds. */
const MAX_EVENTS = 2_147_483_647;

/**
 * Rates the units alone in a full period, or in one of `days`, or together with the open period's usage.
 * @throws BillingError VALIDATION_FAILED naming the input's field; NOT_FOUND; CONFLICT when no charge, or more than one, prices
 *   the metric on the contract, or it has no period yet.
 */
export async function estimateUsage(ctx: Ctx, input: EstimateUsageInput): Promise<UsageEstimate> {
  const { metric, ...priced } = await pricedBy(ctx, input);
  const { charge, state } = priced;
  const asked = askedFor(input, { ...metric, aggregation: charge.aggregation });
  const currency = charge.currency ?? state?.order.currency;
  const line = state?.lines.find(({ productId }) => productId === charge.productId) ?? null;
  if (currency === undefined || (charge.mode === 'QUANTITY' && line === null)) {
    throw invalid(
      'contractId',
      'Odoo prices this charge by the line of an order: name a contract whose order has its product.',
    );
  }
  const places = state?.order.places ?? (await placesOf(ctx.db.manager, currency));
  const terms = { price: line?.unitPrice ?? ZERO, places };
  const shown = (rating: Rating): EstimatedLine => ({ ...rating, charge, line, currency });
  if (input.onTopOfCurrent !== true) {
    const rating = rate(charge, asked, { ...terms, days: shareOf(state, input.days ?? null) });
    return { ...answer(ctx, shown(rating)), currentAmount: null, difference: null };
  }
  const period = openPeriod(state, input.days ?? null);
  const current = await usageSoFar(ctx.db.manager, { contractId: period.contractId, charge, period });
  const openTerms = { ...terms, days: daysOf(period, period.plan) };
  const before = rate(charge, current, openTerms);
  const after = rate(charge, together(charge.aggregation, current, asked), openTerms);
  const difference = after.amount.minus(before.amount);
  return { ...answer(ctx, shown(after)), currentAmount: before.amount, difference };
}

function answer(ctx: Ctx, line: EstimatedLine): Pick<UsageEstimate, 'asOf' | 'lines' | 'amount' | 'currency'> {
  return { asOf: ctx.now, lines: [line], amount: line.amount, currency: line.currency };
}

/** Usage with the occurrences behind it, of which only the first matter. */
type Usage = CountedUsage & { occurrences: Occurrence[] };

function askedFor(input: EstimateUsageInput, metric: CountedMetric): Usage {
  const units = parseDecimal(input.units, 'units');
  const refusal = quantityRefusal(units, metric);
  if (refusal !== null) throw invalid('units', refusal.message);
  if (typeof input.events === 'number' && !metric.perEvent) {
    throw invalid('events', 'The metric counts no events: leave `events` out.');
  }
  const count = input.events ?? 1;
  if (!Number.isSafeInteger(count) || count < 0 || count > MAX_EVENTS) {
    throw invalid('events', `events must be a whole number from 0 to ${MAX_EVENTS}, not ${count}.`);
  }
  if (count === 0 && !units.isZero()) throw invalid('events', 'Units come from one event at least.');
  const events = new Decimal(count);
  return { units, events, occurrences: count === 0 ? [] : [{ quantity: units, events }] };
}

interface Priced {
  charge: ChargeState;
  metric: Metric;
  /** Null when no contract is named. */
  state: ContractState | null;
}

async function pricedBy(ctx: Ctx, input: EstimateUsageInput): Promise<Priced> {
  if (Boolean(input.metric) === Boolean(input.chargeId)) {
    throw invalid('metric', 'Name either a metric, with its contract, or a charge.');
  }
  const state = input.contractId ? await stateInSight(ctx, input.contractId) : null;
  const charge = input.chargeId
    ? await chargeInSight(ctx, input.chargeId)
    : await chargeOfMetric(ctx, { ...input, metric: input.metric ?? '' }, state);
  const metric = (await metricsByIds(ctx, [charge.metricId])).get(charge.metricId);
  if (metric === undefined) throw notFound('metric', 'metric');
  return { charge, metric, state };
}

async function stateInSight(ctx: Ctx, contractId: string): Promise<ContractState> {
  const { id } = await contractInSight(ctx, contractId);
  const state = await loadContractState(ctx.db.manager, id);
  if (state === null) throw notFound('contract', 'contractId');
  return ctx.actor.serviceId === null ? state : withChargesOf(state, ctx.actor.serviceId);
}

async function chargeInSight(ctx: Ctx, chargeId: string): Promise<ChargeState> {
  const id = asUuid(chargeId, 'charge', 'chargeId');
  const charge = await loadCharge(ctx.db.manager, id, ctx.actor.serviceId);
  if (charge === null) throw notFound('charge', 'chargeId');
  return charge;
}

/** The charge that rates the metric in the open period; before the first one, in one that began now. */
async function chargeOfMetric(
  ctx: Ctx,
  { service, metric }: { service?: string | null; metric: string },
  state: ContractState | null,
): Promise<ChargeState> {
  const serviceId = await visibleServiceId(ctx, service);
  const { id, code } = await metricByCode(ctx.db.manager, serviceId, metric);
  if (state === null) throw invalid('contractId', 'Name the contract: what a metric costs depends on its order.');
  const { fitting, ambiguous } = fittingCharges(state, { start: state.periods.at(-1)?.start ?? ctx.now });
  const charge = fitting.find(({ metricId }) => metricId === id);
  if (charge !== undefined) return charge;
  const message = ambiguous.has(id)
    ? `Several charges price the metric "${code}" on this contract: name one by chargeId.`
    : `No charge prices the metric "${code}" on this contract.`;
  throw new BillingError('CONFLICT', message, { field: 'metric' });
}

async function placesOf(tx: EntityManager, currency: string): Promise<number> {
  const [row] = await tx.query<{ places: number }[]>(
    'select decimal_places as places from currency where code = $1 order by odoo_id limit 1',
    [currency],
  );
  if (row === undefined) throw invalid('contractId', 'The currency of the charge is not mirrored: name a contract.');
  return row.places;
}

/** A full period, or `days` of the interval that ends with the open one. */
function shareOf(state: ContractState | null, days: number | null): RatingTerms['days'] {
  if (days === null) return undefined;
  const open = state?.periods.at(-1);
  const full = open === undefined ? undefined : daysOf(open, state?.order.plan ?? null)?.full;
  if (full === undefined) {
    throw invalid('days', 'days needs a contract whose open period has an end, and whose order has a plan.');
  }
  if (days >= 1 && days <= full) return { used: days, full };
  throw invalid('days', `days must be from 1 to ${full}, the days of the plan's interval, not ${days}.`);
}

type OpenPeriod = PeriodRange & { contractId: string; plan: ContractState['order']['plan'] };

function openPeriod(state: ContractState | null, days: number | null): OpenPeriod {
  if (days !== null) throw invalid('days', 'The open period has its own days: leave `days` out with onTopOfCurrent.');
  if (state === null) throw invalid('contractId', 'Name the contract whose open period is meant.');
  const period = state.periods.at(-1);
  if (period !== undefined) return { ...period, contractId: state.id, plan: state.order.plan };
  throw new BillingError('CONFLICT', 'The contract has no period yet.', { field: 'contractId' });
}

async function usageSoFar(
  tx: EntityManager,
  { contractId, charge, period }: { contractId: string; charge: ChargeState; period: PeriodRange },
): Promise<Usage> {
  const total = (await usageTotals(tx, contractId, period)).get(charge.metricId);
  const occurrences = await occurrencesOf(tx, { contractId, charge, range: period });
  return { units: total?.units ?? ZERO, events: total?.events ?? ZERO, occurrences: occurrences ?? [] };
}

/** What a period counts when `later` comes after `earlier`. */
function together(aggregation: Aggregation, earlier: Usage, later: Usage): Usage {
  const events = earlier.events.plus(later.events);
  const occurrences = [...earlier.occurrences, ...later.occurrences];
  switch (aggregation) {
    case 'SUM':
    case 'COUNT':
      return { units: earlier.units.plus(later.units), events, occurrences };
  }
}
