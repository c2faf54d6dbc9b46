import type { Ctx } from '../../src/ctx';
import { recordUsage, recordUsageBatch } from '../../src/services/usage-records';
import { usageSummary, type UsageGroup, type UsageSummaryFilter } from '../../src/services/usage-summary';
import { voidUsage } from '../../src/services/usage-corrections';
import { startTestApp, type TestApp } from '../support/app';
import {
  counter,
  seedLink,
  seedMetric,
  seedPeriods,
  seedSubscription,
  seedUsageWorld,
  type UsageWorld,
} from '../support/usage-world';

let test: TestApp;
let world: UsageWorld;
let ctx: Ctx;
let storageId: string;

beforeAll(async () => {
  // Toronto changes its clocks on 8 March 2026: that day has 23 hours.
  test = await startTestApp({ sandbox: false, timeZone: 'America/Toronto', now: new Date('2026-04-02T00:00:00Z') });
  world = await seedUsageWorld(test.app.db);
  ctx = test.ctx({ serviceId: world.service.id });
  storageId = await seedMetric(test.app.db, world.service.id, { code: 'storage' });
  await seedLink(test.app.db, { serviceId: world.service.id, account: 'branch', partner: world.partner });
  const at = (windowEnd: string, quantity: string, change = {}): Parameters<typeof recordUsage>[1] =>
    counter({ windowStart: windowEnd, windowEnd, quantity, idempotencyKey: windowEnd + quantity, ...change });
  await recordUsageBatch(
    ctx,
    [
      at('2026-02-28T23:30:00-05:00', '1'),
      at('2026-03-01T00:30:00-05:00', '2'),
      at('2026-03-08T00:30:00-05:00', '4'),
      at('2026-03-08T23:30:00-04:00', '8'),
      at('2026-03-09T00:00:00-04:00', '16', { account: 'branch' }),
      at('2026-03-31T23:59:59.999-04:00', '32'),
      at('2026-04-01T00:00:00-04:00', '0.5'),
      at('2026-03-08T12:00:00-04:00', '64', { metric: 'storage' }),
      at('2026-03-08T13:00:00-04:00', '1000'),
    ],
    { withResults: false },
  );
  await voidUsage(ctx, { idempotencyKey: 'v', voids: '2026-03-08T13:00:00-04:001000', reason: 'a test' });
  const other = await seedUsageWorld(test.app.db);
  await recordUsage(test.ctx({ serviceId: other.service.id }), at('2026-03-08T12:00:00-04:00', '7777'));
});
afterAll(() => test.close());

const SPAN = { from: '2026-02-28T00:00:00-05:00', to: '2026-04-02T00:00:00-04:00' };

async function rows(groupBy: UsageGroup[], change: Partial<UsageSummaryFilter> = {}): Promise<unknown[]> {
  const summary = await usageSummary(ctx, { ...SPAN, metrics: ['calls'], ...change }, groupBy);
  return summary.rows.map(({ start, end, quantity, recordCount }) =>
    [start?.toISOString(), end?.toISOString(), quantity.toFixed(), recordCount].filter((part) => part !== undefined),
  );
}

it('totals days of the billing time zone, one of 23 hours among them', async () => {
  expect(await rows(['DAY'])).toEqual([
    ['2026-02-28T05:00:00.000Z', '2026-03-01T05:00:00.000Z', '1', 1],
    ['2026-03-01T05:00:00.000Z', '2026-03-02T05:00:00.000Z', '2', 1],
    ['2026-03-08T05:00:00.000Z', '2026-03-09T04:00:00.000Z', '12', 2],
    ['2026-03-09T04:00:00.000Z', '2026-03-10T04:00:00.000Z', '16', 1],
    ['2026-03-31T04:00:00.000Z', '2026-04-01T04:00:00.000Z', '32', 1],
    ['2026-04-01T04:00:00.000Z', '2026-04-02T04:00:00.000Z', '0.5', 1],
  ]);
});

it('totals months, cut to what was asked for', async () => {
  expect(await rows(['MONTH'])).toEqual([
    ['2026-02-28T05:00:00.000Z', '2026-03-01T05:00:00.000Z', '1', 1],
    ['2026-03-01T05:00:00.000Z', '2026-04-01T04:00:00.000Z', '62', 5],
    ['2026-04-01T04:00:00.000Z', '2026-04-02T04:00:00.000Z', '0.5', 1],
  ]);
});

it('totals hours, of [from, to) only', async () => {
  const day = { from: '2026-03-08T23:00:00-04:00', to: '2026-03-09T00:00:00-04:00' };
  expect(await rows(['HOUR'], day)).toEqual([['2026-03-09T03:00:00.000Z', '2026-03-09T04:00:00.000Z', '8', 1]]);
});

it('totals by account and contract, and without any group', async () => {
  expect(await rows([])).toEqual([['63.5', 7]]);
  const byAccount = await usageSummary(ctx, SPAN, ['ACCOUNT', 'CONTRACT']);
  expect(
    byAccount.rows
      .map((row) => [row.metricId, row.accountLinkId === world.linkId, row.contractId, row.quantity.toFixed()])
      .sort((one, other) => (String(one) < String(other) ? -1 : 1)),
  ).toEqual(
    [
      [world.metricId, false, world.subscription.contractId, '16'],
      [world.metricId, true, world.subscription.contractId, '47.5'],
      [storageId, true, null, '64'],
    ].sort((one, other) => (String(one) < String(other) ? -1 : 1)),
  );
});

it('narrows by account, contract and metric, and finds nothing under unknown names', async () => {
  expect(await rows([], { account: 'branch' })).toEqual([['16', 1]]);
  expect(await rows([], { metrics: ['storage'] })).toEqual([['64', 1]]);
  expect(await rows([], { metrics: null })).toHaveLength(2);
  expect(await rows([], { contractId: world.subscription.contractId, metrics: null })).toEqual([['63.5', 7]]);
  for (const nothing of [{ account: '' }, { account: 'a\0' }, { metrics: [] }, { metrics: ['\0'] }]) {
    expect(await rows([], nothing)).toEqual([]);
  }
});

it.each<[string, UsageGroup[], Partial<UsageSummaryFilter>]>([
  ['from', [], { from: '2026-03-01T00:30:00Z' }],
  ['to', [], { to: '2026-03-01T00:00:00.001Z' }],
  ['to', [], { from: '2026-03-01T00:00:00Z', to: '2026-03-01T00:00:00Z' }],
  ['groupBy', ['HOUR', 'DAY'], {}],
  ['groupBy', ['PERIOD', 'DAY'], {}],
])('refuses a wrong %s', async (field, groupBy, change) => {
  await expect(rows(groupBy, change)).rejects.toMatchObject({ code: 'VALIDATION_FAILED', details: { field } });
});

it('gives 5,000 rows, and advice beyond', async () => {
  const { service, subscription } = await seedUsageWorld(test.app.db);
  const many = test.ctx({ serviceId: service.id });
  const links = (count: number): Promise<unknown> =>
    test.app.db.query(
      `insert into usage_rollup (account_link_id, contract_id, metric_id, hour, quantity, records)
       select l.id, $2, m.id, timestamptz '2025-01-01T00:00:00Z' + n * interval '1 hour', 1, 1
         from account_link l, metric m, generate_series(1, $3) n
        where l.service_id = $1 and m.service_id = $1 on conflict do nothing`,
      [service.id, subscription.contractId, count],
    );
  const span = { from: '2025-01-01T00:00:00Z', to: '2026-01-01T00:00:00Z' };
  await links(5000);
  expect((await usageSummary(many, span, ['HOUR'])).rows).toHaveLength(5000);
  await links(5001);
  await expect(usageSummary(many, span, ['HOUR'])).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: 'More than 5000 rows: ask for less time, a coarser group, or one account.',
  });
  await test.app.db.query('delete from usage_rollup where contract_id = $1', [subscription.contractId]);
});

describe('of metrics whose records do not simply add up', () => {
  let own: UsageWorld;
  let owner: Ctx;
  beforeEach(async () => {
    own = await seedUsageWorld(test.app.db);
    owner = test.ctx({ serviceId: own.service.id });
    const second = await seedSubscription(test.app.db, { partner: own.partner, products: [own.product] });
    const accounts = {
      acme: own.subscription.contractId,
      branch: own.subscription.contractId,
      other: second.contractId,
    };
    await test.app.db.query(`update account_link set contract_id = $2 where service_id = $1`, [
      own.service.id,
      accounts.acme,
    ]);
    for (const account of ['branch', 'other'] as const) {
      const link = { serviceId: own.service.id, account, partner: own.partner, contractId: accounts[account] };
      await seedLink(test.app.db, link);
    }
    await seedPeriods(test.app.db, accounts.acme, ['2026-03-01', '2026-03-11', '2026-03-21']);
    await seedPeriods(test.app.db, accounts.other, ['2026-03-01']);
  });
  // The periods of this world were never rated.
  afterEach(() => test.app.db.query(`update billing_period set dirty = true where state = 'CLOSED'`));

  type Rules = Record<string, string | number | boolean>;
  /** A metric, and what was counted of it: account, day of March (noon in UTC), quantity, and what else was sent. */
  async function counted(rules: Rules, records: [string, number, string, object?][]): Promise<void> {
    const row = {
      service_id: own.service.id,
      code: 'special',
      name: 'special',
      unit: 'unit',
      created_at: ctx.now,
      ...rules,
    };
    const names = Object.keys(row);
    await test.app.db.query(
      `insert into metric (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')})`,
      Object.values(row),
    );
    const inputs = records.map(([account, day, quantity, more], index) => {
      const instant = `2026-03-${String(day).padStart(2, '0')}T12:00:00Z`;
      const idempotencyKey = `special ${index}`;
      const window = { windowStart: instant, windowEnd: instant };
      return counter({ account, metric: 'special', ...window, quantity, idempotencyKey, ...more });
    });
    expect(await recordUsageBatch(owner, inputs, { withResults: false })).toMatchObject({ rejectedCount: 0 });
  }

  /** Quantity and records of each row: "day: quantity of records". */
  async function told(groupBy: UsageGroup[], change: Partial<UsageSummaryFilter> = {}): Promise<string[]> {
    const span = { from: '2026-03-01T00:00:00Z', to: '2026-03-31T00:00:00Z', metrics: ['special'] };
    const summary = await usageSummary(
      { ...owner, now: new Date('2026-03-25T00:00:00Z') },
      { ...span, ...change },
      groupBy,
    );
    return summary.rows.map(
      ({ start, quantity, recordCount }) =>
        `${start === null ? '' : `${start.toISOString().slice(5, 10)}: `}${quantity.toFixed()} of ${recordCount}`,
    );
  }

  it('a MAX is the largest of all, whoever it is of', async () => {
    await counted({ aggregation: 'MAX' }, [
      ['acme', 2, '5'],
      ['acme', 3, '9'],
      ['other', 3, '7'],
    ]);
    expect(await told([])).toEqual(['9 of 3']);
    expect((await told(['CONTRACT'])).toSorted()).toEqual(['7 of 1', '9 of 2']);
    expect(await told(['DAY'])).toEqual(['03-02: 5 of 1', '03-03: 9 of 2']);
  });

  it('the LATEST of several contracts are added up, those of one are not', async () => {
    await counted({ aggregation: 'LATEST' }, [
      ['acme', 2, '5'],
      ['branch', 3, '9'],
      ['other', 2, '7'],
    ]);
    expect(await told([])).toEqual(['16 of 3']);
    expect((await told(['ACCOUNT'])).toSorted()).toEqual(['5 of 1', '7 of 1', '9 of 1']);
  });

  it('a value of several contracts counts once, and is gone when it is gone from all', async () => {
    const user = (name: string, operation?: string): object => ({ dimensions: { user: name }, operation });
    await counted({ aggregation: 'UNIQUE_COUNT', unique_by: 'user', recurring: true }, [
      ['acme', 2, '1', user('ada')],
      ['other', 3, '1', user('ada')],
      ['other', 3, '1', user('bob')],
      ['acme', 4, '1', user('ada', 'REMOVE')],
      ['other', 6, '1', user('ada', 'REMOVE')],
    ]);
    const days = { from: '2026-03-03T00:00:00Z', to: '2026-03-07T00:00:00Z' };
    expect(await told(['DAY'], { ...days, from: '2026-03-03T05:00:00Z', to: '2026-03-07T05:00:00Z' })).toEqual([
      '03-03: 2 of 2',
      '03-04: 2 of 1',
      '03-05: 2 of 0',
      '03-06: 1 of 1',
    ]);
    expect(await told([], { from: '2026-03-20T00:00:00Z' })).toEqual(['1 of 0']);
    // What comes before its first record has no row, nor what lies ahead.
    expect(await told(['DAY'], { to: '2026-03-02T05:00:00Z' })).toEqual([]);
    expect(await told([], { from: '2026-03-26T00:00:00Z' })).toEqual([]);
  });

  it('a level stands at the end of a group, and is weighted over a whole period', async () => {
    // 4 from the 6th at noon: half of ten days less half a day; then 10 in all.
    await counted({ aggregation: 'WEIGHTED_SUM', recurring: true, rounding_mode: 'CEIL', rounding_places: 1 }, [
      ['acme', 6, '4'],
      ['branch', 16, '6'],
      ['other', 6, '1'],
    ]);
    expect(await told([])).toEqual(['11 of 3']);
    expect(await told([], { account: 'branch' })).toEqual(['6 of 1']);
    const { contractId } = own.subscription;
    // 4 × 4.5 / 10 is 1.8; 4 + 6 × 4.5 / 10 is 6.7; the open period has no end yet.
    expect(await told(['PERIOD'], { contractId })).toEqual(['03-01: 1.8 of 1', '03-11: 6.7 of 1', '03-21: 10 of 0']);
    // Of one account it is no charge: 6 × 4.5 / 10.
    expect(await told(['PERIOD'], { contractId, account: 'branch' })).toEqual(['03-11: 2.7 of 1', '03-21: 6 of 0']);
  });

  it('a period is whole and rounded as it is charged, whatever is asked for of it', async () => {
    await counted({ aggregation: 'SUM', rounding_mode: 'CEIL', rounding_places: 0 }, [
      ['acme', 2, '1.2'],
      ['branch', 9, '1.1'],
    ]);
    const week = { contractId: own.subscription.contractId, from: '2026-03-08T00:00:00Z' };
    expect(await told(['PERIOD'], week)).toEqual(['03-01: 3 of 2']);
    expect(await told([], week)).toEqual(['1.1 of 1']);
  });

  it('what a meter rose counts at the later reading, and a SUM that recurs has what was added', async () => {
    await counted({ aggregation: 'SUM', semantics: 'CUMULATIVE', recurring: true }, [
      ['acme', 2, '100'],
      ['branch', 5, '130'],
      ['acme', 12, '135'],
    ]);
    expect(await told(['DAY'])).toEqual(['03-02: 0 of 1', '03-05: 30 of 1', '03-12: 5 of 1']);
    expect(await told([], { account: 'branch' })).toEqual(['30 of 1']);
    // In periods it goes on.
    expect(await told(['PERIOD'])).toEqual(['03-01: 30 of 2', '03-11: 35 of 1', '03-21: 35 of 0']);
  });

  it('of a window the newest total counts', async () => {
    await counted({ aggregation: 'SUM', semantics: 'WINDOW_TOTAL' }, [
      ['acme', 2, '5', { revision: 2 }],
      ['acme', 2, '3', { revision: 1 }],
    ]);
    expect(await told([])).toEqual(['5 of 1']);
  });

  it('usage that is in no period makes a row without time', async () => {
    await counted({ aggregation: 'MAX' }, [['acme', 2, '5']]);
    await recordUsage(
      owner,
      counter({
        metric: 'special',
        windowStart: '2026-02-27T00:00:00Z',
        windowEnd: '2026-02-27T00:00:00Z',
        quantity: '8',
      }),
    );
    expect(await told(['PERIOD'], { from: '2026-02-01T00:00:00Z' })).toEqual(['03-01: 5 of 1', '8 of 1']);
    expect(await told(['PERIOD'], { from: '2026-02-28T00:00:00Z' })).toEqual(['03-01: 5 of 1']);
  });
});
