import fc from 'fast-check';
import { Decimal, ZERO, sum } from '../../src/domain/decimal';
import type { ChargeTerms } from '../../src/domain/charge-rating';
import {
  type CountedUsage,
  type Occurrence,
  type Rating,
  freeAllowance,
  freeByOrder,
  priceSteps,
} from '../../src/domain/price';
import { type PriceModel, type PriceModelJson, type Tier, parsePriceModel } from '../../src/domain/price-model';
import { type PlainCharge, rate } from '../support/rate';

interface Setup {
  /** Unit price in mode AMOUNT; without it Odoo prices. */
  unitPrice?: string;
  free?: string;
  perProductUnit?: string;
  minimum?: string;
}

/** One event stands behind the units. */
function counted(units: Decimal | string): CountedUsage {
  return { units: new Decimal(units), events: new Decimal(1) };
}

function charge({ unitPrice, free = '0', perProductUnit = '1', minimum = '0' }: Setup): PlainCharge {
  return {
    mode: unitPrice === undefined ? 'QUANTITY' : 'AMOUNT',
    price: unitPrice === undefined ? null : { model: 'STANDARD', unitPrice: new Decimal(unitPrice) },
    freeUnits: new Decimal(free),
    unitsPerProductUnit: new Decimal(perProductUnit),
    minimumAmount: new Decimal(minimum),
  };
}

function rated(
  setup: Setup,
  units: string,
  { price = '1', places = 2, days }: { price?: string; places?: number; days?: ChargeTerms['days'] } = {},
): Rating {
  return rate(charge(setup), counted(units), { price: new Decimal(price), places, days });
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

describe('a minimum amount', () => {
  it.each([
    ['10', '100', undefined, '10'],
    ['10', '99.99', undefined, '10'],
    ['10', '100.01', undefined, '10.001'],
    ['10', '0', undefined, '10'],
    ['10', '-50', undefined, '10'],
    ['10', '500', undefined, '50'],
    ['31', '0', { used: 10, full: 31 }, '10'],
    ['10', '0', { used: 1, full: 3 }, '3.333'],
    ['0.001', '0', { used: 1, full: 2 }, '0.001'],
    ['0', '0', undefined, '0'],
  ])('of %s is due with %s units at 0.10 for %o: %s', (minimum, units, days, amount) => {
    expect(rated({ minimum, unitPrice: '0.1' }, units, { places: 3, days }).amount.toFixed()).toBe(amount);
  });

  it('stands as a step of its own, for what the units leave', () => {
    const { steps, value } = rated({ minimum: '5', unitPrice: '0.10' }, '20');
    expect(steps.map(({ kind, amount }) => [kind, amount.toFixed()])).toEqual([
      ['UNITS', '2'],
      ['MINIMUM', '3'],
    ]);
    expect(value.toFixed()).toBe('5');
  });
});

it.each([
  ['standard', { standard: { unitPrice: '0.0125' } }, '3', [['UNITS', '0', '3', '3', '0.0125', '0', '0.0375']]],
  [
    'graduated',
    { graduated: { tiers: [{ upTo: '10', unitPrice: '1', flatPrice: '2' }, { unitPrice: '0.5' }] } },
    '14.5',
    [
      ['UNITS', '0', '10', '10', '1', '2', '12'],
      ['UNITS', '10', '14.5', '4.5', '0.5', '0', '2.25'],
    ],
  ],
  [
    'graduated percentage',
    {
      graduatedPercentage: {
        tiers: [
          { upTo: '100', rate: '2' },
          { rate: '1.5', flatPrice: '3' },
        ],
      },
    },
    '300',
    [
      ['PERCENTAGE', '0', '100', '100', '0.02', '0', '2'],
      ['PERCENTAGE', '100', '300', '200', '0.015', '3', '6'],
    ],
  ],
  [
    'package',
    { package: { packageSize: '100', packagePrice: '5' } },
    '201',
    [['PACKAGES', '0', '201', '3', '5', '0', '15']],
  ],
  [
    'percentage',
    { percentage: { rate: '2', fixedPrice: '0.30' } },
    '50',
    [
      ['PERCENTAGE', '0', '50', '50', '0.02', '0', '1'],
      ['EVENTS', '0', '1', '1', '0.3', '0', '0.3'],
    ],
  ],
  [
    'percentage without a fixed',
    { percentage: { rate: '2' } },
    '50',
    [['PERCENTAGE', '0', '50', '50', '0.02', '0', '1']],
  ],
  [
    'volume',
    {
      volume: {
        tiers: [
          { upTo: '10', unitPrice: '2' },
          { unitPrice: '1', flatPrice: '4' },
        ],
      },
    },
    '11',
    [['UNITS', '0', '11', '11', '1', '4', '15']],
  ],
] satisfies [string, PriceModelJson, string, string[][]][])(
  'the steps of a %s price tell kind, from, to, units, unit price, flat price and amount',
  (_, json, units, steps) => {
    const given = priceSteps(parsePriceModel(json), counted(units));
    expect(
      given.map((step) => [
        step.kind,
        ...[step.fromUnits, step.toUnits, step.units, step.unitPrice, step.flatPrice, step.amount].map(String),
      ]),
    ).toEqual(steps);
  },
);

it('a fixed price of no events is no step', () => {
  const price = parsePriceModel({ percentage: { rate: '2', fixedPrice: '0.30' } });
  const steps = priceSteps(price, { units: new Decimal(50), events: ZERO });
  expect(steps.map(({ kind, amount }) => [kind, amount.toFixed()])).toEqual([['PERCENTAGE', '1']]);
});

it('a volume price whose last tier ends is a mistake of ours', () => {
  const tiers = [{ upTo: new Decimal(10), unitPrice: new Decimal(1), flatPrice: ZERO }];
  expect(() => priceSteps({ model: 'VOLUME', tiers }, counted('11'))).toThrow('the last tier is without end');
});

describe('what is free by the order of events', () => {
  const percentage = (fixedPrice: string, freeEvents: number, free: string): PlainCharge => ({
    ...charge({ free }),
    mode: 'AMOUNT',
    price: parsePriceModel({ percentage: { rate: '1', fixedPrice, freeEvents } }),
  });

  it.each([
    ['free events', '0', 3, '0', { events: new Decimal(3), units: ZERO }],
    ['free events and units', '0.30', 3, '100', { events: new Decimal(3), units: new Decimal(100) }],
    ['free units and a fixed price', '0.30', 0, '100', { events: ZERO, units: new Decimal(100) }],
    ['free units alone', '0', 0, '100', null],
    ['a fixed price alone', '0.30', 0, '0', null],
    ['nothing', '0', 0, '0', null],
  ])('is asked for by a percentage with %s: %s an event, %i events and %s units free: %j', (...given) => {
    const [, fixedPrice, freeEvents, free, allowance] = given;
    expect(freeByOrder(percentage(fixedPrice, freeEvents, free))).toEqual(allowance);
  });

  it.each([
    ['a standard price', charge({ unitPrice: '1', free: '100' })],
    ["the price of Odoo's line", charge({ free: '100' })],
  ])('is not asked for by %s', (_, rates) => {
    expect(freeByOrder(rates)).toBeNull();
  });

  it('cannot be told without the events', () => {
    const line = { price: new Decimal(1), places: 2 };
    expect(() => rate(percentage('0', 3, '0'), counted('10'), line)).toThrow('needs the first occurrences');
  });

  it('is not told of negative quantities', () => {
    const occurrences = [{ quantity: new Decimal(-1), events: new Decimal(1) }];
    expect(() => freeAllowance(occurrences, { events: new Decimal(1), units: ZERO })).toThrow('no negative quantities');
  });

  it('is looked for no further than it reaches', () => {
    let read = 0;
    function* twenty(): Generator<Occurrence> {
      while (read < 20) {
        read += 1;
        yield { quantity: new Decimal(10), events: new Decimal(1) };
      }
    }
    const readFor = (events: number, units: string): number => {
      read = 0;
      freeAllowance(twenty(), { events: new Decimal(events), units: new Decimal(units) });
      return read;
    };
    // With the one that shows that nothing is left.
    expect([readFor(3, '0'), readFor(3, '1000'), readFor(0, '25'), readFor(0, '30')]).toEqual([4, 4, 4, 5]);
  });
});

describe('any usage', () => {
  const digits = (most: bigint) => fc.bigInt({ min: 0n, max: most }).map((value) => new Decimal(`${value}e-12`));
  const quantity = digits(10n ** 30n - 1n);
  const positive = quantity.filter((value) => !value.isZero());
  /** Bounds rise, the last tier is open. */
  const tiersOf = <T>(rest: fc.Arbitrary<T>): fc.Arbitrary<(T & Tier)[]> =>
    fc
      .uniqueArray(positive, { maxLength: 5, selector: String })
      .map((bounds) => [...bounds.sort((left, right) => left.cmp(right)), null])
      .chain((bounds) =>
        fc.tuple(
          ...bounds.map((upTo) => fc.tuple(rest, quantity).map(([of, flatPrice]) => ({ ...of, upTo, flatPrice }))),
        ),
      );
  const priceTiers = tiersOf(quantity.map((unitPrice) => ({ unitPrice })));
  /** Those under which more usage never costs less. */
  const rising: fc.Arbitrary<PriceModel> = fc.oneof(
    quantity.map((unitPrice) => ({ model: 'STANDARD' as const, unitPrice })),
    priceTiers.map((tiers) => ({ model: 'GRADUATED' as const, tiers })),
    tiersOf(quantity.map((rate) => ({ rate }))).map((tiers) => ({ model: 'GRADUATED_PERCENTAGE' as const, tiers })),
    fc.record({ model: fc.constant('PACKAGE' as const), packageSize: positive, packagePrice: quantity }),
    fc.record({
      model: fc.constant('PERCENTAGE' as const),
      rate: quantity,
      fixedPrice: quantity,
      freeEvents: fc.constant(0),
    }),
  );
  const prices = fc.oneof(
    rising,
    priceTiers.map((tiers) => ({ model: 'VOLUME' as const, tiers })),
  );
  const chargeOf = (price: fc.Arbitrary<PriceModel>): fc.Arbitrary<PlainCharge> =>
    fc
      .record({
        price: fc.option(price),
        // What is free of a percentage depends on the order of events: those have examples and a property of their own.
        freeUnits: quantity,
        unitsPerProductUnit: positive,
        minimumAmount: quantity,
      })
      .map((terms) => ({
        ...terms,
        mode: terms.price === null ? 'QUANTITY' : 'AMOUNT',
        freeUnits: terms.price?.model === 'PERCENTAGE' ? ZERO : terms.freeUnits,
      }));
  const lines = fc.record({ price: quantity, places: fc.constantFrom(0, 2, 3) });

  it('is worth what its steps add up to, within half a rounding step, and nothing negative', () => {
    fc.assert(
      fc.property(chargeOf(prices), quantity, lines, (rates, units, line) => {
        const rating = rate(rates, counted(units), line);
        const off = sum(rating.steps.map((step) => step.amount)).minus(rating.amount);
        expect(
          off
            .abs()
            .times(2)
            .lte(new Decimal(`1e-${line.places}`)),
        ).toBe(true);
        expect(rating.amount.decimalPlaces()).toBeLessThanOrEqual(line.places);
        for (const part of [rating.billableUnits, rating.value, rating.amount]) expect(part.gte(0)).toBe(true);
        for (const step of rating.steps) {
          expect(step.units.times(step.unitPrice).plus(step.flatPrice).eq(step.amount)).toBe(true);
        }
      }),
    );
  });

  it('never costs less for being more, except by volume', () => {
    fc.assert(
      fc.property(chargeOf(rising), quantity, quantity, (rates, units, more) => {
        const line = { price: new Decimal('1'), places: 2 };
        expect(rate(rates, counted(units.plus(more)), line).value.gte(rate(rates, counted(units), line).value)).toBe(
          true,
        );
      }),
    );
  });

  it('costs the same in one tier without a flat price, graduated or by volume, as at a standard price', () => {
    fc.assert(
      fc.property(quantity, quantity, (unitPrice, units) => {
        const tiers = [{ upTo: null, unitPrice, flatPrice: ZERO }];
        const standard = priceSteps({ model: 'STANDARD', unitPrice }, counted(units));
        expect(priceSteps({ model: 'GRADUATED', tiers }, counted(units))).toEqual(standard);
        expect(priceSteps({ model: 'VOLUME', tiers }, counted(units))).toEqual(standard);
      }),
    );
  });

  it('is covered by the tiers from nothing to its end, without a gap', () => {
    fc.assert(
      fc.property(priceTiers, quantity, (tiers, units) => {
        const steps = priceSteps({ model: 'GRADUATED', tiers }, counted(units));
        expect(sum(steps.map((step) => step.units)).eq(units)).toBe(true);
        steps.forEach((step, index) => expect(step.fromUnits.eq(steps[index - 1]?.toUnits ?? ZERO)).toBe(true));
      }),
    );
  });

  it('has free what its events one by one would have free, when counters tell of several equal ones', () => {
    const counters = fc.array(
      fc.record({ size: fc.integer({ min: 0, max: 50 }), events: fc.integer({ min: 1, max: 6 }) }),
      {
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(counters, fc.nat(20), fc.nat(300), (given, events, units) => {
        const single = given.flatMap(({ size, events: count }) =>
          Array.from({ length: count }, () => ({ quantity: new Decimal(size), events: new Decimal(1) })),
        );
        const together = given.map(({ size, events: count }) => ({
          quantity: new Decimal(size * count),
          events: new Decimal(count),
        }));
        // Without any limit nothing is looked at by order.
        fc.pre(events > 0 || units > 0);
        const free = { events: new Decimal(events), units: new Decimal(units) };
        expect(freeAllowance(together, free)).toEqual(freeAllowance(single, free));
      }),
    );
  });
});

it('a quantity without events takes part in what is free, and frees no event', () => {
  const occurrences = [
    { quantity: new Decimal(30), events: ZERO },
    { quantity: new Decimal(50), events: new Decimal(1) },
  ];
  const free = (events: string, units: string): string[] => {
    const allowance = freeAllowance(occurrences, { events: new Decimal(events), units: new Decimal(units) });
    return [allowance.events.toFixed(), allowance.units.toFixed()];
  };
  expect(free('0', '40')).toEqual(['0', '40']);
  expect(free('0', '100')).toEqual(['1', '80']);
  expect(free('1', '0')).toEqual(['1', '80']);
});
