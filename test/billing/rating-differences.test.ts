/**
 * Newer rating code and closed periods: what it alone would change is reported and decided by a person; late usage goes on as
 * ever. The newer code is played here: from version 2 on, calls are worth ten times as much.
 */
import type * as Price from '../../src/domain/price';
import { Story } from '../support/story';

const mockCode = { version: 1 };
jest.mock('../../src/domain/rating-version', () => ({
  get RATING_VERSION(): number {
    return mockCode.version;
  },
}));
jest.mock('../../src/domain/price', () => {
  const real: typeof Price = jest.requireActual('../../src/domain/price');
  const rateBucket: typeof real.rateBucket = (...given) => {
    const rating = real.rateBucket(...given);
    return mockCode.version === 1 ? rating : { ...rating, value: rating.value.times(10) };
  };
  return { ...real, rateBucket };
});

let story: Story;
beforeEach(() => {
  mockCode.version = 1;
});
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const RERATE = `mutation ($i: RerateClosedPeriodsInput!) { rerateClosedPeriods(input: $i) {
  periods { startOn dirty } hasMore } }`;
const DECIDE = `mutation ($i: DecideRatingDifferenceInput!) { decideRatingDifference(input: $i) { ratingDifference {
  state reason actor decidedAt } } }`;

interface Difference {
  id: string;
  state: string;
}

async function differences(): Promise<Difference[]> {
  const query = `{ ratingDifferences(orderBy: FOUND_AT_ASC) { nodes { id fromVersion toVersion storedValue newValue state
    period { startOn } charge { metric { code } } } } }`;
  return (await story.run(query)).ratingDifferences.nodes;
}

async function marchLines(): Promise<{ revision: number }[]> {
  const query = `{ billableLines(orderBy: CREATED_AT_ASC, filter: { periodTo: "2026-04-01T00:00:00Z" }) { nodes {
    revision value ratingVersion adjustments { value reason } } } }`;
  return (await story.run(query)).billableLines.nodes;
}

async function rerate(): Promise<Record<string, unknown>> {
  const input = { contractId: await story.contractId(), reason: 'the upgrade to version 2' };
  const answer = (await story.run(RERATE, input)).rerateClosedPeriods;
  await story.minute();
  return answer;
}

async function refused(query: string, input: Record<string, unknown>): Promise<unknown> {
  const { errors } = await story.test.gql(story.test.adminKey, query, { i: input });
  return [errors?.[0]?.extensions.code, errors?.[0]?.extensions.field, errors?.[0]?.message];
}

/** March was closed by version 1 with 100 calls, and invoiced. Now version 2 runs. */
async function upgraded(): Promise<void> {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  mockCode.version = 2;
}

it('what only newer code changes is reported once, and leaves lines and balance alone', async () => {
  await upgraded();
  expect(await rerate()).toEqual({ periods: [{ startOn: '2026-03-01', dirty: true }], hasMore: false });
  await rerate();
  expect(await differences()).toEqual([
    {
      id: expect.any(String),
      fromVersion: 1,
      toVersion: 2,
      storedValue: '100',
      newValue: '1000',
      state: 'OPEN',
      period: { startOn: '2026-03-01' },
      charge: { metric: { code: 'calls' } },
    },
  ]);
  expect(await marchLines()).toEqual([{ revision: 1, value: '100', ratingVersion: 1, adjustments: [] }]);
  expect(await story.balance()).toMatchObject({ truth: '100', due: '0' });
  expect((await story.periods())[0]?.dirty).toBe(false);
});

it('accepted, it is a revision with the name of both versions, and due', async () => {
  await upgraded();
  await rerate();
  const [difference] = await differences();
  const input = { id: difference?.id, accept: true, reason: 'a price was read wrongly' };
  expect((await story.run(DECIDE, input)).decideRatingDifference.ratingDifference).toEqual({
    state: 'ACCEPTED',
    reason: 'a price was read wrongly',
    actor: 'env',
    decidedAt: '2026-04-01T12:01:00.000Z',
  });
  const reason = 'version 2 of the rating code instead of 1, accepted: a price was read wrongly';
  expect(await marchLines()).toEqual([
    { revision: 1, value: '100', ratingVersion: 1, adjustments: [] },
    { revision: 2, value: '1000', ratingVersion: 2, adjustments: [{ value: '900', reason }] },
  ]);
  await story.minute();
  expect(await story.balance()).toMatchObject({ truth: '1000', billed: '100', due: '900' });
  expect(await refused(DECIDE, input)).toEqual(['CONFLICT', 'id', 'The difference waits for a decision no longer.']);
  await rerate();
  expect(await marchLines()).toHaveLength(2);
  const query = 'query ($i: AuditEntryFilter!) { auditEntries(filter: $i) { nodes { subjectId details } } }';
  expect((await story.run(query, { action: 'rating_difference.decided' })).auditEntries.nodes).toEqual([
    { subjectId: difference?.id, details: { accept: true, reason: 'a price was read wrongly' } },
  ]);
});

it('refused, it is not reported again, but by a still newer version', async () => {
  await upgraded();
  await rerate();
  const [difference] = await differences();
  await story.run(DECIDE, { id: difference?.id, accept: false, reason: 'billed as agreed' });
  await rerate();
  expect(await differences()).toMatchObject([{ state: 'REFUSED' }]);
  expect(await story.balance()).toMatchObject({ truth: '100', due: '0' });
  mockCode.version = 3;
  await rerate();
  expect(await differences()).toMatchObject([{ state: 'REFUSED' }, { fromVersion: 1, toVersion: 3, state: 'OPEN' }]);
});

it('with late usage it is late usage, whose adjustment says that the code is another one', async () => {
  await upgraded();
  await rerate();
  await story.use(1, '2026-03-21T10:00:00Z');
  const [difference] = await differences();
  const decision = { id: difference?.id, accept: true, reason: 'yes' };
  expect(await refused(DECIDE, decision)).toEqual([
    'CONFLICT',
    'id',
    'Usage changed since the difference was found: it is worked out again.',
  ]);
  await story.minute();
  expect(await differences()).toMatchObject([{ state: 'WITHDRAWN' }]);
  expect(await refused(DECIDE, decision)).toEqual(['CONFLICT', 'id', 'The difference waits for a decision no longer.']);
  expect(await marchLines()).toMatchObject([
    { revision: 1, value: '100' },
    {
      revision: 2,
      value: '1010',
      ratingVersion: 2,
      adjustments: [
        {
          value: '910',
          reason: 'late usage, corrections or assignments; rated by version 2 of the rating code, and by 1 before',
        },
      ],
    },
  ]);
});

it.each([
  ['a void', (key: string) => story.void(key)],
  [
    'a replacement by the same quantity',
    (key: string) =>
      story.run('mutation ($i: ReplaceUsageInput!) { replaceUsage(input: $i) { status } }', {
        service: 'cloud',
        idempotencyKey: 'again',
        replaces: key,
        quantity: '100',
        reason: 'sent by another meter',
      }),
  ],
])('%s changes what was rated from, so that it is no matter of the code alone', async (_, correct) => {
  story = await Story.open(MARCH);
  await story.begin();
  const key = await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.usedBy('2026-03-21T10:00:00Z', 1);
  await story.at('2026-04-01T02:00:00Z');
  mockCode.version = 2;
  await correct(key);
  await story.minute();
  expect(await differences()).toEqual([]);
  expect(await marchLines()).toMatchObject([{ revision: 1 }, { revision: 2, ratingVersion: 2 }]);
});

it('a newer version that finds the same leaves no trace', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.at('2026-04-01T02:00:00Z');
  mockCode.version = 2;
  await rerate();
  expect(await differences()).toEqual([]);
  expect(await marchLines()).toMatchObject([{ revision: 1, value: '0' }]);
});

it('rerateClosedPeriods and decideRatingDifference refuse by name', async () => {
  await upgraded();
  const contractId = await story.contractId();
  const nothing = '00000000-0000-7000-8000-000000000000';
  expect(await refused(RERATE, { contractId: nothing, reason: 'x' })).toEqual([
    'NOT_FOUND',
    'contractId',
    'No such contract.',
  ]);
  expect(await refused(RERATE, { contractId, reason: '' })).toEqual([
    'VALIDATION_FAILED',
    'reason',
    'reason must say why.',
  ]);
  expect(await refused(RERATE, { contractId, reason: 'x', before: 'soon' })).toEqual([
    'VALIDATION_FAILED',
    'before',
    'before must be a day like "2026-03-01", not "soon".',
  ]);
  expect(await refused(DECIDE, { id: nothing, accept: true, reason: 'x' })).toEqual([
    'NOT_FOUND',
    'id',
    'No such rating difference.',
  ]);
  expect(await refused(DECIDE, { id: nothing, accept: true, reason: ' ' })).toEqual([
    'VALIDATION_FAILED',
    'reason',
    'reason must say why.',
  ]);
  const none = await story.run(RERATE, { contractId, reason: 'x', before: '2026-03-01' });
  expect(none.rerateClosedPeriods).toEqual({ periods: [], hasMore: false });
});
