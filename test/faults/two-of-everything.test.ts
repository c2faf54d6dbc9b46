/** Two API and two worker processes on one database and one Odoo: they agree, and end as one process does, whoever is killed. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startTestApp, type GraphqlAnswer } from '../support/app';
import { createEmptyDatabase, expectNoLeaks } from '../support/db';
import { startFleet, type Fleet } from '../support/fleet';
import { outcomeOf, post } from '../support/graphql-http';
import { launchMember, type Member } from '../support/members';
import { makeKey } from '../support/seed';
import { Story } from '../support/story';
import { nthCounter } from '../support/usage-load';

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const RECORDS = 2_000;
const BATCH = 250;
const LIMIT_MS = 120_000;
const BATCH_MUTATION = `mutation ($input: RecordUsageBatchInput!) {
  recordUsageBatch(input: $input) { recordedCount duplicateCount rejectedCount } }`;

/** A month with a correction, and one with late usage: whatever installation it is told to, it ends the same. */
async function tell(
  story: Story,
  secondClose = (): Promise<void> => story.at('2026-05-01T02:00:00Z'),
): Promise<unknown> {
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(100, '2026-03-10T09:00:00Z');
  const mistaken = await story.use('9.5', '2026-03-11T09:00:00Z');
  await story.use('50.5', '2026-03-20T09:00:00Z');
  await story.void(mistaken);
  await story.at('2026-04-01T02:00:00Z');
  await story.use(7, '2026-03-31T23:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  await story.test.clock.set(new Date('2026-04-20T10:00:00Z'));
  await story.use(40, '2026-04-20T09:00:00Z');
  await secondClose();
  await story.at('2026-05-01T12:01:00Z');
  const periods = await story.periods();
  const writeBacks = await story.writeBacks();
  return {
    invoiced: await story.invoiced(),
    slot: await story.slot(),
    writes: await story.writes(),
    balance: await story.balance(),
    periods: periods.map((period) => ({ ...period, id: 'any' })),
    // An attempt more is what the second worker saw when it read back; `writes` shows that it wrote nothing.
    writeBacks: writeBacks.map((writeBack) => ({ ...writeBack, id: 'any', attempts: 'any' })),
    next: await story.nextInvoiceOn(),
  };
}

it(
  'four processes started at once on an empty database bring it to the newest schema together',
  async () => {
    const database = await createEmptyDatabase();
    const odoo = { url: 'http://127.0.0.1:9', database: 'none', apiKey: 'none' };
    const order = { databaseUrl: database.url, odoo, now: new Date(MARCH.now) };
    const roles = ['api', 'api', 'worker', 'worker'] as const;
    const members = await Promise.all(roles.map((role) => launchMember({ ...order, role })));
    const ready = await Promise.all(members.slice(0, 2).map(({ url }) => fetch(`${url}/readyz`)));
    expect(ready.map(({ status }) => status)).toEqual([200, 200]);
    expect(await Promise.all(members.map((member) => member.stop()))).toEqual([0, 0, 0, 0]);
    await expectNoLeaks(database.url);
    await database.drop();
  },
  LIMIT_MS,
);

describe('an installation of four processes', () => {
  let story: Story;
  let fleet: Fleet;
  let first: Member;
  let second: Member;

  beforeAll(async () => {
    story = await Story.open(MARCH, async (options) => (fleet = await startFleet(options)));
    const [one, other] = fleet.apis;
    if (one === undefined || other === undefined) throw new Error('There are two.');
    [first, second] = [one, other];
    await story.begin();
    await story.service('edge', 'SHADOW');
    await story.metric('edge', 'calls');
    await story.link('edge', 'acme');
  }, LIMIT_MS);
  afterAll(async () => {
    await story?.close();
  }, LIMIT_MS);

  const ask = (api: Member, query: string, input?: unknown, key = fleet.adminKey): Promise<GraphqlAnswer> =>
    post(api.url, { key, query, variables: { input } });

  const sendBatch = async (api: Member, numbers: number[]): Promise<GraphqlAnswer> => {
    const from = { service: 'edge', now: fleet.clock.now() };
    return ask(api, BATCH_MUTATION, { records: numbers.map((n) => nthCounter(n, from)) });
  };

  const batches = (from: number): number[][] =>
    Array.from({ length: RECORDS / BATCH }, (_, batch) =>
      Array.from({ length: BATCH }, (_, index) => from + batch * BATCH + index),
    );

  async function counted(): Promise<unknown> {
    const { rows } = await fleet.owner.query(
      `select count(*)::int as records, sum(quantity)::text as units,
              (select sum(quantity)::text from usage_rollup join metric on metric.id = metric_id
                 join service s on s.id = metric.service_id where s.code = 'edge') as rollup
         from usage_record join service on service.id = service_id where service.code = 'edge'`,
    );
    return rows[0];
  }

  async function expectNoDeadlocks(): Promise<void> {
    const { rows } = await fleet.owner.query(
      'select deadlocks::int from pg_stat_database where datname = current_database()',
    );
    expect(rows).toEqual([{ deadlocks: 0 }]);
    for (const { output } of [...fleet.apis, ...fleet.workers])
      expect(output()).not.toContain('transaction runs again');
  }

  it('counts 2,000 records once that both are sent at once, in opposite order', async () => {
    const forwards = batches(1);
    const backwards = batches(1)
      .map((numbers) => numbers.reverse())
      .reverse();
    const answers = await Promise.all([
      ...forwards.map((numbers) => sendBatch(first, numbers)),
      ...backwards.map((numbers) => sendBatch(second, numbers)),
    ]);
    const sum = (count: string): number =>
      answers.reduce((total, { data }) => total + (data.recordUsageBatch[count] as number), 0);
    expect([sum('recordedCount'), sum('duplicateCount'), sum('rejectedCount')]).toEqual([RECORDS, RECORDS, 0]);
    expect(await counted()).toEqual({ records: RECORDS, units: '2001000', rollup: '2001000' });
    await expectNoDeadlocks();
  }, 60_000);

  it('knows in the next request what another process changed: metrics, links, keys', async () => {
    const record = (metric: string, account = 'acme'): unknown => ({
      ...nthCounter(1, { service: 'edge', now: fleet.clock.now() }),
      ...{ metric, account, idempotencyKey: `${account}/${metric}` },
    });
    const send = async (api: Member, input: unknown): Promise<string> =>
      outcomeOf(
        await ask(api, 'mutation ($input: RecordUsageInput!) { recordUsage(input: $input) { status } }', input),
      );
    expect(await send(second, record('bytes'))).toBe('NOT_FOUND, final');
    const metric = { service: 'edge', code: 'bytes', name: 'bytes', unit: 'B', aggregation: 'SUM' };
    await ask(first, 'mutation ($input: CreateMetricInput!) { createMetric(input: $input) { metric { id } } }', metric);
    expect(await send(second, record('bytes'))).toBe('OK');
    expect(await send(first, record('calls', 'globex'))).toBe('NOT_FOUND, final');
    const link = {
      service: 'edge',
      account: 'globex',
      partnerOdooId: story.order.partnerId,
      validFrom: '2026-01-01T00:00:00Z',
    };
    await ask(
      second,
      'mutation ($input: CreateAccountLinkInput!) { createAccountLink(input: $input) { accountLink { id } } }',
      link,
    );
    expect(await send(first, record('calls', 'globex'))).toBe('OK');
    const key = await makeKey(fleet, 'edge');
    const seenBy = async (api: Member): Promise<number> =>
      (await ask(api, '{ viewer { name } }', null, key.secret)).status;
    expect([await seenBy(first), await seenBy(second)]).toEqual([200, 200]);
    await ask(first, 'mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id } } }', {
      id: key.id,
    });
    expect([await seenBy(first), await seenBy(second)]).toEqual([401, 401]);
  });

  it('loses and doubles nothing when an API is killed in the middle, and all is sent again to the other', async () => {
    const before = (await counted()) as { records: number };
    const interrupted = Promise.allSettled(
      batches(RECORDS + 1).map(async (numbers, place) => {
        const answer = await sendBatch(first, numbers);
        if (place === 1) await fleet.kill(first);
        return answer;
      }),
    );
    expect((await interrupted).some(({ status }) => status === 'rejected')).toBe(true);
    const answers = await Promise.all(batches(RECORDS + 1).map((numbers) => sendBatch(second, numbers)));
    expect(answers.map(outcomeOf)).toEqual(answers.map(() => 'OK'));
    expect(await counted()).toMatchObject({ records: before.records + RECORDS });
    await expectNoDeadlocks();
  }, 60_000);

  it(
    'ends two months as one process does, when the worker is killed that has just written to Odoo',
    async () => {
      const single = await Story.open(MARCH, startTestApp);
      const expected = await (async () => {
        await single.begin();
        return tell(single);
      })().finally(() => single.close());
      expect(expected).toMatchObject({
        invoiced: [150.5, 47],
        slot: 0,
        writes: [150.5, 47],
        balance: { truth: '197.5', billed: '197.5', due: '0' },
      });
      const { control } = fleet.sandbox;
      const closeAndKill = async (): Promise<void> => {
        await control.addFault({ fault: 'timeout-commits', match: { method: 'web_save' }, times: 1, delayMs: 600_000 });
        const closing = story.at('2026-05-01T02:00:00Z');
        while (!(await story.writes()).includes(47)) await sleep(50);
        await fleet.kill(await fleet.writer());
        await control.clearFaults();
        await closing;
      };
      expect(await tell(story, closeAndKill)).toEqual(expected);
      await expectNoDeadlocks();
    },
    LIMIT_MS,
  );
});
