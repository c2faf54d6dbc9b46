import type { Ctx } from '../../src/ctx';
import { identities } from '../../src/services/identities';
import { checkRollup } from '../../src/services/rollup-check';
import { assignUsage } from '../../src/services/usage-assign';
import { usageRecordStatesByIds } from '../../src/services/usage-reads';
import { recordUsage } from '../../src/services/usage-records';
import { voidUsage } from '../../src/services/usage-void';
import { startTestApp, type TestApp } from '../support/app';
import { rerunsOf } from '../support/metrics';
import { counter, seedPeriods, seedSubscription, seedUsageWorld, type UsageWorld } from '../support/usage-world';

let test: TestApp;
let world: UsageWorld;
let ctx: Ctx;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false, config: { databasePoolSize: 24 } });
});
afterAll(() => test.close());
beforeEach(async () => {
  world = await seedUsageWorld(test.app.db);
  ctx = test.ctx({ serviceId: world.service.id, name: 'key:usage' });
});
afterEach(async () => {
  expect(await checkRollup(test.ctx())).toMatchObject({ differenceCount: 0 });
  expect(await identities(ctx)).toMatchObject({ holds: true });
});

const KEY = counter().idempotencyKey;
const correction = { idempotencyKey: 'void-1', voids: KEY, reason: 'sent twice' };

async function rollup(): Promise<{ contract_id: string | null; quantity: string; records: string }[]> {
  return test.app.db.query(
    'select contract_id, quantity, records from usage_rollup where account_link_id = $1 order by contract_id',
    [world.linkId],
  );
}

it('takes a record out of the count, and keeps it', async () => {
  const { record } = await recordUsage(ctx, counter());
  await recordUsage(ctx, counter({ idempotencyKey: 'stays', quantity: '3' }));
  const later = { ...ctx, now: new Date('2026-03-10T13:00:00Z') };
  expect(await voidUsage(later, correction)).toEqual({ status: 'RECORDED', record });
  expect((await usageRecordStatesByIds(ctx, [record.id])).get(record.id)).toEqual({
    contractId: world.subscription.contractId,
    unassignedReason: null,
    late: false,
    straddles: false,
    voidedAt: later.now,
  });
  expect(await rollup()).toEqual([{ contract_id: world.subscription.contractId, quantity: '3', records: '1' }]);
});

it('copies what it corrects, with its own reason and actor, and leaves an audit entry', async () => {
  const { record } = await recordUsage(ctx, counter({ quantity: '7.5' }));
  await voidUsage(ctx, correction);
  const [row] = await test.app.db.query<Record<string, unknown>[]>(
    `select v.kind, v.corrects, v.reason, v.actor, v.quantity, v.contract_id, v.metric_id, v.counted_at = r.counted_at as same
       from usage_record v join usage_record r on r.id = v.corrects where v.idempotency_key = 'void-1' and v.service_id = $1`,
    [world.service.id],
  );
  expect(row).toEqual({
    kind: 'VOID',
    corrects: record.id,
    reason: 'sent twice',
    actor: 'key:usage',
    quantity: '7.5',
    contract_id: world.subscription.contractId,
    metric_id: world.metricId,
    same: true,
  });
  const entries = await test.app.db.query(
    `select actor, action, subject_id, details from audit_entry where service_id = $1 and action like 'usage.%'`,
    [world.service.id],
  );
  expect(entries).toEqual([{ actor: 'key:usage', action: 'usage.voided', subject_id: record.id, details: correction }]);
});

it('leaves the key taken: a re-send is a duplicate and revives nothing', async () => {
  await recordUsage(ctx, counter());
  await voidUsage(ctx, correction);
  expect((await recordUsage(ctx, counter())).status).toBe('DUPLICATE');
  expect(await rollup()).toEqual([{ contract_id: world.subscription.contractId, quantity: '0', records: '0' }]);
});

it('sent again is a duplicate, in parallel too', async () => {
  await recordUsage(ctx, counter());
  const reruns = await rerunsOf(test.app);
  const answers = await Promise.all(Array.from({ length: 10 }, () => voidUsage(ctx, correction)));
  expect(answers.map(({ status }) => status).sort()).toEqual([...Array<string>(9).fill('DUPLICATE'), 'RECORDED']);
  expect(await rerunsOf(test.app)).toBe(reruns);
});

it('by another key finds the record voided already, in parallel too', async () => {
  await recordUsage(ctx, counter());
  const answers = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => voidUsage(ctx, { ...correction, idempotencyKey: `void-${index}` })),
  );
  expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const refusals = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
  for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'CONFLICT', details: { field: 'voids' } });
  expect(refusals).toHaveLength(9);
});

it.each([
  ['reason', { reason: 'other' }, 'sent twice', 'other'],
  ['voids', { voids: 'second' }, KEY, 'second'],
])('with its key and another %s is a conflict', async (field, change, recorded, sent) => {
  await recordUsage(ctx, counter());
  await recordUsage(ctx, counter({ idempotencyKey: 'second' }));
  await voidUsage(ctx, correction);
  await expect(voidUsage(ctx, { ...correction, ...change })).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
    details: { field, recorded, sent },
  });
});

it('and a counter never share a key', async () => {
  await recordUsage(ctx, counter());
  await voidUsage(ctx, correction);
  await expect(voidUsage(ctx, { ...correction, idempotencyKey: KEY })).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
    details: { field: 'idempotencyKey', recorded: 'USAGE', sent: 'VOID' },
  });
  await expect(recordUsage(ctx, counter({ idempotencyKey: 'void-1' }))).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
    details: { field: 'idempotencyKey', recorded: 'VOID', sent: 'USAGE' },
  });
});

it('of nothing, of another service and of a void is refused', async () => {
  const other = await seedUsageWorld(test.app.db);
  await recordUsage(test.ctx({ serviceId: other.service.id }), counter({ idempotencyKey: 'theirs' }));
  await recordUsage(ctx, counter());
  await voidUsage(ctx, correction);
  for (const voids of ['nothing', 'theirs']) {
    await expect(voidUsage(ctx, { ...correction, idempotencyKey: 'v', voids })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'No such usage record.',
      details: { field: 'voids' },
    });
  }
  await expect(voidUsage(ctx, { ...correction, idempotencyKey: 'v', voids: 'void-1' })).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    details: { field: 'voids' },
  });
});

it('in a closed period is late and marks it', async () => {
  const { contractId } = world.subscription;
  await seedPeriods(test.app.db, contractId, ['2026-02-01', '2026-03-01']);
  const february = counter({ windowStart: '2026-02-05T00:00:00Z', windowEnd: '2026-02-06T00:00:00Z' });
  await recordUsage(ctx, february);
  await test.app.db.query('update billing_period set dirty = false where contract_id = $1', [contractId]);
  await voidUsage(ctx, correction);
  const rows = await test.app.db.query(
    'select start_on::text, dirty from billing_period where contract_id = $1 order by start_on',
    [contractId],
  );
  expect(rows).toEqual([
    { start_on: '2026-02-01', dirty: true },
    { start_on: '2026-03-01', dirty: false },
  ]);
});

it('of usage that found its contract later counts for that contract', async () => {
  const order = { partner: world.partner, products: [world.product] };
  const second = await seedSubscription(test.app.db, order);
  await recordUsage(ctx, counter());
  await test.app.db.query('update subscription set gone_at = now() where id = $1', [second.id]);
  expect(await assignUsage(ctx)).toEqual({ assigned: 1 });
  await voidUsage(ctx, correction);
  expect(await rollup()).toEqual([
    { contract_id: world.subscription.contractId, quantity: '0', records: '0' },
    { contract_id: null, quantity: '0', records: '0' },
  ]);
});

it('and an assignment at once never take a record out twice', async () => {
  const order = { partner: world.partner, products: [world.product] };
  const second = await seedSubscription(test.app.db, order);
  for (let index = 0; index < 40; index += 1) {
    await recordUsage(ctx, counter({ idempotencyKey: `k${index}` }));
  }
  await test.app.db.query('update subscription set gone_at = now() where id = $1', [second.id]);
  const reruns = await rerunsOf(test.app);
  await Promise.all([
    assignUsage(ctx),
    ...Array.from({ length: 40 }, (_, index) =>
      voidUsage(ctx, { ...correction, idempotencyKey: `v${index}`, voids: `k${index}` }),
    ),
    assignUsage(ctx),
  ]);
  const totals = await rollup();
  expect(totals.length).toBeGreaterThan(0);
  for (const { quantity, records } of totals) expect([quantity, records]).toEqual(['0', '0']);
  expect(await rerunsOf(test.app)).toBe(reruns);
});
