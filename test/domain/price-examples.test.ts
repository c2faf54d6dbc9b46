/**
 * Worked examples of every price model, at the boundaries, huge and tiny. The amounts follow from the published formulas with
 * ranges of whole numbers (0-1000, 1001-∞) in exact fractions, worked out apart from this code.
 */
import { Decimal } from '../../src/domain/decimal';
import type { Occurrence } from '../../src/domain/price';
import { parsePriceModel, type PriceModelJson } from '../../src/domain/price-model';
import { rate } from '../support/rate';

const PRICES: Record<string, PriceModelJson & { freeUnits?: string }> = {
  'two tiers': {
    graduated: {
      tiers: [
        { upTo: '1000', unitPrice: '0.02', flatPrice: '3' },
        { upTo: null, unitPrice: '0.015', flatPrice: '7' },
      ],
    },
  },
  'three tiers without flats': {
    graduated: {
      tiers: [
        { upTo: '10', unitPrice: '1', flatPrice: '0' },
        { upTo: '100', unitPrice: '0.5', flatPrice: '0' },
        { upTo: null, unitPrice: '0.1', flatPrice: '0' },
      ],
    },
  },
  'free first tier': {
    graduated: {
      tiers: [
        { upTo: '100', unitPrice: '0', flatPrice: '0' },
        { upTo: null, unitPrice: '0.25', flatPrice: '0' },
      ],
    },
  },
  'flats only': {
    graduated: {
      tiers: [
        { upTo: '1', unitPrice: '0', flatPrice: '1' },
        { upTo: '2', unitPrice: '0', flatPrice: '2' },
        { upTo: '3', unitPrice: '0', flatPrice: '3' },
        { upTo: null, unitPrice: '0', flatPrice: '4' },
      ],
    },
  },
  'tiny unit price': {
    graduated: {
      tiers: [
        { upTo: '1000000', unitPrice: '0.000001', flatPrice: '0' },
        { upTo: null, unitPrice: '0.0000005', flatPrice: '0' },
      ],
    },
  },
  'rising prices': {
    graduated: {
      tiers: [
        { upTo: '5', unitPrice: '1', flatPrice: '0' },
        { upTo: null, unitPrice: '3', flatPrice: '10' },
      ],
    },
  },
  yen: {
    graduated: {
      tiers: [
        { upTo: '100', unitPrice: '7.5', flatPrice: '0' },
        { upTo: null, unitPrice: '5.25', flatPrice: '30' },
      ],
    },
  },
  dinar: {
    graduated: {
      tiers: [
        { upTo: '7', unitPrice: '0.3333', flatPrice: '0.0005' },
        { upTo: null, unitPrice: '0.1111', flatPrice: '0' },
      ],
    },
  },
  'percentage tiers': {
    graduatedPercentage: {
      tiers: [
        { upTo: '10000', rate: '1', flatPrice: '2' },
        { upTo: null, rate: '0.5', flatPrice: '0' },
      ],
    },
  },
  'three percentage tiers': {
    graduatedPercentage: {
      tiers: [
        { upTo: '100', rate: '2.9', flatPrice: '0.30' },
        { upTo: '1000', rate: '2.4', flatPrice: '0' },
        { upTo: null, rate: '1.9', flatPrice: '1' },
      ],
    },
  },
  'two ranges': {
    volume: {
      tiers: [
        { upTo: '100', unitPrice: '1', flatPrice: '0' },
        { upTo: null, unitPrice: '0.8', flatPrice: '10' },
      ],
    },
  },
  'ranges with flats': {
    volume: {
      tiers: [
        { upTo: '10', unitPrice: '2', flatPrice: '5' },
        { upTo: '50', unitPrice: '1.5', flatPrice: '4' },
        { upTo: '200', unitPrice: '1', flatPrice: '3' },
        { upTo: null, unitPrice: '0.5', flatPrice: '2' },
      ],
    },
  },
  'only range': { volume: { tiers: [{ upTo: null, unitPrice: '0.0125', flatPrice: '0' }] } },
  hundreds: { package: { packageSize: '100', packagePrice: '5.00' }, freeUnits: '50' },
  ones: { package: { packageSize: '1', packagePrice: '0.99' } },
  'half packages': { package: { packageSize: '0.5', packagePrice: '0.10' } },
  'large packages': { package: { packageSize: '1000000', packagePrice: '12.345' } },
};

function amount(name: string, units: string, places: number): string {
  const { freeUnits = '0', ...json } = PRICES[name] ?? {};
  return rate(
    {
      mode: 'AMOUNT',
      price: parsePriceModel(json),
      freeUnits: new Decimal(freeUnits),
      unitsPerProductUnit: new Decimal(1),
      minimumAmount: new Decimal(0),
    },
    { units: new Decimal(units), events: new Decimal(1) },
    { price: new Decimal(1), places },
  ).amount.toFixed();
}

it.each([
  ['two tiers', '0', 2, '3'],
  ['two tiers', '0.000000000001', 2, '3'],
  ['two tiers', '1', 2, '3.02'],
  ['two tiers', '10.5', 2, '3.21'],
  ['two tiers', '999', 2, '22.98'],
  ['two tiers', '999.99', 2, '23'],
  ['two tiers', '1000', 2, '23'],
  ['two tiers', '1000.000000000001', 2, '30'],
  ['two tiers', '1000.5', 2, '30.01'],
  ['two tiers', '1001', 2, '30.02'],
  ['two tiers', '2500', 2, '52.5'],
  ['two tiers', '1000000', 2, '15015'],
  ['two tiers', '123456789012345678', 2, '1851851835185200.17'],
  ['two tiers', '-1', 2, '0'],
  ['two tiers', '-1000', 2, '0'],
  ['three tiers without flats', '0', 2, '0'],
  ['three tiers without flats', '0.5', 2, '0.5'],
  ['three tiers without flats', '5', 2, '5'],
  ['three tiers without flats', '10', 2, '10'],
  ['three tiers without flats', '10.1', 2, '10.05'],
  ['three tiers without flats', '11', 2, '10.5'],
  ['three tiers without flats', '50', 2, '30'],
  ['three tiers without flats', '99.999', 2, '55'],
  ['three tiers without flats', '100', 2, '55'],
  ['three tiers without flats', '100.01', 2, '55'],
  ['three tiers without flats', '101', 2, '55.1'],
  ['three tiers without flats', '200', 2, '65'],
  ['three tiers without flats', '1000', 2, '145'],
  ['three tiers without flats', '1000000000000', 2, '100000000045'],
  ['free first tier', '0', 2, '0'],
  ['free first tier', '50', 2, '0'],
  ['free first tier', '100', 2, '0'],
  ['free first tier', '100.5', 2, '0.13'],
  ['free first tier', '101', 2, '0.25'],
  ['free first tier', '104', 2, '1'],
  ['free first tier', '200', 2, '25'],
  ['free first tier', '1000000', 2, '249975'],
  ['flats only', '0', 2, '1'],
  ['flats only', '0.5', 2, '1'],
  ['flats only', '1', 2, '1'],
  ['flats only', '1.5', 2, '3'],
  ['flats only', '2', 2, '3'],
  ['flats only', '2.5', 2, '6'],
  ['flats only', '3', 2, '6'],
  ['flats only', '3.000000000001', 2, '10'],
  ['flats only', '4', 2, '10'],
  ['flats only', '1000000', 2, '10'],
  ['tiny unit price', '0', 2, '0'],
  ['tiny unit price', '1', 2, '0'],
  ['tiny unit price', '4999', 2, '0'],
  ['tiny unit price', '5000', 2, '0.01'],
  ['tiny unit price', '15000', 2, '0.02'],
  ['tiny unit price', '1000000', 2, '1'],
  ['tiny unit price', '1000001', 2, '1'],
  ['tiny unit price', '3000000', 2, '2'],
  ['tiny unit price', '999999999999999999', 2, '500000000000.5'],
  ['rising prices', '4', 2, '4'],
  ['rising prices', '5', 2, '5'],
  ['rising prices', '5.01', 2, '15.03'],
  ['rising prices', '6', 2, '18'],
  ['rising prices', '7', 2, '21'],
  ['rising prices', '15', 2, '45'],
  ['yen', '1', 0, '8'],
  ['yen', '3', 0, '23'],
  ['yen', '100', 0, '750'],
  ['yen', '101', 0, '785'],
  ['yen', '103', 0, '796'],
  ['yen', '1000', 0, '5505'],
  ['dinar', '0', 3, '0.001'],
  ['dinar', '1', 3, '0.334'],
  ['dinar', '7', 3, '2.334'],
  ['dinar', '8', 3, '2.445'],
  ['dinar', '9.5', 3, '2.611'],
  ['percentage tiers', '0', 2, '2'],
  ['percentage tiers', '1', 2, '2.01'],
  ['percentage tiers', '50', 2, '2.5'],
  ['percentage tiers', '10000', 2, '102'],
  ['percentage tiers', '10000.5', 2, '102'],
  ['percentage tiers', '10001', 2, '102.01'],
  ['percentage tiers', '12000', 2, '112'],
  ['percentage tiers', '250000', 2, '1302'],
  ['percentage tiers', '123456789012.34', 2, '617283997.06'],
  ['percentage tiers', '-5', 2, '0'],
  ['three percentage tiers', '0', 2, '0.3'],
  ['three percentage tiers', '9.99', 2, '0.59'],
  ['three percentage tiers', '100', 2, '3.2'],
  ['three percentage tiers', '100.01', 2, '3.2'],
  ['three percentage tiers', '500', 2, '12.8'],
  ['three percentage tiers', '1000', 2, '24.8'],
  ['three percentage tiers', '1000.01', 2, '25.8'],
  ['three percentage tiers', '1001', 2, '25.82'],
  ['three percentage tiers', '99999.99', 2, '1906.8'],
  ['two ranges', '0', 2, '0'],
  ['two ranges', '0.1', 2, '0.1'],
  ['two ranges', '1', 2, '1'],
  ['two ranges', '99.5', 2, '99.5'],
  ['two ranges', '100', 2, '100'],
  ['two ranges', '100.000000000001', 2, '90'],
  ['two ranges', '100.5', 2, '90.4'],
  ['two ranges', '101', 2, '90.8'],
  ['two ranges', '112.5', 2, '100'],
  ['two ranges', '1000', 2, '810'],
  ['two ranges', '-3', 2, '0'],
  ['ranges with flats', '0', 2, '5'],
  ['ranges with flats', '10', 2, '25'],
  ['ranges with flats', '10.5', 2, '19.75'],
  ['ranges with flats', '11', 2, '20.5'],
  ['ranges with flats', '50', 2, '79'],
  ['ranges with flats', '51', 2, '54'],
  ['ranges with flats', '199.99', 2, '202.99'],
  ['ranges with flats', '200', 2, '203'],
  ['ranges with flats', '200.01', 2, '102.01'],
  ['ranges with flats', '201', 2, '102.5'],
  ['ranges with flats', '100000', 2, '50002'],
  ['ranges with flats', '98765432109876543', 2, '49382716054938273.5'],
  ['only range', '0', 2, '0'],
  ['only range', '1', 2, '0.01'],
  ['only range', '3', 2, '0.04'],
  ['only range', '80', 2, '1'],
  ['only range', '1000000', 2, '12500'],
  ['hundreds', '0', 2, '0'],
  ['hundreds', '49.999', 2, '0'],
  ['hundreds', '50', 2, '0'],
  ['hundreds', '50.01', 2, '5'],
  ['hundreds', '150', 2, '5'],
  ['hundreds', '150.000000000001', 2, '10'],
  ['hundreds', '151', 2, '10'],
  ['hundreds', '250', 2, '10'],
  ['hundreds', '251', 2, '15'],
  ['hundreds', '1000000', 2, '50000'],
  ['hundreds', '-10', 2, '0'],
  ['ones', '0', 2, '0'],
  ['ones', '0.000000000001', 2, '0.99'],
  ['ones', '0.5', 2, '0.99'],
  ['ones', '1', 2, '0.99'],
  ['ones', '1.01', 2, '1.98'],
  ['ones', '2', 2, '1.98'],
  ['ones', '1000', 2, '990'],
  ['ones', '123456789', 2, '122222221.11'],
  ['half packages', '0', 2, '0'],
  ['half packages', '0.1', 2, '0.1'],
  ['half packages', '0.5', 2, '0.1'],
  ['half packages', '0.51', 2, '0.2'],
  ['half packages', '1', 2, '0.2'],
  ['half packages', '10.25', 2, '2.1'],
  ['large packages', '1', 2, '12.35'],
  ['large packages', '1000000', 2, '12.35'],
  ['large packages', '1000001', 2, '24.69'],
  ['large packages', '3000000', 2, '37.04'],
])('%s: %s units, rounded to %i places, cost %s', (name, units, places, expected) => {
  expect(amount(name, units, places)).toBe(expected);
});

/** Rate, fixed price, free events, free units, the events in order, the amount. */
const PERCENTAGES: [string, string, number, string, string, string][] = [
  ['2', '0.50', 0, '0', '100 200 300', '13.5'],
  ['2', '0.50', 1, '0', '100 200 300', '11'],
  ['2', '0.50', 0, '250', '100 200 300', '8'],
  ['2', '0.50', 3, '250', '100 200 300', '8'],
  ['2', '0.50', 2, '0', '100 200 300', '6.5'],
  ['2', '0.50', 3, '0', '100 200 300', '0'],
  ['2', '0.50', 4, '0', '100 200 300', '0'],
  ['2', '0.50', 0, '100', '100 200 300', '11.5'],
  ['2', '0.50', 0, '99.99', '100 200 300', '11.5'],
  ['2', '0.50', 0, '300', '100 200 300', '7'],
  ['2', '0.50', 0, '600', '100 200 300', '0.5'],
  ['2', '0.50', 0, '1000', '100 200 300', '0'],
  ['2', '0.50', 3, '50', '100 200 300', '11'],
  ['2', '0.50', 1, '250', '100 200 300', '11'],
  ['2', '0.50', 2, '100', '100 200 300', '10.5'],
  ['2', '0', 0, '250', '100 200 300', '7'],
  ['0', '0.50', 0, '250', '100 200 300', '1'],
  ['2.9', '0.30', 0, '0', '9.99', '0.59'],
  ['2.9', '0.30', 0, '0', '0', '0'],
  ['2.9', '0.30', 0, '0', '0 0 10', '1.19'],
  ['2.9', '0.30', 0, '0', '', '0'],
  ['0.333', '0.10', 0, '0', '1 1 1', '0.31'],
  ['1.5', '0', 0, '0', '0.01', '0'],
  ['1.5', '0', 0, '0', '123456789012345678.99', '1851851835185185.18'],
  ['1', '1', 2, '10', '1 1 1 1 1', '3.03'],
  ['1', '1', 2, '1.5', '1 1 1 1 1', '4.04'],
  ['100', '0', 0, '0', '19.995', '20'],
  ['1', '0.25', 10, '0', '5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5', '3'],
  ['1', '0.25', 0, '50', '5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5', '3.25'],
  ['1', '0.25', 0, '52', '5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5 5', '2.98'],
];

function percentage(
  [rateText, fixedPrice, freeEvents, freeUnits]: [string, string, number, string, ...unknown[]],
  occurrences: Occurrence[],
): string {
  return rate(
    {
      mode: 'AMOUNT',
      price: parsePriceModel({ percentage: { rate: rateText, fixedPrice, freeEvents } }),
      freeUnits: new Decimal(freeUnits),
      unitsPerProductUnit: new Decimal(1),
      minimumAmount: new Decimal(0),
    },
    {
      units: Decimal.sum(0, ...occurrences.map((each) => each.quantity)),
      events: Decimal.sum(0, ...occurrences.map((each) => each.events)),
      occurrences,
    },
    { price: new Decimal(1), places: 2 },
  ).amount.toFixed();
}

it.each(PERCENTAGES)(
  '%s percent and %s an event, %i events and %s units free, of the events "%s" is %s',
  (...[rateText, fixedPrice, freeEvents, freeUnits, events, expected]) => {
    const occurrences = events
      .split(' ')
      .filter((text) => text !== '')
      .map((text) => ({ quantity: new Decimal(text), events: new Decimal(1) }));
    expect(percentage([rateText, fixedPrice, freeEvents, freeUnits], occurrences)).toBe(expected);
  },
);

it.each([
  // Of 110 units 10 and three times 20 are free, with 3 of 5 events: 2 % of 40, and 2 events.
  [3, '0', '2.8'],
  // 50 are free, and the event that goes from 10 to 30; the next one reaches 50: 2 % of 60, and 4 events.
  [0, '50', '5.2'],
  [3, '50', '5.2'],
] as const)('units that no event stands behind count where they come: %i events and %s units free: %s', (...given) => {
  const [freeEvents, freeUnits, expected] = given;
  const occurrences = [
    { quantity: new Decimal(0), events: new Decimal(0) },
    { quantity: new Decimal(10), events: new Decimal(0) },
    { quantity: new Decimal(100), events: new Decimal(5) },
  ];
  expect(percentage(['2', '1', freeEvents, freeUnits], occurrences)).toBe(expected);
});

it.each([
  ['1', '0.25', 10, '0', '3'],
  ['1', '0.25', 0, '50', '3.25'],
  ['1', '0.25', 0, '52', '2.98'],
  ['1', '0.25', 4, '12', '5.38'],
] as const)(
  'one counter of 20 events and 100 units costs what 20 of 5 cost: %s percent, %s an event, %i and %s free: %s',
  (rateText, fixedPrice, freeEvents, freeUnits, expected) => {
    const single = { quantity: new Decimal(5), events: new Decimal(1) };
    const terms = [rateText, fixedPrice, freeEvents, freeUnits] as [string, string, number, string];
    expect(percentage(terms, [{ quantity: new Decimal(100), events: new Decimal(20) }])).toBe(expected);
    expect(
      percentage(
        terms,
        Array.from({ length: 20 }, () => single),
      ),
    ).toBe(expected);
  },
);
