/** What a caller is told whose usage is not voided, not replaced, or not moved. */
import { createApiKey } from '../../../src/services/api-keys';
import { lockCorrections } from '../../../src/services/usage-lanes';
import { startTestApp, type GraphqlAnswer, type TestApp } from '../../support/app';
import { waitForLocks } from '../../support/locks';
import { type RefusedInput, refusalOf, refused } from '../../support/refusals';
import { dataOf, mutate } from '../../support/seed';
import { counter, seedUsageWorld, type UsageWorld } from '../../support/usage-world';

let test: TestApp;
let key: string;
let world: UsageWorld;
let stranger: UsageWorld;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  world = await seedUsageWorld(test.app.db);
  stranger = await seedUsageWorld(test.app.db);
  const input = { service: world.service.code, name: 'k' };
  ({ secret: key } = await createApiKey(test.ctx(), { ...input, scopes: ['usage:write', 'billing:run'] }));
  for (const idempotencyKey of ['stays', 'voided']) {
    const input = { ...counter({ idempotencyKey, subscriptionId: world.subscription.id }) };
    await mutate(test, key, { name: 'recordUsage', input, selection: 'status' });
  }
  const voiding = { idempotencyKey: 'void', voids: 'voided', reason: 'wrong' };
  await mutate(test, key, { name: 'voidUsage', input: voiding, selection: 'status' });
});
afterAll(() => test.close());

const BLANK = { reason: ' ' };

it.each<RefusedInput>([
  ['for no reason', BLANK, 'VALIDATION_FAILED', 'reason', 'reason must say why.'],
  [
    'for more reasons than one reads',
    { reason: 'x'.repeat(501) },
    'VALIDATION_FAILED',
    'reason',
    `reason must be a text of 1 to 500 characters without control characters, not "${'x'.repeat(59)}…".`,
  ],
  ['that is not there', { voids: 'nothing' }, 'NOT_FOUND', 'voids', 'No such usage record.'],
  ['that is voided', { voids: 'voided' }, 'CONFLICT', 'voids', 'The record is voided already.'],
  [
    'that is a void itself',
    { voids: 'void' },
    'VALIDATION_FAILED',
    'voids',
    'A void cannot be corrected: record the usage again.',
  ],
  [
    'by a key that voided another one',
    { idempotencyKey: 'void' },
    'IDEMPOTENCY_CONFLICT',
    'voids',
    'The idempotency key was used with another voids.',
  ],
  [
    'by a key that did it for another reason',
    { idempotencyKey: 'void', voids: 'voided', reason: 'another' },
    'IDEMPOTENCY_CONFLICT',
    'reason',
    'The idempotency key was used with another reason.',
  ],
])('voidUsage refuses a record %s', async (_, change, code, field, message) => {
  const input = { idempotencyKey: 'v', voids: 'stays', reason: 'wrong', ...change };
  expect(await refused({ test, key }, 'voidUsage', input)).toEqual({ code, field, message });
});

it.each<RefusedInput>([
  ['for no reason', BLANK, 'VALIDATION_FAILED', 'reason', 'reason must say why.'],
  ['that is not there', { replaces: 'nothing' }, 'NOT_FOUND', 'replaces', 'No such usage record.'],
  ['that is voided', { replaces: 'voided' }, 'CONFLICT', 'replaces', 'The record is voided already.'],
  [
    'that is a void',
    { replaces: 'void' },
    'VALIDATION_FAILED',
    'replaces',
    'A void cannot be corrected: record the usage again.',
  ],
  [
    'by what its metric does not take',
    { quantity: '-1' },
    'VALIDATION_FAILED',
    'quantity',
    'The metric takes no negative quantity.',
  ],
])('replaceUsage refuses a record %s', async (_, change, code, field, message) => {
  const input = { idempotencyKey: 'r', replaces: 'stays', quantity: '1', reason: 'wrong', ...change };
  expect(await refused({ test, key }, 'replaceUsage', input)).toEqual({ code, field, message });
});

it('of two replacements at once the one that came second is told so', async () => {
  const replace = (idempotencyKey: string): Promise<unknown> =>
    refused({ test, key }, 'replaceUsage', { idempotencyKey, replaces: 'stays', quantity: '7', reason: 'wrong' });
  let both: Promise<unknown[]> | undefined;
  await test.app.db.transaction(async (tx) => {
    await lockCorrections(tx, [world.linkId]);
    both = Promise.all([replace('first'), replace('second')]);
    await waitForLocks(test.app.db, 2);
  });
  const refusals = (await both)?.filter((refusal) => refusal !== null);
  expect(refusals).toEqual([
    {
      code: 'CONFLICT',
      field: 'replaces',
      message: 'Another correction of the record came first; look at it and decide again.',
    },
  ]);
});

it('the hundred and first correction of a record is refused', async () => {
  const input = { ...counter({ idempotencyKey: 'often' }) };
  await mutate(test, key, { name: 'recordUsage', input, selection: 'status' });
  const replacements = Array.from({ length: 101 }, (_, index) => ({
    idempotencyKey: `often-${index}`,
    replaces: 'often',
    quantity: String(index),
    reason: 'wrong',
  }));
  const batch = { name: 'replaceUsageBatch', input: { replacements } };
  const selection = 'recordedCount rejections { index problem { code field message } }';
  expect(await mutate(test, key, { ...batch, selection })).toEqual({
    recordedCount: 100,
    rejections: [
      {
        index: 100,
        problem: { code: 'CONFLICT', field: 'replaces', message: 'A record takes at most 100 corrections.' },
      },
    ],
  });
});

describe('reassignUsage', () => {
  const MOVE = `mutation ($input: ReassignUsageInput!) {
    reassignUsage(input: $input) { rejections { problem { code field message } } } }`;

  const move = (change: Record<string, unknown>): Promise<GraphqlAnswer> => {
    const { contractId } = world.subscription;
    const records = [{ idempotencyKey: 'stays' }];
    return test.gql(key, MOVE, { input: { records, contractId, reason: 'elsewhere', ...change } });
  };

  it.each<RefusedInput>([
    ['no records', { records: [] }, 'VALIDATION_FAILED', 'records', '1 to 1000 records can be moved at once, not 0.'],
    ['no reason', BLANK, 'VALIDATION_FAILED', 'reason', 'reason must say why.'],
    [
      'no destination',
      { contractId: null },
      'VALIDATION_FAILED',
      'contractId',
      'Name either the contract or the subscription.',
    ],
    ['a contract that is not there', { contractId: 'nothing' }, 'NOT_FOUND', 'contractId', 'No such contract.'],
    [
      'a subscription that is not there',
      { contractId: null, subscriptionId: '01900000-0000-7000-8000-000000000000' },
      'NOT_FOUND',
      'subscriptionId',
      'No such contract.',
    ],
  ])('refuses %s', async (_, change, code, field, message) => {
    expect(refusalOf(await move(change))).toEqual({ code, field, message });
  });

  it('refuses the contract of somebody whom the service has no account of', async () => {
    expect(refusalOf(await move({ contractId: stranger.subscription.contractId }))).toEqual({
      code: 'NOT_FOUND',
      field: 'contractId',
      message: 'No such contract.',
    });
  });

  it.each<[what: string, idempotencyKey: string, code: string, field: string, message: string]>([
    ['is not there', 'nothing', 'NOT_FOUND', 'idempotencyKey', 'No such usage record.'],
    ['is voided', 'voided', 'CONFLICT', 'idempotencyKey', 'The record is voided: it counts nowhere.'],
    [
      'is a void',
      'void',
      'VALIDATION_FAILED',
      'idempotencyKey',
      'A void counts where its record does: name the record.',
    ],
  ])('refuses what %s, by itself', async (_, idempotencyKey, code, field, message) => {
    const { reassignUsage } = dataOf(await move({ records: [{ idempotencyKey }] }));
    expect(reassignUsage.rejections).toEqual([{ problem: { code, field, message } }]);
  });
});
