/** What a seed's contract is made of: metrics of every kind, and charges in both modes with every price. */
import type { ChargeFilterJson } from '../../src/domain/charge-filter';
import { metricRefusal, type MetricRules, type RoundingMode, SEMANTICS_OF } from '../../src/domain/metric';
import type { PriceModelJson } from '../../src/domain/price-model';
import type { Random } from './random';

export interface MetricPlan {
  code: string;
  rules: MetricRules;
}

export interface ChargePlan {
  metric: MetricPlan;
  /** Place of its product among the world's. */
  product: number;
  mode: 'QUANTITY' | 'AMOUNT';
  price: PriceModelJson | null;
  freeUnits: string;
  unitsPerProductUnit: string;
  minimumAmount: string;
  filters: ChargeFilterJson[];
  groupBy: string[];
}

export interface WorldPlan {
  startOn: string;
  charges: ChargePlan[];
  /** How the charges of each product bill. */
  modes: ChargePlan['mode'][];
}

const KINDS = Object.entries(SEMANTICS_OF).flatMap(([aggregation, semantics]) =>
  semantics.map((each) => ({ aggregation: aggregation as MetricRules['aggregation'], semantics: each })),
);

export function drawWorld(random: Random): WorldPlan {
  const charges: ChargePlan[] = [];
  const modes: ChargePlan['mode'][] = [];
  for (let index = random.pick([2, 2, 3, 4]); index > 0; index -= 1) {
    const metric = { code: `m${index}`, rules: drawRules(random) };
    const charge = drawCharge(random, metric);
    // Charges of one product share its mode and its factor.
    const shared = charges.find(
      (other) => other.mode === charge.mode && other.unitsPerProductUnit === charge.unitsPerProductUnit,
    );
    if (shared !== undefined && random.chance(0.5)) charge.product = shared.product;
    else charge.product = modes.push(charge.mode) - 1;
    charges.push(charge);
  }
  return { startOn: random.pick(['2026-03-01', '2026-03-01', '2026-03-11', '2026-03-17']), charges, modes };
}

function drawRules(random: Random): MetricRules {
  const kind = random.pick(KINDS);
  const rounding = random.chance(0.25)
    ? { mode: random.pick<RoundingMode>(['ROUND', 'CEIL', 'FLOOR']), places: random.int(-1, 2) }
    : null;
  const uniqueBy = kind.aggregation === 'UNIQUE_COUNT' ? 'user' : null;
  for (;;) {
    const rules: MetricRules = {
      ...kind,
      uniqueBy,
      rounding,
      signed: random.chance(0.25),
      perEvent: random.chance(0.5),
      recurring: random.chance(0.5),
    };
    if (metricRefusal(rules) === null) return rules;
  }
}

function drawCharge(random: Random, metric: MetricPlan): ChargePlan {
  const freeUnits = random.chance(0.3) ? random.pick(['0.5', '5', '20']) : '0';
  const charge = { metric, product: 0, freeUnits, filters: [], groupBy: [] };
  if (random.chance(0.4)) {
    const unitsPerProductUnit = random.pick(['1', '3', '1000']);
    return { ...charge, mode: 'QUANTITY', price: null, unitsPerProductUnit, minimumAmount: '0' };
  }
  return {
    ...charge,
    ...drawPrice(random, metric.rules, freeUnits),
    mode: 'AMOUNT',
    unitsPerProductUnit: '1',
    minimumAmount: random.chance(0.3) ? random.pick(['5', '25.55']) : '0',
    filters: FILTERS.filter(() => random.chance(0.2)).map(({ name, match }) => {
      return { name, match, ...drawPrice(random, metric.rules, random.pick(['0', '5'])) };
    }),
    groupBy: random.chance(0.15) ? [random.pick(['region', 'user'])] : [],
  };
}

/** They overlap: what is of the first user in Europe falls to the third. */
const FILTERS = [
  { name: 'europe', match: [{ dimension: 'region', values: ['eu'] }] },
  { name: 'known users', match: [{ dimension: 'user', values: ['u1', 'u2', 'u3'] }] },
  {
    name: 'first in europe',
    match: [
      { dimension: 'region', values: ['eu'] },
      { dimension: 'user', values: ['u1'] },
    ],
  },
];

function drawPrice(
  random: Random,
  rules: MetricRules,
  freeUnits: string,
): { price: PriceModelJson; freeUnits: string } {
  const price = random.pick(PRICES)(random, rules, freeUnits);
  // A percentage of what may fall has nothing free.
  return { price, freeUnits: rules.signed && price.percentage ? '0' : freeUnits };
}

const PRICES: readonly ((random: Random, rules: MetricRules, freeUnits: string) => PriceModelJson)[] = [
  (random) => ({ standard: { unitPrice: unitPrice(random) } }),
  (random) => ({ graduated: { tiers: tiers(random, () => ({ unitPrice: unitPrice(random) })) } }),
  (random) => ({ graduatedPercentage: { tiers: tiers(random, () => ({ rate: random.decimal(5, 2) })) } }),
  (random) => ({ package: { packageSize: random.pick(['1', '7', '100']), packagePrice: random.decimal(9, 2) } }),
  percentage,
  (random) => ({ volume: { tiers: tiers(random, () => ({ unitPrice: unitPrice(random) })) } }),
];

function percentage(random: Random, rules: MetricRules, freeUnits: string): PriceModelJson {
  const isCounted = !rules.recurring && !rules.signed && ['SUM', 'COUNT'].includes(rules.aggregation);
  const mayFix = rules.perEvent && (isCounted || freeUnits === '0' || rules.signed);
  return {
    percentage: {
      rate: random.decimal(5, 2),
      fixedPrice: mayFix ? random.pick(['0', '0.5', '0.07']) : '0',
      freeEvents: rules.perEvent && isCounted && random.chance(0.5) ? random.int(1, 4) : 0,
    },
  };
}

function unitPrice(random: Random): string {
  return random.pick(['0', '0.01', '0.0333', '0.125', '1.5']);
}

function tiers<T>(random: Random, price: () => T): (T & { upTo: string | null; flatPrice: string })[] {
  return ['10', '100.5', null].map((upTo) => ({ ...price(), upTo, flatPrice: random.pick(['0', '0', '2.5']) }));
}
