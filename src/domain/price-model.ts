/** A charge's price as stored and sent, parsed into a union the rest switches over. Each model is one member. */
import { Decimal } from './decimal';
import { clip } from './errors';
import { invalid } from './parse';

/** Every unit at one price, in the charge's currency. */
export interface StandardPrice {
  model: 'STANDARD';
  unitPrice: Decimal;
}

/** Units above the tier before, up to and with `upTo`; null: without end. */
export interface Tier {
  upTo: Decimal | null;
  /** Due once the tier is reached; that of the first tier always. */
  flatPrice: Decimal;
}

export interface PriceTier extends Tier {
  unitPrice: Decimal;
}

export interface PercentageTier extends Tier {
  /** In percent of the units, which are money then. */
  rate: Decimal;
}

/** Each unit at the price of the tier it falls in. */
export interface GraduatedPrice {
  model: 'GRADUATED';
  tiers: readonly PriceTier[];
}

/** Each unit at the percentage of the tier it falls in. */
export interface GraduatedPercentagePrice {
  model: 'GRADUATED_PERCENTAGE';
  tiers: readonly PercentageTier[];
}

/** Every begun package at one price. */
export interface PackagePrice {
  model: 'PACKAGE';
  packageSize: Decimal;
  packagePrice: Decimal;
}

/** A percentage of the units, which are money, and a fixed price for each event. */
export interface PercentagePrice {
  model: 'PERCENTAGE';
  rate: Decimal;
  fixedPrice: Decimal;
  /** The first events of a period, free with their units; 0: none. */
  freeEvents: number;
}

/** All units at the price of the one tier their total falls in. */
export interface VolumePrice {
  model: 'VOLUME';
  tiers: readonly PriceTier[];
}

export type PriceModel =
  StandardPrice | GraduatedPrice | GraduatedPercentagePrice | PackagePrice | PercentagePrice | VolumePrice;

interface TierJson {
  upTo?: string | null;
  flatPrice?: string | null;
}

type PriceTierJson = TierJson & { unitPrice: string };
type PercentageTierJson = TierJson & { rate: string };

interface PercentageJson {
  rate: string;
  fixedPrice?: string | null;
  freeEvents?: number | null;
}

/** The shape in which a price is sent and stored: exactly one model under its name, decimals as strings. */
export interface PriceModelJson {
  standard?: { unitPrice: string } | null;
  graduated?: { tiers: readonly PriceTierJson[] } | null;
  graduatedPercentage?: { tiers: readonly PercentageTierJson[] } | null;
  package?: { packageSize: string; packagePrice: string } | null;
  percentage?: PercentageJson | null;
  volume?: { tiers: readonly PriceTierJson[] } | null;
}

/** Tiers of one price at most. */
export const MAX_TIERS = 100;
/** Free events of one period at most. */
export const MAX_FREE_EVENTS = 1_000_000;
const MAX_PRICE_DIGITS = 30;

/**
 * Parses the stored or sent shape. Prices and rates are not negative, at most 30 digits with 12 after the point; tiers rise,
 * and the last one, and only it, is open. `at`: where the price stands in its input.
 * @throws BillingError VALIDATION_FAILED with the path of the value at fault.
 */
export function parsePriceModel(json: PriceModelJson, at = 'price'): PriceModel {
  const { standard, graduated, graduatedPercentage, package: packages, percentage, volume } = json;
  const given = Object.values(json).filter((value) => value !== null && value !== undefined);
  if (given.length === 1) {
    if (standard) return { model: 'STANDARD', unitPrice: parsePrice(standard.unitPrice, `${at}.standard.unitPrice`) };
    if (graduated) return { model: 'GRADUATED', tiers: parsePriceTiers(graduated.tiers, `${at}.graduated.tiers`) };
    if (graduatedPercentage) return parseGraduatedPercentage(graduatedPercentage, `${at}.graduatedPercentage`);
    if (packages) return parsePackage(packages, `${at}.package`);
    if (percentage) return parsePercentage(percentage, `${at}.percentage`);
    if (volume) return { model: 'VOLUME', tiers: parsePriceTiers(volume.tiers, `${at}.volume.tiers`) };
  }
  throw invalid(
    at,
    'A price has exactly one model: standard, graduated, graduatedPercentage, package, percentage or volume.',
  );
}

/** The inverse of `parsePriceModel`. */
export function printPriceModel(price: PriceModel): PriceModelJson {
  switch (price.model) {
    case 'STANDARD':
      return { standard: { unitPrice: price.unitPrice.toFixed() } };
    case 'GRADUATED':
      return { graduated: { tiers: price.tiers.map(printPriceTier) } };
    case 'GRADUATED_PERCENTAGE':
      return {
        graduatedPercentage: { tiers: price.tiers.map((tier) => ({ ...printTier(tier), rate: tier.rate.toFixed() })) },
      };
    case 'PACKAGE':
      return { package: { packageSize: price.packageSize.toFixed(), packagePrice: price.packagePrice.toFixed() } };
    case 'PERCENTAGE': {
      const { rate, fixedPrice, freeEvents } = price;
      return { percentage: { rate: rate.toFixed(), fixedPrice: fixedPrice.toFixed(), freeEvents } };
    }
    case 'VOLUME':
      return { volume: { tiers: price.tiers.map(printPriceTier) } };
  }
}

function printPriceTier(tier: PriceTier): Required<PriceTierJson> {
  return { ...printTier(tier), unitPrice: tier.unitPrice.toFixed() };
}

function printTier(tier: Tier): Required<TierJson> {
  return { upTo: tier.upTo?.toFixed() ?? null, flatPrice: tier.flatPrice.toFixed() };
}

function parseGraduatedPercentage(
  { tiers }: { tiers: readonly PercentageTierJson[] },
  path: string,
): GraduatedPercentagePrice {
  return {
    model: 'GRADUATED_PERCENTAGE',
    tiers: parseTiers(tiers, `${path}.tiers`, (tier, at) => ({ rate: parsePrice(tier.rate, `${at}.rate`) })),
  };
}

function parsePackage(
  { packageSize, packagePrice }: { packageSize: string; packagePrice: string },
  at: string,
): PackagePrice {
  return {
    model: 'PACKAGE',
    packageSize: parsePositive(packageSize, `${at}.packageSize`),
    packagePrice: parsePrice(packagePrice, `${at}.packagePrice`),
  };
}

function parsePercentage({ rate, fixedPrice, freeEvents }: PercentageJson, at: string): PercentagePrice {
  return {
    model: 'PERCENTAGE',
    rate: parsePrice(rate, `${at}.rate`),
    fixedPrice: parsePrice(fixedPrice ?? '0', `${at}.fixedPrice`),
    freeEvents: parseFreeEvents(freeEvents ?? 0, `${at}.freeEvents`),
  };
}

function parsePriceTiers(tiers: readonly PriceTierJson[], field: string): PriceTier[] {
  return parseTiers(tiers, field, (tier, at) => ({ unitPrice: parsePrice(tier.unitPrice, `${at}.unitPrice`) }));
}

function parseTiers<T extends TierJson, P>(
  tiers: readonly T[],
  field: string,
  parseRest: (tier: T, path: string) => P,
): (Tier & P)[] {
  if (tiers.length === 0 || tiers.length > MAX_TIERS) {
    throw invalid(field, `${field} must be 1 to ${MAX_TIERS} tiers, not ${tiers.length}.`);
  }
  let before: Decimal | null = null;
  return tiers.map((tier, index) => {
    const at = `${field}[${index}]`;
    const isLast = index === tiers.length - 1;
    const upTo = parseUpTo(tier.upTo ?? null, { field: `${at}.upTo`, isLast, before });
    before = upTo;
    return { upTo, flatPrice: parsePrice(tier.flatPrice ?? '0', `${at}.flatPrice`), ...parseRest(tier, at) };
  });
}

function parseUpTo(
  text: string | null,
  { field, isLast, before }: { field: string; isLast: boolean; before: Decimal | null },
): Decimal | null {
  if (isLast) {
    if (text === null) return null;
    throw invalid(field, `${field} must be null: the last tier is without end.`);
  }
  if (text === null) throw invalid(field, `${field} is missing: only the last tier is without end.`);
  const upTo = parsePositive(text, field);
  if (before !== null && upTo.lte(before)) {
    throw invalid(field, `${field} must be above the tier before, ${before.toFixed()}, not ${upTo.toFixed()}.`);
  }
  return upTo;
}

function parsePositive(text: string, field: string): Decimal {
  const value = parsePrice(text, field);
  if (value.isZero()) throw invalid(field, `${field} must be above 0.`);
  return value;
}

function parsePrice(text: string, field: string): Decimal {
  if (!/^\d{1,30}(\.\d{1,12})?$/.test(text) || text.replace('.', '').length > MAX_PRICE_DIGITS) {
    throw invalid(
      field,
      `${field} must be 0 or more, at most 30 digits with 12 after the point, not "${clip(text, 50)}".`,
    );
  }
  return new Decimal(text);
}

function parseFreeEvents(count: number, field: string): number {
  if (Number.isInteger(count) && count >= 0 && count <= MAX_FREE_EVENTS) return count;
  throw invalid(field, `${field} must be a whole number from 0 to ${MAX_FREE_EVENTS}, not ${count}.`);
}
