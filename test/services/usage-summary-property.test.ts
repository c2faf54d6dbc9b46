/** The totals that PostgreSQL works out, against their pure definition, on generated ledgers with corrections. */
import fc from 'fast-check';
import { type Contribution, contributions, countsWithin } from '../../src/domain/aggregate';
import { Decimal } from '../../src/domain/decimal';
import { type Aggregation, type MetricRules, SEMANTICS_OF } from '../../src/domain/metric';
import { carriesOn, type OwnedRecord, summarized, type SummarySpan } from '../../src/domain/usage-summary';
import type { UsageInput } from '../../src/domain/usage-record';
import { replaceUsage, voidUsage } from '../../src/services/usage-corrections';
import { recordUsageBatch } from '../../src/services/usage-records';
import { type UsageGroup, usageSummary } from '../../src/services/usage-summary';
import { startTestApp, type TestApp } from '../support/app';
import { seedLink, seedPartner, seedPeriods, seedSubscription, seedUsageWorld } from '../support/usage-world';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
});
afterAll(() => test.close());

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const BEGIN = Date.UTC(2026, 1, 1);
const instant = (hour: number): Date => new Date(BEGIN + hour * HOUR_MS);

/** "acme" and "branch" share a contract, "other" has its own, "lost" has none. */
const ACCOUNTS = ['acme', 'branch', 'other', 'lost'] as const;
const PERIODS: Record<string, string[]> = {
  acme: ['2026-02-01', '2026-02-03', '2026-02-05'],
  other: ['2026-02-02', '2026-02-04', '2026-02-06'],
};

const RECUR: readonly Aggregation[] = ['SUM', 'UNIQUE_COUNT', 'WEIGHTED_SUM'];
const SHAPES: MetricRules[] = (Object.keys(SEMANTICS_OF) as Aggregation[]).flatMap((aggregation) =>
  SEMANTICS_OF[aggregation].flatMap((semantics) =>
    (RECUR.includes(aggregation) ? [false, true] : [false]).map((recurring): MetricRules => ({
      aggregation,
      semantics,
      recurring,
      signed: semantics === 'DELTA' && aggregation !== 'UNIQUE_COUNT',
      perEvent: false,
      uniqueBy: aggregation === 'UNIQUE_COUNT' ? 'user' : null,
      rounding: recurring ? { mode: 'CEIL', places: 0 } : null,
    })),
  ),
);

interface Sent {
  metric: number;
  account: (typeof ACCOUNTS)[number];
  hour: number;
  length: number;
  /** In thousandths. */
  quantity: number;
  user: string;
  region: string | null;
  removes: boolean;
  revision: number | null;
  resets: boolean;
  opens: boolean;
  fate: 'STAYS' | 'VOIDED' | 'REPLACED';
}

const sent: fc.Arbitrary<Sent> = fc.record({
  metric: fc.nat({ max: 2 }),
  account: fc.constantFrom(...ACCOUNTS),
  // Few of them, so that windows meet.
  hour: fc.integer({ min: 0, max: 10 }).map((step) => step * 16),
  length: fc.constantFrom(0, 0.5, 8),
  quantity: fc.integer({ min: -3000, max: 9000 }),
  user: fc.constantFrom('ada', 'bob', 'cyd'),
  region: fc.constantFrom(null, 'eu'),
  removes: fc.boolean(),
  revision: fc.constantFrom(null, 1, 2),
  resets: fc.boolean(),
  opens: fc.boolean(),
  fate: fc.constantFrom('STAYS', 'STAYS', 'VOIDED', 'REPLACED'),
});

interface Asked {
  from: number;
  hours: number;
  now: number;
  time: 'HOUR' | 'DAY' | 'PERIOD' | null;
  byAccount: boolean;
  byContract: boolean;
  account: string | null;
}

const asked: fc.Arbitrary<Asked> = fc.record({
  from: fc.integer({ min: -10, max: 150 }),
  hours: fc.integer({ min: 1, max: 120 }),
  now: fc.integer({ min: 0, max: 200 }),
  time: fc.constantFrom('HOUR', 'DAY', 'PERIOD', null),
  byAccount: fc.boolean(),
  byContract: fc.boolean(),
  account: fc.constantFrom(null, null, 'acme', 'other'),
});

const plan = fc.record({
  records: fc.array(sent, { minLength: 30, maxLength: 80 }),
  questions: fc.array(asked, { minLength: 8, maxLength: 8 }),
});

function inputOf(record: Sent, { shape, index }: { shape: MetricRules; index: number }): UsageInput {
  const { aggregation, semantics, signed } = shape;
  const whole = aggregation === 'COUNT' ? Math.trunc(record.quantity / 1000) : record.quantity / 1000;
  const quantity = String(aggregation === 'UNIQUE_COUNT' ? 1 : signed ? whole : Math.abs(whole));
  const isWindow = semantics === 'WINDOW_TOTAL';
  const region = record.region === null || isWindow ? {} : { region: record.region };
  return {
    idempotencyKey: `k${index}`,
    account: record.account,
    metric: `m${record.metric}`,
    windowStart: instant(record.hour).toISOString(),
    windowEnd: instant(record.hour + (isWindow ? 8 : record.length)).toISOString(),
    quantity,
    dimensions: aggregation === 'UNIQUE_COUNT' ? { ...region, user: record.user } : region,
    ...(aggregation === 'UNIQUE_COUNT' && record.removes ? { operation: 'REMOVE' } : {}),
    ...(isWindow ? { revision: record.revision } : {}),
    ...(semantics === 'CUMULATIVE' && record.resets ? { reset: true } : {}),
    ...(semantics === 'CUMULATIVE' && record.opens ? { opening: '0' } : {}),
  };
}

interface World {
  serviceId: string;
  metricIds: string[];
  links: Map<string, string>;
  contracts: Map<string, string>;
}

async function makeWorld(shapes: readonly MetricRules[]): Promise<World> {
  const { db } = test.app;
  const { service } = await seedUsageWorld(db);
  const metricIds: string[] = [];
  for (const [index, { aggregation, semantics, recurring, signed, uniqueBy, rounding }] of shapes.entries()) {
    const [row] = await db.query<[{ id: string }]>(
      `insert into metric (service_id, code, name, unit, aggregation, semantics, recurring, signed, unique_by, rounding_mode, rounding_places, created_at)
       values ($1, $2, $2, 'unit', $3, $4, $5, $6, $7, $8, $9, now()) returning id`,
      [service.id, `m${index}`, aggregation, semantics, recurring, signed, uniqueBy, rounding?.mode, rounding?.places],
    );
    metricIds.push(row.id);
  }
  const partner = await seedPartner(db);
  const contracts = new Map<string, string>();
  for (const [account, days] of Object.entries(PERIODS)) {
    const { contractId } = await seedSubscription(db, { partner });
    await seedPeriods(db, contractId, days);
    contracts.set(account, contractId);
  }
  const links = new Map<string, string>();
  await db.query(`update account_link set valid_to = valid_from + interval '1 second' where service_id = $1`, [
    service.id,
  ]);
  for (const account of ACCOUNTS) {
    const contractId = contracts.get(account === 'branch' ? 'acme' : account);
    const link = { serviceId: service.id, account, partner, ...(contractId === undefined ? {} : { contractId }) };
    links.set(account, await seedLink(db, { ...link, from: '2026-01-02T00:00:00Z' }));
  }
  return { serviceId: service.id, metricIds, links, contracts };
}

interface StoredRecord extends OwnedRecord {
  metricId: string;
  linkId: string;
  contractId: string | null;
}

/** The records that stand, worked out row by row: not by the queries under test. */
async function standing({ serviceId, metricIds }: World, shapes: readonly MetricRules[]): Promise<StoredRecord[]> {
  const rows = await test.app.db.query<Record<string, never>[]>(
    'select * from usage_record where service_id = $1 order by id',
    [serviceId],
  );
  const heads = new Map<string, Record<string, never>>();
  for (const row of rows) heads.set(row.root ?? row.id ?? '', row);
  return [...heads]
    .filter(([, row]) => String(row.kind) !== 'VOID')
    .map(([root, row]) => {
      const uniqueBy = shapes[metricIds.indexOf(row.metric_id ?? '')]?.uniqueBy ?? null;
      const dimensions = row.dimensions as Record<string, string> | null | undefined;
      return {
        position: BigInt(root),
        owner: row.contract_id ?? row.account_link_id ?? '',
        metricId: row.metric_id ?? '',
        linkId: row.account_link_id ?? '',
        contractId: row.contract_id ?? null,
        windowStart: new Date(row.window_start ?? 0),
        windowEnd: new Date(row.window_end ?? 0),
        quantity: new Decimal(row.quantity ?? 0),
        events: new Decimal(1),
        series: JSON.stringify([dimensions, row.meter]),
        revision: row.revision ?? null,
        opening: row.opening === null || row.opening === undefined ? null : new Decimal(row.opening),
        reset: row.reset === true,
        value: uniqueBy === null ? null : (dimensions?.[uniqueBy] ?? null),
        operation: row.operation ?? null,
      };
    });
}

type Stored = Contribution<StoredRecord>;
interface Printed {
  start: Date | null;
  end: Date | null;
}
type Span = SummarySpan & { printed: Printed };

function grouped<T>(values: Iterable<T>, nameOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) groups.set(nameOf(value), [...(groups.get(nameOf(value)) ?? []), value]);
  return groups;
}

const EVER = new Date(0);

/** The spans of a group by time, and for periods those of its contract. */
function spansOf({ from, hours, time }: Asked, { contracts }: World, contractId: string | null): Span[] {
  const [start, end] = [instant(from), instant(from + hours)];
  const plain = { isPeriod: false, since: EVER, fullMicros: null };
  if (time === null) return [{ ...plain, start, end, printed: { start: null, end: null } }];
  if (time === 'PERIOD') {
    const [account = ''] = [...contracts].find(([, id]) => id === contractId) ?? [];
    const days = (PERIODS[account] ?? []).map((day) => new Date(`${day}T00:00:00Z`));
    return days
      .map((first, index): Span => {
        const last = days[index + 1] ?? null;
        const fullMicros = last === null ? null : new Decimal(last.getTime() - first.getTime()).times(1000);
        const since = days[0] as Date;
        return { start: first, end: last, since, isPeriod: true, fullMicros, printed: { start: first, end: last } };
      })
      .filter((span) => span.start < end && (span.end === null || span.end > start));
  }
  const step = time === 'HOUR' ? HOUR_MS : DAY_MS;
  const spans: Span[] = [];
  for (let at = Math.floor(start.getTime() / step) * step; at < end.getTime(); at += step) {
    const printed = {
      start: new Date(Math.max(at, start.getTime())),
      end: new Date(Math.min(at + step, end.getTime())),
    };
    spans.push({ ...plain, ...printed, printed });
  }
  return spans;
}

function expectedRows(
  question: Asked,
  world: World,
  { shapes, records }: { shapes: MetricRules[]; records: StoredRecord[] },
): string[] {
  return world.metricIds.flatMap((metricId, index) => {
    const rules = shapes[index] as MetricRules;
    const byOwner = grouped(
      records.filter((record) => record.metricId === metricId),
      ({ owner }) => owner,
    );
    const contributed = [...byOwner.values()].flatMap((own): Stored[] => contributions(rules, own));
    const linkId = question.account === null ? null : world.links.get(question.account);
    const seen = contributed.filter(({ record }) => linkId === null || record.linkId === linkId);
    const groups = grouped(seen, ({ record }) =>
      JSON.stringify([
        question.byAccount ? record.linkId : null,
        question.byContract || question.time === 'PERIOD' ? record.contractId : null,
      ]),
    );
    return [...groups].flatMap(([group, own]) => rowsOfGroup(question, world, { rules, own, group, metricId }));
  });
}

interface OneGroup {
  rules: MetricRules;
  own: Stored[];
  group: string;
  metricId: string;
}

function rowsOfGroup(question: Asked, world: World, { rules, own, group, metricId }: OneGroup): string[] {
  const [, contractId] = JSON.parse(group) as [string | null, string | null];
  const print = ({ start, end }: Printed, units: { quantity: Decimal; recordCount: number }): string =>
    [metricId, group, start?.toISOString(), end?.toISOString(), units.quantity.toFixed(), units.recordCount].join(' ');
  const spans = spansOf(question, world, contractId);
  const rows = spans.flatMap((span) => {
    const isCharged = span.isPeriod && !question.byAccount && question.account === null;
    const units = summarized({ ...rules, rounding: isCharged ? rules.rounding : null }, own, span);
    const isDue =
      units !== null && (units.recordCount > 0 || (carriesOn(rules, span) && span.start <= instant(question.now)));
    return isDue ? [print(span.printed, units)] : [];
  });
  if (question.time !== 'PERIOD') return rows;
  const [from, to] = [instant(question.from), instant(question.from + question.hours)];
  const since = new Date(
    `${PERIODS[[...world.contracts].find(([, id]) => id === contractId)?.[0] ?? '']?.[0] ?? '9999-01-01'}T00:00:00Z`,
  );
  const outside = own.filter(({ record }) => countsWithin(record, from, to) && countsWithin(record, EVER, since));
  const span = { start: from, end: to, since: from, isPeriod: false, fullMicros: null };
  const units = summarized({ ...rules, recurring: false, rounding: null }, outside, span);
  return units === null ? rows : [...rows, print({ start: null, end: null }, units)];
}

/** Three metrics of one world, so that every way of counting is looked at. */
const WORLDS = SHAPES.flatMap((_, index) => (index % 3 === 0 ? [SHAPES.slice(index, index + 3)] : [])).map(
  (shapes) => ({
    shapes: [...shapes, ...SHAPES].slice(0, 3),
    names: shapes
      .map(({ aggregation, semantics, recurring }) => `${aggregation} ${semantics}${recurring ? ' recurring' : ''}`)
      .join(', '),
  }),
);

it.each(WORLDS)(
  '$names is what the pure definition makes of the ledger, whatever it is grouped by',
  async ({ shapes }) => {
    const compared = shapes.map(() => 0);
    await fc.assert(
      fc.asyncProperty(plan, async ({ records, questions }) => {
        const world = await makeWorld(shapes);
        const ctx = test.ctx({ serviceId: world.serviceId });
        const inputs = records.map((record, index) =>
          inputOf(record, { shape: shapes[record.metric] as MetricRules, index }),
        );
        await recordUsageBatch(ctx, inputs, { withResults: false });
        for (const [index, { fate }] of records.entries()) {
          const correction = { idempotencyKey: `c${index}`, reason: 'a mistake' };
          // What was refused, or would make a meter fall, stays as it is.
          if (fate === 'VOIDED') await voidUsage(ctx, { ...correction, voids: `k${index}` }).catch(() => null);
          if (fate === 'REPLACED') {
            await replaceUsage(ctx, { ...correction, replaces: `k${index}`, quantity: '4' }).catch(() => null);
          }
        }
        const stored = await standing(world, shapes);
        for (const question of questions) {
          const groupBy: UsageGroup[] = [
            ...(question.byAccount ? (['ACCOUNT'] as const) : []),
            ...(question.byContract ? (['CONTRACT'] as const) : []),
            ...(question.time === null ? [] : [question.time]),
          ];
          const { rows } = await usageSummary(
            { ...ctx, now: instant(question.now) },
            {
              account: question.account,
              metrics: ['m0', 'm1', 'm2'],
              from: instant(question.from).toISOString(),
              to: instant(question.from + question.hours).toISOString(),
            },
            groupBy,
          );
          const printed = rows.map((row) => {
            const group = JSON.stringify([row.accountLinkId, row.contractId]);
            const [start, end] = [row.start?.toISOString(), row.end?.toISOString()];
            return [row.metricId, group, start, end, row.quantity.toFixed(), row.recordCount].join(' ');
          });
          for (const [index, id] of world.metricIds.entries()) {
            compared[index] = (compared[index] ?? 0) + rows.filter(({ metricId }) => metricId === id).length;
          }
          expect(printed.toSorted()).toEqual(expectedRows(question, world, { shapes, records: stored }).toSorted());
          expect(rows.map(({ start }) => start?.getTime() ?? Infinity)).toEqual(
            rows.map(({ start }) => start?.getTime() ?? Infinity).toSorted((one, other) => one - other),
          );
        }
      }),
      { numRuns: 4, endOnFailure: true },
    );
    for (const count of compared) expect(count).toBeGreaterThan(0);
  },
  300_000,
);
