import fc from 'fast-check';
import { Decimal, ZERO, printDecimal, roundTo, sum } from '../../src/domain/decimal';

/** A number of at most 30 digits, 12 of them after the point, as an integer of its smallest unit. */
const units = fc.bigInt({ min: -(10n ** 30n) + 1n, max: 10n ** 30n - 1n });
const PLACES = 12n;

/** `value` of `10 ** -places` in plain notation, by integer arithmetic alone. */
function plain(value: bigint, places: bigint): Decimal {
  const digits = (value < 0n ? -value : value).toString().padStart(Number(places) + 1, '0');
  const point = digits.length - Number(places);
  return new Decimal(`${value < 0n ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`);
}

describe('printing', () => {
  it.each([
    ['1234.5', '1234.5'],
    ['1.500', '1.5'],
    ['0.000', '0'],
    ['-0', '0'],
    ['-0.004', '-0.004'],
    ['0.000000000001', '0.000000000001'],
    ['1e-7', '0.0000001'],
    ['1e29', '100000000000000000000000000000'],
    ['123456789012345678.123456789012', '123456789012345678.123456789012'],
  ])('%s is printed as %s', (text, printed) => {
    expect(printDecimal(new Decimal(text))).toBe(printed);
  });

  it('and parsing give the same number back', () => {
    fc.assert(
      fc.property(units, (value) => {
        const decimal = plain(value, PLACES);
        expect(new Decimal(printDecimal(decimal)).eq(decimal)).toBe(true);
        expect(printDecimal(decimal)).toMatch(/^(0|-?(?!0\d)\d+(\.\d*[1-9])?)$/);
      }),
    );
  });
});

describe('rounding', () => {
  it.each([
    ['0.5', 0, '1'],
    ['-0.5', 0, '-1'],
    ['2.5', 0, '3'],
    ['0.499999999999', 0, '0'],
    ['1.005', 2, '1.01'],
    ['2.675', 2, '2.68'],
    ['-2.675', 2, '-2.68'],
    ['0.004', 2, '0'],
    ['-0.004', 2, '0'],
    ['1234.5678', 2, '1234.57'],
    ['0.0005', 3, '0.001'],
    ['9.9995', 3, '10'],
    ['12', 3, '12'],
  ])('%s to %i places is %s', (value, places, rounded) => {
    expect(printDecimal(roundTo(new Decimal(value), places))).toBe(rounded);
  });

  it('goes half away from zero, whatever the size', () => {
    fc.assert(
      fc.property(units, fc.constantFrom(0n, 2n, 3n), (value, places) => {
        const step = 10n ** (PLACES - places);
        const half = value < 0n ? -step / 2n : step / 2n;
        expect(roundTo(plain(value, PLACES), Number(places)).eq(plain((value + half) / step, places))).toBe(true);
      }),
    );
  });
});

describe('adding up', () => {
  it('nothing gives 0', () => {
    expect(sum([]).eq(ZERO)).toBe(true);
  });

  it('0.1 and 0.2 gives 0.3', () => {
    expect(sum([new Decimal('0.1'), new Decimal('0.2')]).toFixed()).toBe('0.3');
  });

  it('loses nothing between the greatest and the smallest', () => {
    const all = [new Decimal('1e29'), new Decimal('0.000000000001'), new Decimal('-1e29')];
    expect(sum(all).toFixed()).toBe('0.000000000001');
  });

  it('and multiplying are exact', () => {
    fc.assert(
      fc.property(fc.array(units), units, units, (values, one, other) => {
        const total = values.reduce((before, value) => before + value, 0n);
        expect(sum(values.map((value) => plain(value, PLACES))).eq(plain(total, PLACES))).toBe(true);
        const product = plain(one, PLACES).times(plain(other, PLACES));
        expect(product.eq(plain(one * other, 2n * PLACES))).toBe(true);
      }),
    );
  });
});
