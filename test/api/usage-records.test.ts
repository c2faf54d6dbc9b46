import { createApiKey } from '../../src/services/api-keys';
import { startTestApp, type TestApp } from '../support/app';
import {
  counter,
  seedLink,
  seedPartner,
  seedPeriods,
  seedSubscription,
  seedUsageWorld,
  type UsageWorld,
} from '../support/usage-world';

let test: TestApp;
let world: UsageWorld;
let key: string;
let readKey: string;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
});
afterAll(() => test.close());
beforeEach(async () => {
  world = await seedUsageWorld(test.app.db);
  const make = (scopes: ('usage:read' | 'usage:write')[]): ReturnType<typeof createApiKey> =>
    createApiKey(test.ctx(), { service: world.service.code, name: 'a service', scopes });
  key = (await make(['usage:write', 'usage:read'])).secret;
  readKey = (await make(['usage:read'])).secret;
});

const RECORD = `mutation Record($input: RecordUsageInput!) {
  recordUsage(input: $input) {
    status
    record {
      id idempotencyKey accountLink { account } metric { code } contract { id } unassignedReason windowStart windowEnd
      countedAt quantity dimensions meter source receivedAt contentHash straddles late voidedAt
    }
  }
}`;
const BATCH = `mutation Batch($input: RecordUsageBatchInput!) {
  recordUsageBatch(input: $input) {
    recordedCount duplicateCount rejectedCount
    rejections { index idempotencyKey status record { id } problem { code message field retryable details } }
  }
}`;
const VOID = `mutation Void($input: VoidUsageInput!) {
  voidUsage(input: $input) { status record { idempotencyKey voidedAt } }
}`;

/** How many statements read whole records while `work` goes on. */
async function recordReads(work: () => Promise<unknown>): Promise<number> {
  const sent = jest.spyOn(test.app.db.logger, 'logQuery');
  try {
    await work();
    return sent.mock.calls.filter(([text]) => text.includes('FROM "usage_record"')).length;
  } finally {
    sent.mockRestore();
  }
}

describe('the record of what was sent', () => {
  const single = (selection: string): string =>
    `mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status ${selection} } }`;
  const batch = (selection: string): string =>
    `mutation ($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { results { status ${selection} } } }`;

  it.each([
    ['only its id is selected', 'record { id __typename }', 0],
    ['its id is selected through a fragment', '... { record { ... on UsageRecord { id } } }', 0],
    ['nothing of it is selected', '', 0],
    ['its key is selected in a fragment', '... { record { id ... on UsageRecord { idempotencyKey } } }', 1],
    ['its key is selected under another name', 'record { id: idempotencyKey }', 1],
  ])('is read when needed: %s', async (_, selection, reads) => {
    const input = counter();
    expect(await recordReads(() => test.gql(key, single(selection), { input }))).toBe(reads);
    expect(await recordReads(() => test.gql(key, batch(selection), { input: { records: [input] } }))).toBe(reads);
  });

  it('has the same id whether it is read or not', async () => {
    const { data } = await test.gql(key, single('record { id }'), { input: counter() });
    const read = await test.gql(key, single('record { id idempotencyKey }'), { input: counter() });
    const id = read.data.recordUsage.record.id as string;
    expect(data.recordUsage).toEqual({ status: 'RECORDED', record: { id } });
    const records = [counter(), counter({ idempotencyKey: 'new' }), counter({ idempotencyKey: 'bad', quantity: '?' })];
    const answer = await test.gql(key, batch('record { id }'), { input: { records } });
    expect(answer.data.recordUsageBatch.results).toEqual([
      { status: 'DUPLICATE', record: { id } },
      { status: 'RECORDED', record: { id: expect.stringMatching(/^\d+$/) as unknown } },
      { status: 'REJECTED', record: null },
    ]);
  });
});

describe('recordUsage', () => {
  it('answers with the record and its receipt', async () => {
    const input = counter({ quantity: '10.50', dimensions: { tier: 1 }, meter: 'm1', source: 'cron' });
    const { data } = await test.gql(key, RECORD, { input });
    expect(data.recordUsage).toEqual({
      status: 'RECORDED',
      record: {
        id: expect.stringMatching(/^\d+$/) as unknown,
        idempotencyKey: 'acme/calls/2026-03-10T09',
        accountLink: { account: 'acme' },
        metric: { code: 'calls' },
        contract: { id: world.subscription.contractId },
        unassignedReason: null,
        windowStart: '2026-03-10T09:00:00.000Z',
        windowEnd: '2026-03-10T10:00:00.000Z',
        countedAt: '2026-03-10T09:59:59.999Z',
        quantity: '10.5',
        dimensions: { tier: '1' },
        meter: 'm1',
        source: 'cron',
        receivedAt: '2026-03-10T12:00:00.000Z',
        contentHash: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
        straddles: false,
        late: false,
        voidedAt: null,
      },
    });
    const again = await test.gql(key, RECORD, { input });
    expect(again.data.recordUsage).toEqual({ ...data.recordUsage, status: 'DUPLICATE' });
  });

  it('takes whole JSON numbers, and refuses fractions for the whole request', async () => {
    const whole = await test.gql(key, RECORD, { input: { ...counter(), quantity: 10 } });
    expect(whole.data.recordUsage.record.quantity).toBe('10');
    const fraction = await test.gql(key, RECORD, { input: { ...counter(), quantity: 10.5 } });
    expect(fraction.data).toBeUndefined();
    expect(fraction.errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  it.each<[string, string, Record<string, unknown>]>([
    ['VALIDATION_FAILED', 'quantity', { quantity: 'ten' }],
    ['VALIDATION_FAILED', 'windowEnd', { windowEnd: 'today' }],
    ['NOT_FOUND', 'account', { account: 'nobody' }],
    ['NOT_FOUND', 'metric', { metric: 'nothing' }],
    ['NOT_FOUND', 'subscriptionId', { subscriptionId: 'S00042' }],
    ['NOT_FOUND', 'service', { service: 'nobodys' }],
  ])('refuses with %s naming %s', async (code, field, change) => {
    const { status, data, errors } = await test.gql(key, RECORD, { input: { ...counter(), ...change } });
    expect(status).toBe(200);
    expect(data.recordUsage).toBeNull();
    expect(errors?.[0]?.extensions).toEqual({ code, field, retryable: false });
  });

  it('refuses a key of other content with the field and both values', async () => {
    await test.gql(key, RECORD, { input: counter() });
    const { errors } = await test.gql(key, RECORD, { input: counter({ quantity: '11' }) });
    expect(errors).toEqual([
      expect.objectContaining({
        message: 'The idempotency key was used with another quantity.',
        extensions: {
          code: 'IDEMPOTENCY_CONFLICT',
          field: 'quantity',
          retryable: false,
          details: { recorded: '10', sent: '11' },
        },
      }),
    ]);
  });

  it('needs the scope usage:write', async () => {
    const { errors } = await test.gql(readKey, RECORD, { input: counter() });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', details: { scope: 'usage:write' } });
  });

  it('leaves the neighbour of a refused alias its receipt', async () => {
    const { data } = await test.gql(
      key,
      `mutation Two($good: RecordUsageInput!, $bad: RecordUsageInput!) {
        bad: recordUsage(input: $bad) { status } good: recordUsage(input: $good) { status }
      }`,
      { good: counter(), bad: counter({ metric: 'nothing' }) },
    );
    expect(data).toEqual({ bad: null, good: { status: 'RECORDED' } });
  });
});

describe('recordUsageBatch', () => {
  it('counts, and lists what it refused', async () => {
    const records = [counter(), counter(), counter({ idempotencyKey: 'x', windowEnd: 'today' })];
    const { data } = await test.gql(key, BATCH, { input: { records } });
    expect(data.recordUsageBatch).toEqual({
      recordedCount: 1,
      duplicateCount: 1,
      rejectedCount: 1,
      rejections: [
        {
          index: 2,
          idempotencyKey: 'x',
          status: 'REJECTED',
          record: null,
          problem: {
            code: 'VALIDATION_FAILED',
            message:
              'windowEnd must be an instant with an offset, at most to the millisecond, like "2026-03-01T05:00:00.000Z", not "today".',
            field: 'windowEnd',
            retryable: false,
            details: null,
          },
        },
      ],
    });
  });

  it('reads the results only when they are selected, through fragments too', async () => {
    const query = `mutation Batch($input: RecordUsageBatchInput!) { recordUsageBatch(input: $input) { ...Parts } }
      fragment Parts on RecordUsageBatchPayload { ... on RecordUsageBatchPayload {
        all: results { index status record { idempotencyKey metric { code } late } } } }`;
    const records = [counter(), counter({ idempotencyKey: 'second' })];
    const logged = jest.spyOn(test.app.db.logger, 'logQuery');
    await test.gql(key, BATCH, { input: { records } });
    const reads = (): number => logged.mock.calls.filter(([sql]) => /FROM "usage_record"/.test(sql)).length;
    expect(reads()).toBe(0);
    const { data } = await test.gql(key, query, { input: { records } });
    expect(reads()).toBe(1);
    logged.mockRestore();
    expect(data.recordUsageBatch.all).toEqual(
      ['acme/calls/2026-03-10T09', 'second'].map((idempotencyKey, index) => ({
        index,
        status: 'DUPLICATE',
        record: { idempotencyKey, metric: { code: 'calls' }, late: false },
      })),
    );
  });

  it('refuses more than 1,000 records', async () => {
    const records = Array.from({ length: 1001 }, (_, index) => counter({ idempotencyKey: `k${index}` }));
    const { errors } = await test.gql(key, BATCH, { input: { records } });
    expect(errors).toEqual([
      {
        message: 'input.records has 1,001 items; at most 1,000 are taken.',
        extensions: {
          code: 'LIMIT_EXCEEDED',
          retryable: false,
          field: 'input.records',
          details: { value: 1001, maximum: 1000 },
        },
      },
    ]);
  });

  it('cuts a key that is none to the length of one', async () => {
    const { data } = await test.gql(key, BATCH, {
      input: { records: [counter({ idempotencyKey: 'k'.repeat(5000) })] },
    });
    expect(data.recordUsageBatch.rejections[0].idempotencyKey).toHaveLength(200);
  });
});

describe('voidUsage', () => {
  const input = { idempotencyKey: 'v', voids: counter().idempotencyKey, reason: 'sent twice' };

  it('answers with the record it took out', async () => {
    await test.gql(key, RECORD, { input: counter() });
    const { data } = await test.gql(key, VOID, { input });
    const record = { idempotencyKey: input.voids, voidedAt: '2026-03-10T12:00:00.000Z' };
    expect(data.voidUsage).toEqual({ status: 'RECORDED', record });
    expect((await test.gql(key, VOID, { input })).data.voidUsage).toEqual({ status: 'DUPLICATE', record });
  });

  it('refuses an unknown key, and a key without the scope', async () => {
    const unknown = await test.gql(key, VOID, { input });
    expect(unknown.errors?.[0]?.extensions).toEqual({ code: 'NOT_FOUND', field: 'voids', retryable: false });
    const unscoped = await test.gql(readKey, VOID, { input });
    expect(unscoped.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', details: { scope: 'usage:write' } });
  });
});

describe('what became of a record', () => {
  it('straddles where a period begins or ends inside its window, the last instant included', async () => {
    await seedPeriods(test.app.db, world.subscription.contractId, ['2026-02-01', '2026-03-01']);
    const straddles = async (windowStart: string, windowEnd: string): Promise<boolean> => {
      const input = counter({ idempotencyKey: windowStart + windowEnd, windowStart, windowEnd });
      return (await test.gql(key, RECORD, { input })).data.recordUsage.record.straddles as boolean;
    };
    expect(await straddles('2026-02-28T23:00:00Z', '2026-03-01T00:00:00Z')).toBe(false);
    expect(await straddles('2026-02-28T23:00:00Z', '2026-03-01T00:00:00.001Z')).toBe(true);
    expect(await straddles('2026-03-01T00:00:00Z', '2026-03-01T01:00:00Z')).toBe(false);
    expect(await straddles('2026-03-01T00:00:00Z', '2026-03-01T00:00:00Z')).toBe(false);
    expect(await straddles('2026-01-31T12:00:00Z', '2026-02-01T12:00:00Z')).toBe(true);
  });

  it('is told by its fields: late, unassigned', async () => {
    await seedPeriods(test.app.db, world.subscription.contractId, ['2026-02-01', '2026-03-01']);
    const late = counter({ windowStart: '2026-02-05T00:00:00Z', windowEnd: '2026-02-06T00:00:00Z' });
    expect((await test.gql(key, RECORD, { input: late })).data.recordUsage.record.late).toBe(true);
    await seedSubscription(test.app.db, { partner: world.partner, products: [world.product] });
    const open = await test.gql(key, RECORD, { input: counter({ idempotencyKey: 'open' }) });
    expect(open.data.recordUsage.record).toMatchObject({ contract: null, unassignedReason: 'SEVERAL_CONTRACTS' });
  });
});

describe('usageRecord and usageRecords', () => {
  const ONE = `query One($key: String!, $service: String) {
    usageRecord(idempotencyKey: $key, service: $service) { idempotencyKey quantity }
  }`;
  const LIST = `query List($filter: UsageRecordFilter, $orderBy: UsageRecordOrder, $first: Int, $after: String) {
    usageRecords(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      nodes { idempotencyKey } pageInfo { hasNextPage endCursor }
    }
  }`;
  const list = async (variables: Record<string, unknown> = {}): Promise<string[]> => {
    const { data } = await test.gql(readKey, LIST, variables);
    return data.usageRecords.nodes.map((node: { idempotencyKey: string }) => node.idempotencyKey) as string[];
  };

  it('finds a record by its key, in the own service only', async () => {
    await test.gql(key, RECORD, { input: counter() });
    const found = await test.gql(readKey, ONE, { key: counter().idempotencyKey });
    expect(found.data.usageRecord).toEqual({ idempotencyKey: counter().idempotencyKey, quantity: '10' });
    expect((await test.gql(readKey, ONE, { key: 'nothing' })).data).toEqual({ usageRecord: null });
    const other = await seedUsageWorld(test.app.db);
    const foreign = await test.gql(readKey, ONE, { key: 'nothing', service: other.service.code });
    expect(foreign.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    const everything = await test.gql(test.adminKey, ONE, {
      key: counter().idempotencyKey,
      service: world.service.code,
    });
    expect(everything.data.usageRecord.quantity).toBe('10');
  });

  it('lists by filter and order, page by page, without what others have', async () => {
    const other = await seedUsageWorld(test.app.db);
    const hours = ['07', '08', '09'];
    for (const hour of hours) {
      const window = { windowStart: `2026-03-10T${hour}:00:00Z`, windowEnd: `2026-03-10T${hour}:00:00.001Z` };
      await test.gql(key, RECORD, { input: counter({ idempotencyKey: hour, ...window }) });
      const theirs = counter({ idempotencyKey: `their ${hour}`, service: other.service.code, ...window });
      await test.gql(test.adminKey, RECORD, { input: theirs });
    }
    expect(await list()).toEqual(['09', '08', '07']);
    expect(await list({ orderBy: 'COUNTED_AT_ASC' })).toEqual(hours);
    expect(await list({ orderBy: 'COUNTED_AT_DESC' })).toEqual(['09', '08', '07']);
    const range = { countedFrom: '2026-03-10T08:00:00Z', countedTo: '2026-03-10T09:00:00Z' };
    expect(await list({ filter: range })).toEqual(['08']);
    expect(await list({ filter: { account: 'acme', metrics: ['calls', 'other'] } })).toHaveLength(3);
    expect(await list({ filter: { account: 'nobody' } })).toEqual([]);
    expect(await list({ filter: { metrics: [] } })).toEqual([]);
    expect(await list({ filter: { contractId: world.subscription.contractId } })).toHaveLength(3);
    expect(await list({ filter: { contractId: other.subscription.contractId } })).toEqual([]);
    expect(await list({ filter: { late: true } })).toEqual([]);
    expect(await list({ filter: { service: world.service.code, late: false, unassigned: false } })).toHaveLength(3);
    const first = await test.gql(readKey, LIST, { first: 2, orderBy: 'COUNTED_AT_ASC' });
    const { hasNextPage, endCursor } = first.data.usageRecords.pageInfo as { hasNextPage: boolean; endCursor: string };
    expect(hasNextPage).toBe(true);
    expect(await list({ first: 2, orderBy: 'COUNTED_AT_ASC', after: endCursor })).toEqual(['09']);
  });

  it('shows a voided record, and never the void', async () => {
    await test.gql(key, RECORD, { input: counter() });
    await test.gql(key, VOID, { input: { idempotencyKey: 'v', voids: counter().idempotencyKey, reason: 'a test' } });
    expect(await list()).toEqual([counter().idempotencyKey]);
    expect((await test.gql(readKey, ONE, { key: 'v' })).data).toEqual({ usageRecord: null });
  });

  it('reads a page of 50 with a bounded number of queries', async () => {
    const partner = await seedPartner(test.app.db);
    await seedLink(test.app.db, { serviceId: world.service.id, account: 'second', partner });
    const records = Array.from({ length: 50 }, (_, index) =>
      counter({ idempotencyKey: `k${index}`, account: index % 2 === 0 ? 'acme' : 'second' }),
    );
    await test.gql(key, BATCH, { input: { records } });
    const logged = jest.spyOn(test.app.db.logger, 'logQuery');
    const query = `{ usageRecords { nodes {
      accountLink { account } metric { code } contract { id } late straddles voidedAt unassignedReason } } }`;
    const { data } = await test.gql(readKey, query);
    const statements = logged.mock.calls.map(([sql]) => sql);
    logged.mockRestore();
    expect(data.usageRecords.nodes).toHaveLength(50);
    // the key and its last use, the page, the states, the links, the metrics, the contracts
    expect(statements.length).toBeLessThanOrEqual(8);
  });

  it('needs the scope usage:read', async () => {
    const { secret } = await createApiKey(test.ctx(), {
      service: world.service.code,
      name: 'writer',
      scopes: ['usage:write'],
    });
    const queries = ['{ usageRecords { nodes { id } } }', '{ usageRecord(idempotencyKey: "k") { id } }'];
    for (const query of queries) {
      const { errors } = await test.gql(secret, query);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', details: { scope: 'usage:read' } });
    }
  });

  it.each([
    ['first', { first: 201 }],
    ['after', { after: 'nowhere' }],
    ['countedFrom', { filter: { countedFrom: 'today' } }],
    ['contractId', { filter: { contractId: 'nowhere' } }],
  ])('refuses a wrong %s', async (field, variables) => {
    const { errors } = await test.gql(readKey, LIST, variables);
    expect(errors?.[0]?.extensions).toMatchObject({ field });
  });
});

describe('reassignUsage', () => {
  const MOVE = `mutation ($input: ReassignUsageInput!) { reassignUsage(input: $input) {
    recordedCount duplicateCount rejectedCount results { index idempotencyKey status record { contract { id } } problem { code field } } } }`;

  async function moverKey(): Promise<string> {
    const mover = { service: world.service.code, name: 'a mover' };
    const scopes = ['billing:run' as const, 'usage:read' as const, 'billing:read' as const];
    return (await createApiKey(test.ctx(), { ...mover, scopes })).secret;
  }

  it('counts records for another contract, and answers for each', async () => {
    await test.gql(key, BATCH, { input: { records: [counter()] } });
    const { contractId } = await seedSubscription(test.app.db, { partner: world.partner, products: [world.product] });
    const records = [{ idempotencyKey: counter().idempotencyKey }, { idempotencyKey: 'nothing' }];
    const { data } = await test.gql(await moverKey(), MOVE, { input: { records, contractId, reason: 'a test' } });
    const [moved, unknown] = records.map(({ idempotencyKey }, index) => ({ index, idempotencyKey }));
    expect(data.reassignUsage).toEqual({
      recordedCount: 1,
      duplicateCount: 0,
      rejectedCount: 1,
      results: [
        { ...moved, status: 'RECORDED', record: { contract: { id: contractId } }, problem: null },
        { ...unknown, status: 'REJECTED', record: null, problem: { code: 'NOT_FOUND', field: 'idempotencyKey' } },
      ],
    });
  });

  it("answers for another service's record as for none, and changes nothing", async () => {
    const theirs = await seedUsageWorld(test.app.db);
    const owner = await createApiKey(test.ctx(), {
      service: theirs.service.code,
      name: 'theirs',
      scopes: ['usage:write'],
    });
    await test.gql(owner.secret, BATCH, { input: { records: [counter({ idempotencyKey: 'theirs!' })] } });
    const mover = await moverKey();
    const answer = async (idempotencyKey: string): Promise<string> => {
      const input = { records: [{ idempotencyKey }], contractId: world.subscription.contractId, reason: 'a test' };
      return (await test.gql(mover, MOVE, { input })).body.replaceAll(idempotencyKey, '');
    };
    expect(await answer('theirs!')).toBe(await answer('nothing'));
    expect(
      await test.app.db.query('select 1 from usage_assignment where contract_id = $1', [world.subscription.contractId]),
    ).toEqual([]);
  });

  it('needs billing:run', async () => {
    const input = { records: [{ idempotencyKey: 'x' }], contractId: world.subscription.contractId, reason: 'a test' };
    const { errors } = await test.gql(key, MOVE, { input });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', details: { scope: 'billing:run' } });
  });
});

describe('usageSummary', () => {
  const SUMMARY = `query Summary($filter: UsageSummaryFilter!, $groupBy: [UsageGroup!]) {
    usageSummary(filter: $filter, groupBy: $groupBy) {
      asOf rows { metric { code } aggregation accountLink { account } contract { id } start end quantity recordCount }
    }
  }`;
  const filter = { from: '2026-03-10T00:00:00Z', to: '2026-03-11T00:00:00Z' };

  it('totals by day unless told otherwise', async () => {
    await test.gql(key, BATCH, { input: { records: [counter(), counter({ idempotencyKey: 'b', quantity: '0.5' })] } });
    const byDay = await test.gql(
      readKey,
      `query Day($filter: UsageSummaryFilter!) { usageSummary(filter: $filter) { rows { start end quantity recordCount accountLink { id } } } }`,
      { filter },
    );
    expect(byDay.data.usageSummary.rows).toEqual([
      {
        start: '2026-03-10T00:00:00.000Z',
        end: '2026-03-11T00:00:00.000Z',
        quantity: '10.5',
        recordCount: 2,
        accountLink: null,
      },
    ]);
    const { data } = await test.gql(readKey, SUMMARY, { filter, groupBy: ['ACCOUNT', 'CONTRACT', 'HOUR'] });
    expect(data.usageSummary).toEqual({
      asOf: '2026-03-10T12:00:00.000Z',
      rows: [
        {
          metric: { code: 'calls' },
          aggregation: 'SUM',
          accountLink: { account: 'acme' },
          contract: { id: world.subscription.contractId },
          start: '2026-03-10T09:00:00.000Z',
          end: '2026-03-10T10:00:00.000Z',
          quantity: '10.5',
          recordCount: 2,
        },
      ],
    });
  });

  it('refuses what is off the full hour, another service, and a key without the scope', async () => {
    const off = await test.gql(readKey, SUMMARY, { filter: { ...filter, from: '2026-03-10T00:00:00.001Z' } });
    expect(off.errors?.[0]?.extensions).toMatchObject({ code: 'VALIDATION_FAILED', field: 'from' });
    const foreign = await test.gql(readKey, SUMMARY, { filter: { ...filter, service: 'nobodys' } });
    expect(foreign.errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND', field: 'service' });
    const { secret } = await createApiKey(test.ctx(), { name: 'writer', scopes: ['usage:write'] });
    const unscoped = await test.gql(secret, SUMMARY, { filter });
    expect(unscoped.errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', details: { scope: 'usage:read' } });
  });
});
