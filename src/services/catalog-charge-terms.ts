/** The terms of a charge as callers send them: who prices, at what, and which metric that needs. */
import { overlaps } from '../domain/bucket';
import { type ChargeFilterJson, parseBucketRule, printFilters } from '../domain/charge-filter';
import { Decimal } from '../domain/decimal';
import type { MetricRules } from '../domain/metric';
import { invalid, parseDecimal } from '../domain/parse';
import { parsePriceModel, printPriceModel, type PriceModelJson } from '../domain/price-model';
import { type Charge, ChargeMode, GapPolicy } from '../entities/charge';

export interface ChargeTermsInput {
  mode: ChargeMode;
  /** In mode AMOUNT only. */
  price?: PriceModelJson | null;
  /** In mode AMOUNT only: three letters that Odoo knows. */
  currency?: string | null;
  /** Units of the metric a period, 0 or more. */
  freeUnits: string;
  /** Units of the metric, above 0; 1 in mode AMOUNT. */
  unitsPerProductUnit: string;
  /** Money of a full period, 0 or more; 0 when left out, as in mode QUANTITY. */
  minimumAmount?: string;
  /** In mode AMOUNT only. */
  filters?: readonly ChargeFilterJson[] | null;
  /** Dimensions; in mode AMOUNT only. */
  groupBy?: readonly string[] | null;
  /** BILL_KNOWN when left out. */
  onGap?: GapPolicy;
}

/** What a charge stores of its terms. */
export type ChargeTerms = Pick<
  Charge,
  | 'mode'
  | 'price'
  | 'currency'
  | 'freeUnits'
  | 'unitsPerProductUnit'
  | 'minimumAmount'
  | 'filters'
  | 'groupBy'
  | 'onGap'
>;

/** @throws BillingError VALIDATION_FAILED with the field that is wrong, or belongs to the other mode. */
export function parseTerms(input: ChargeTermsInput): ChargeTerms {
  const { mode } = input;
  const freeUnits = parseDecimal(input.freeUnits, 'freeUnits');
  if (freeUnits.isNegative()) throw invalid('freeUnits', 'freeUnits must be 0 or more.');
  const unitsPerProductUnit = parseDecimal(input.unitsPerProductUnit, 'unitsPerProductUnit');
  if (!unitsPerProductUnit.isPositive() || unitsPerProductUnit.isZero()) {
    throw invalid('unitsPerProductUnit', 'unitsPerProductUnit must be above 0.');
  }
  const minimumAmount = parseDecimal(input.minimumAmount ?? '0', 'minimumAmount');
  if (minimumAmount.isNegative()) throw invalid('minimumAmount', 'minimumAmount must be 0 or more.');
  const onGap = input.onGap ?? GapPolicy.BILL_KNOWN;
  const units = { freeUnits, unitsPerProductUnit, minimumAmount, onGap };
  switch (mode) {
    case ChargeMode.QUANTITY:
      refuseTermsOfAmount(input, minimumAmount);
      return { mode, price: null, currency: null, ...units, filters: [], groupBy: [] };
    case ChargeMode.AMOUNT: {
      if (!input.price) throw invalid('price', 'In mode AMOUNT the charge needs a price.');
      if (!input.currency) throw invalid('currency', 'In mode AMOUNT the charge needs the currency of its price.');
      if (!unitsPerProductUnit.equals(new Decimal(1))) {
        throw invalid('unitsPerProductUnit', 'unitsPerProductUnit is 1 in mode AMOUNT: the quantity is the amount.');
      }
      const price = printPriceModel(parsePriceModel(input.price));
      const { filters, groupBy } = parseBucketRule(input.filters ?? [], input.groupBy ?? []);
      return { mode, price, currency: input.currency, ...units, filters: printFilters(filters), groupBy: [...groupBy] };
    }
  }
}

function refuseTermsOfAmount(input: ChargeTermsInput, minimumAmount: Decimal): void {
  const sent: Record<string, boolean> = {
    price: Boolean(input.price),
    currency: Boolean(input.currency),
    minimumAmount: !minimumAmount.isZero(),
    filters: (input.filters ?? []).length > 0,
    groupBy: (input.groupBy ?? []).length > 0,
  };
  for (const [field, isSent] of Object.entries(sent)) {
    if (isSent) throw invalid(field, `${field} belongs to mode AMOUNT; in mode QUANTITY Odoo prices.`);
  }
}

/** Warnings of one charge at most, that of the rest included. */
const MAX_WARNINGS = 20;

/** Sentences on filters that share records though neither is narrower. */
export function overlapWarnings({ filters, groupBy }: ChargeTerms): string[] {
  const pairs = overlaps(parseBucketRule(filters, groupBy).filters);
  const told = pairs.length > MAX_WARNINGS ? pairs.slice(0, MAX_WARNINGS - 1) : pairs;
  const warnings = told.map(
    ([taker, other]) =>
      `Filters "${taker.name}" and "${other.name}" overlap: a record that matches both is priced by "${taker.name}" alone.`,
  );
  const rest = pairs.length - told.length;
  return rest === 0 ? warnings : [...warnings, `${rest} more pairs of filters overlap.`];
}

/** What of a metric decides how it can be priced. */
type FittedMetric = Pick<MetricRules, 'aggregation' | 'signed' | 'perEvent' | 'recurring'>;

/** A price of the charge: its own, or a filter's. */
interface PricedPart {
  price?: PriceModelJson | null;
  freeUnits: string | Decimal;
}

/** Whether the metric can be priced so. @throws BillingError VALIDATION_FAILED naming the price, a filter's by its place. */
export function refuseUnfitMetric(
  metric: FittedMetric,
  terms: PricedPart & { filters?: readonly PricedPart[] | null },
): void {
  refuseUnfitPrice(metric, terms, 'price');
  (terms.filters ?? []).forEach((filter, index) => refuseUnfitPrice(metric, filter, `filters[${index}].price`));
}

/** A price for each event needs to know the events; what is free of a percentage is counted up, never down. */
function refuseUnfitPrice(metric: FittedMetric, { price, freeUnits }: PricedPart, field: string): void {
  if (!price?.percentage) return;
  const { fixedPrice, freeEvents } = price.percentage;
  const hasFixedPrice = !new Decimal(fixedPrice ?? 0).isZero();
  const isPerEvent = Boolean(freeEvents) || hasFixedPrice;
  const isByOrder = Boolean(freeEvents) || (hasFixedPrice && !new Decimal(freeUnits).isZero());
  if (isByOrder && (metric.recurring || !['SUM', 'COUNT'].includes(metric.aggregation))) {
    throw invalid(
      `${field}.percentage`,
      'A free allowance by events needs a SUM or COUNT that begins anew each period.',
    );
  }
  if (isPerEvent && !metric.perEvent) {
    throw invalid(`${field}.percentage`, 'A price or a free allowance for each event needs a metric with `perEvent`.');
  }
  if (metric.signed && (Boolean(freeEvents) || !new Decimal(freeUnits).isZero())) {
    throw invalid(`${field}.percentage`, 'A percentage of a metric with negative quantities has no free allowance.');
  }
}
