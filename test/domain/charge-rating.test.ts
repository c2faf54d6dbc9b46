import { type Bucket, bucketOf, type ChargeFilter } from '../../src/domain/bucket';
import {
  bucketPrice,
  bucketsToRate,
  type RatedBucket,
  type RatedCharge,
  rateCharge,
} from '../../src/domain/charge-rating';
import { Decimal, ZERO } from '../../src/domain/decimal';
import type { CountedUsage } from '../../src/domain/price';

const standard = (unitPrice: string) => ({ model: 'STANDARD' as const, unitPrice: new Decimal(unitPrice) });
const EU: ChargeFilter = { name: 'eu', match: { region: ['eu'] }, price: standard('2'), freeUnits: new Decimal(4) };
const US: ChargeFilter = { name: 'us', match: { region: ['us'] }, price: standard('3'), freeUnits: ZERO };

/** 1 a unit; 2 in the EU with 4 free, 3 in the US. */
function charge(change: Partial<RatedCharge> = {}): RatedCharge {
  return {
    mode: 'AMOUNT',
    price: standard('1'),
    freeUnits: ZERO,
    unitsPerProductUnit: new Decimal(1),
    minimumAmount: ZERO,
    filters: [US, EU],
    groupBy: [],
    ...change,
  };
}

const counted = (units: string): CountedUsage => ({ units: new Decimal(units), events: ZERO });
const TERMS = { price: new Decimal(99), places: 2 };

/** A bucket with its usage, by the dimensions of a record and its units. */
function used(
  of: RatedCharge,
  dimensions: Record<string, string>,
  units: string,
): { bucket: Bucket; usage: CountedUsage } {
  return { bucket: bucketOf(of, dimensions), usage: counted(units) };
}

const told = (rated: readonly RatedBucket[]): [string, string, string[]][] =>
  rated.map(({ bucket, amount, steps }) => [bucket.key, amount.toFixed(), steps.map(({ kind }) => kind)]);

describe('the buckets to rate', () => {
  const keysAndUsage = (of: RatedCharge, usage: { bucket: Bucket; usage: CountedUsage }[]): [string, string][] =>
    bucketsToRate(of, usage, counted('0')).map((each) => [each.bucket.key, each.usage.units.toFixed()]);

  it('are each filter and what none takes, though nothing was used', () => {
    expect(keysAndUsage(charge(), [])).toEqual([
      ['', '0'],
      ['{"filter":"eu"}', '0'],
      ['{"filter":"us"}', '0'],
    ]);
  });

  it('are those with usage as they are, in the order of their keys', () => {
    const usage = [used(charge(), { region: 'us' }, '7'), used(charge(), { region: 'at sea' }, '5')];
    expect(keysAndUsage(charge(), usage)).toEqual([
      ['', '5'],
      ['{"filter":"eu"}', '0'],
      ['{"filter":"us"}', '7'],
    ]);
  });

  it('are the groups of a filter instead of the filter without one', () => {
    const grouped = charge({ groupBy: ['zone'], filters: [EU] });
    const usage = [used(grouped, { zone: '2' }, '1'), used(grouped, { zone: '1' }, '3')];
    expect(keysAndUsage(grouped, usage)).toEqual([
      ['{"filter":"eu"}', '0'],
      ['{"group":{"zone":"1"}}', '3'],
      ['{"group":{"zone":"2"}}', '1'],
    ]);
  });
});

it('a filter brings its own price and free units, and the rest of the charge holds', () => {
  const of = charge({ unitsPerProductUnit: new Decimal(1000) });
  expect(bucketPrice(of, bucketOf(of, { region: 'eu' }))).toMatchObject({
    price: EU.price,
    freeUnits: EU.freeUnits,
    unitsPerProductUnit: new Decimal(1000),
  });
  expect(bucketPrice(of, bucketOf(of, {}))).toMatchObject({ price: standard('1'), freeUnits: ZERO });
});

describe('a charge is rated', () => {
  const usage = [
    used(charge(), {}, '5'),
    used(charge(), { region: 'eu' }, '10'),
    used(charge(), { region: 'us' }, '2'),
  ];

  it.each([
    ['without a minimum', '0'],
    ['with a minimum that is reached exactly', '23'],
  ])('%s bucket by bucket, each by its own price', (_, minimum) => {
    expect(told(rateCharge(charge({ minimumAmount: new Decimal(minimum) }), usage, TERMS))).toEqual([
      ['', '5', ['UNITS']],
      ['{"filter":"eu"}', '12', ['UNITS']],
      ['{"filter":"us"}', '6', ['UNITS']],
    ]);
  });

  it('with what all buckets leave of the minimum on the one that no filter takes', () => {
    expect(told(rateCharge(charge({ minimumAmount: new Decimal(40) }), usage.toReversed(), TERMS))).toEqual([
      ['', '22', ['UNITS', 'MINIMUM']],
      ['{"filter":"us"}', '6', ['UNITS']],
      ['{"filter":"eu"}', '12', ['UNITS']],
    ]);
  });

  it('with the minimum on a line of its own where every group has its bucket', () => {
    const of = charge({ groupBy: ['zone'], filters: [], minimumAmount: new Decimal(10) });
    const rated = rateCharge(of, [used(of, { zone: '1' }, '3'), used(of, { zone: '2' }, '1')], TERMS);
    expect(told(rated)).toEqual([
      ['', '6', ['MINIMUM']],
      ['{"group":{"zone":"1"}}', '3', ['UNITS']],
      ['{"group":{"zone":"2"}}', '1', ['UNITS']],
    ]);
    expect([rated[0]?.units, rated[0]?.billableUnits, rated[0]?.value].map(String)).toEqual(['0', '0', '6']);
  });
});
