/** The terms of a charge as callers send them: who prices, at what, and which metric that needs. */
import { Decimal } from '../domain/decimal';
import type { MetricRules } from '../domain/metric';
import { invalid, parseDecimal } from '../domain/parse';
import { parsePriceModel, printPriceModel, type PriceModelJson } from '../domain/price-model';
import { type Charge, ChargeMode, GapPolicy } from '../entities/charge';

export interface CreateChargeInput {
  service?: string | null;
  /** Code of a metric of the service. */
  metric: string;
  productOdooId: number;
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
  /** BILL_KNOWN when left out. */
  onGap?: GapPolicy;
}

/** What a charge stores of its input. */
export type ChargeTerms = Pick<
  Charge,
  'mode' | 'price' | 'currency' | 'freeUnits' | 'unitsPerProductUnit' | 'minimumAmount' | 'onGap'
>;

/** @throws BillingError VALIDATION_FAILED with the field that is wrong, or belongs to the other mode. */
export function parseTerms(input: CreateChargeInput): ChargeTerms {
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
  switch (mode) {
    case ChargeMode.QUANTITY:
      if (input.price) throw invalid('price', 'price belongs to mode AMOUNT; in mode QUANTITY Odoo prices.');
      if (input.currency) throw invalid('currency', 'currency belongs to mode AMOUNT; in mode QUANTITY Odoo prices.');
      if (!minimumAmount.isZero())
        throw invalid('minimumAmount', 'minimumAmount belongs to mode AMOUNT; in mode QUANTITY Odoo prices.');
      return { mode, price: null, currency: null, freeUnits, unitsPerProductUnit, minimumAmount, onGap };
    case ChargeMode.AMOUNT:
      if (!input.price) throw invalid('price', 'In mode AMOUNT the charge needs a price.');
      if (!input.currency) throw invalid('currency', 'In mode AMOUNT the charge needs the currency of its price.');
      if (!unitsPerProductUnit.equals(new Decimal(1))) {
        throw invalid('unitsPerProductUnit', 'unitsPerProductUnit is 1 in mode AMOUNT: the quantity is the amount.');
      }
      return {
        mode,
        price: printPriceModel(parsePriceModel(input.price)),
        currency: input.currency,
        freeUnits,
        unitsPerProductUnit,
        minimumAmount,
        onGap,
      };
  }
}

/** A price for each event needs to know the events; what is free of a percentage is counted up, never down. */
export function refuseUnfitMetric(
  metric: Pick<MetricRules, 'aggregation' | 'signed' | 'perEvent' | 'recurring'>,
  { price, freeUnits }: { price?: PriceModelJson | null; freeUnits: string | Decimal },
): void {
  if (!price?.percentage) return;
  const { fixedPrice, freeEvents } = price.percentage;
  const hasFixedPrice = !new Decimal(fixedPrice ?? 0).isZero();
  const isPerEvent = Boolean(freeEvents) || hasFixedPrice;
  const isByOrder = Boolean(freeEvents) || (hasFixedPrice && !new Decimal(freeUnits).isZero());
  if (isByOrder && (metric.recurring || !['SUM', 'COUNT'].includes(metric.aggregation))) {
    throw invalid('price.percentage', 'A free allowance by events needs a SUM or COUNT that begins anew each period.');
  }
  if (isPerEvent && !metric.perEvent) {
    throw invalid('price.percentage', 'A price or a free allowance for each event needs a metric with `perEvent`.');
  }
  if (metric.signed && (Boolean(freeEvents) || !new Decimal(freeUnits).isZero())) {
    throw invalid('price.percentage', 'A percentage of a metric with negative quantities has no free allowance.');
  }
}
