/** A charge's price as stored and sent, parsed into a union the rest switches over. Each model is one member. */
import { Decimal } from './decimal';
import { BillingError, clip } from './errors';

/** Every unit at one price, in the charge's currency. */
export interface StandardPrice {
  model: 'STANDARD';
  unitPrice: Decimal;
}

export type PriceModel = StandardPrice;

/** The shape in which a price is sent and stored: exactly one model under its name, decimals as strings. */
export interface PriceModelJson {
  standard?: { unitPrice: string } | null;
}

const MAX_PRICE_DIGITS = 30;

/**
 * Parses the stored or sent shape. Prices are not negative, at most 30 digits with 12 after the point.
 * @throws BillingError VALIDATION_FAILED with the path of the value at fault.
 */
export function parsePriceModel(json: PriceModelJson): PriceModel {
  const given = Object.entries(json).filter(([, value]) => value !== null && value !== undefined);
  if (given.length !== 1 || !json.standard) {
    throw new BillingError('VALIDATION_FAILED', 'A price has exactly one model: standard.', { field: 'price' });
  }
  return { model: 'STANDARD', unitPrice: parsePrice(json.standard.unitPrice, 'price.standard.unitPrice') };
}

/** The inverse of `parsePriceModel`. */
export function printPriceModel(price: PriceModel): PriceModelJson {
  switch (price.model) {
    case 'STANDARD':
      return { standard: { unitPrice: price.unitPrice.toFixed() } };
  }
}

function parsePrice(text: string, field: string): Decimal {
  if (!/^\d{1,30}(\.\d{1,12})?$/.test(text) || text.replace('.', '').length > MAX_PRICE_DIGITS) {
    throw new BillingError(
      'VALIDATION_FAILED',
      `${field} must be a price of 0 or more, at most 30 digits with 12 after the point, not "${clip(text, 50)}".`,
      { field },
    );
  }
  return new Decimal(text);
}
