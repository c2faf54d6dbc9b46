/** How a metric counts, as callers send it, as it is stored, and as rating takes it. */
import { type MetricRounding, type MetricRules, metricRefusal } from '../domain/metric';
import { parseText } from '../domain/parse';
import { Aggregation, CounterSemantics, type Metric, RoundingMode } from '../entities/metric';
import { given } from './access';
import { sentValue } from './catalog-change';

/** As dimensions of usage records are named. */
const MAX_DIMENSION_LENGTH = 100;

/** How a metric counts, as callers send it. */
export interface SentRules {
  aggregation?: MetricRules['aggregation'] | null;
  semantics?: MetricRules['semantics'] | null;
  /** Whether quantities may be negative. */
  signed?: boolean | null;
  recurring?: boolean | null;
  /** Of a UNIQUE_COUNT only: the dimension that is counted. */
  uniqueBy?: string | null;
  rounding?: MetricRounding | null;
}

/** What is fixed once there is usage. */
export const FIXED_RULES = [
  'aggregation',
  'semantics',
  'signed',
  'recurring',
  'uniqueBy',
  'rounding',
] as const satisfies (keyof SentRules)[];

/** The columns of a metric `m` that are its MetricRules, for any query. */
export const METRIC_RULES = `m.aggregation, m.semantics, m.signed, m.per_event as "perEvent", m.recurring, m.unique_by as "uniqueBy",
  case when m.rounding_mode is not null then json_build_object('mode', m.rounding_mode, 'places', m.rounding_places) end as rounding`;

/** The rules of a metric as rating takes them. */
export function rulesOf(metric: Metric): MetricRules {
  const { aggregation, semantics, signed, perEvent, recurring, uniqueBy, roundingMode: mode, roundingPlaces } = metric;
  const rounding = mode === null || roundingPlaces === null ? null : { mode, places: roundingPlaces };
  return { aggregation, semantics, signed, perEvent, recurring, uniqueBy, rounding };
}

/**
 * The rules of a new metric. Left out: no negative quantities, no events, a WEIGHTED_SUM recurs and the others do not.
 * @throws BillingError VALIDATION_FAILED for rules that do not go together.
 */
export function parseRules(
  input: SentRules & Pick<MetricRules, 'aggregation' | 'semantics'> & { perEvent?: boolean },
): MetricRules {
  const { aggregation, semantics, perEvent = false } = input;
  const rules = {
    aggregation,
    semantics,
    perEvent,
    signed: input.signed ?? false,
    recurring: input.recurring ?? aggregation === 'WEIGHTED_SUM',
    uniqueBy: given(input.uniqueBy, (name) => parseText(name, 'uniqueBy', MAX_DIMENSION_LENGTH)),
    rounding: input.rounding ?? null,
  };
  refuseImpossible(rules);
  return rules;
}

function refuseImpossible(rules: MetricRules): void {
  const refusal = metricRefusal(rules);
  if (refusal !== null) throw refusal;
}

type ChangedRules = Partial<Pick<MetricRules, (typeof FIXED_RULES)[number]>>;

/**
 * `present` with what an update sends; the dimension goes with its aggregation.
 * @throws BillingError VALIDATION_FAILED for null, and for rules that do not go together.
 */
export function changedRules(present: MetricRules, input: SentRules): MetricRules {
  const sent: ChangedRules = Object.fromEntries(
    FIXED_RULES.map((name) => [name, sentValue<unknown>(input[name], name)]).filter(([, value]) => value !== undefined),
  );
  if (sent.uniqueBy) parseText(sent.uniqueBy, 'uniqueBy', MAX_DIMENSION_LENGTH);
  const rules = { ...present, ...sent };
  const isOrphan = rules.aggregation !== 'UNIQUE_COUNT' && sent.uniqueBy === undefined;
  const changed = isOrphan ? { ...rules, uniqueBy: null } : rules;
  refuseImpossible(changed);
  return changed;
}

/** What a metric stores of its rules. */
export function asColumns(rules: MetricRules): MetricColumns {
  const { aggregation, semantics, signed, perEvent, recurring, uniqueBy, rounding } = rules;
  return {
    aggregation: Aggregation[aggregation],
    semantics: CounterSemantics[semantics],
    signed,
    perEvent,
    recurring,
    uniqueBy,
    roundingMode: rounding === null ? null : RoundingMode[rounding.mode],
    roundingPlaces: rounding?.places ?? null,
  };
}

type MetricColumns = Pick<
  Metric,
  'aggregation' | 'semantics' | 'signed' | 'perEvent' | 'recurring' | 'uniqueBy' | 'roundingMode' | 'roundingPlaces'
>;
