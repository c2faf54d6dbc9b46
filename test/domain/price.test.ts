import fc from 'fast-check';
import { Decimal, ZERO, sum } from '../../src/domain/decimal';
import { type RatedCharge, type Rating, priceSteps, rate } from '../../src/domain/price';

interface Setup {
  /** Unit price in mode AMOUNT; without it Odoo prices. */
  unitPrice?: string;
  free?: string;
  perProductUnit?: string;
}

function charge({ unitPrice, free = '0', perProductUnit = '1' }: Setup): RatedCharge {
  return {
    mode: unitPrice === undefined ? 'QUANTITY' : 'AMOUNT',
    price: unitPrice === undefined ? null : { model: 'STANDARD', unitPrice: new Decimal(unitPrice) },
    freeUnits: new Decimal(free),
    unitsPerProductUnit: new Decimal(perProductUnit),
  };
}

function rated(setup: Setup, units: string, line: { price?: string; places?: number } = {}): Rating {
  return rate(charge(setup), new Decimal(units), { price: new Decimal(line.price ?? '1'), places: line.places ?? 2 });
}

describe('in mode AMOUNT', () => {
  it.each([
    ['1234', '0.01', 2, '12.34'],
    ['3', '0.0125', 2, '0.04'],
    ['1', '2.675', 2, '2.68'],
    ['1', '1.005', 2, '1.01'],
    ['1', '0.0049', 2, '0'],
    ['1', '0.5', 0, '1'],
    ['3', '0.5', 0, '2'],
    ['1', '1499.5', 0, '1500'],
    ['1', '0.0005', 3, '0.001'],
    ['1', '1.2344', 3, '1.234'],
    ['0', '5', 2, '0'],
    ['5', '0', 2, '0'],
    // Neither fits a float: 123456789012345678 * 0.000000000001 and (10^18 - 1) * (10^18 - 1).
    ['123456789012345678', '0.000000000001', 2, '123456.79'],
    ['0.000000000001', '123456789012345678', 3, '123456.789'],
    ['0.000000000001', '0.000000000001', 3, '0'],
    ['999999999999999999', '999999999999999999', 0, '999999999999999998000000000000000001'],
    ['100000000000000000.000000000001', '1000000000', 3, '100000000000000000000000000.001'],
  ])('%s units at %s, rounded to %i places, are %s', (units, unitPrice, places, amount) => {
    const rating = rated({ unitPrice }, units, { places });
    expect(rating.amount.toFixed()).toBe(amount);
    expect(rating.value.eq(rating.amount)).toBe(true);
  });

  it('what is free is not priced', () => {
    const rating = rated({ unitPrice: '0.10', free: '100' }, '150.5');
    expect([rating.units, rating.billableUnits, rating.amount].map(String)).toEqual(['150.5', '50.5', '5.05']);
  });

  it("the price of Odoo's line plays no part", () => {
    expect(rated({ unitPrice: '0.10' }, '10', { price: '99' }).amount.toFixed()).toBe('1');
  });
});

describe('in mode QUANTITY', () => {
  it.each([
    ['1234', '1000', '0', '1.234'],
    ['1', '1', '0', '1'],
    ['1', '3', '0', '0.333333333333'],
    ['2', '3', '0', '0.666666666667'],
    ['1', '2000000000000', '0', '0.000000000001'],
    ['1', '2000000000001', '0', '0'],
    ['1500', '1000', '1000', '0.5'],
    ['7', '0.5', '0', '14'],
    ['123456789012345678', '1000', '0', '123456789012345.678'],
  ])('%s units, %s to a product unit, %s free, are %s product units', (units, perProductUnit, free, value) => {
    expect(rated({ perProductUnit, free }, units).value.toFixed()).toBe(value);
  });

  it('the amount is an estimate at the price of the line', () => {
    const rating = rated({ perProductUnit: '1000' }, '1234', { price: '2.50' });
    expect(rating.value.toFixed()).toBe('1.234');
    expect(rating.amount.toFixed()).toBe('3.09');
    expect(rating.steps.map((step) => step.amount.toFixed())).toEqual(['3.085']);
  });
});

describe('free units', () => {
  it.each([
    ['0', '100', '0'],
    ['99.999', '100', '0'],
    ['100', '100', '0'],
    ['100.001', '100', '0.001'],
    ['-5', '0', '0'],
    ['-5', '10', '0'],
  ])('of %s units %s are free: %s are billable, never less than none', (units, free, billable) => {
    for (const setup of [{ free }, { free, unitPrice: '1' }]) {
      const rating = rated(setup, units);
      expect([rating.units.toFixed(), rating.billableUnits.toFixed()]).toEqual([units, billable]);
    }
  });
});

it('one step explains a standard price', () => {
  const steps = priceSteps({ model: 'STANDARD', unitPrice: new Decimal('0.0125') }, new Decimal('3'));
  expect(steps).toEqual([
    {
      fromUnits: ZERO,
      toUnits: new Decimal('3'),
      units: new Decimal('3'),
      unitPrice: new Decimal('0.0125'),
      flatPrice: ZERO,
      amount: new Decimal('0.0375'),
    },
  ]);
});

describe('any usage', () => {
  const quantity = fc.bigInt({ min: 0n, max: 10n ** 30n - 1n }).map((value) => new Decimal(`${value}e-12`));
  const setups = fc.record({
    price: fc.option(quantity.map((unitPrice) => ({ model: 'STANDARD' as const, unitPrice }))),
    freeUnits: quantity,
    factor: quantity.filter((value) => !value.isZero()),
  });
  const lines = fc.record({ price: quantity, places: fc.constantFrom(0, 2, 3) });

  it('is worth what its steps add up to, within half a rounding step, and nothing negative', () => {
    fc.assert(
      fc.property(setups, quantity, lines, ({ price, freeUnits, factor }, units, line) => {
        const mode = price === null ? 'QUANTITY' : 'AMOUNT';
        const rating = rate({ mode, price, freeUnits, unitsPerProductUnit: factor }, units, line);
        const off = sum(rating.steps.map((step) => step.amount)).minus(rating.amount);
        expect(
          off
            .abs()
            .times(2)
            .lte(new Decimal(`1e-${line.places}`)),
        ).toBe(true);
        expect(rating.amount.decimalPlaces()).toBeLessThanOrEqual(line.places);
        for (const part of [rating.billableUnits, rating.value, rating.amount]) expect(part.gte(0)).toBe(true);
      }),
    );
  });

  it('never costs less for being more', () => {
    fc.assert(
      fc.property(setups, quantity, quantity, ({ price, freeUnits, factor }, units, more) => {
        const rates: RatedCharge = {
          mode: price === null ? 'QUANTITY' : 'AMOUNT',
          price,
          freeUnits,
          unitsPerProductUnit: factor,
        };
        const line = { price: new Decimal('1'), places: 2 };
        expect(rate(rates, units.plus(more), line).value.gte(rate(rates, units, line).value)).toBe(true);
      }),
    );
  });
});
