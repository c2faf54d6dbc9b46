/** What is covered and missing of a metric, from the ledger: which series are expected, when, and what their windows cover. */
import fc from 'fast-check';
import type { Ctx } from '../../src/ctx';
import { overlapsOf, type Span, unionOf } from '../../src/domain/completeness';
import type { UsageInput } from '../../src/domain/usage-record';
import { completeness, type CompletenessInput, type CompletenessReport } from '../../src/services/completeness';
import { waiveGap } from '../../src/services/gap-waivers';
import { voidUsage } from '../../src/services/usage-corrections';
import { recordUsage, recordUsageBatch } from '../../src/services/usage-records';
import { seriesWindows } from '../../src/services/usage-windows';
import { startTestApp, type TestApp } from '../support/app';
import { counter, seedLink, seedPeriods, seedUsageWorld, type UsageWorld } from '../support/usage-world';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ sandbox: false, timeZone: 'America/Toronto', now: new Date('2026-03-20T12:30:00Z') });
});
afterAll(() => test.close());

/** Hours of 10 March: "9-11" is a window, and more of them a list. */
const hour = (number: number): string => new Date(Date.UTC(2026, 2, 10, number)).toISOString();
const told = (spans: readonly Span[]): string =>
  spans
    .map(({ start, end }) => [start, end].map((one) => (one.getTime() - Date.UTC(2026, 2, 10)) / 3_600_000).join('-'))
    .join(' ');

let sent = 0;
function window(hours: string, change: Partial<UsageInput> = {}): UsageInput {
  const [start = 0, end = start] = hours.split('-').map(Number);
  sent += 1;
  return counter({ idempotencyKey: `w${sent}`, windowStart: hour(start), windowEnd: hour(end), ...change });
}

interface Scene {
  world: UsageWorld;
  ctx: Ctx;
  send: (...windows: UsageInput[]) => Promise<void>;
  ask: (change?: Partial<CompletenessInput>) => Promise<CompletenessReport>;
}

/** An hourly metric of the account "acme", whose contract has run since 1 March of UTC. */
async function scene(expects: 'HOUR' | 'DAY' | null = 'HOUR'): Promise<Scene> {
  const world = await seedUsageWorld(test.app.db);
  await test.app.db.query('update metric set expects = $2 where id = $1', [world.metricId, expects]);
  await seedPeriods(test.app.db, world.subscription.contractId, ['2026-03-01']);
  const ctx = test.ctx({ serviceId: world.service.id });
  return {
    world,
    ctx,
    send: async (...windows) => {
      const { rejectedCount } = await recordUsageBatch(ctx, windows, { withResults: false });
      expect(rejectedCount).toBe(0);
    },
    ask: (change = { account: 'acme' }) =>
      completeness(ctx, { metric: 'calls', from: hour(8), to: hour(14), ...change }),
  };
}

it('names what is covered and missing of a series, and how long it has been silent', async () => {
  const { send, ask, world } = await scene();
  await send(window('8-9'), window('9-10', { quantity: '0' }), window('11-13'));
  const report = await ask();
  expect(report).toMatchObject({ expects: 'HOUR', complete: false, metricId: world.metricId });
  expect(report.series).toHaveLength(1);
  const [series] = report.series;
  expect([told(series?.covered ?? []), told(series?.gaps ?? [])]).toEqual(['8-10 11-13', '10-11 13-14']);
  expect(series).toMatchObject({
    contractId: world.subscription.contractId,
    accountLinkId: world.linkId,
    dimensions: null,
    meter: null,
    complete: false,
    gapCount: 2,
    cut: false,
    lastSeenAt: new Date(hour(13)),
    silenceSeconds: 3600,
    overlaps: [],
  });
  expect(await ask({ contractId: world.subscription.contractId })).toEqual(report);
});

it('each set of dimensions and each meter is a series of its own, also one that fell silent, until 32 days have passed', async () => {
  const { send, ask } = await scene();
  const days = (number: number): string => hour(number * 24);
  await send(
    window('8-14', { dimensions: { region: 'eu', tier: 'a' } }),
    window('8-13', { meter: 'm1', dimensions: { tier: 'a', region: 'eu' } }),
    counter({ idempotencyKey: 'silent', meter: 'm2', windowStart: days(-20), windowEnd: days(-19) }),
  );
  const name = ({ series }: CompletenessReport): unknown[] =>
    series.map(({ dimensions, meter, gaps }) => [dimensions?.region ?? null, meter, told(gaps)]);
  expect(name(await ask())).toEqual([
    [null, 'm2', '8-14'],
    ['eu', null, ''],
    ['eu', 'm1', '13-14'],
  ]);
  const later = { account: 'acme', from: days(9), to: days(10) };
  expect(name(await ask(later))).toHaveLength(3);
  const evenLater = { account: 'acme', from: '2026-03-20T12:00:00Z', to: '2026-03-20T13:00:00Z' };
  expect((await ask(evenLater)).series.map(({ meter }) => meter)).toEqual(['m2', null, 'm1']);
});

it('a series that was last seen 32 days before is known no more, and its account is asked for one without labels', async () => {
  const { send, ask } = await scene();
  const days = (number: number): string => hour(number * 24);
  await send(counter({ idempotencyKey: 'old', meter: 'm', windowStart: days(-24), windowEnd: days(-23) }));
  const at = async (from: number): Promise<unknown> =>
    (await ask({ account: 'acme', from: days(from), to: hour(from * 24 + 1) })).series.map(({ meter, gaps }) => [
      meter,
      gaps.length,
    ]);
  expect(await at(8)).toEqual([['m', 1]]);
  expect(await at(9)).toEqual([[null, 1]]);
});

it('an account that sent nothing has one series, that of the contract its usage would go to', async () => {
  const { ask, world } = await scene();
  const { series } = await ask();
  expect(series.map(({ gaps, ...one }) => [told(gaps), one.contractId, one.lastSeenAt, one.silenceSeconds])).toEqual([
    ['8-14', world.subscription.contractId, null, null],
  ]);
  expect((await ask({ contractId: world.subscription.contractId })).series).toEqual(series);
});

it('voided records, and instants, cover nothing; a voided one does not even make a series', async () => {
  const { send, ask, ctx } = await scene();
  const wrong = window('8-14');
  await send(wrong, window('9-10'), window('11-11'));
  await voidUsage(ctx, {
    idempotencyKey: `void ${wrong.idempotencyKey}`,
    voids: wrong.idempotencyKey,
    reason: 'wrong',
  });
  const { series } = await ask();
  expect(series.map(({ covered, lastSeenAt }) => [told(covered), lastSeenAt?.toISOString()])).toEqual([
    ['9-10', hour(11)],
  ]);
});

it('nothing is expected before the link, after it, before the first period, while paused, or while the metric is not in use', async () => {
  const { db } = test.app;
  const { send, ask, world } = await scene();
  const contractId = world.subscription.contractId;
  await send(window('8-14'));
  const expected = async (): Promise<string> => told((await ask()).series[0]?.covered ?? []);
  const during = async (sql: string, undo: string, id: string): Promise<string> => {
    await db.query(sql, [id]);
    const result = await expected();
    await db.query(undo, [id]);
    return result;
  };
  expect(await expected()).toBe('8-14');
  const link = 'update account_link set';
  expect(
    await during(
      `${link} valid_from = '2026-03-10T09:30:00Z', valid_to = '2026-03-10T12:30:00Z' where id = $1`,
      `${link} valid_from = '2026-01-01', valid_to = null where id = $1`,
      world.linkId,
    ),
  ).toBe('9.5-12');
  expect(
    await during(
      `update billing_period set start_at = '2026-03-10T11:00:00Z' where contract_id = $1`,
      `update billing_period set start_at = '2026-03-01T00:00:00Z' where contract_id = $1`,
      contractId,
    ),
  ).toBe('11-14');
  expect(
    await during(
      `insert into contract_standstill (contract_id, state, starts_at, ends_at)
       values ($1, 'PAUSED', '2026-03-10T09:00:00Z', '2026-03-10T10:20:00Z')`,
      'delete from contract_standstill where contract_id = $1',
      contractId,
    ),
  ).toBe(`8-9 ${10 + 20 / 60}-14`);
  expect(
    await during(
      `update metric set created_at = '2026-03-10T10:00:00Z', archived_at = '2026-03-10T12:00:00Z' where id = $1`,
      `update metric set created_at = '2026-01-01', archived_at = null where id = $1`,
      world.metricId,
    ),
  ).toBe('10-12');
  // The last day of the order is 9 March of Toronto, which ends at four.
  expect(
    await during(
      `update subscription set end_on = '2026-03-09' where contract_id = $1`,
      'update subscription set end_on = null where contract_id = $1',
      contractId,
    ),
  ).toBe('');
  expect(await expected()).toBe('8-14');
});

it('a day is one of the billing zone, 23 hours long when the clock goes forward; the present one is not missing yet', async () => {
  const { send, ask } = await scene('DAY');
  await send(counter({ windowStart: '2026-03-08T05:00:00Z', windowEnd: '2026-03-09T04:00:00Z' }));
  const { series } = await ask({ account: 'acme', from: '2026-03-08T05:00:00Z', to: '2026-04-01T00:00:00Z' });
  expect(series[0]?.covered).toEqual([
    { start: new Date('2026-03-08T05:00:00Z'), end: new Date('2026-03-09T04:00:00Z') },
  ]);
  expect(series[0]?.gaps).toEqual([{ start: new Date('2026-03-09T04:00:00Z'), end: new Date('2026-03-20T04:00:00Z') }]);
});

it('a metric without expectations misses nothing, and still tells what is covered and twice covered', async () => {
  const { send, ask } = await scene(null);
  await send(window('8-11'), window('10-12'));
  const report = await ask();
  expect(report).toMatchObject({ expects: null, complete: true });
  expect(report.series.map(({ covered, gaps, overlaps }) => [covered, gaps, overlaps].map(told))).toEqual([
    ['8-12', '', '10-11'],
  ]);
});

it('sends of one window that take each other’s place do not overlap', async () => {
  const { send, ask, world } = await scene();
  await send(window('8-14'), window('8-14'));
  expect((await ask()).series.map(({ overlaps }) => told(overlaps))).toEqual(['8-14']);
  await test.app.db.query(`update metric set semantics = 'WINDOW_TOTAL' where id = $1`, [world.metricId]);
  expect((await ask()).series.map(({ covered, overlaps }) => [told(covered), overlaps])).toEqual([['8-14', []]]);
});

it('usage without a contract is a series of its link, as long as the link is valid', async () => {
  const { ctx, send, ask, world } = await scene();
  const partner = world.partner;
  await seedLink(test.app.db, { serviceId: world.service.id, account: 'lost', partner });
  await test.app.db.query(
    'update subscription_line set gone_at = now() where subscription_odoo_id = (select odoo_id from subscription where id = $1)',
    [world.subscription.id],
  );
  await test.app.db.query('update service set catalog_version = catalog_version + 1 where id = $1', [world.service.id]);
  await send(window('8-10', { account: 'lost' }));
  const { series } = await completeness(ctx, { metric: 'calls', account: 'lost', from: hour(8), to: hour(14) });
  expect(series.map(({ contractId, covered, gaps }) => [contractId, told(covered), told(gaps)])).toEqual([
    [null, '8-10', '10-14'],
  ]);
  expect((await ask({ contractId: world.subscription.contractId })).series).toEqual([]);
});

it('an account sees what it sent, a contract what all of its accounts did', async () => {
  const { send, ask, world } = await scene();
  await seedLink(test.app.db, { serviceId: world.service.id, account: 'branch', partner: world.partner });
  await send(window('8-10'), window('10-14', { account: 'branch' }));
  const gaps = async (change: Partial<CompletenessInput>): Promise<string[]> =>
    (await ask(change)).series.map((series) => told(series.gaps));
  expect(await gaps({ account: 'acme' })).toEqual(['10-14']);
  expect(await gaps({ account: 'branch' })).toEqual(['8-10']);
  expect(await gaps({ contractId: world.subscription.contractId })).toEqual(['']);
});

it('what is waived is missing no more, in every series of the contract, and comes after what is covered', async () => {
  const { ctx, send, ask, world } = await scene();
  await send(window('8-10'), window('8-9', { meter: 'm' }));
  const [period] = await test.app.db.query('select id from billing_period where contract_id = $1', [
    world.subscription.contractId,
  ]);
  const waiver = { periodId: period.id, metric: 'calls', from: hour(9), to: hour(14), reason: 'an outage' };
  await waiveGap(ctx, waiver);
  const report = await ask();
  expect(report.complete).toBe(true);
  expect(report.series.map(({ covered, waived }) => [told(covered), told(waived)])).toEqual([
    ['8-10', '10-14'],
    ['8-9', '9-14'],
  ]);
});

it('refuses times and names that make no sense', async () => {
  const { ctx, ask, world } = await scene();
  const contractId = world.subscription.contractId;
  const refusal = (change: Partial<CompletenessInput>): Promise<unknown> =>
    ask(change).then(
      () => 'nothing was refused',
      ({ code, details }: { code: string; details: { field?: string } }) => [code, details.field],
    );
  expect(await refusal({ account: 'acme', from: hour(8), to: hour(8) })).toEqual(['VALIDATION_FAILED', 'to']);
  expect(await refusal({ account: 'acme', from: hour(0), to: hour(92 * 24 + 1) })).toEqual(['VALIDATION_FAILED', 'to']);
  expect(await refusal({ account: 'acme', from: '2026-03-20T12:30:00Z', to: '2026-03-21T00:00:00Z' })).toEqual([
    'VALIDATION_FAILED',
    'from',
  ]);
  expect(await refusal({ account: 'acme', contractId })).toEqual(['VALIDATION_FAILED', 'contractId']);
  expect(await refusal({})).toEqual(['VALIDATION_FAILED', 'contractId']);
  expect(await refusal({ account: 'nobody' })).toEqual(['NOT_FOUND', 'account']);
  expect(await refusal({ account: 'acme', metric: 'nothing' })).toEqual(['NOT_FOUND', 'metric']);
  expect(await refusal({ contractId: world.linkId })).toEqual(['NOT_FOUND', 'contractId']);
  const [period] = await test.app.db.query('select id from billing_period where contract_id = $1', [contractId]);
  const good = { periodId: period.id as string, metric: 'calls', from: hour(9), to: hour(10), reason: 'an outage' };
  const waived = (change: Partial<typeof good> & { name?: string }): Promise<unknown> =>
    waiveGap(ctx, { ...good, ...change }).then(
      () => 'nothing was refused',
      ({ code, details }: { code: string; details: { field?: string } }) => [code, details.field],
    );
  expect(await waived({ to: hour(9) })).toEqual(['VALIDATION_FAILED', 'to']);
  expect(await waived({ from: '2026-02-28T23:00:00Z' })).toEqual(['VALIDATION_FAILED', 'from']);
  expect(await waived({ reason: '' })).toEqual(['VALIDATION_FAILED', 'reason']);
  expect(await waived({ name: '' })).toEqual(['VALIDATION_FAILED', 'name']);
  expect(await waived({ metric: 'nothing' })).toEqual(['NOT_FOUND', 'metric']);
  expect(await waived({ periodId: world.linkId })).toEqual(['NOT_FOUND', 'periodId']);
  await test.app.db.query(`update billing_period set end_on = '2026-04-01', end_at = '2026-04-01' where id = $1`, [
    good.periodId,
  ]);
  expect(await waived({ to: '2026-04-01T00:00:01Z' })).toEqual(['VALIDATION_FAILED', 'to']);
});

it('more than 1,000 series are refused, and many of them share the spans that are shown', async () => {
  const { send, ask } = await scene();
  const meters = (from: number, count: number): UsageInput[] =>
    Array.from({ length: count }, (_, index) => window('8-9', { meter: `m${String(from + index).padStart(4, '0')}` }));
  await send(...meters(0, 1000));
  // Every other hour, 24 of them, in the first series.
  const odd = Array.from({ length: 24 }, (_, index) => window(`${2 * index}-${2 * index + 1}`, { meter: 'm0000' }));
  await send(...odd);
  const { series } = await ask({ account: 'acme', from: hour(0), to: hour(48) });
  expect(series).toHaveLength(1000);
  expect(series[0]?.covered).toHaveLength(20);
  expect([series[0]?.cut, series[0]?.gapCount, series[1]?.cut]).toEqual([true, 24, false]);
  await send(...meters(1000, 1));
  await expect(ask()).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: 'More than 1000 series: ask for one account, or for less time.',
    details: { maxSeries: 1000 },
  });
});

it('the database merges windows as the definition does', async () => {
  const { ctx, world } = await scene();
  const windows = fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 6 })), {
    minLength: 1,
    maxLength: 14,
  });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(windows, async (pairs) => {
      run += 1;
      const meter = `run ${run}`;
      const inputs = pairs.map(([start, length]) => window(`${start}-${start + length}`, { meter }));
      await recordUsageBatch(ctx, inputs, { withResults: false });
      const range = { start: new Date(hour(4)), end: new Date(hour(20)) };
      const { contractId } = world.subscription;
      const scope = { metricId: world.metricId, contractIds: [contractId], linkIds: [], ofLinksOnly: false, range };
      const series = (await seriesWindows(test.app.db.manager, scope, null)).find((one) => one.meter === meter);
      const cut = pairs
        .map(([start, length]) => ({ start: Math.max(4, start), end: Math.min(20, start + length) }))
        .filter(({ start, end }) => start < end)
        .map(({ start, end }) => ({ start: new Date(hour(start)), end: new Date(hour(end)) }));
      expect(told(series?.windows ?? [])).toBe(told(unionOf(cut)));
      expect(told(series?.overlaps ?? [])).toBe(told(overlapsOf(cut)));
    }),
    { numRuns: 30 },
  );
});

it('a key of another service is told that nothing of it is there', async () => {
  const { world } = await scene();
  const stranger = await seedUsageWorld(test.app.db);
  const ctx = test.ctx({ serviceId: stranger.service.id });
  await recordUsage(ctx, window('8-14'));
  const ask = { metric: 'calls', from: hour(8), to: hour(14), contractId: world.subscription.contractId };
  await expect(completeness(ctx, ask)).rejects.toMatchObject({ code: 'NOT_FOUND', details: { field: 'contractId' } });
});
