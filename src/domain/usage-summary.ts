/**
 * What a row of a usage summary says: what a metric counted in one group (accounts, contracts, a span of time), by its own
 * function. The definition that the SQL of services/usage-summary-ledger.ts is held against.
 */
import { type Contribution, type CountedRecord, countsWithin, meteredUnits, presentValues } from './aggregate';
import { Decimal, sum } from './decimal';
import type { MetricRules } from './metric';

/** A record with the contract it counts for, or while it has none its account link: whose series it stands in. */
export interface OwnedRecord extends CountedRecord {
  owner: string;
}

/** The time of a group. */
export interface SummarySpan {
  start: Date;
  /** Null: without end. */
  end: Date | null;
  /** What came before counts in no row; where something carries on, it begins here. */
  since: Date;
  /** Whether it is a whole billing period of a contract. */
  isPeriod: boolean;
  /** Of the full period that a weighted sum of a billing period is divided by; null: the level at the end is taken. */
  fullMicros: Decimal | null;
}

export interface SummaryUnits {
  quantity: Decimal;
  /** Records of the span itself. */
  recordCount: number;
}

/**
 * Whether a group goes on from what was counted before it: how many are present and how high a level stands. A recurring SUM
 * does so in billing periods only; elsewhere a group has what was added in it.
 */
export function carriesOn(
  { aggregation, recurring }: Pick<MetricRules, 'aggregation' | 'recurring'>,
  { isPeriod }: Pick<SummarySpan, 'isPeriod'>,
): boolean {
  return recurring && (isPeriod || aggregation !== 'SUM');
}

/**
 * `contributed` are those of the group's accounts and contracts, of all times. The largest of all for a MAX, all different
 * values for a UNIQUE_COUNT; for the others what each contract counted, added up. Null: the group has no row. Not rounded
 * unless `rules` have a rounding.
 */
export function summarized(
  rules: MetricRules,
  contributed: Iterable<Contribution<OwnedRecord>>,
  span: SummarySpan,
): SummaryUnits | null {
  const recurring = carriesOn(rules, span);
  const counted = new Map<string, Contribution<OwnedRecord>[]>();
  for (const contribution of contributed) {
    const { record } = contribution;
    if (!countsWithin(record, recurring ? span.since : span.start, span.end)) continue;
    counted.set(record.owner, [...(counted.get(record.owner) ?? []), contribution]);
  }
  if (counted.size === 0) return null;
  const owners = [...counted.values()];
  const metered = owners.map((owned) => meteredUnits({ ...rules, recurring }, owned, span));
  const recordCount = metered.reduce((count, each) => count + each.recordCount, 0);
  return { quantity: together(rules, owners, { units: metered.map(({ units }) => units) }), recordCount };
}

/** What several contracts counted, as one quantity. */
function together(
  { aggregation }: MetricRules,
  owners: readonly Contribution<OwnedRecord>[][],
  { units }: { units: readonly Decimal[] },
): Decimal {
  switch (aggregation) {
    case 'MAX':
      return Decimal.max(...units);
    case 'UNIQUE_COUNT': {
      const present = owners.map((owned) => [...presentValues(owned.map(({ record }) => record))]);
      return new Decimal(new Set(present.flat()).size);
    }
    case 'SUM':
    case 'COUNT':
    case 'LATEST':
    case 'WEIGHTED_SUM':
      return sum(units);
  }
}
