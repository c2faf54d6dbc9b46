/** Which charge rates a metric: states are written by hand, no database. */
import { Decimal, ZERO } from '../../src/domain/decimal';
import type { MetricRules } from '../../src/domain/metric';
import { GapPolicy } from '../../src/entities/charge';
import type { ChargeState, LineState } from '../../src/services/contract-state';
import { fittingCharges } from '../../src/services/fitting-charges';

const MADE = new Date('2026-01-10T00:00:00Z');
const SUM: MetricRules = {
  aggregation: 'SUM',
  semantics: 'DELTA',
  signed: false,
  perEvent: false,
  recurring: false,
  uniqueBy: null,
  rounding: null,
};
/** The period of April. */
const APRIL = { start: new Date('2026-04-01T00:00:00Z'), startOn: '2026-04-01' };

function charge(id: string, values: Partial<ChargeState> = {}): ChargeState {
  return {
    ...{ id, serviceId: 's', metricId: 'm', metricCode: 'calls', metricUnit: 'call', rules: SUM },
    ...{ productId: 'p1', productName: 'Calls', mode: 'QUANTITY', price: null, currency: null },
    ...{ freeUnits: ZERO, unitsPerProductUnit: new Decimal(1), minimumAmount: ZERO, filters: [], groupBy: [] },
    ...{ planOdooId: null, boundContractId: null, firstId: id, validFrom: null, validTo: null },
    ...{ expects: null, onGap: GapPolicy.BILL_KNOWN, createdAt: MADE, archivedAt: null, ...values },
  };
}

interface Case {
  charges: ChargeState[];
  /** Products on the order; p1 and p2 by default. */
  products?: string[];
  rated?: string[];
  pinned?: string;
  plan?: number | null;
}

/** Ids of the charges that fit, or AMBIGUOUS. */
function fit({ charges, products = ['p1', 'p2'], rated = [], pinned, plan = 7 }: Case): string[] {
  const state = {
    id: 'contract',
    order: {
      ...{
        id: 'o',
        odooId: 1,
        orderState: 'sale',
        subscriptionState: 'IN_PROGRESS',
        startOn: null,
        nextInvoiceOn: null,
      },
      ...{ gone: false, currency: 'USD', places: 2, plan: null, planOdooId: plan, syncedAt: MADE },
    },
    lines: products.map((productId) => ({ productId }) as LineState),
    charges,
    pins: new Map(pinned === undefined ? [] : [['m', pinned]]),
    linePins: new Map(),
  };
  const { fitting, ambiguous } = fittingCharges(state, APRIL, new Set(rated));
  return [...fitting.map(({ id }) => id), ...(ambiguous.has('m') ? ['AMBIGUOUS'] : [])];
}

const BOUND = { boundContractId: 'contract' };
const OF_PLAN = { planOdooId: 7 };

describe('of versions', () => {
  it.each<[string, Partial<ChargeState>, string[]]>([
    ['one that is open fits', {}, ['a']],
    ['one that begins on the first day of the period fits', { validFrom: '2026-04-01' }, ['a']],
    ['one that begins a day later does not', { validFrom: '2026-04-02' }, []],
    ['one that ends on the first day does not', { validTo: '2026-04-01' }, []],
    ['one that ends a day later fits', { validTo: '2026-04-02' }, ['a']],
    ['one that was withdrawn does not', { validFrom: '2026-04-01', validTo: '2026-04-01' }, []],
    ['one that was archived before the period does not', { archivedAt: new Date('2026-03-31T00:00:00Z') }, []],
    ['one that was archived within the period fits', { archivedAt: new Date('2026-04-10T00:00:00Z') }, ['a']],
    ['one of another day is no doubt', { validFrom: '2026-05-01' }, []],
  ])('%s', (_, values, expected) => {
    expect(fit({ charges: [charge('a', values)] })).toEqual(expected);
  });

  it('exactly the one that holds on the first day of the period rates it', () => {
    const charges = [
      charge('v1', { validTo: '2026-03-01' }),
      charge('v2', { firstId: 'v1', validFrom: '2026-03-01', validTo: '2026-05-01' }),
      charge('v3', { firstId: 'v1', validFrom: '2026-05-01' }),
    ];
    expect(fit({ charges })).toEqual(['v2']);
    expect(fit({ charges, rated: ['v1'] })).toEqual(['v1']);
  });
});

describe('of bindings', () => {
  it.each<[string, Case, string[]]>([
    [
      'the contract comes before the plan and before nothing',
      { charges: [charge('all'), charge('plan', OF_PLAN), charge('own', BOUND)] },
      ['own'],
    ],
    ['the plan comes before nothing', { charges: [charge('all'), charge('plan', OF_PLAN)] }, ['plan']],
    ['another plan does not fit', { charges: [charge('all'), charge('other', { planOdooId: 8 })] }, ['all']],
    ['no plan is not any plan', { charges: [charge('plan', OF_PLAN)], plan: null }, []],
    [
      'another contract does not fit',
      { charges: [charge('all'), charge('other', { boundContractId: 'other' })] },
      ['all'],
    ],
    [
      'one that does not hold yet leaves it to a wider one',
      { charges: [charge('all'), charge('own', { ...BOUND, validFrom: '2026-05-01' })] },
      ['all'],
    ],
    [
      'the contract comes before a product that is on the order',
      { charges: [charge('all'), charge('own', { ...BOUND, productId: 'p3' })] },
      ['own'],
    ],
    [
      'two of the contract are in doubt',
      { charges: [charge('all'), charge('a', BOUND), charge('b', { ...BOUND, productId: 'p2' })] },
      ['AMBIGUOUS'],
    ],
    [
      'two of the plan are in doubt',
      { charges: [charge('a', OF_PLAN), charge('b', { ...OF_PLAN, productId: 'p2' })] },
      ['AMBIGUOUS'],
    ],
    [
      'what rated before goes on, though one is bound closer now',
      { charges: [charge('all'), charge('own', BOUND)], rated: ['all'] },
      ['all'],
    ],
    [
      'what rated before goes on, though the order has another plan now',
      { charges: [charge('other', { planOdooId: 8 })], rated: ['other'] },
      ['other'],
    ],
  ])('%s', (_, given, expected) => {
    expect(fit(given)).toEqual(expected);
  });
});

describe('of several', () => {
  const TWO = [charge('a'), charge('b', { productId: 'p2' })];
  it.each<[string, Case, string[]]>([
    ['two are in doubt', { charges: TWO }, ['AMBIGUOUS']],
    ['the one whose product is on the order fits', { charges: TWO, products: ['p2'] }, ['b']],
    ['the pinned one fits', { charges: TWO, pinned: 'b' }, ['b']],
    [
      'every version of the pinned one fits',
      { charges: [charge('a'), charge('b2', { productId: 'p2', firstId: 'b' })], pinned: 'b' },
      ['b2'],
    ],
    ['a pin on one that does not fit changes nothing', { charges: TWO, pinned: 'c' }, ['AMBIGUOUS']],
    [
      'a pin on one whose product left the order changes nothing',
      { charges: TWO, products: ['p2'], pinned: 'a' },
      ['b'],
    ],
    [
      'a pin does not undo a closer binding',
      { charges: [charge('all'), charge('own', BOUND)], pinned: 'all' },
      ['own'],
    ],
    ['a pin does not undo what rated before', { charges: TWO, rated: ['a'], pinned: 'b' }, ['a']],
    [
      'a pin leaves the archived one of the pinned charge its period',
      {
        charges: [charge('a'), charge('b', { productId: 'p2', archivedAt: new Date('2026-04-10T00:00:00Z') })],
        pinned: 'b',
      },
      ['b'],
    ],
    ['of other metrics each has its own', { charges: [charge('a'), charge('b', { metricId: 'other' })] }, ['a', 'b']],
  ])('%s', (_, given, expected) => {
    expect(fit(given)).toEqual(expected);
  });

  it('the one archived first rates to the end of the period, unless another is older by its first version', () => {
    const archivedAt = new Date('2026-04-10T00:00:00Z');
    const later = new Date('2026-02-01T00:00:00Z');
    const successor = charge('b', { productId: 'p2', createdAt: later });
    expect(fit({ charges: [charge('a', { archivedAt }), successor] })).toEqual(['a']);
    expect(fit({ charges: [charge('a'), charge('b', { productId: 'p2', createdAt: later, archivedAt })] })).toEqual([
      'a',
    ]);
  });
});
