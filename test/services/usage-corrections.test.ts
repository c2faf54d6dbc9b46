import type { Ctx } from '../../src/ctx';
import { endAccountLink } from '../../src/services/account-links';
import { identities } from '../../src/services/identities';
import { checkRollup } from '../../src/services/rollup-check';
import { assignUsage } from '../../src/services/usage-assign';
import { correctionsByRecordIds, usageRecords, usageRecordStatesByIds } from '../../src/services/usage-reads';
import { recordUsage } from '../../src/services/usage-records';
import { replaceUsage, replaceUsageBatch, voidUsage, voidUsageBatch } from '../../src/services/usage-corrections';
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
    'select contract_id, trim_scale(quantity)::text as quantity, records from usage_rollup where account_link_id = $1 order by contract_id',
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
    effectiveQuantity: null,
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

describe('a replacement', () => {
  const replacement = { idempotencyKey: 'r-1', replaces: KEY, quantity: '4.5', reason: 'counted wrong' };

  it('gives the record another quantity, and keeps both', async () => {
    const { record } = await recordUsage(ctx, counter({ quantity: '10' }));
    expect(await replaceUsage(ctx, replacement)).toEqual({ status: 'RECORDED', record });
    const state = (await usageRecordStatesByIds(ctx, [record.id])).get(record.id);
    expect([record.quantity.toFixed(), state?.effectiveQuantity?.toFixed(), state?.voidedAt]).toEqual([
      '10',
      '4.5',
      null,
    ]);
    expect(await rollup()).toEqual([{ contract_id: world.subscription.contractId, quantity: '4.5', records: '1' }]);
    const corrections = (await correctionsByRecordIds(ctx, [record.id])).get(record.id) ?? [];
    expect(
      corrections.map(({ kind, quantity, reason, idempotencyKey }) => [
        kind,
        quantity.toFixed(),
        reason,
        idempotencyKey,
      ]),
    ).toEqual([['REPLACEMENT', '4.5', 'counted wrong', 'r-1']]);
    const { records } = await identities(ctx);
    expect(records).toMatchObject([{ accepted: 2, effective: 1, superseded: 1, voided: 0, difference: 0 }]);
  });

  it('of a replacement holds instead of it, by the key of either', async () => {
    await recordUsage(ctx, counter({ quantity: '10' }));
    await replaceUsage(ctx, replacement);
    await replaceUsage(ctx, { ...replacement, idempotencyKey: 'r-2', quantity: '6' });
    await replaceUsage(ctx, { ...replacement, idempotencyKey: 'r-3', replaces: 'r-1', quantity: '7' });
    expect(await rollup()).toEqual([{ contract_id: world.subscription.contractId, quantity: '7', records: '1' }]);
    const [row] = await test.app.db.query<unknown[]>(
      `select array_agg(idempotency_key order by id) as keys,
              array_agg((select c.idempotency_key from usage_record c where c.id = r.corrects) order by id) as corrected
         from usage_record r where r.service_id = $1`,
      [world.service.id],
    );
    expect(row).toEqual({ keys: [KEY, 'r-1', 'r-2', 'r-3'], corrected: [null, KEY, 'r-1', 'r-2'] });
  });

  it('counts like its record when the account link ends, until it is voided', async () => {
    await recordUsage(ctx, counter());
    await replaceUsage(ctx, replacement);
    const end = { id: world.linkId, at: '2026-03-10T09:00:00.000Z' };
    await expect(endAccountLink(ctx, end)).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { field: 'at', countedAt: '2026-03-10T09:59:59.999Z' },
    });
    await voidUsage(ctx, correction);
    expect((await endAccountLink(ctx, end)).accountLink.validTo).toEqual(new Date(end.at));
  });

  it('leaves its record among those that count, until that is voided', async () => {
    await recordUsage(ctx, counter());
    await replaceUsage(ctx, replacement);
    const keys = async (voided: boolean): Promise<string[]> => {
      const { nodes } = await usageRecords(ctx, { voided }, { order: 'RECEIVED_AT_ASC', page: {} });
      return nodes.map(({ idempotencyKey }) => idempotencyKey);
    };
    expect([await keys(true), await keys(false)]).toEqual([[], [KEY]]);
    await voidUsage(ctx, { ...correction, voids: 'r-1' });
    expect([await keys(true), await keys(false)]).toEqual([[KEY], []]);
  });

  it('is voided with the record', async () => {
    await recordUsage(ctx, counter({ quantity: '10' }));
    await replaceUsage(ctx, replacement);
    await voidUsage(ctx, correction);
    expect(await rollup()).toEqual([{ contract_id: world.subscription.contractId, quantity: '0', records: '0' }]);
    await expect(replaceUsage(ctx, { ...replacement, idempotencyKey: 'r-2' })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: 'The record is voided already.',
      details: { field: 'replaces', present: 'void-1' },
    });
  });

  it('sent again is a duplicate, also when another one holds by now', async () => {
    await recordUsage(ctx, counter());
    const reruns = await rerunsOf(test.app);
    const answers = await Promise.all(Array.from({ length: 10 }, () => replaceUsage(ctx, replacement)));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array<string>(9).fill('DUPLICATE'), 'RECORDED']);
    await replaceUsage(ctx, { ...replacement, idempotencyKey: 'r-2', quantity: '6' });
    expect((await replaceUsage(ctx, { ...replacement, quantity: '4.50' })).status).toBe('DUPLICATE');
    expect(await rollup()).toMatchObject([{ quantity: '6', records: '1' }]);
    expect(await rerunsOf(test.app)).toBe(reruns);
  });

  it.each([
    ['quantity', { quantity: '5' }, '4.5', '5'],
    ['reason', { reason: 'other' }, 'counted wrong', 'other'],
    ['replaces', { replaces: 'second' }, KEY, 'second'],
  ])('with its key and another %s is a conflict', async (field, change, recorded, sent) => {
    await recordUsage(ctx, counter());
    await recordUsage(ctx, counter({ idempotencyKey: 'second' }));
    await replaceUsage(ctx, replacement);
    await expect(replaceUsage(ctx, { ...replacement, ...change })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      details: { field, recorded, sent },
    });
  });

  it('shares its key with no void and no counter', async () => {
    await recordUsage(ctx, counter());
    await replaceUsage(ctx, replacement);
    await expect(voidUsage(ctx, { ...correction, idempotencyKey: 'r-1' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      details: { field: 'idempotencyKey', recorded: 'REPLACEMENT', sent: 'VOID' },
    });
    await expect(recordUsage(ctx, counter({ idempotencyKey: 'r-1' }))).rejects.toMatchObject({
      code: 'IDEMPOTENCY_CONFLICT',
      details: { field: 'idempotencyKey', recorded: 'REPLACEMENT', sent: 'USAGE' },
    });
  });

  it('takes what the metric takes: no negative quantity', async () => {
    await recordUsage(ctx, counter());
    await expect(replaceUsage(ctx, { ...replacement, quantity: '-1' })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'The metric takes no negative quantity.',
      details: { field: 'quantity' },
    });
  });

  it('at the same time as others: each is applied, or told which one came first', async () => {
    await recordUsage(ctx, counter());
    const answers = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) =>
        replaceUsage(ctx, { ...replacement, idempotencyKey: `r-${index}`, quantity: String(index) }),
      ),
    );
    const refusals = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        code: 'CONFLICT',
        details: { field: 'replaces', expected: expect.any(String) as unknown, present: expect.any(String) as unknown },
      });
    }
    const chain = await test.app.db.query<{ key: string; quantity: string }[]>(
      `select idempotency_key as key, quantity from usage_record where service_id = $1 and kind = 'REPLACEMENT' order by id`,
      [world.service.id],
    );
    expect(chain).toHaveLength(12 - refusals.length);
    expect(await rollup()).toMatchObject([{ quantity: chain.at(-1)?.quantity, records: '1' }]);
  });

  it('the hundred and first of one record is refused', async () => {
    await recordUsage(ctx, counter());
    const many = Array.from({ length: 101 }, (_, index) => ({ ...replacement, idempotencyKey: `r-${index}` }));
    const { recordedCount, rejections } = await replaceUsageBatch(ctx, many, { withResults: false });
    expect(recordedCount).toBe(100);
    expect(rejections).toMatchObject([
      {
        index: 100,
        problem: { code: 'CONFLICT', message: 'A record takes at most 100 corrections.', field: 'replaces' },
      },
    ]);
  });
});

describe('a batch of corrections', () => {
  it('keeps the good ones, in their order, and tells of the others by position', async () => {
    for (const key of ['a', 'b', 'c']) await recordUsage(ctx, counter({ idempotencyKey: key, quantity: '10' }));
    const answer = await replaceUsageBatch(
      ctx,
      [
        { idempotencyKey: 'r-a', replaces: 'a', quantity: '1', reason: 'wrong' },
        { idempotencyKey: 'r-x', replaces: 'nothing', quantity: '1', reason: 'wrong' },
        { idempotencyKey: 'r-b', replaces: 'b', quantity: 'two', reason: 'wrong' },
        { idempotencyKey: 'r-a2', replaces: 'a', quantity: '2', reason: 'wrong again' },
        { idempotencyKey: 'r-a', replaces: 'a', quantity: '1', reason: 'wrong' },
        { idempotencyKey: 'r-c', replaces: 'c', quantity: '3', reason: 'wrong', service: 'another' },
      ],
      { withResults: true },
    );
    expect(answer.results.map(({ status, problem }) => [status, problem?.code, problem?.field])).toEqual([
      ['RECORDED', undefined, undefined],
      ['REJECTED', 'NOT_FOUND', 'replaces'],
      ['REJECTED', 'VALIDATION_FAILED', 'quantity'],
      ['RECORDED', undefined, undefined],
      ['DUPLICATE', undefined, undefined],
      ['REJECTED', 'NOT_FOUND', 'service'],
    ]);
    expect(answer).toMatchObject({ recordedCount: 2, duplicateCount: 1, rejectedCount: 3 });
    expect(await rollup()).toMatchObject([{ quantity: '22', records: '3' }]);
  });

  it('sent again changes nothing', async () => {
    const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
    for (const key of keys) await recordUsage(ctx, counter({ idempotencyKey: key, quantity: '2' }));
    const voids = keys.map((key) => ({ idempotencyKey: `v-${key}`, voids: key, reason: 'sent twice' }));
    const first = await voidUsageBatch(ctx, voids.slice(0, 30), { withResults: false });
    const both = await Promise.all([
      voidUsageBatch(ctx, voids, { withResults: false }),
      voidUsageBatch(ctx, voids.toReversed(), { withResults: false }),
    ]);
    expect(first).toMatchObject({ recordedCount: 30, rejectedCount: 0 });
    expect(both.reduce((sum, answer) => sum + answer.recordedCount, 0)).toBe(20);
    expect(both.map((answer) => answer.rejectedCount)).toEqual([0, 0]);
    expect(await rollup()).toMatchObject([{ quantity: '0', records: '0' }]);
    const [audits] = await test.app.db.query<unknown[]>(
      `select count(*)::integer as count from audit_entry where service_id = $1 and action = 'usage.voided'`,
      [world.service.id],
    );
    expect(audits).toEqual({ count: 50 });
  });

  it('of more than 1,000 is refused as a whole', async () => {
    const voids = Array.from({ length: 1001 }, () => correction);
    await expect(voidUsageBatch(ctx, voids, { withResults: false })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      message: 'A batch has at most 1000 corrections, not 1001.',
      details: { field: 'voids' },
    });
  });
});
