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
  /** The first occurrences in the order of time, as far as `freeByOrder` asks for them. */
  occurrences?: Iterable<Occurrence>;
}

/** What prices one bucket of a charge. */
export interface BucketPrice {
  /** Null exactly in mode QUANTITY. */
  price: PriceModel | null;
  freeUnits: Decimal;
  unitsPerProductUnit: Decimal;
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

/** Where a charge is rated: the line's price for estimates, and the currency's decimals. */
export interface RatingTerms {
  price: Decimal;
  places: number;
}

/** Digits after the point of a value in product units: as many as a quantity may have. */
const QUANTITY_VALUE_PLACES = 12;

/**
 * Rates what one bucket of a charge counted in one period. Rounds half away from zero, once, to the currency's decimals.
 * Negative units cost nothing: they are no credit.
 */
export function rateBucket(charge: BucketPrice, usage: CountedUsage, terms: RatingTerms): Rating {
  const { units } = usage;
  const { price } = charge;
  const billable = billableUsage(charge, usage);
  if (price === null) {
    const value = roundTo(billable.units.div(charge.unitsPerProductUnit), QUANTITY_VALUE_PLACES);
    const steps = priceSteps({ model: 'STANDARD', unitPrice: terms.price }, { units: value, events: ZERO });
    const amount = roundTo(value.times(terms.price), terms.places);
    return { units, billableUnits: billable.units, value, amount, steps };
  }
  const steps = units.isNegative() ? [] : priceSteps(price, billable);
  const amount = roundTo(sum(steps.map((each) => each.amount)), terms.places);
  return { units, billableUnits: billable.units, value: amount, amount, steps };
}

/** `rating` with what is missing of a minimum, in money, as a step of its own. */
export function toppedUp(rating: Rating, missing: Decimal): Rating {
  const { billableUnits, steps } = rating;
  const amount = rating.amount.plus(missing);
  const minimum = step('MINIMUM', [billableUnits, billableUnits], { unitPrice: ZERO, flatPrice: missing });
  return { ...rating, value: amount, amount, steps: [...steps, minimum] };
}

/** The first events of a period, and units among them: what a price may have free of both. */
export interface FreeAllowance {
  events: Decimal;
  units: Decimal;
}

/** What a percentage has free by the order of its events, 0 for no such limit; null where free units go off the total. */
export function freeByOrder({ price, freeUnits }: Pick<BucketPrice, 'price' | 'freeUnits'>): FreeAllowance | null {
  if (price?.model !== 'PERCENTAGE') return null;
  if (price.freeEvents === 0 && (freeUnits.isZero() || price.fixedPrice.isZero())) return null;
  return { events: new Decimal(price.freeEvents), units: freeUnits };
}

function billableUsage(charge: BucketPrice, { units, events, occurrences }: CountedUsage): BillableUsage {
  const limits = freeByOrder(charge);
  let free: FreeAllowance = { units: charge.freeUnits, events: ZERO };
  if (limits !== null) {
    assert(occurrences !== undefined, 'a free allowance by order needs the first occurrences');
    free = freeAllowance(occurrences, limits);
  }
  return {
    units: Decimal.max(ZERO, units.minus(free.units)),
    // Nothing counted, nothing fixed to pay, whatever stood behind it.
    events: units.isZero() ? ZERO : Decimal.max(ZERO, events.minus(free.events)),
  };
}

/**
 * What is free of a percentage, as Lago counts it: of the first `events` events (0: no such limit) the units, but at most
 * `units` (0: no such limit); or, without a limit of events, the units up to `units`. Free events are those after which the
 * running total is still below `units`, and at most `events`; when the very first one reaches `units`, then `events` of them.
 * The event that reaches `units` pays its fixed price. Quantities are not negative; an occurrence of several events counts as
 * that many of the same size, and one of no events counts its units where it comes.
 */
export function freeAllowance(occurrences: Iterable<Occurrence>, free: FreeAllowance): FreeAllowance {
  const hasUnits = !free.units.isZero();
  const hasEvents = !free.events.isZero();
  let left = hasEvents ? free.events : new Decimal(Infinity);
  let total = ZERO;
  let below = ZERO;
  for (const occurrence of occurrences) {
    const { quantity, events } = occurrence;
    if (left.isZero() || (!hasEvents && total.gt(free.units))) break;
    assert(!quantity.isNegative(), 'a percentage with a free allowance has no negative quantities');
    const taken = Decimal.min(left, events);
    below = below.plus(eventsBelow(occurrence, free.units.minus(total), taken));
    // Multiplied first: the share of a part of the events is exact wherever it can be. Without events it is all of it.
    total = total.plus(events.isZero() ? quantity : quantity.times(taken).div(events));
    left = left.minus(taken);
  }
  const limits = [free.events, below].filter((limit) => !limit.isZero());
  return {
    units: hasUnits ? Decimal.min(total, free.units) : total,
    events: limits.length === 0 ? ZERO : Decimal.min(...limits),
  };
}

/** How many of the first `taken` events keep the running total strictly below `rest`. */
function eventsBelow({ quantity, events }: Occurrence, rest: Decimal, taken: Decimal): Decimal {
  if (rest.lte(0) || events.isZero()) return ZERO;
  // Without a quantity there is none that reaches it: the division is infinite.
  const reaching = rest.times(events).div(quantity).ceil();
  return Decimal.min(taken, reaching.minus(1));
}
