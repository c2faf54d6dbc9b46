/** The fast SQL of every kind of metric against its pure definition, on ledgers that were recorded and corrected for real. */
import fc from 'fast-check';
import type { Ctx } from '../../src/ctx';
import { type MeteredRange, meteredBuckets } from '../../src/domain/aggregate';
import { bucketNamed, bucketOf, type BucketRule } from '../../src/domain/bucket';
import { Decimal } from '../../src/domain/decimal';
import { type Aggregation, type MetricRules, metricRefusal, type Semantics } from '../../src/domain/metric';
import { freeAllowance } from '../../src/domain/price';
import type { UsageInput } from '../../src/domain/usage-record';
import { identities } from '../../src/services/identities';
import { ledgerRecords } from '../../src/services/ledger-records';
import { firstOccurrences, meteredUsage } from '../../src/services/metered-usage';
import { checkRollup } from '../../src/services/rollup-check';
import { replaceUsageBatch, voidUsageBatch } from '../../src/services/usage-corrections';
import { recordUsageBatch } from '../../src/services/usage-records';
import { startTestApp, type TestApp } from '../support/app';
import { counter, seedMetric, seedPeriods, seedUsageWorld } from '../support/usage-world';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
});
afterAll(() => test.close());

const AGGREGATIONS: Aggregation[] = ['SUM', 'COUNT', 'MAX', 'LATEST', 'UNIQUE_COUNT', 'WEIGHTED_SUM'];
const SEMANTICS: Semantics[] = ['DELTA', 'WINDOW_TOTAL', 'CUMULATIVE'];

/** Every metric there can be, signed where it can be; one of each is rounded. */
const METRICS: (MetricRules & { code: string })[] = AGGREGATIONS.flatMap((aggregation) =>
  SEMANTICS.flatMap((semantics) =>
    [false, true].map((recurring) => ({
      code: `${aggregation}-${semantics}-${recurring ? 'on' : 'anew'}`,
      aggregation,
      semantics,
      recurring,
      signed: semantics !== 'CUMULATIVE' && aggregation !== 'UNIQUE_COUNT',
      perEvent: true,
      uniqueBy: aggregation === 'UNIQUE_COUNT' ? 'user' : null,
      rounding: recurring ? { mode: 'CEIL' as const, places: 1 } : null,
    })),
  ),
).filter((metric) => metricRefusal(metric) === null);

const START = Date.UTC(2026, 1, 1);
const HOUR = 3_600_000;

interface Sent {
  metric: number;
  hour: number;
  /** 0 for an instant. */
  length: number;
  quantity: number;
  events: number | undefined;
  region: string | undefined;
  user: string;
  meter: string | undefined;
  revision: number | undefined;
  opening: number | undefined;
  isReset: boolean;
  isRemoved: boolean;
  correction: 'VOID' | 'REPLACE' | undefined;
}

const maybe = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(values, { nil: undefined, freq: 1 });

const sent: fc.Arbitrary<Sent> = fc.record({
  metric: fc.nat(METRICS.length - 1),
  hour: fc.nat(11),
  length: fc.constantFrom(0, 1, 1, 2),
  quantity: fc.integer({ min: -20, max: 60 }),
  events: maybe(fc.integer({ min: 1, max: 4 })),
  region: maybe(fc.constantFrom('eu', 'us', 'asia')),
  user: fc.constantFrom('ann', 'bob', 'cy'),
  meter: maybe(fc.constant('m1')),
  revision: maybe(fc.nat(3)),
  opening: maybe(fc.nat(3)),
  isReset: fc.boolean(),
  isRemoved: fc.boolean(),
  correction: maybe(fc.constantFrom('VOID' as const, 'REPLACE' as const)),
});

function inputOf(record: Sent, position: number): UsageInput {
  const rules = METRICS[record.metric] as (typeof METRICS)[number];
  const isUnique = rules.aggregation === 'UNIQUE_COUNT';
  const isMeter = rules.semantics === 'CUMULATIVE';
  return counter({
    idempotencyKey: `k${position}`,
    metric: rules.code,
    windowStart: new Date(START + record.hour * HOUR).toISOString(),
    windowEnd: new Date(START + (record.hour + record.length) * HOUR).toISOString(),
    quantity: isUnique ? '1' : String(rules.signed ? record.quantity : Math.abs(record.quantity)),
    events: record.events,
    dimensions: { ...(record.region && { region: record.region }), ...(isUnique && { user: record.user }) },
    meter: record.meter,
    revision: rules.semantics === 'WINDOW_TOTAL' ? record.revision : undefined,
    opening: isMeter && record.opening !== undefined ? String(record.opening) : undefined,
    reset: isMeter && record.isReset,
    operation: isUnique && record.isRemoved ? 'REMOVE' : undefined,
  });
}

const price = { model: 'STANDARD' as const, unitPrice: new Decimal(1) };
const filter = (name: string, region: string[]): BucketRule['filters'][number] => ({
  name,
  match: { region },
  freeUnits: new Decimal(0),
  price,
});
const RULES: BucketRule[] = [
  { filters: [], groupBy: [] },
  { filters: [filter('old world', ['eu', 'asia']), filter('europe', ['eu'])], groupBy: ['region', 'user'] },
];

/** Half-days from hour to hour, the contract since hour 3. */
const range = (from: number, to: number | null): MeteredRange => ({
  start: new Date(START + from * HOUR),
  end: to === null ? null : new Date(START + to * HOUR),
  since: new Date(START + 3 * HOUR),
  fullMicros: to === null ? null : new Decimal(7 * HOUR).times(1000),
});
const RANGES = [range(3, 7), range(7, 12), range(7, null)];

async function story(ctx: Ctx, subscriptionId: string, records: readonly Sent[]): Promise<void> {
  const inputs = records.map((record, position) => ({ ...inputOf(record, position), subscriptionId }));
  await recordUsageBatch(ctx, inputs, { withResults: false });
  const corrections = records.flatMap(({ correction, quantity }, position) =>
    correction === undefined ? [] : [{ correction, quantity: String(Math.abs(quantity) + 1), position }],
  );
  const base = ({ position }: { position: number }): { idempotencyKey: string; reason: string } => ({
    idempotencyKey: `c${position}`,
    reason: 'wrong',
  });
  const replaced = corrections.filter(({ correction }) => correction === 'REPLACE');
  await replaceUsageBatch(
    ctx,
    replaced.map((each) => ({ ...base(each), replaces: `k${each.position}`, quantity: each.quantity })),
    { withResults: false },
  );
  const voided = corrections.filter(({ correction }) => correction === 'VOID');
  await voidUsageBatch(
    ctx,
    voided.map((each) => ({ ...base(each), voids: `k${each.position}` })),
    { withResults: false },
  );
}

it('meters what the definitions say, in every bucket, for every aggregation and semantics', async () => {
  let metered = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(sent, { minLength: 20, maxLength: 150, size: 'max' }), async (records) => {
      const world = await seedUsageWorld(test.app.db);
      const ctx = test.ctx({ serviceId: world.service.id, name: 'key:usage' });
      const ids = await Promise.all(METRICS.map((metric) => seedMetric(test.app.db, world.service.id, metric)));
      await story(ctx, world.subscription.id, records);
      const { contractId } = world.subscription;
      const tx = test.app.db.manager;
      for (const [index, rules] of METRICS.entries()) {
        const metricId = ids[index] ?? '';
        const ledger = await ledgerRecords(tx, { contractId, metricId, uniqueBy: rules.uniqueBy });
        for (const rule of RULES) {
          for (const time of RANGES) {
            const expected = meteredBuckets(
              rules,
              { records: ledger, bucketOf: ({ dimensions }) => bucketOf(rule, dimensions).key },
              time,
            );
            const counted = await meteredUsage(tx, { contractId, metricId, rules, buckets: rule }, time);
            const found = new Map(
              counted.map(({ name, units, events, recordCount }) => [
                bucketNamed(rule, name).key,
                { units, events, recordCount },
              ]),
            );
            // A bucket whose records all lie outside the time counts nothing: the SQL does not even see it.
            for (const [key, { units, recordCount }] of expected) {
              if (units.isZero() && recordCount === 0 && !found.has(key)) expected.delete(key);
            }
            expect({ code: rules.code, time, buckets: printed(found) }).toEqual({
              code: rules.code,
              time,
              buckets: printed(expected),
            });
            metered += found.size;
          }
        }
      }
      expect(await checkRollup(test.ctx())).toMatchObject({ differenceCount: 0 });
      await seedPeriods(test.app.db, contractId, ['2026-02-01']);
      expect(await identities(ctx)).toMatchObject({ holds: true });
    }),
    { numRuns: 8, endOnFailure: true },
  );
  expect(metered).toBeGreaterThan(300);
});

function printed(buckets: ReadonlyMap<string, { units: Decimal; events: Decimal; recordCount: number }>): string[] {
  return [...buckets]
    .map(
      ([key, { units, events, recordCount }]) => `${key}: ${units.toFixed()} of ${events.toFixed()} in ${recordCount}`,
    )
    .sort();
}

it('the first occurrences hold what a free allowance can reach, and no record before that is missing', async () => {
  const counted = fc.array(
    fc.record({ hour: fc.nat(11), quantity: fc.nat(40), events: maybe(fc.integer({ min: 1, max: 4 })) }),
    { minLength: 1, maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(counted, fc.nat(12), fc.integer({ min: 1, max: 150 }), async (records, events, units) => {
      const world = await seedUsageWorld(test.app.db);
      const ctx = test.ctx({ serviceId: world.service.id, name: 'key:usage' });
      const rules = METRICS[0] as MetricRules;
      const metricId = await seedMetric(test.app.db, world.service.id, { ...rules, code: 'events', signed: false });
      const inputs = records.map((record, position) => ({
        ...counter({
          idempotencyKey: `k${position}`,
          metric: 'events',
          subscriptionId: world.subscription.id,
          quantity: String(record.quantity),
          events: record.events,
        }),
        windowStart: new Date(START + record.hour * HOUR).toISOString(),
        windowEnd: new Date(START + record.hour * HOUR).toISOString(),
      }));
      expect(await recordUsageBatch(ctx, inputs, { withResults: false })).toMatchObject({ rejections: [] });
      const { contractId } = world.subscription;
      const free = { events: new Decimal(events), units: new Decimal(units) };
      const time = range(0, 12);
      const metric = { contractId, metricId, rules, buckets: null };
      const first = await firstOccurrences(
        test.app.db.manager,
        { metric, range: time, bucket: { filter: null, group: {} } },
        free,
      );
      const all = records
        .map((record, position) => ({ ...record, position }))
        .sort((one, other) => one.hour - other.hour || one.position - other.position)
        .map((record) => ({ quantity: new Decimal(record.quantity), events: new Decimal(record.events ?? 1) }));
      expect(freeAllowance(first, free)).toEqual(freeAllowance(all, free));
      expect(first).toEqual(all.slice(0, first.length));
    }),
    { numRuns: 30, endOnFailure: true },
  );
});
