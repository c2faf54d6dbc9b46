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
  expect(price.model).toBe('STANDARD');
  expect(price.unitPrice.toFixed()).toBe(exact);
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

it('a refused price is shown in part only, however long it was', () => {
  const { message } = refusal({ standard: { unitPrice: 'x'.repeat(5000) } });
  expect(message).toContain(`"${'x'.repeat(49)}…"`);
});

it('what is printed parses to the same price', () => {
  const price = fc
    .tuple(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), fc.bigInt({ min: 0n, max: 10n ** 12n - 1n }))
    .map(([whole, fraction]) => new Decimal(`${whole}.${fraction.toString().padStart(12, '0')}`));
  fc.assert(
    fc.property(price, (unitPrice) => {
      const again = parsePriceModel(printPriceModel({ model: 'STANDARD', unitPrice }));
      expect(again.unitPrice.eq(unitPrice)).toBe(true);
    }),
  );
});
