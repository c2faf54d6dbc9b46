import fc from 'fast-check';
import { type Aggregation, aggregate } from '../../src/domain/aggregate';
import { Decimal } from '../../src/domain/decimal';

const records = (quantities: readonly string[]): { quantity: Decimal }[] =>
  quantities.map((quantity) => ({ quantity: new Decimal(quantity) }));

it.each<[Aggregation, string[], string]>([
  ['SUM', [], '0'],
  ['SUM', ['1.5', '2.25', '0.25'], '4'],
  ['SUM', ['0.1', '0.2'], '0.3'],
  ['SUM', ['5', '-7.5'], '-2.5'],
  ['SUM', ['100000000000000000', '0.000000000001'], '100000000000000000.000000000001'],
  ['COUNT', [], '0'],
  ['COUNT', ['3', '4'], '7'],
])('%s of %j is %s', (aggregation, quantities, total) => {
  expect(aggregate(aggregation, records(quantities)).toFixed()).toBe(total);
});

it('records are read once, from any source', () => {
  function* source(): Generator<{ quantity: Decimal }> {
    yield* records(['1', '2']);
  }
  expect(aggregate('SUM', source()).toFixed()).toBe('3');
});

it('neither the order of the records nor how a period is split changes the total', () => {
  const quantities = fc.array(fc.bigInt({ min: -(10n ** 29n), max: 10n ** 29n }).map((value) => value.toString()));
  fc.assert(
    fc.property(quantities, fc.nat(), (all, at) => {
      const total = aggregate('SUM', records(all));
      expect(aggregate('SUM', records(all.toReversed())).eq(total)).toBe(true);
      const cut = at % (all.length + 1);
      const parts = [all.slice(0, cut), all.slice(cut)].map((part) => aggregate('SUM', records(part)));
      expect(parts[0]?.plus(parts[1] ?? 0).eq(total)).toBe(true);
    }),
  );
});
