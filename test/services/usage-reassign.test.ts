import type { Ctx } from '../../src/ctx';
import { identities } from '../../src/services/identities';
import { checkRollup } from '../../src/services/rollup-check';
import { assignUsage } from '../../src/services/usage-assign';
import { replaceUsage, voidUsage } from '../../src/services/usage-corrections';
import { usageRecords, usageRecordStatesByIds } from '../../src/services/usage-reads';
import { reassignUsage } from '../../src/services/usage-reassign';
import type { RecordUsageBatchResult } from '../../src/services/usage-outcome';
import { recordUsage, recordUsageBatch } from '../../src/services/usage-records';
import { startTestApp, type TestApp } from '../support/app';
import { rerunsOf } from '../support/metrics';
import {
  counter,
  seedLink,
  seedPeriods,
  seedSubscription,
  seedUsageWorld,
  type SeededSubscription,
  type UsageWorld,
} from '../support/usage-world';

let test: TestApp;
let world: UsageWorld;
let other: SeededSubscription;
let ctx: Ctx;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false, config: { databasePoolSize: 24 } });
});
afterAll(() => test.close());
beforeEach(async () => {
  world = await seedUsageWorld(test.app.db);
  ctx = test.ctx({ serviceId: world.service.id, name: 'key:usage' });
  other = await seedSubscription(test.app.db, { partner: world.partner, products: [world.product] });
});
afterEach(async () => {
  expect(await checkRollup(test.ctx())).toMatchObject({ differenceCount: 0 });
  expect(await identities(ctx)).toMatchObject({ holds: true });
});

/** A counter that names the contract it is recorded for. */
const sent = (idempotencyKey: string, change: Parameters<typeof counter>[0] = {}): ReturnType<typeof counter> =>
  counter({ idempotencyKey, subscriptionId: world.subscription.id, ...change });

/** Moves records to the other contract, or to `contractId`. */
function move(keys: string[], contractId = other.contractId): Promise<RecordUsageBatchResult> {
  const records = keys.map((idempotencyKey) => ({ idempotencyKey }));
  return reassignUsage(ctx, { records, contractId, reason: 'the wrong one' }, { withResults: true });
}

const statuses = ({ results }: RecordUsageBatchResult): string[] => results.map(({ status }) => status);
const problems = ({ results }: RecordUsageBatchResult): unknown[] =>
  results.map(({ problem }) => (problem === null ? null : [problem.code, problem.field]));

async function contractOf(id: string): Promise<string | null | undefined> {
  return (await usageRecordStatesByIds(ctx, [id])).get(id)?.contractId;
}

/** Quantity and records by contract. */
async function rollup(): Promise<Record<string, string>> {
  const rows = await test.app.db.query<{ contract_id: string | null; total: string }[]>(
    `select contract_id, trim_scale(sum(quantity)) || ' in ' || sum(records) as total
       from usage_rollup where account_link_id = $1 group by contract_id`,
    [world.linkId],
  );
  return Object.fromEntries(rows.map((row) => [row.contract_id ?? 'none', row.total]));
}

async function seedMetric(rules: Record<string, unknown>): Promise<string> {
  const row = {
    service_id: world.service.id,
    code: 'special',
    name: 'special',
    unit: 'unit',
    created_at: ctx.now,
    ...rules,
  };
  const names = Object.keys(row);
  const [metric] = await test.app.db.query<[{ id: string }]>(
    `insert into metric (${names.join(', ')}) values (${names.map((_, index) => `$${index + 1}`).join(', ')}) returning id`,
    Object.values(row),
  );
  return metric.id;
}

/** An instant of 10 March. */
const at = (hour: number): { windowStart: string; windowEnd: string; metric: string } => {
  const text = `2026-03-10T${String(hour).padStart(2, '0')}:00:00Z`;
  return { windowStart: text, windowEnd: text, metric: 'special' };
};

it('counts a record for the other contract, once, with who did it and why', async () => {
  const { record } = await recordUsage(ctx, sent('moves'));
  await recordUsage(ctx, sent('stays', { quantity: '3' }));
  const first = await move(['moves']);
  expect(first).toMatchObject({ recordedCount: 1, duplicateCount: 0, rejectedCount: 0 });
  expect(first.results[0]).toMatchObject({ idempotencyKey: 'moves', status: 'RECORDED', recordId: record.id });
  expect(await contractOf(record.id)).toBe(other.contractId);
  expect(await rollup()).toEqual({ [world.subscription.contractId]: '3 in 1', [other.contractId]: '10 in 1' });
  expect(statuses(await move(['moves']))).toEqual(['DUPLICATE']);
  const assignments = await test.app.db.query(
    'select contract_id, actor, reason, late, assigned_at from usage_assignment where record_id = $1',
    [record.id],
  );
  const row = { contract_id: other.contractId, actor: 'key:usage', reason: 'the wrong one', late: false };
  expect(assignments).toEqual([{ ...row, assigned_at: ctx.now }]);
  const audits = await test.app.db.query(
    `select actor, subject_id, details from audit_entry where service_id = $1 and action = 'usage.reassigned'`,
    [world.service.id],
  );
  const contracts = { fromContractId: world.subscription.contractId, contractId: other.contractId };
  const details = { idempotencyKey: 'moves', ...contracts, reason: 'the wrong one' };
  expect(audits).toEqual([{ actor: 'key:usage', subject_id: record.id, details }]);
});

it('moves a record on and back, and lists it where it is', async () => {
  const { record } = await recordUsage(ctx, sent('moves'));
  await move(['moves']);
  await move(['moves'], world.subscription.contractId);
  expect(await contractOf(record.id)).toBe(world.subscription.contractId);
  expect(await rollup()).toEqual({ [world.subscription.contractId]: '10 in 1', [other.contractId]: '0 in 0' });
  const again = { records: [{ idempotencyKey: 'moves' }], subscriptionId: other.id, reason: 'after all' };
  expect(await reassignUsage(ctx, again, { withResults: false })).toMatchObject({ recordedCount: 1, results: [] });
  const listed = await usageRecords(ctx, { contractId: other.contractId }, { order: 'RECEIVED_AT_ASC', page: {} });
  expect(listed.nodes.map(({ id }) => id)).toEqual([record.id]);
});

it('gives a contract to a record that has none; the search for one leaves it there', async () => {
  const { record } = await recordUsage(ctx, counter({ idempotencyKey: 'lost' }));
  expect(await contractOf(record.id)).toBeNull();
  expect(statuses(await move(['lost']))).toEqual(['RECORDED']);
  await assignUsage(test.ctx({ name: 'job:assign-usage' }));
  expect(await contractOf(record.id)).toBe(other.contractId);
  expect(await rollup()).toEqual({ none: '0 in 0', [other.contractId]: '10 in 1' });
});

it('takes the corrections of a record along, those before and those after', async () => {
  const { record } = await recordUsage(ctx, sent('moves'));
  await replaceUsage(ctx, { idempotencyKey: 'r1', replaces: 'moves', quantity: '4', reason: 'a test' });
  expect(statuses(await move(['r1']))).toEqual(['RECORDED']);
  expect(statuses(await move(['moves']))).toEqual(['DUPLICATE']);
  await replaceUsage(ctx, { idempotencyKey: 'r2', replaces: 'moves', quantity: '7', reason: 'a test' });
  expect(await contractOf(record.id)).toBe(other.contractId);
  expect(await rollup()).toEqual({ [world.subscription.contractId]: '0 in 0', [other.contractId]: '7 in 1' });
  expect(statuses(await move(['moves'], world.subscription.contractId))).toEqual(['RECORDED']);
  await voidUsage(ctx, { idempotencyKey: 'v', voids: 'moves', reason: 'a test' });
  expect(await rollup()).toEqual({ [world.subscription.contractId]: '0 in 0', [other.contractId]: '0 in 0' });
});

it('refuses what cannot move, and moves the rest', async () => {
  const stranger = await seedUsageWorld(test.app.db);
  await recordUsage(test.ctx({ serviceId: stranger.service.id }), counter({ idempotencyKey: 'theirs' }));
  await recordUsageBatch(ctx, [sent('voided'), sent('good')], { withResults: false });
  await voidUsage(ctx, { idempotencyKey: 'void', voids: 'voided', reason: 'a test' });
  const answer = await move(['nothing', 'theirs', 'void', 'voided', 'good', 'good', 'a\0']);
  expect(problems(answer)).toEqual([
    ['NOT_FOUND', 'idempotencyKey'],
    ['NOT_FOUND', 'idempotencyKey'],
    ['VALIDATION_FAILED', 'idempotencyKey'],
    ['CONFLICT', 'idempotencyKey'],
    null,
    null,
    ['NOT_FOUND', 'idempotencyKey'],
  ]);
  expect(statuses(answer).slice(4, 6)).toEqual(['RECORDED', 'DUPLICATE']);
});

it("refuses another company's contract as if there were none, in sight of the service or not", async () => {
  await recordUsage(ctx, sent('stays'));
  const stranger = await seedUsageWorld(test.app.db);
  await expect(move(['stays'], stranger.subscription.contractId)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: 'No such contract.',
    details: { field: 'contractId' },
  });
  await seedLink(test.app.db, { serviceId: world.service.id, account: 'branch', partner: stranger.partner });
  expect(problems(await move(['stays'], stranger.subscription.contractId))).toEqual([['NOT_FOUND', 'contractId']]);
});

it.each<[string, Record<string, unknown>]>([
  ['records', { records: [] }],
  ['records', { records: Array.from({ length: 1001 }, () => ({ idempotencyKey: 'x' })) }],
  ['contractId', { contractId: null }],
  ['contractId', { subscriptionId: 'x' }],
  ['reason', { reason: ' ' }],
  ['reason', { reason: 'x'.repeat(501) }],
])('refuses wrong %s', async (field, change) => {
  const input = { records: [{ idempotencyKey: 'x' }], contractId: other.contractId, reason: 'a test', ...change };
  await expect(reassignUsage(ctx, input, { withResults: false })).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    details: { field },
  });
});

describe('in closed periods', () => {
  const dirty = async (contractId: string): Promise<boolean[]> => {
    const rows = await test.app.db.query<{ dirty: boolean }[]>(
      'select dirty from billing_period where contract_id = $1 order by start_at',
      [contractId],
    );
    return rows.map((row) => row.dirty);
  };
  const setDirty = (isDirty: boolean): Promise<unknown> =>
    test.app.db.query(`update billing_period set dirty = $2 where state = 'CLOSED' and contract_id = any($1)`, [
      [world.subscription.contractId, other.contractId],
      isDirty,
    ]);
  // Nothing was ever rated here: the identity of units would rightly complain.
  afterEach(() => setDirty(true));
  const months = ['2026-01-01', '2026-02-01', '2026-03-01'];
  const january = { windowStart: '2026-01-05T00:00:00Z', windowEnd: '2026-01-06T00:00:00Z' };

  it('marks those of both contracts, and is late', async () => {
    await seedPeriods(test.app.db, world.subscription.contractId, months);
    await seedPeriods(test.app.db, other.contractId, months);
    const { record } = await recordUsage(ctx, sent('moves', january));
    expect(await dirty(world.subscription.contractId)).toEqual([true, false, false]);
    await setDirty(false);
    await move(['moves']);
    expect((await usageRecordStatesByIds(ctx, [record.id])).get(record.id)).toMatchObject({ late: true });
    expect(await dirty(world.subscription.contractId)).toEqual([true, false, false]);
    expect(await dirty(other.contractId)).toEqual([true, false, false]);
  });

  it('marks the later ones too where records reach them, on both sides', async () => {
    await seedMetric({ aggregation: 'UNIQUE_COUNT', recurring: true, unique_by: 'user' });
    await seedPeriods(test.app.db, world.subscription.contractId, months);
    await seedPeriods(test.app.db, other.contractId, months);
    const user = { metric: 'special', quantity: '1', dimensions: { user: 'ada' } };
    await recordUsage(ctx, sent('moves', { ...january, ...user }));
    await setDirty(false);
    await move(['moves']);
    expect(await dirty(world.subscription.contractId)).toEqual([true, true, false]);
    expect(await dirty(other.contractId)).toEqual([true, true, false]);
  });
});

describe('of a meter', () => {
  beforeEach(() => seedMetric({ aggregation: 'SUM', semantics: 'CUMULATIVE' }));
  const reading = (key: string, hour: number, change: Parameters<typeof counter>[0]): ReturnType<typeof counter> =>
    sent(key, { ...at(hour), ...change });

  it('never leaves a fall behind', async () => {
    const readings = [
      reading('a', 1, { quantity: '50' }),
      reading('b', 2, { quantity: '5', reset: true }),
      reading('c', 3, { quantity: '9' }),
    ];
    expect(await recordUsageBatch(ctx, readings, { withResults: false })).toMatchObject({ recordedCount: 3 });
    expect(problems(await move(['b']))).toEqual([['CONFLICT', 'idempotencyKey']]);
    // With what follows it nothing is left that falls, whatever is named first.
    expect(statuses(await move(['b', 'c']))).toEqual(['RECORDED', 'RECORDED']);
  });

  it('never enters one', async () => {
    await recordUsage(ctx, sent('there', { ...at(2), quantity: '20', subscriptionId: other.id }));
    await recordUsage(ctx, reading('more', 1, { quantity: '30' }));
    expect(problems(await move(['more']))).toEqual([['CONFLICT', 'idempotencyKey']]);
    expect(await rollup()).toEqual({ [world.subscription.contractId]: '30 in 1', [other.contractId]: '20 in 1' });
  });
});

it('lets no window told whole overlap another one', async () => {
  await seedMetric({ aggregation: 'SUM', semantics: 'WINDOW_TOTAL' });
  const window = (from: number, to: number): Parameters<typeof counter>[0] => ({
    ...at(from),
    windowEnd: at(to).windowEnd,
  });
  await recordUsage(ctx, sent('there', { ...window(1, 3), subscriptionId: other.id }));
  await recordUsageBatch(ctx, [sent('overlaps', window(2, 4)), sent('beside', window(4, 6))], { withResults: false });
  expect(problems(await move(['overlaps', 'beside']))).toEqual([['CONFLICT', 'idempotencyKey'], null]);
});

it('stands beside recording, voids and itself, all at once', async () => {
  const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
  await recordUsageBatch(
    ctx,
    keys.map((key) => sent(key, { quantity: '2' })),
    { withResults: false },
  );
  const reruns = await rerunsOf(test.app);
  await Promise.all([
    move(keys.slice(0, 40)),
    move(keys.slice(20), world.subscription.contractId),
    move(keys.slice(10, 50).reverse()),
    recordUsageBatch(
      ctx,
      keys.map((key) => sent(`new ${key}`, { quantity: '1' })),
      { withResults: false },
    ),
    ...keys.slice(0, 5).map((key) => voidUsage(ctx, { idempotencyKey: `v ${key}`, voids: key, reason: 'a test' })),
  ]);
  expect(await rerunsOf(test.app)).toBe(reruns);
  await move(keys);
  const totals = await rollup();
  expect(totals).toMatchObject({ [world.subscription.contractId]: '60 in 60' });
  // Of the 60 five are voided, wherever they were by then.
  expect(totals).toMatchObject({ [other.contractId]: '110 in 55' });
});
