import type { Ctx } from '../../src/ctx';
import { bumpCatalogVersion } from '../../src/services/catalog-version';
import { identities } from '../../src/services/identities';
import { checkRollup } from '../../src/services/rollup-check';
import { assignUsage } from '../../src/services/usage-assign';
import { usageRecords, usageRecordStatesByIds } from '../../src/services/usage-reads';
import { recordUsage, recordUsageBatch } from '../../src/services/usage-records';
import { startTestApp, type TestApp } from '../support/app';
import { rerunsOf } from '../support/metrics';
import {
  counter,
  seedCharge,
  seedLink,
  seedMetric,
  seedPartner,
  seedPeriods,
  seedSubscription,
  seedUsageWorld,
  type UsageWorld,
} from '../support/usage-world';

let test: TestApp;
let world: UsageWorld;
let ctx: Ctx;
let job: Ctx;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
});
afterAll(() => test.close());
beforeEach(async () => {
  world = await seedUsageWorld(test.app.db);
  ctx = test.ctx({ serviceId: world.service.id });
  job = test.ctx({ name: 'job:assign-usage' });
});
afterEach(async () => {
  expect(await checkRollup(test.ctx())).toMatchObject({ differenceCount: 0 });
  expect(await identities(ctx)).toMatchObject({ holds: true });
  // So that no test finds another's.
  await test.app.db.query('update account_link set contract_id = $2 where service_id = $1 and contract_id is null', [
    world.service.id,
    world.subscription.contractId,
  ]);
  await assignUsage(job);
});

/** Account "newcomer" of a partner without an order yet. */
async function seedNewcomer(): Promise<{ partner: { id: string; odooId: number }; linkId: string }> {
  const partner = await seedPartner(test.app.db);
  return {
    partner,
    linkId: await seedLink(test.app.db, { serviceId: world.service.id, account: 'newcomer', partner }),
  };
}

const state = async (id: string): Promise<unknown> => (await usageRecordStatesByIds(ctx, [id])).get(id);

it('attaches records once their contract is there, and moves them in the rollup', async () => {
  const { partner, linkId } = await seedNewcomer();
  const { record } = await recordUsage(ctx, counter({ account: 'newcomer' }));
  expect(await state(record.id)).toMatchObject({ contractId: null, unassignedReason: 'NO_CONTRACT' });
  expect(await assignUsage(job)).toEqual({ assigned: 0 });
  const order = await seedSubscription(test.app.db, { partner, products: [world.product] });
  expect(await assignUsage(job)).toEqual({ assigned: 1 });
  expect(await state(record.id)).toMatchObject({ contractId: order.contractId, unassignedReason: null, late: false });
  const rows = await test.app.db.query(
    'select contract_id, hour, quantity, records from usage_rollup where account_link_id = $1 order by contract_id',
    [linkId],
  );
  const hour = new Date('2026-03-10T09:00:00Z');
  expect(rows).toEqual([
    { contract_id: order.contractId, hour, quantity: '10', records: '1' },
    { contract_id: null, hour, quantity: '0', records: '0' },
  ]);
  const [assignment] = await test.app.db.query<Record<string, unknown>[]>(
    'select actor, assigned_at, late from usage_assignment where record_id = $1',
    [record.id],
  );
  expect(assignment).toEqual({ actor: 'job:assign-usage', assigned_at: job.now, late: false });
  expect(await assignUsage(job)).toEqual({ assigned: 0 });
});

it('attaches by a pinned link, and by a charge that came later', async () => {
  await seedMetric(test.app.db, world.service.id, { code: 'storage' });
  const { record: uncharged } = await recordUsage(ctx, counter({ metric: 'storage', idempotencyKey: 'uncharged' }));
  await seedNewcomer();
  const { record: unpinned } = await recordUsage(ctx, counter({ account: 'newcomer', idempotencyKey: 'unpinned' }));
  await test.app.db.query(`update account_link set contract_id = $2 where service_id = $1 and account = 'newcomer'`, [
    world.service.id,
    world.subscription.contractId,
  ]);
  const product = await seedCharge(test.app.db, world.service.id, uncharged.metricId);
  const order = await seedSubscription(test.app.db, { partner: world.partner, products: [product] });
  expect(await assignUsage(job)).toEqual({ assigned: 2 });
  expect(await state(uncharged.id)).toMatchObject({ contractId: order.contractId });
  expect(await state(unpinned.id)).toMatchObject({ contractId: world.subscription.contractId });
});

it('leaves what is ambiguous, and takes it when one is left', async () => {
  const order = { partner: world.partner, products: [world.product] };
  const second = await seedSubscription(test.app.db, order);
  const { record } = await recordUsage(ctx, counter());
  expect(await assignUsage(job)).toEqual({ assigned: 0 });
  await test.app.db.transaction(async (tx) => {
    await tx.query(
      'update subscription_line set gone_at = now() where subscription_odoo_id = (select odoo_id from subscription where id = $1)',
      [second.id],
    );
    await bumpCatalogVersion(tx, [world.service.id]);
  });
  expect(await assignUsage(job)).toEqual({ assigned: 1 });
  expect(await state(record.id)).toMatchObject({ contractId: world.subscription.contractId });
});

it('that lands in a closed period is late and marks it', async () => {
  const { partner } = await seedNewcomer();
  const february = { windowStart: '2026-02-05T00:00:00Z', windowEnd: '2026-02-06T00:00:00Z' };
  const { record } = await recordUsage(ctx, counter({ account: 'newcomer', ...february }));
  const order = await seedSubscription(test.app.db, { partner, products: [world.product] });
  await seedPeriods(test.app.db, order.contractId, ['2026-02-01', '2026-03-01']);
  await assignUsage(job);
  expect(await state(record.id)).toMatchObject({ late: true });
  const dirty = await test.app.db.query('select dirty from billing_period where contract_id = $1 order by start_at', [
    order.contractId,
  ]);
  expect(dirty).toEqual([{ dirty: true }, { dirty: false }]);
});

it('raises no catalogue version', async () => {
  const { partner } = await seedNewcomer();
  await recordUsage(ctx, counter({ account: 'newcomer' }));
  await seedSubscription(test.app.db, { partner, products: [world.product] });
  const version = (): Promise<unknown> =>
    test.app.db.query('select catalog_version from service where id = $1', [world.service.id]);
  const before = await version();
  expect(await assignUsage(job)).toEqual({ assigned: 1 });
  expect(await version()).toEqual(before);
});

it('takes more than one transaction for 2,500 records, while others are recorded', async () => {
  const { partner } = await seedNewcomer();
  const inputs = Array.from({ length: 2500 }, (_, index) =>
    counter({
      account: 'newcomer',
      idempotencyKey: `n${index}`,
      windowStart: new Date(Date.UTC(2026, 1, 1, index % 100)).toISOString(),
      windowEnd: new Date(Date.UTC(2026, 1, 1, (index % 100) + 1)).toISOString(),
      quantity: '2',
    }),
  );
  for (const start of [0, 1000]) {
    await recordUsageBatch(ctx, inputs.slice(start, start + 1000), { withResults: false });
  }
  const order = await seedSubscription(test.app.db, { partner, products: [world.product] });
  const reruns = await rerunsOf(test.app);
  await Promise.all([
    assignUsage(job),
    assignUsage(job),
    ...[2000, 2100, 2200, 2300, 2400].map((start) =>
      recordUsageBatch(ctx, inputs.slice(start, start + 100), { withResults: false }),
    ),
  ]);
  await assignUsage(job);
  expect(await rerunsOf(test.app)).toBe(reruns);
  const [total] = await test.app.db.query<Record<string, unknown>[]>(
    'select sum(quantity) as quantity, sum(records) as records from usage_rollup where contract_id = $1',
    [order.contractId],
  );
  expect(total).toEqual({ quantity: '5000', records: '2500' });
});

it('shows in the lists of usage', async () => {
  const { partner } = await seedNewcomer();
  await recordUsage(ctx, counter({ account: 'newcomer', idempotencyKey: 'found' }));
  const order = await seedSubscription(test.app.db, { partner, products: [world.product] });
  await assignUsage(job);
  await seedMetric(test.app.db, world.service.id, { code: 'free' });
  await recordUsage(ctx, counter({ metric: 'free', idempotencyKey: 'open' }));
  await recordUsage(ctx, counter({ idempotencyKey: 'direct' }));
  const keys = async (filter: Parameters<typeof usageRecords>[1]): Promise<string[]> => {
    const { nodes } = await usageRecords(ctx, filter, { order: 'COUNTED_AT_ASC', page: {} });
    return nodes.map((record) => record.idempotencyKey);
  };
  expect(await keys({ contractId: order.contractId })).toEqual(['found']);
  expect(await keys({ contractId: world.subscription.contractId })).toEqual(['direct']);
  expect(await keys({ unassigned: true })).toEqual(['open']);
  expect(await keys({ unassigned: false })).toEqual(['found', 'direct']);
});
