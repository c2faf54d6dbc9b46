import fc from 'fast-check';
import { type ChargeFilterJson, parseBucketRule, printFilters } from '../../src/domain/charge-filter';
import { Decimal } from '../../src/domain/decimal';
import { BillingError } from '../../src/domain/errors';

const EU: ChargeFilterJson = {
  name: 'eu',
  match: [{ dimension: 'region', values: ['fr', 'de'] }],
  freeUnits: '0',
  price: { standard: { unitPrice: '0.1' } },
};

function refusal(filters: ChargeFilterJson[], groupBy: string[] = []): { field: unknown; message: string } {
  try {
    parseBucketRule(filters, groupBy);
  } catch (error) {
    if (error instanceof BillingError && error.code === 'VALIDATION_FAILED')
      return { field: error.details.field, message: error.message };
    throw error;
  }
  throw new Error('It was taken.');
}

it('filters and groups are read as they were sent', () => {
  const kinds = { dimension: 'kind', values: ['', '0'] };
  expect(parseBucketRule([{ ...EU, match: [...EU.match, kinds], freeUnits: '10.50' }], ['zone', 'a b'])).toEqual({
    filters: [
      {
        name: 'eu',
        match: { region: ['fr', 'de'], kind: ['', '0'] },
        freeUnits: new Decimal('10.5'),
        price: { model: 'STANDARD', unitPrice: new Decimal('0.1') },
      },
    ],
    groupBy: ['zone', 'a b'],
  });
  expect(parseBucketRule([], [])).toEqual({ filters: [], groupBy: [] });
});

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `w${index}`);

it('as much as there may be is taken', () => {
  const match = words(10).map((dimension) => ({ dimension, values: words(100) }));
  const filters = words(50).map((name) => ({ ...EU, name }));
  expect(parseBucketRule([...filters.slice(1), { ...EU, match }], words(5)).filters).toHaveLength(50);
  const longest = { ...EU, name: 'n'.repeat(100), match: [{ dimension: 'd'.repeat(100), values: ['v'.repeat(200)] }] };
  expect(parseBucketRule([longest], ['g'.repeat(100)]).filters).toHaveLength(1);
});

const changed = (change: Partial<ChargeFilterJson>): ChargeFilterJson => ({ ...EU, ...change });
const region = (...values: string[]): Pick<ChargeFilterJson, 'match'> => ({ match: [{ dimension: 'region', values }] });

it.each<[string, ChargeFilterJson[], string, string]>([
  ['51 filters', words(51).map((name) => ({ ...EU, name })), 'filters', 'filters must be at most 50, not 51.'],
  [
    'a name that is there already',
    [EU, changed(region('us'))],
    'filters[1].name',
    'filters[1].name: "eu" is there already.',
  ],
  [
    'no name',
    [changed({ name: '' })],
    'filters[0].name',
    'filters[0].name must be a text of 1 to 100 characters without control characters, not "".',
  ],
  [
    'a long name',
    [changed({ name: 'n'.repeat(101) })],
    'filters[0].name',
    'filters[0].name must be a text of 1 to 100 characters',
  ],
  [
    'nothing to match',
    [changed({ match: [] })],
    'filters[0].match',
    'filters[0].match must name 1 to 10 dimensions, not 0.',
  ],
  [
    'eleven dimensions',
    [changed({ match: words(11).map((dimension) => ({ dimension, values: ['1'] })) })],
    'filters[0].match',
    'filters[0].match must name 1 to 10 dimensions, not 11.',
  ],
  [
    'a dimension twice',
    [changed({ match: [...EU.match, ...EU.match] })],
    'filters[0].match[1].dimension',
    'filters[0].match[1].dimension: "region" is there already.',
  ],
  [
    'a dimension without a name',
    [changed({ match: [{ dimension: '', values: ['1'] }] })],
    'filters[0].match[0].dimension',
    'must be a text of 1 to 100 characters',
  ],
  [
    'a dimension with a long name',
    [changed({ match: [{ dimension: 'd'.repeat(101), values: ['1'] }] })],
    'filters[0].match[0].dimension',
    'must be a text of 1 to 100 characters',
  ],
  [
    'no values',
    [changed(region())],
    'filters[0].match[0].values',
    'filters[0].match[0].values must be 1 to 100 values, not 0.',
  ],
  [
    '101 values',
    [changed(region(...words(101)))],
    'filters[0].match[0].values',
    'filters[0].match[0].values must be 1 to 100 values, not 101.',
  ],
  [
    'a value twice',
    [changed(region('fr', 'de', 'fr'))],
    'filters[0].match[0].values[2]',
    'filters[0].match[0].values[2]: "fr" is there already.',
  ],
  [
    'a value too long for a record',
    [changed(region('v'.repeat(201)))],
    'filters[0].match[0].values[0]',
    'must be a text of 1 to 200 characters',
  ],
  [
    'a value that no record can have',
    [changed(region('a\u0000'))],
    'filters[0].match[0].values[0]',
    'without control characters',
  ],
  [
    'negative free units',
    [changed({ freeUnits: '-1' })],
    'filters[0].freeUnits',
    'filters[0].freeUnits must be 0 or more.',
  ],
  [
    'free units that are no number',
    [changed({ freeUnits: 'x' })],
    'filters[0].freeUnits',
    'filters[0].freeUnits must be a decimal',
  ],
  ['no price', [EU, changed({ name: 'b', price: {} })], 'filters[1].price', 'A price has exactly one model'],
  [
    'a wrong price',
    [EU, changed({ name: 'b', price: { standard: { unitPrice: '-1' } } })],
    'filters[1].price.standard.unitPrice',
    'filters[1].price.standard.unitPrice must be 0 or more',
  ],
  [
    'a wrong package',
    [changed({ price: { package: { packageSize: '0', packagePrice: '1' } } })],
    'filters[0].price.package.packageSize',
    'filters[0].price.package.packageSize must be above 0.',
  ],
  [
    'a wrong rate',
    [changed({ price: { percentage: { rate: '-1' } } })],
    'filters[0].price.percentage.rate',
    'filters[0].price.percentage.rate must be 0 or more',
  ],
  [
    'a wrong rate of a tier',
    [changed({ price: { graduatedPercentage: { tiers: [{ rate: 'x' }] } } })],
    'filters[0].price.graduatedPercentage.tiers[0].rate',
    'filters[0].price.graduatedPercentage.tiers[0].rate must be 0 or more',
  ],
  [
    'a wrong tier',
    [changed({ price: { volume: { tiers: [{ unitPrice: 'x' }] } } })],
    'filters[0].price.volume.tiers[0].unitPrice',
    'filters[0].price.volume.tiers[0].unitPrice must be 0 or more',
  ],
  [
    'no tier',
    [changed({ price: { graduated: { tiers: [] } } })],
    'filters[0].price.graduated.tiers',
    'filters[0].price.graduated.tiers must be 1 to 100 tiers, not 0.',
  ],
])('%s is refused by its place', (_, filters, field, message) => {
  const error = refusal(filters);
  expect(error.field).toBe(field);
  expect(error.message).toContain(message);
});

it.each<[string, string[], string, string]>([
  ['six dimensions', words(6), 'groupBy', 'groupBy must be at most 5 dimensions, not 6.'],
  ['a dimension twice', ['a', 'b', 'a'], 'groupBy[2]', 'groupBy[2]: "a" is there already.'],
  ['a dimension without a name', ['a', ''], 'groupBy[1]', 'groupBy[1] must be a text of 1 to 100 characters'],
])('to group by %s is refused', (_, groupBy, field, message) => {
  const error = refusal([], groupBy);
  expect(error.field).toBe(field);
  expect(error.message).toContain(message);
});

it('what is printed is read as the same, whatever the dimensions are called', () => {
  const name = fc.oneof(fc.constantFrom('7', '__proto__', 'constructor', 'a'), fc.stringMatching(/^[a-z0-9"\\]{1,9}$/));
  const filters = fc.uniqueArray(
    fc.record({
      name,
      match: fc.uniqueArray(
        fc.record({ dimension: name, values: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }) }),
        { minLength: 1, maxLength: 4, selector: ({ dimension }) => dimension },
      ),
      freeUnits: fc.constantFrom('0', '2.5'),
      price: fc.constant({ standard: { unitPrice: '1' } }),
    }),
    { maxLength: 4, selector: (filter) => filter.name },
  );
  fc.assert(
    fc.property(filters, (sent) => {
      const parsed = parseBucketRule(sent, []);
      expect(parseBucketRule(printFilters(parsed.filters), [])).toEqual(parsed);
      const matches = parsed.filters.map(({ match }) => Object.keys(match).toSorted());
      expect(matches).toEqual(sent.map(({ match }) => match.map(({ dimension }) => dimension).toSorted()));
    }),
  );
});
