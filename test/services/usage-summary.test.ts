import type { Ctx } from '../../src/ctx';
import { recordUsage, recordUsageBatch } from '../../src/services/usage-records';
import { usageSummary, type UsageGroup, type UsageSummaryFilter } from '../../src/services/usage-summary';
import { voidUsage } from '../../src/services/usage-corrections';
import { startTestApp, type TestApp } from '../support/app';
import { counter, seedLink, seedMetric, seedUsageWorld, type UsageWorld } from '../support/usage-world';

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
