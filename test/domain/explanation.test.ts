import { Decimal } from '../../src/domain/decimal';
import { explainRating } from '../../src/domain/explanation';
import { type PriceModelJson, parsePriceModel } from '../../src/domain/price-model';
import { rate } from '../support/rate';

function sentence(
  json: PriceModelJson | null,
  units: string,
  { free = '0', minimum = '0', perProductUnit = '1', events = '1' } = {},
): string {
  const mode = json === null ? 'QUANTITY' : 'AMOUNT';
  const charge = {
    mode,
    price: json === null ? null : parsePriceModel(json),
    freeUnits: new Decimal(free),
    unitsPerProductUnit: new Decimal(perProductUnit),
    minimumAmount: new Decimal(minimum),
  } as const;
  const usage = { units: new Decimal(units), events: new Decimal(events) };
  const rating = rate(charge, usage, { price: new Decimal('2.5'), places: 2 });
  return explainRating(rating, { ...charge, unit: 'call', currency: 'USD' });
}

it.each([
  [{ standard: { unitPrice: '0.10' } }, '50', {}, '50 call: 50 × 0.1 = 5. Amount: 5 USD.'],
  [
    { standard: { unitPrice: '0.125' } },
    '150.5',
    { free: '100' },
    '150.5 call, of them 50.5 billable: 50.5 × 0.125 = 6.3125. Amount: 6.31 USD.',
  ],
  [
    { graduated: { tiers: [{ upTo: '10', unitPrice: '1', flatPrice: '2' }, { unitPrice: '0.5' }] } },
    '14.5',
    {},
    '14.5 call: 10 × 1 + 2 = 12; 4.5 × 0.5 = 2.25. Amount: 14.25 USD.',
  ],
  [{ package: { packageSize: '100', packagePrice: '5' } }, '201', {}, '201 call: 3 packages × 5 = 15. Amount: 15 USD.'],
  [
    { percentage: { rate: '2.9', fixedPrice: '0.30' } },
    '1000',
    { events: '4' },
    '1000 call: 2.9 % of 1000 = 29; 4 events × 0.3 = 1.2. Amount: 30.2 USD.',
  ],
  [
    { standard: { unitPrice: '0.10' } },
    '20',
    { minimum: '5' },
    '20 call: 20 × 0.1 = 2; 3 more up to the minimum. Amount: 5 USD.',
  ],
  [{ standard: { unitPrice: '1' } }, '-3', {}, '-3 call, of them 0 billable: nothing due. Amount: 0 USD.'],
  [
    null,
    '1234',
    { perProductUnit: '1000' },
    '1234 call, 1000 to a product unit: quantity 1.234. At the price of the line about 3.09 USD.',
  ],
  [null, '3', { free: '1' }, '3 call, of them 2 billable: quantity 2. At the price of the line about 5 USD.'],
] satisfies [PriceModelJson | null, string, object, string][])(
  '%j of %s units (%o) reads: %s',
  (json, units, terms, text) => {
    expect(sentence(json, units, terms)).toBe(text);
  },
);
