/** What units would cost, worked out by the very function that rates a period. Nothing is stored. */
import type { EntityManager } from 'typeorm';
import type { Ctx } from '../ctx';
import type { MeteredRange } from '../domain/aggregate';
import { bucketOf } from '../domain/bucket';
import { type ChargeTerms, type RatedBucket, rateCharge, type UsedBucket } from '../domain/charge-rating';
import { Decimal, ZERO, sum } from '../domain/decimal';
import { BillingError } from '../domain/errors';
import { type Aggregation, type MetricRules, roundUnits } from '../domain/metric';
import { invalid, parseDecimal } from '../domain/parse';
import { dayOf } from '../domain/period';
import { parseDimensions } from '../domain/usage-record';
import { asUuid, notFound, visibleServiceId } from './access';
import { withChargesOf } from './balances';
import { metricByCode } from './catalog-metrics';
import {
  type ChargeState,
  type ContractState,
  type LineState,
  loadCharge,
  loadContractState,
  type PeriodState,
} from './contract-state';
import { contractInSight } from './contracts';
import { type ChargedUsage, chargeUsage, daysOf, meteredRange } from './rating';
import { fittingCharges } from './fitting-charges';
import { pricingLine } from './slot-lines';

export interface EstimateUsageInput {
  /** Code of the service, to the metric. */
  service?: string | null;
  contractId?: string | null;
  /** Code of a metric that the contract is charged for; or else `chargeId`. */
  metric?: string | null;
  chargeId?: string | null;
  units: string;
  /** Labels of the units, where they decide on the price. */
  dimensions?: Readonly<Record<string, unknown>> | null;
  /** How many equal occurrences the units are; 1 when left out. */
  events?: number | null;
  /** How many days of the plan's interval the period has; all of them when left out. */
  days?: number | null;
  /** On top of what the open period has come to. */
  onTopOfCurrent?: boolean | null;
}

export interface EstimatedLine extends RatedBucket {
  charge: ChargeState;
  line: LineState | null;
  currency: string;
}

export interface UsageEstimate {
  asOf: Date;
  /** One for each bucket of the charge that has a price. */
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
  const { charge, state } = await pricedBy(ctx, input);
  const asked = { bucket: bucketOf(charge, parseDimensions(input.dimensions)), usage: askedFor(input, charge.rules) };
  const currency = charge.currency ?? state?.order.currency;
  const line = state === null ? null : pricingLine(state, charge.productId);
  if (currency === undefined || (charge.mode === 'QUANTITY' && line === null)) {
    throw invalid(
      'contractId',
      'Odoo prices this charge by the line of an order: name a contract whose order has its product.',
    );
  }
  const places = state?.order.places ?? (await placesOf(ctx.db.manager, currency));
  const terms = { price: line?.unitPrice ?? ZERO, places };
  const answer = (rated: RatedBucket[]): Pick<UsageEstimate, 'asOf' | 'lines' | 'amount' | 'currency'> => ({
    asOf: ctx.now,
    lines: rated.map((rating) => ({ ...rating, charge, line, currency })),
    amount: amountOf(rated),
    currency,
  });
  if (input.onTopOfCurrent !== true) {
    const rated = rateCharge(charge, [asked], { ...terms, days: shareOf(state, input.days ?? null) });
    return { ...answer(rated), currentAmount: null, difference: null };
  }
  const { contractId, period, plan, range } = openPeriod(ctx, state, input.days ?? null);
  const current = await chargeUsage(ctx.db.manager, { contractId, charge, range });
  const openTerms = { ...terms, days: daysOf(period, plan) };
  const before = amountOf(rateCharge(charge, current, openTerms));
  const after = answer(rateCharge(charge, onTop(charge.rules, current, asked), openTerms));
  return { ...after, currentAmount: before, difference: after.amount.minus(before) };
}

function amountOf(rated: readonly RatedBucket[]): Decimal {
  return sum(rated.map(({ amount }) => amount));
}

function askedFor(input: EstimateUsageInput, rules: MetricRules): ChargedUsage {
  const units = parseDecimal(input.units, 'units');
  if (units.isNegative() && !units.isZero() && !rules.signed) {
    throw invalid('units', 'The metric takes no negative quantity.');
  }
  if (['COUNT', 'UNIQUE_COUNT'].includes(rules.aggregation) && !units.isInteger()) {
    throw invalid('units', 'The metric counts things: whole numbers only.');
  }
  if (typeof input.events === 'number' && !rules.perEvent) {
    throw invalid('events', 'The metric counts no events: leave `events` out.');
  }
  const count = input.events ?? 1;
  if (!Number.isSafeInteger(count) || count < 0 || count > MAX_EVENTS) {
    throw invalid('events', `events must be a whole number from 0 to ${MAX_EVENTS}, not ${count}.`);
  }
  if (count === 0 && !units.isZero()) throw invalid('events', 'events must be 1 or more: units come from events.');
  const events = new Decimal(count);
  const occurrences = count === 0 ? [] : [{ quantity: units, events }];
  return { units: roundUnits(units, rules.rounding), events, recordCount: 1, occurrences };
}

interface Priced {
  charge: ChargeState;
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
  return { charge, state };
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
  const open = state.periods.at(-1) ?? { start: ctx.now, startOn: dayOf(ctx.now, ctx.config.billingTimeZone) };
  const { fitting, ambiguous } = fittingCharges(state, open);
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
function shareOf(state: ContractState | null, days: number | null): ChargeTerms['days'] {
  if (days === null) return undefined;
  const open = state?.periods.at(-1);
  const full = open === undefined ? undefined : daysOf(open, state?.order.plan ?? null)?.full;
  if (full === undefined) {
    throw invalid('days', 'days needs a contract whose open period has an end, and whose order has a plan.');
  }
  if (days >= 1 && days <= full) return { used: days, full };
  throw invalid('days', `days must be from 1 to ${full}, the days of the plan's interval, not ${days}.`);
}

interface OpenPeriod {
  contractId: string;
  period: PeriodState;
  plan: ContractState['order']['plan'];
  range: MeteredRange;
}

function openPeriod(ctx: Ctx, state: ContractState | null, days: number | null): OpenPeriod {
  if (days !== null) throw invalid('days', 'The open period has its own days: leave `days` out with onTopOfCurrent.');
  if (state === null) throw invalid('contractId', 'Name the contract whose open period is meant.');
  const period = state.periods.at(-1);
  if (period === undefined)
    throw new BillingError('CONFLICT', 'The contract has no period yet.', { field: 'contractId' });
  const range = meteredRange(state, { period, zone: ctx.config.billingTimeZone });
  return { contractId: state.id, period, plan: state.order.plan, range };
}

/** What the buckets count when `later` comes after them. */
function onTop(
  rules: MetricRules,
  current: readonly UsedBucket<ChargedUsage>[],
  later: UsedBucket<ChargedUsage>,
): UsedBucket<ChargedUsage>[] {
  const before = current.find(({ bucket }) => bucket.key === later.bucket.key);
  if (before === undefined) return [...current, later];
  const usage = {
    units: unitsTogether(rules.aggregation, before.usage.units, later.usage.units),
    events: before.usage.events.plus(later.usage.events),
    recordCount: before.usage.recordCount + later.usage.recordCount,
    occurrences: [...before.usage.occurrences, ...later.usage.occurrences],
  };
  return current.map((each) => (each === before ? { ...each, usage } : each));
}

function unitsTogether(aggregation: Aggregation, earlier: Decimal, later: Decimal): Decimal {
  switch (aggregation) {
    case 'SUM':
    case 'COUNT':
    case 'UNIQUE_COUNT':
    case 'WEIGHTED_SUM':
      return earlier.plus(later);
    case 'MAX':
      return Decimal.max(earlier, later);
    case 'LATEST':
      return later;
  }
}
