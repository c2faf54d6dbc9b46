import fc from 'fast-check';
import { type Balance, balanceOf, isDust, mayBeWaived, NO_MOVES } from '../../src/domain/balance';
import { Decimal, sum } from '../../src/domain/decimal';

function balance(periods: readonly (readonly [truth: string, billed: string])[], waived = '0', places = 2): Balance {
  const values = periods.map(([truth, billed], index) => ({
    periodId: `period-${index}`,
    truth: new Decimal(truth),
    billed: new Decimal(billed),
  }));
  return balanceOf(values, places, { ...NO_MOVES, waived: new Decimal(waived) });
}

const figures = ({ due, target, remainder }: Balance): string[] =>
  [due, target, remainder].map((part) => part.toFixed());

it.each<[string, [string, string][], string, [due: string, target: string, remainder: string]]>([
  ['nothing', [], '0', ['0', '0', '0']],
  ['a first month', [['100', '0']], '0', ['100', '100', '0']],
  [
    'a month after one that was billed whole',
    [
      ['100', '100'],
      ['40', '0'],
    ],
    '0',
    ['40', '40', '0'],
  ],
  [
    'usage that came after the run',
    [
      ['100', '90'],
      ['40', '0'],
    ],
    '0',
    ['50', '50', '0'],
  ],
  [
    'a run that came before any write',
    [
      ['100', '0'],
      ['40', '0'],
    ],
    '0',
    ['140', '140', '0'],
  ],
  [
    'a void beyond the next month',
    [
      ['100', '100'],
      ['-60', '0'],
      ['25', '0'],
    ],
    '0',
    ['-35', '0', '-35'],
  ],
  [
    'the rest of it a month later',
    [
      ['100', '100'],
      ['-60', '0'],
      ['25', '0'],
      ['45', '0'],
    ],
    '0',
    ['10', '10', '0'],
  ],
  ['1,234 calls of a product of 1,000', [['1.234', '0']], '0', ['1.234', '1.23', '0.004']],
  [
    'the same twice',
    [
      ['1.234', '1.23'],
      ['1.234', '0'],
    ],
    '0',
    ['1.238', '1.24', '-0.002'],
  ],
  ['half a step', [['0.005', '0']], '0', ['0.005', '0.01', '-0.005']],
  ['less than half a step', [['0.004', '0']], '0', ['0.004', '0', '0.004']],
  ['less than half a step below zero', [['0', '0.004']], '0', ['-0.004', '0', '-0.004']],
  ['half a step below zero', [['0', '0.005']], '0', ['-0.005', '0', '-0.005']],
  [
    'what a person let go',
    [
      ['100', '90'],
      ['40', '0'],
    ],
    '10',
    ['40', '40', '0'],
  ],
  ['more let go than was due', [['5', '0']], '10', ['-5', '0', '-5']],
])('%s', (_, periods, waived, expected) => {
  expect(figures(balance(periods, waived))).toEqual(expected);
});

it.each([
  [0, '2', '-0.5'],
  [2, '1.5', '0'],
  [3, '1.5', '0'],
])('rounded to %i places, 1.5 due sets %s and leaves %s', (places, target, remainder) => {
  expect(figures(balance([['1.5', '0']], '0', places))).toEqual(['1.5', target, remainder]);
});

it('what was passed in is due, and what a person settled is not', () => {
  const moved = { waived: new Decimal('1'), settled: new Decimal('-20'), passed: new Decimal('30') };
  const { due, target } = balanceOf(
    [{ periodId: 'march', truth: new Decimal('5'), billed: new Decimal('12.5') }],
    2,
    moved,
  );
  expect([due, target].map(String)).toEqual(['41.5', '41.5']);
});

it.each([
  ['7', '7', true],
  ['0.000000000001', '7', true],
  ['7.000000000001', '7', false],
  ['0', '7', false],
  ['-1', '7', false],
  ['1', '0', false],
  ['-1', '0', false],
  ['-7', '-7', true],
  ['-0.5', '-7', true],
  ['-7.01', '-7', false],
  ['1', '-7', false],
])('%s, while %s is due, may be let go: %s', (value, due, expected) => {
  expect(mayBeWaived(new Decimal(value), new Decimal(due))).toBe(expected);
});

it.each([
  ['0.004', 2, true],
  ['-0.0049', 2, true],
  ['0.005', 2, false],
  ['-0.005', 2, false],
  ['0', 2, false],
  ['0.4', 0, true],
  ['0.5', 0, false],
])('%s is too little for an invoice with %i places: %s', (value, places, expected) => {
  expect(isDust(new Decimal(value), places)).toBe(expected);
});

it('truth and billed are the sums over the periods, and nothing is waived unless somebody does', () => {
  const { truth, billed, waived } = balance([
    ['100', '90'],
    ['40.5', '0'],
  ]);
  expect([truth, billed, waived].map(String)).toEqual(['140.5', '90', '0']);
});

describe('whatever the periods', () => {
  const amount = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map((value) => new Decimal(`${value}e-12`));
  const values = fc.array(fc.record({ periodId: fc.constant('period'), truth: amount, billed: amount }));

  const moves = fc.record({ waived: amount, settled: amount, passed: amount });

  it('truth and what was passed on are what was billed, waived, settled and is due; due is the target and the rest', () => {
    fc.assert(
      fc.property(values, fc.constantFrom(0, 2, 3), moves, (periods, places, moved) => {
        const result = balanceOf(periods, places, moved);
        const taken = sum([result.billed, result.waived, result.settled, result.due]);
        expect(taken.eq(result.truth.plus(result.passed))).toBe(true);
        expect(result.target.plus(result.remainder).eq(result.due)).toBe(true);
        expect(result.truth.eq(sum(periods.map((period) => period.truth)))).toBe(true);
        expect(result.target.gte(0) && result.target.decimalPlaces() <= places).toBe(true);
        const halfStep = new Decimal(`1e-${places}`).div(2);
        if (result.due.gte(0)) expect(result.remainder.abs().lte(halfStep)).toBe(true);
        else expect(result.target.isZero()).toBe(true);
      }),
    );
  });

  it('billing each target in turn bills all there is, to half a rounding step, when usage never falls', () => {
    const truths = fc.array(
      fc.bigInt({ min: 0n, max: 10n ** 20n }).map((value) => new Decimal(`${value}e-12`)),
      {
        minLength: 1,
      },
    );
    fc.assert(
      fc.property(truths, (all) => {
        const periods: { periodId: string; truth: Decimal; billed: Decimal }[] = [];
        for (const truth of all) {
          const { target } = balanceOf([...periods, { periodId: 'now', truth, billed: new Decimal(0) }], 2);
          periods.push({ periodId: 'past', truth, billed: target });
        }
        expect(balanceOf(periods, 2).due.abs().lte('0.005')).toBe(true);
      }),
    );
  });
});
