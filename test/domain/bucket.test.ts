import fc from 'fast-check';
import {
  bucketNamed,
  bucketOf,
  type BucketRule,
  type ChargeFilter,
  filtersByPriority,
  fixedBuckets,
  MAX_KEY_LENGTH,
  overlaps,
  relevantDimensions,
} from '../../src/domain/bucket';
import { Decimal, ZERO } from '../../src/domain/decimal';

function filter(name: string, match: ChargeFilter['match']): ChargeFilter {
  return { name, match, freeUnits: ZERO, price: { model: 'STANDARD', unitPrice: new Decimal(1) } };
}

const EU = filter('eu', { region: ['fr', 'de'] });
const FR = filter('fr', { region: ['fr'] });
const EU_GPU = filter('eu-gpu', { region: ['fr', 'de', 'it'], kind: ['gpu'] });
const FAST = filter('fast', { speed: ['fast'] });
const BIG_FAST = filter('big-fast', { size: ['l', 'xl'], speed: ['fast'] });

describe('a record falls into', () => {
  it.each<[string, ChargeFilter[], Record<string, string> | null, string]>([
    ['the default bucket without filters', [], { region: 'fr' }, ''],
    ['the default bucket without dimensions', [EU], null, ''],
    ['the default bucket if no value is the right one', [EU], { region: 'us' }, ''],
    ['the default bucket if a dimension is missing', [EU_GPU], { region: 'fr' }, ''],
    ['the default bucket if a value differs in its case only', [EU], { region: 'FR' }, ''],
    ['the default bucket if the value is empty', [EU], { region: '' }, ''],
    ['the filter that matches', [EU], { region: 'de' }, '{"filter":"eu"}'],
    [
      'the filter that matches among dimensions it does not name',
      [EU],
      { kind: 'cpu', region: 'de' },
      '{"filter":"eu"}',
    ],
    ['the filter with more dimensions', [EU, EU_GPU], { region: 'fr', kind: 'gpu' }, '{"filter":"eu-gpu"}'],
    [
      'the filter with more dimensions also if it is the first',
      [EU_GPU, EU],
      { region: 'fr', kind: 'gpu' },
      '{"filter":"eu-gpu"}',
    ],
    ['the wider one if the narrower does not match', [EU, EU_GPU], { region: 'fr', kind: 'cpu' }, '{"filter":"eu"}'],
    [
      'the filter with more dimensions, though it has more values',
      [FR, EU_GPU],
      { region: 'fr', kind: 'gpu' },
      '{"filter":"eu-gpu"}',
    ],
    ['of as many dimensions the filter with fewer values', [EU, FR], { region: 'fr' }, '{"filter":"fr"}'],
    [
      'of as many dimensions the filter with fewer values, wherever it stands',
      [FR, EU],
      { region: 'fr' },
      '{"filter":"fr"}',
    ],
    ['of two alike the first', [FR, FAST], { region: 'fr', speed: 'fast' }, '{"filter":"fr"}'],
    ['of two alike the first, in the other order', [FAST, FR], { region: 'fr', speed: 'fast' }, '{"filter":"fast"}'],
    [
      'of two that are the same the first',
      [filter('a', EU.match), filter('b', EU.match)],
      { region: 'fr' },
      '{"filter":"a"}',
    ],
    [
      'the one that counts a value named twice once',
      [filter('a', { x: ['1', '2'] }), filter('b', { y: ['1', '1'] })],
      { x: '1', y: '1' },
      '{"filter":"b"}',
    ],
  ])('%s', (_, filters, dimensions, key) => {
    expect(bucketOf({ filters, groupBy: [] }, dimensions).key).toBe(key);
  });

  it.each<[string, string[], Record<string, string> | null, string]>([
    [
      'its combination of values',
      ['region', 'kind'],
      { kind: 'gpu', region: 'fr', x: 'y' },
      '{"group":{"kind":"gpu","region":"fr"}}',
    ],
    [
      'a group of its own where one is missing',
      ['region', 'kind'],
      { region: 'fr' },
      '{"group":{"kind":null,"region":"fr"}}',
    ],
    ['a group of its own where all are missing', ['region'], null, '{"group":{"region":null}}'],
    ['another group than the missing one if the value is empty', ['region'], { region: '' }, '{"group":{"region":""}}'],
    [
      'another group than the missing one if the value is the word',
      ['region'],
      { region: 'null' },
      '{"group":{"region":"null"}}',
    ],
    ['a group whose names are sorted as text', ['9', '10', 'a'], { a: '1' }, '{"group":{"10":null,"9":null,"a":"1"}}'],
    ['a group named like something every object has', ['constructor'], {}, '{"group":{"constructor":null}}'],
  ])('%s', (_, groupBy, dimensions, key) => {
    expect(bucketOf({ filters: [], groupBy }, dimensions).key).toBe(key);
  });

  it('a group of its filter, told with its values', () => {
    const bucket = bucketOf({ filters: [EU], groupBy: ['kind'] }, { region: 'fr' });
    expect(bucket).toEqual({ key: '{"filter":"eu","group":{"kind":null}}', filter: EU, group: { kind: null } });
  });

  it('no filter by what every object has', () => {
    const rule = { filters: [filter('odd', { toString: ['x'] })], groupBy: [] };
    expect(bucketOf(rule, {}).filter).toBeNull();
    expect(bucketOf(rule, { toString: 'x' } as unknown as Record<string, string>).filter?.name).toBe('odd');
  });
});

it('keys escape what could end a text, so that no two groups share one', () => {
  const rule = { filters: [], groupBy: ['a', 'b'] };
  const one = bucketOf(rule, { a: 'x","b":"y', b: '' }).key;
  const other = bucketOf(rule, { a: 'x', b: 'y","b":""' }).key;
  expect(one).toBe('{"group":{"a":"x\\",\\"b\\":\\"y","b":""}}');
  expect(one).not.toBe(other);
});

it('a key of up to 255 characters is the text, a longer one its hash', () => {
  const key = (length: number): string => bucketOf({ filters: [], groupBy: ['a'] }, { a: 'x'.repeat(length) }).key;
  // {"group":{"a":""}} are 18 characters.
  expect(key(237)).toBe(`{"group":{"a":"${'x'.repeat(237)}"}}`);
  expect(key(237)).toHaveLength(MAX_KEY_LENGTH);
  expect(key(238)).toBe('sha256:d375475a920a030dc9cd652493673f65ab6b84b5fbcd0d1976f6872db3c9290b');
});

it('the dimensions a rule looks at are those of its filters and groups, each once, sorted', () => {
  expect(relevantDimensions({ filters: [EU_GPU, BIG_FAST, FAST], groupBy: ['zone', 'kind'] })).toEqual([
    'kind',
    'region',
    'size',
    'speed',
    'zone',
  ]);
  expect(relevantDimensions({ filters: [], groupBy: [] })).toEqual([]);
});

it('without any usage there are the default bucket and one for each filter, without groups', () => {
  expect(fixedBuckets({ filters: [EU, FAST] })).toEqual([
    { key: '', filter: null, group: {} },
    { key: '{"filter":"eu"}', filter: EU, group: {} },
    { key: '{"filter":"fast"}', filter: FAST, group: {} },
  ]);
});

it('a bucket is found by the name of its filter and its group; without a filter of that name it is the default one', () => {
  const rule = { filters: [EU, FR] };
  expect(bucketNamed(rule, { filter: 'fr', group: {} })).toEqual({ key: '{"filter":"fr"}', filter: FR, group: {} });
  expect(bucketNamed(rule, { filter: null, group: { zone: '1' } })).toEqual({
    key: '{"group":{"zone":"1"}}',
    filter: null,
    group: { zone: '1' },
  });
});

it('filters take records in the order of most dimensions, then fewest values, then their own', () => {
  const filters = [EU, FR, EU_GPU, FAST, BIG_FAST];
  expect(filtersByPriority({ filters }).map(({ name }) => name)).toEqual(['big-fast', 'eu-gpu', 'fr', 'fast', 'eu']);
});

describe('overlaps are told of, the one that takes the record first', () => {
  it.each<[string, ChargeFilter[], [string, string][]]>([
    ['filters of other dimensions', [FR, FAST], [['fr', 'fast']]],
    ['as many other dimensions', [EU_GPU, BIG_FAST], [['big-fast', 'eu-gpu']]],
    ['values that both share in part', [EU, filter('west', { region: ['fr', 'es'] })], [['eu', 'west']]],
    ['filters that are the same', [FR, filter('again', FR.match)], [['fr', 'again']]],
    [
      'each pair of several',
      [FR, FAST, filter('l', { size: ['l'] })],
      [
        ['fr', 'fast'],
        ['fr', 'l'],
        ['fast', 'l'],
      ],
    ],
    ['not: fewer values of the same dimensions', [EU, FR], []],
    ['not: more dimensions', [EU, EU_GPU, filter('fr-gpu-x', { region: ['fr'], kind: ['gpu'], x: ['1'] })], []],
    ['not: filters that share no value', [FR, filter('de', { region: ['de'], speed: ['fast'] })], []],
  ])('%s', (_, filters, pairs) => {
    expect(overlaps(filters).map(([one, other]) => [one.name, other.name])).toEqual(pairs);
  });
});

describe('for any rule and records', () => {
  const NAMES = ['a', 'b', 'c', '7'];
  const VALUES = ['1', '2', '3', ''];
  const match = fc.dictionary(fc.constantFrom(...NAMES), fc.uniqueArray(fc.constantFrom(...VALUES), { minLength: 1 }), {
    minKeys: 1,
  });
  const rules: fc.Arbitrary<BucketRule> = fc.record({
    filters: fc.array(match, { maxLength: 6 }).map((matches) => matches.map((one, index) => filter(`f${index}`, one))),
    groupBy: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
  });
  const records = fc.dictionary(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES));

  it('a record falls into a filter exactly if one matches it, and into no less narrow one than any that does', () => {
    fc.assert(
      fc.property(rules, records, (rule, record) => {
        const matching = rule.filters.filter(({ match: wanted }) =>
          Object.entries(wanted).every(([name, values]) => name in record && values.includes(record[name] ?? 'none')),
        );
        const { filter: taken } = bucketOf(rule, record);
        if (matching.length === 0) return taken === null;
        const rank = ({ match: wanted, name }: ChargeFilter): number[] => [
          -Object.keys(wanted).length,
          Object.values(wanted).flat().length,
          rule.filters.findIndex((one) => one.name === name),
        ];
        const best = matching.toSorted((one, other) => {
          const [left, right] = [rank(one), rank(other)];
          const at = left.findIndex((part, index) => part !== right[index]);
          return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
        });
        return taken === best[0];
      }),
    );
  });

  it('the bucket depends on the relevant dimensions alone, and not on their order', () => {
    fc.assert(
      fc.property(rules, records, (rule, record) => {
        const relevant = relevantDimensions(rule).filter((name) => name in record);
        const shorn = Object.fromEntries(relevant.toReversed().map((name) => [name, record[name] ?? '']));
        expect(bucketOf(rule, shorn)).toEqual(bucketOf(rule, record));
      }),
    );
  });

  it('the order of the groups changes no key, nor does that of filters that do not overlap', () => {
    fc.assert(
      fc.property(rules, records, (rule, record) => {
        const turned = {
          filters: overlaps(rule.filters).length === 0 ? rule.filters.toReversed() : rule.filters,
          groupBy: rule.groupBy.toReversed(),
        };
        expect(bucketOf(turned, record).key).toBe(bucketOf(rule, record).key);
      }),
    );
  });

  it('keys are equal exactly if filter and group are', () => {
    fc.assert(
      fc.property(rules, records, records, (rule, one, other) => {
        const [left, right] = [bucketOf(rule, one), bucketOf(rule, other)];
        const same =
          left.filter === right.filter && rule.groupBy.every((name) => left.group[name] === right.group[name]);
        return (left.key === right.key) === same;
      }),
    );
  });
});
