import fc from 'fast-check';
import { Decimal } from '../../src/domain/decimal';
import { BillingError } from '../../src/domain/errors';
import { type PriceModelJson, parsePriceModel, printPriceModel } from '../../src/domain/price-model';

function refusal(json: PriceModelJson): BillingError {
  try {
    parsePriceModel(json);
  } catch (error) {
    if (error instanceof BillingError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(json)} was taken`);
}

it.each([
  ['0', '0'],
  ['0.0125', '0.0125'],
  ['010.50', '10.5'],
  ['0.000000000001', '0.000000000001'],
  ['123456789012345678.123456789012', '123456789012345678.123456789012'],
  ['9'.repeat(30), '9'.repeat(30)],
])('a standard price of %s is taken', (unitPrice, exact) => {
  const price = parsePriceModel({ standard: { unitPrice } });
  expect(price).toEqual({ model: 'STANDARD', unitPrice: new Decimal(exact) });
});

it.each([
  ['negative', '-1'],
  ['empty', ''],
  ['no number', 'free'],
  ['with an exponent', '1e3'],
  ['with a comma', '1,5'],
  ['with a sign', '+1'],
  ['with spaces', ' 1 '],
  ['without digits after the point', '1.'],
  ['without digits before the point', '.5'],
  ['without end', 'Infinity'],
  ['of 13 digits after the point', '0.0000000000001'],
  ['of 31 digits', '1'.repeat(31)],
  ['of 31 digits around the point', `${'1'.repeat(19)}.${'1'.repeat(12)}`],
])('a price that is %s is refused, naming its field', (_, unitPrice) => {
  const error = refusal({ standard: { unitPrice } });
  expect([error.code, error.details.field]).toEqual(['VALIDATION_FAILED', 'price.standard.unitPrice']);
});

it.each([
  ['without a model', {}],
  ['with a model that is null', { standard: null }],
  ['with a model nobody knows', { surge: { unitPrice: '1' } }],
  ['with two models', { standard: { unitPrice: '1' }, surge: {} }],
])('a price %s is refused, naming `price`', (_, json) => {
  const error = refusal(json as PriceModelJson);
  expect([error.code, error.details.field]).toEqual(['VALIDATION_FAILED', 'price']);
});

it('models that are null or missing do not count', () => {
  const price = parsePriceModel({ standard: { unitPrice: '1' }, graduated: null, volume: undefined });
  expect(price).toEqual({ model: 'STANDARD', unitPrice: new Decimal(1) });
});

it('who sends no model, or two, is told which there are', () => {
  expect(refusal({})).toMatchObject({
    code: 'VALIDATION_FAILED',
    message: 'A price has exactly one model: standard, graduated, graduatedPercentage, package, percentage or volume.',
    details: { field: 'price' },
  });
});

it('100 tiers and 1,000,000 free events are taken', () => {
  const tiers = Array.from({ length: 100 }, (_, index) => ({
    upTo: index === 99 ? null : String(index + 1),
    unitPrice: '1',
  }));
  expect(parsePriceModel({ volume: { tiers } })).toMatchObject({ model: 'VOLUME', tiers: { length: 100 } });
  expect(parsePriceModel({ percentage: { rate: '1', freeEvents: 1_000_000 } })).toMatchObject({
    freeEvents: 1_000_000,
  });
});

it('a refused price is shown in part only, however long it was', () => {
  const { message } = refusal({ standard: { unitPrice: 'x'.repeat(5000) } });
  expect(message).toContain(`"${'x'.repeat(49)}…"`);
});

it.each([
  ['no tiers', { graduated: { tiers: [] } }, 'price.graduated.tiers', '1 to 100 tiers, not 0'],
  [
    '101 tiers',
    { volume: { tiers: Array.from({ length: 101 }, () => ({ unitPrice: '1' })) } },
    'price.volume.tiers',
    '1 to 100 tiers, not 101',
  ],
  [
    'a last tier with an end',
    { graduated: { tiers: [{ upTo: '10', unitPrice: '1' }] } },
    'price.graduated.tiers[0].upTo',
    'the last tier is without end',
  ],
  [
    'an open tier before the last',
    { graduated: { tiers: [{ unitPrice: '1' }, { unitPrice: '1' }] } },
    'price.graduated.tiers[0].upTo',
    'only the last tier is without end',
  ],
  [
    'tiers that do not rise',
    { volume: { tiers: [{ upTo: '10', unitPrice: '1' }, { upTo: '10.0', unitPrice: '1' }, { unitPrice: '1' }] } },
    'price.volume.tiers[1].upTo',
    'above the tier before, 10, not 10',
  ],
  [
    'a tier up to 0',
    { graduated: { tiers: [{ upTo: '0', unitPrice: '1' }, { unitPrice: '1' }] } },
    'price.graduated.tiers[0].upTo',
    'above 0',
  ],
  [
    'a negative price in a tier',
    { graduated: { tiers: [{ upTo: '1', unitPrice: '1' }, { unitPrice: '-1' }] } },
    'price.graduated.tiers[1].unitPrice',
    'not "-1"',
  ],
  [
    'a negative flat price',
    { volume: { tiers: [{ unitPrice: '1', flatPrice: '-0.01' }] } },
    'price.volume.tiers[0].flatPrice',
    'not "-0.01"',
  ],
  [
    'a rate that is no number',
    { graduatedPercentage: { tiers: [{ rate: '2%' }] } },
    'price.graduatedPercentage.tiers[0].rate',
    'not "2%"',
  ],
  [
    'packages of nothing',
    { package: { packageSize: '0.00', packagePrice: '1' } },
    'price.package.packageSize',
    'above 0',
  ],
  [
    'a negative package price',
    { package: { packageSize: '1', packagePrice: '-1' } },
    'price.package.packagePrice',
    'not "-1"',
  ],
  ['a negative rate', { percentage: { rate: '-1' } }, 'price.percentage.rate', 'not "-1"'],
  [
    'a negative fixed price',
    { percentage: { rate: '1', fixedPrice: '-1' } },
    'price.percentage.fixedPrice',
    'not "-1"',
  ],
  [
    'half a free event',
    { percentage: { rate: '1', freeEvents: 0.5 } },
    'price.percentage.freeEvents',
    'from 0 to 1000000, not 0.5',
  ],
  [
    'less than no free events',
    { percentage: { rate: '1', freeEvents: -1 } },
    'price.percentage.freeEvents',
    'from 0 to 1000000, not -1',
  ],
  [
    'too many free events',
    { percentage: { rate: '1', freeEvents: 1_000_001 } },
    'price.percentage.freeEvents',
    'not 1000001',
  ],
] satisfies [string, PriceModelJson, string, string][])('%s are refused by name', (_, json, field, part) => {
  const error = refusal(json);
  expect([error.code, error.details.field]).toEqual(['VALIDATION_FAILED', field]);
  expect(error.message).toContain(part);
});

it.each([
  { standard: { unitPrice: '0.0125' } },
  {
    graduated: {
      tiers: [
        { upTo: '10', unitPrice: '1', flatPrice: '2' },
        { upTo: null, unitPrice: '0.5', flatPrice: '0' },
      ],
    },
  },
  {
    graduatedPercentage: {
      tiers: [
        { upTo: '99.5', rate: '2.9', flatPrice: '0.3' },
        { upTo: null, rate: '0', flatPrice: '0' },
      ],
    },
  },
  { package: { packageSize: '100', packagePrice: '5' } },
  { percentage: { rate: '2', fixedPrice: '0.5', freeEvents: 3 } },
  { volume: { tiers: [{ upTo: null, unitPrice: '1', flatPrice: '4' }] } },
] satisfies PriceModelJson[])('%j is printed as it was sent', (json) => {
  expect(printPriceModel(parsePriceModel(json))).toEqual(json);
});

it('what may be left out is 0', () => {
  expect(printPriceModel(parsePriceModel({ percentage: { rate: '2' } }))).toEqual({
    percentage: { rate: '2', fixedPrice: '0', freeEvents: 0 },
  });
  expect(printPriceModel(parsePriceModel({ graduated: { tiers: [{ unitPrice: '1' }] } }))).toEqual({
    graduated: { tiers: [{ upTo: null, unitPrice: '1', flatPrice: '0' }] },
  });
});

it('what is printed parses to the same price', () => {
  const price = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.bigInt({ min: 0n, max: 10n ** 12n - 1n }))
    .map(([whole, fraction]) => new Decimal(`${whole}.${fraction.toString().padStart(12, '0')}`));
  fc.assert(
    fc.property(price, (unitPrice) => {
      const again = parsePriceModel(printPriceModel({ model: 'STANDARD', unitPrice }));
      expect(again).toEqual({ model: 'STANDARD', unitPrice });
    }),
  );
});
