/** From units to money and to product units: one function a model, rounded once, with the steps that explain it. */
import { strict as assert } from 'node:assert';
import { Decimal, ZERO, roundTo, sum } from './decimal';
import type { PriceModel, PriceTier, Tier } from './price-model';

/**
 * What a step counts: UNITS at a unit price, the PACKAGES begun, the PERCENTAGE of units that are money, the EVENTS behind them,
 * and the MINIMUM that the others did not reach.
 */
export type PriceStepKind = 'UNITS' | 'PACKAGES' | 'PERCENTAGE' | 'EVENTS' | 'MINIMUM';

/** One step of a price: amount = units × unitPrice + flatPrice. The amounts of all steps add up to the unrounded amount. */
export interface PriceStep {
  kind: PriceStepKind;
  /** The billable units it covers, from (exclusive) to (inclusive); for events the events. */
  fromUnits: Decimal;
  toUnits: Decimal;
  units: Decimal;
  unitPrice: Decimal;
  flatPrice: Decimal;
  amount: Decimal;
}

/** Billable units, 0 or more, and the billable events behind them. */
export interface BillableUsage {
  units: Decimal;
  events: Decimal;
}

const HUNDRED = new Decimal(100);

/** The steps that price `usage` under `price`, in the price's currency, not rounded. */
export function priceSteps(price: PriceModel, { units, events }: BillableUsage): PriceStep[] {
  switch (price.model) {
    case 'STANDARD':
      return [step('UNITS', [ZERO, units], { unitPrice: price.unitPrice })];
    case 'GRADUATED':
      return graduatedSteps('UNITS', price.tiers, units, (tier) => tier.unitPrice);
    case 'GRADUATED_PERCENTAGE':
      return graduatedSteps('PERCENTAGE', price.tiers, units, (tier) => tier.rate.div(HUNDRED));
    case 'PACKAGE': {
      const packages = units.div(price.packageSize).ceil();
      return [step('PACKAGES', [ZERO, units], { units: packages, unitPrice: price.packagePrice })];
    }
    case 'PERCENTAGE': {
      const share = step('PERCENTAGE', [ZERO, units], { unitPrice: price.rate.div(HUNDRED) });
      if (price.fixedPrice.isZero() || events.isZero()) return [share];
      return [share, step('EVENTS', [ZERO, events], { unitPrice: price.fixedPrice })];
    }
    case 'VOLUME': {
      const { unitPrice, flatPrice } = tierOf(price.tiers, units);
      return [step('UNITS', [ZERO, units], { unitPrice, flatPrice })];
    }
  }
}

/** A step for each tier reached; the first one is reached by nothing at all. */
function graduatedSteps<T extends Tier>(
  kind: PriceStepKind,
  tiers: readonly T[],
  units: Decimal,
  unitPriceOf: (tier: T) => Decimal,
): PriceStep[] {
  const steps: PriceStep[] = [];
  let from = ZERO;
  for (const tier of tiers) {
    const isEnough = tier.upTo === null || units.lte(tier.upTo);
    const to: Decimal = isEnough ? units : (tier.upTo ?? units);
    steps.push(step(kind, [from, to], { unitPrice: unitPriceOf(tier), flatPrice: tier.flatPrice }));
    if (isEnough) break;
    from = to;
  }
  return steps;
}

function tierOf(tiers: readonly PriceTier[], units: Decimal): PriceTier {
  const tier = tiers.find(({ upTo }) => upTo === null || units.lte(upTo));
  assert(tier !== undefined, 'the last tier is without end');
  return tier;
}

interface StepTerms {
  /** What the price multiplies, when it is not the units covered. */
  units?: Decimal;
  unitPrice: Decimal;
  flatPrice?: Decimal;
}

function step(kind: PriceStepKind, [fromUnits, toUnits]: [Decimal, Decimal], terms: StepTerms): PriceStep {
  const { units = toUnits.minus(fromUnits), unitPrice, flatPrice = ZERO } = terms;
  return { kind, fromUnits, toUnits, units, unitPrice, flatPrice, amount: units.times(unitPrice).plus(flatPrice) };
}

/** One record, or several of the same worth: `quantity` is that of all its events together. */
export interface Occurrence {
  quantity: Decimal;
  events: Decimal;
}

/** What a charge's metric counted in one period. */
export interface CountedUsage {
  /** By the metric's aggregation, after its rounding. Negative for a signed metric at most. */
  units: Decimal;
  /** How many things stand behind the units; of records that do not say, one each. */
  events: Decimal;
  /** The first occurrences in the order of time, as far as the allowance of `freeByOrder` reaches. */
  occurrences?: Iterable<Occurrence>;
}

/** What rating needs to know of a charge. */
export interface RatedCharge {
  mode: 'QUANTITY' | 'AMOUNT';
  /** Null exactly in mode QUANTITY. */
  price: PriceModel | null;
  freeUnits: Decimal;
  unitsPerProductUnit: Decimal;
  /** In money for a full period, 0 for none; mode AMOUNT only. */
  minimumAmount: Decimal;
}

export interface Rating {
  units: Decimal;
  /** After free units, never negative. */
  billableUnits: Decimal;
  /** What enters the balance: product units in mode QUANTITY (12 digits), money in mode AMOUNT (the currency's decimals). */
  value: Decimal;
  /** In money, rounded once to the currency's decimals; in mode QUANTITY an estimate at the line's price. */
  amount: Decimal;
  steps: PriceStep[];
}

/** Where the charge is rated: the line's price for estimates, the currency's decimals, and how much of a period it is. */
export interface RatingTerms {
  price: Decimal;
  places: number;
  /** Whole days of the period and of the plan's full one: a minimum is due for the share. */
  days?: { used: number; full: number };
}

/** Digits after the point of a value in product units: as many as a quantity may have. */
const QUANTITY_VALUE_PLACES = 12;

/**
 * Rates what one charge counted in one period. Rounds half away from zero, once: the price to the currency's decimals, and a
 * minimum for a part of the period by itself. Negative units cost nothing: they are no credit.
 */
export function rate(charge: RatedCharge, usage: CountedUsage, terms: RatingTerms): Rating {
  const { units } = usage;
  const { price } = charge;
  const billable = billableUsage(charge, usage);
  if (price === null) {
    const value = roundTo(billable.units.div(charge.unitsPerProductUnit), QUANTITY_VALUE_PLACES);
    const steps = priceSteps({ model: 'STANDARD', unitPrice: terms.price }, { units: value, events: ZERO });
    return {
      units,
      billableUnits: billable.units,
      value,
      amount: roundTo(value.times(terms.price), terms.places),
      steps,
    };
  }
  const steps = units.isNegative() ? [] : priceSteps(price, billable);
  const priced = roundTo(sum(steps.map((each) => each.amount)), terms.places);
  const missing = minimumOf(charge, terms).minus(priced);
  if (missing.lte(0)) return { units, billableUnits: billable.units, value: priced, amount: priced, steps };
  const amount = priced.plus(missing);
  const minimum = step('MINIMUM', [billable.units, billable.units], { unitPrice: ZERO, flatPrice: missing });
  return { units, billableUnits: billable.units, value: amount, amount, steps: [...steps, minimum] };
}

function minimumOf({ minimumAmount }: RatedCharge, { days, places }: RatingTerms): Decimal {
  return roundTo(days === undefined ? minimumAmount : minimumAmount.times(days.used).div(days.full), places);
}

/** What of a charge is free by the order of events: its first events, and its first units. */
export interface FreeByOrder {
  /** 0: no such limit. */
  events: number;
  /** 0: no such limit. */
  units: Decimal;
}

/** The allowance of a charge whose free part depends on which occurrences came first; null for any other. */
export function freeByOrder({ price, freeUnits }: Pick<RatedCharge, 'price' | 'freeUnits'>): FreeByOrder | null {
  if (price?.model !== 'PERCENTAGE') return null;
  const { freeEvents: events, fixedPrice } = price;
  return events > 0 || !(freeUnits.isZero() || fixedPrice.isZero()) ? { events, units: freeUnits } : null;
}

function freeOf(charge: RatedCharge, occurrences: CountedUsage['occurrences']): BillableUsage {
  const allowance = freeByOrder(charge);
  if (allowance === null) return { units: charge.freeUnits, events: ZERO };
  assert(occurrences !== undefined, 'a free allowance by order needs the first occurrences');
  return freeAllowance(occurrences, allowance);
}

function billableUsage(charge: RatedCharge, { units, events, occurrences }: CountedUsage): BillableUsage {
  const free = freeOf(charge, occurrences);
  return {
    units: Decimal.max(ZERO, units.minus(free.units)),
    // Nothing counted, nothing fixed to pay, whatever stood behind it.
    events: units.isZero() ? ZERO : Decimal.max(ZERO, events.minus(free.events)),
  };
}

/**
 * What is free of a percentage, as Lago counts it: of the first `events` events the units, but at most `units`; or, without
 * a limit of events, the units up to `units`. Free events are those after which the running total is still below `units`, and
 * at most `events`; when the very first one reaches `units`, then `events` of them. The event that reaches `units` pays its
 * fixed price. Quantities are not negative; an occurrence of several events counts as that many of the same size, and one of no
 * events counts its units where it comes.
 */
export function freeAllowance(occurrences: Iterable<Occurrence>, free: FreeByOrder): BillableUsage {
  const hasUnits = !free.units.isZero();
  let left = new Decimal(free.events > 0 ? free.events : Infinity);
  let total = ZERO;
  let below = ZERO;
  for (const occurrence of occurrences) {
    const { quantity, events } = occurrence;
    if (left.isZero() || (free.events === 0 && total.gt(free.units))) break;
    assert(!quantity.isNegative(), 'a percentage with a free allowance has no negative quantities');
    const taken = Decimal.min(left, events);
    below = below.plus(eventsBelow(occurrence, free.units.minus(total), taken));
    // Multiplied first: the share of a part of the events is exact wherever it can be.
    total = total.plus(events.isZero() ? quantity : quantity.times(taken).div(events));
    left = left.minus(taken);
  }
  const limits = [new Decimal(free.events), below].filter((limit) => !limit.isZero());
  return {
    units: hasUnits ? Decimal.min(total, free.units) : total,
    events: limits.length === 0 ? ZERO : Decimal.min(...limits),
  };
}

/** How many of the first `taken` events keep the running total strictly below `rest`. */
function eventsBelow({ quantity, events }: Occurrence, rest: Decimal, taken: Decimal): Decimal {
  if (taken.isZero() || rest.lte(0)) return ZERO;
  // Without a quantity there is none that reaches it: the division is infinite.
  const reaching = rest.times(events).div(quantity).ceil();
  return Decimal.min(taken, reaching.minus(1));
}
