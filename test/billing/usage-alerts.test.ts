/** Alerts, from the counters to the events: each threshold once a period, whatever comes between, and however late it commits. */
import type { QueryRunner } from 'typeorm';
import { checkAlerts } from '../../src/services/usage-alert-checks';
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };

const CREATE = `mutation ($i: CreateUsageAlertInput!) { createUsageAlert(input: $i) { usageAlert { id name kind thresholds
  archivedAt contract { id } metric { code } service { code } } } }`;

interface EventView {
  threshold: string;
  value: string;
  currency: string | null;
  crossedAt: string;
  period: { startOn: string };
  alert: { name: string };
}

async function begin(): Promise<void> {
  story = await Story.open(MARCH);
  await story.begin();
}

/** An alert on the calls of the story's only account; gives its id. */
async function alert(input: Record<string, unknown> = {}): Promise<string> {
  const given = { service: 'cloud', account: 'acme', metric: 'calls', kind: 'UNITS', name: 'calls', ...input };
  const data = await story.run(CREATE, { thresholds: ['100', '200', '500'], ...given });
  return data.createUsageAlert.usageAlert.id as string;
}

/** What the crontab does every minute for alerts. */
async function check(): Promise<void> {
  await story.test.runJobs('check-alerts');
}

/** Events, the oldest first. */
async function events(): Promise<EventView[]> {
  const data = await story.run(`{ usageAlertEvents(orderBy: CROSSED_AT_ASC) { nodes {
    threshold value currency crossedAt period { startOn } alert { name } } } }`);
  return data.usageAlertEvents.nodes as EventView[];
}

async function reached(): Promise<string[]> {
  return (await events()).map(({ threshold, value, period }) => `${period.startOn}: ${threshold} at ${value}`);
}

/** Adds a record like that of `key` in a transaction of its own. The rollup knows nothing of it: see `balanceRollup`. */
async function addBesides(runner: QueryRunner, key: string, quantity: number): Promise<void> {
  await runner.query(
    `insert into usage_record (service_id, account_link_id, contract_id, metric_id, window_start, window_end, counted_at, quantity,
        actor, late, idempotency_key, content_hash, received_at)
     select service_id, account_link_id, contract_id, metric_id, window_start, window_end, counted_at, $2, actor, late,
            'late', content_hash, received_at
       from usage_record where idempotency_key = $1`,
    [key, quantity],
  );
}

async function balanceRollup(quantity: number): Promise<void> {
  await story.test.app.db.query(
    'update usage_rollup set quantity = quantity + $1, records = records + 1 where ctid = (select min(ctid) from usage_rollup)',
    [quantity],
  );
}

it('an event for each threshold, once, also for those that one record jumps over', async () => {
  await begin();
  await alert();
  await story.usedBy('2026-03-10T10:00:00Z', 99);
  await check();
  expect(await reached()).toEqual([]);
  await story.usedBy('2026-03-10T10:01:00Z', 1);
  await check();
  await check();
  expect(await reached()).toEqual(['2026-03-01: 100 at 100']);
  await story.usedBy('2026-03-10T10:02:00Z', 450);
  await check();
  await check();
  expect(await reached()).toEqual(['2026-03-01: 100 at 100', '2026-03-01: 200 at 550', '2026-03-01: 500 at 550']);
  expect((await events()).map(({ crossedAt }) => crossedAt)).toEqual([
    '2026-03-10T10:01:00.000Z',
    '2026-03-10T10:02:00.000Z',
    '2026-03-10T10:02:00.000Z',
  ]);
});

it('a fall below and a second rise fire nothing more; a threshold added later fires for what is there', async () => {
  await begin();
  const id = await alert({ thresholds: ['100'] });
  const key = await story.usedBy('2026-03-10T10:00:00Z', 150);
  await check();
  await story.void(key);
  await check();
  await story.usedBy('2026-03-10T11:00:00Z', 130);
  await check();
  expect(await reached()).toEqual(['2026-03-01: 100 at 150']);
  await story.run(
    'mutation ($i: UpdateUsageAlertInput!) { updateUsageAlert(input: $i) { usageAlert { thresholds } } }',
    { id, thresholds: ['100.0', '120', '140'] },
  );
  await check();
  expect(await reached()).toEqual(['2026-03-01: 100 at 150', '2026-03-01: 120 at 130']);
});

it('what comes in the last minute fires at the close; the new period starts afresh, and late usage fires nothing', async () => {
  await begin();
  await alert({ thresholds: ['100'] });
  await story.test.clock.set(new Date('2026-04-01T01:59:00Z'));
  await story.use(120, '2026-03-31T23:59:59Z');
  await story.at('2026-04-01T02:00:00Z');
  expect(await reached()).toEqual(['2026-03-01: 100 at 120']);
  await story.usedBy('2026-04-02T10:00:00Z', 60);
  await story.use(500, '2026-03-20T10:00:00Z');
  await check();
  expect(await reached()).toHaveLength(1);
  await story.usedBy('2026-04-02T11:00:00Z', 40);
  await check();
  expect(await reached()).toEqual(['2026-03-01: 100 at 120', '2026-04-01: 100 at 100']);
});

it('an alert on money sees what currentUsage shows; a price that comes later is seen within the hour', async () => {
  story = await Story.open({
    ...MARCH,
    lines: [
      { code: 'BASE', price: 1 },
      { code: 'CALLS', price: 1 },
    ],
  });
  await story.minute();
  await story.service('cloud', 'LIVE');
  await story.metric('cloud', 'calls');
  await story.link('cloud', 'acme');
  await story.minute();
  const contractId = await story.contractId();
  await alert({ account: null, contractId, kind: 'AMOUNT', thresholds: ['2.50', '100'], name: 'money' });
  await story.charge({ metric: 'calls', productOdooId: story.product(1), mode: 'AMOUNT', unitPrice: '0.01' });
  await story.usedBy('2026-03-10T10:00:00Z', 249);
  await check();
  expect(await events()).toEqual([]);
  // No usage, another price: nothing in the ledger tells of it.
  await story.test.app.db.query(`update charge set price = '{"standard": {"unitPrice": "0.02"}}'`);
  await story.test.clock.set(new Date('2026-03-10T10:59:00Z'));
  await check();
  expect(await events()).toEqual([]);
  await story.test.clock.set(new Date('2026-03-10T11:00:00Z'));
  await check();
  expect(await events()).toMatchObject([
    { threshold: '2.5', value: '4.98', currency: 'USD', alert: { name: 'money' } },
  ]);
});

it('usage that finds its contract later is seen when it does', async () => {
  story = await Story.open(MARCH);
  await story.minute();
  await story.service('cloud', 'LIVE');
  await story.metric('cloud', 'calls');
  await story.link('cloud', 'acme');
  await story.minute();
  await alert({ account: null, contractId: await story.contractId(), thresholds: ['10'] });
  await story.usedBy('2026-03-10T10:00:00Z', 12);
  await check();
  expect(await events()).toEqual([]);
  await story.charge({ metric: 'calls', productOdooId: story.product(1) });
  await story.test.runJobs('assign-usage');
  await check();
  expect(await reached()).toEqual(['2026-03-01: 10 at 12']);
});

it('a record that is committed late is not missed, although others with larger ids were read before', async () => {
  await begin();
  await alert({ thresholds: ['10', '20'] });
  await check();
  const late = story.test.app.db.createQueryRunner();
  await late.startTransaction();
  try {
    const key = await story.usedBy('2026-03-10T10:00:00Z', 8);
    // The same again, in a transaction that began to write before the next record and ends after it was read.
    await addBesides(late, key, 9);
    await story.usedBy('2026-03-10T10:01:00Z', 4);
    await check();
    expect(await reached()).toEqual(['2026-03-01: 10 at 12']);
    await check();
    await late.commitTransaction();
  } finally {
    await late.release();
  }
  await check();
  expect(await reached()).toEqual(['2026-03-01: 10 at 12', '2026-03-01: 20 at 21']);
  await balanceRollup(9);
});

it('usage that is committed while its contract is being checked makes it due again', async () => {
  await begin();
  await alert({ thresholds: ['10'] });
  const key = await story.usedBy('2026-03-10T10:00:00Z', 4);
  const [late, checking] = [story.test.app.db.createQueryRunner(), story.test.app.db.createQueryRunner()];
  try {
    await late.startTransaction();
    await addBesides(late, key, 8);
    // A check has taken the alert up, and has rated the period without the usage that is committed next.
    await checking.startTransaction();
    await checking.query(`update usage_alert set due_at = '2026-03-10T11:00:00Z'`);
    await late.commitTransaction();
    // Another run reads of it, and dies before it looks for what is due.
    const sent = jest.spyOn(story.test.app.db.logger, 'logQuery').mockImplementation((query) => {
      if (query.includes('order by min(due_at)')) throw new Error('killed');
    });
    const other = checkAlerts(story.test.ctx()).catch((error: unknown) => String(error));
    await checking.query('select pg_sleep(0.3)');
    await checking.commitTransaction();
    expect(await other).toBe('Error: killed');
    sent.mockRestore();
    expect(await checkAlerts(story.test.ctx())).toEqual({ contracts: 1, events: 1 });
  } finally {
    await late.release();
    await checking.release();
  }
  await balanceRollup(8);
});

it('reads a long stretch of the ledger in parts, all in one run', async () => {
  await begin();
  await alert({ thresholds: ['10'] });
  await check();
  const key = await story.usedBy('2026-03-10T10:00:00Z', 4);
  await check();
  // Twice 30,000 rows without a contract, and behind them what reaches the threshold.
  for (const part of [1, 2]) {
    await story.test.app.db.query(
      `insert into usage_record (service_id, account_link_id, unassigned_reason, metric_id, window_start, window_end, counted_at, quantity,
          actor, late, idempotency_key, content_hash, received_at)
       select service_id, account_link_id, 'NO_CONTRACT', metric_id, window_start, window_end, counted_at, 0, actor, late,
              $2 || '/' || n, content_hash, received_at
         from usage_record, generate_series(1, 30000) n where idempotency_key = $1`,
      [key, part],
    );
  }
  await story.test.app.db.query(
    `insert into usage_rollup (account_link_id, contract_id, metric_id, hour, quantity, records)
     select account_link_id, null, metric_id, hour, 0, 60000 from usage_rollup`,
  );
  await story.usedBy('2026-03-10T10:01:00Z', 6);
  await check();
  expect(await reached()).toEqual(['2026-03-01: 10 at 10']);
});

it('a run that dies at any of its statements is run again, with the same events', async () => {
  await begin();
  await alert({ thresholds: ['5'], name: 'one' });
  await alert({ thresholds: ['6', '7'], name: 'two' });
  await story.usedBy('2026-03-10T10:00:00Z', 8);
  const { logger } = story.test.app.db;
  let deaths = 0;
  for (let isDone = false; !isDone;) {
    let statements = 0;
    const sent = jest.spyOn(logger, 'logQuery').mockImplementation(() => {
      statements += 1;
      if (statements === deaths + 1) throw new Error('killed');
    });
    const run = checkAlerts(story.test.ctx());
    isDone = await run.then(
      () => true,
      () => false,
    );
    sent.mockRestore();
    if (!isDone) deaths += 1;
  }
  // The reading of the ledger and its mark, the contract's alerts, its state, its rating, its events; and every commit.
  expect(deaths).toBeGreaterThan(15);
  expect((await events()).map((event) => `${event.alert.name} ${event.threshold}`).sort()).toEqual([
    'one 5',
    'two 6',
    'two 7',
  ]);
  expect(await checkAlerts(story.test.ctx())).toEqual({ contracts: 0, events: 0 });
});

it('a contract that cannot be rated is passed over, told of, and stays due', async () => {
  await begin();
  await alert({ thresholds: ['5'] });
  await story.usedBy('2026-03-10T10:00:00Z', 8);
  const breakCharges = (price: string): Promise<unknown> =>
    story.test.app.db.query(`update charge set mode = 'AMOUNT', currency = 'USD', price = $1`, [price]);
  await breakCharges('{"standard": {"unitPrice": "-1"}}');
  await expect(checkAlerts(story.test.ctx())).rejects.toThrow('price.standard.unitPrice');
  expect(await events()).toEqual([]);
  await breakCharges('{"standard": {"unitPrice": "1"}}');
  expect(await checkAlerts(story.test.ctx())).toEqual({ contracts: 1, events: 1 });
});

it('what was reached is counted on the metrics page, by the check and by the close', async () => {
  await begin();
  await alert({ thresholds: ['10', '20', '40'] });
  await story.usedBy('2026-03-10T10:00:00Z', 25);
  await check();
  await story.usedBy('2026-03-31T23:00:00Z', 25);
  await story.at('2026-04-01T02:00:00Z');
  const page = await story.test.server.inject({
    url: '/metrics',
    headers: { authorization: `Bearer ${story.test.adminKey}` },
  });
  expect(page.body).toContain('fusion_billing_usage_alert_events_total{service="cloud",kind="units"} 3');
  expect(page.body).toContain('fusion_billing_usage_alert_events_total{service="cloud",kind="amount"} 0');
});

it('two checks at once write each event once', async () => {
  await begin();
  await alert({ thresholds: ['1', '2', '3'] });
  await story.usedBy('2026-03-10T10:00:00Z', 3);
  const checks = await Promise.all([1, 2, 3, 4].map(() => checkAlerts(story.test.ctx())));
  expect(checks.reduce((total, { events: count }) => total + count, 0)).toBe(3);
  expect(await reached()).toHaveLength(3);
});

describe('through the API', () => {
  const ARCHIVE =
    'mutation ($i: ArchiveUsageAlertInput!) { archiveUsageAlert(input: $i) { usageAlert { archivedAt } } }';

  it('an alert is made, listed, found by its account, archived, and then fires nothing', async () => {
    await begin();
    const made = await story.run(CREATE, {
      service: 'cloud',
      account: 'acme',
      metric: 'calls',
      kind: 'UNITS',
      thresholds: ['10', '20.50'],
      name: 'First',
    });
    const { id, ...shown } = made.createUsageAlert.usageAlert as { id: string };
    expect(shown).toEqual({
      name: 'First',
      kind: 'UNITS',
      thresholds: ['10', '20.5'],
      archivedAt: null,
      contract: { id: await story.contractId() },
      metric: { code: 'calls' },
      service: { code: 'cloud' },
    });
    const list = (filter: object): Promise<Record<string, unknown>> =>
      story.run('query ($i: UsageAlertFilter) { usageAlerts(filter: $i) { nodes { id } } }', filter);
    expect(await list({ account: 'acme', metric: 'calls', archived: false })).toEqual({
      usageAlerts: { nodes: [{ id }] },
    });
    expect(await list({ metric: 'other' })).toEqual({ usageAlerts: { nodes: [] } });
    const archived = await story.run(ARCHIVE, { id });
    expect(await story.run(ARCHIVE, { id })).toEqual(archived);
    expect(await list({ archived: false })).toEqual({ usageAlerts: { nodes: [] } });
    await story.usedBy('2026-03-10T10:00:00Z', 30);
    await check();
    expect(await events()).toEqual([]);
  });

  it('refusals name their field', async () => {
    await begin();
    const good = { service: 'cloud', account: 'acme', metric: 'calls', kind: 'UNITS', thresholds: ['10'], name: 'A' };
    const refusal = async (query: string, i: Record<string, unknown>): Promise<unknown> => {
      const [error] = (await story.test.gql(story.test.adminKey, query, { i })).errors ?? [];
      return [error?.extensions.code, error?.extensions.field, error?.message];
    };
    const create = (change: object): Promise<unknown> => refusal(CREATE, { ...good, ...change });
    expect(await create({ thresholds: [] })).toEqual([
      'VALIDATION_FAILED',
      'thresholds',
      'thresholds must be 1 to 20 values, not 0.',
    ]);
    expect(await create({ thresholds: ['2', '1'] })).toEqual([
      'VALIDATION_FAILED',
      'thresholds.1',
      'thresholds.1 must be above 2, not 1: thresholds rise from above 0.',
    ]);
    expect(await create({ name: '' })).toMatchObject(['VALIDATION_FAILED', 'name', expect.any(String)]);
    expect(await create({ metric: 'mails' })).toEqual(['NOT_FOUND', 'metric', 'No such metric.']);
    expect(await create({ account: 'nobody' })).toEqual(['NOT_FOUND', 'account', 'No such open period.']);
    expect(await create({ account: null })).toMatchObject(['VALIDATION_FAILED', 'contractId', expect.any(String)]);
    const id = await alert();
    const update = 'mutation ($i: UpdateUsageAlertInput!) { updateUsageAlert(input: $i) { usageAlert { id } } }';
    expect(await refusal(update, { id, thresholds: null })).toEqual([
      'VALIDATION_FAILED',
      'thresholds',
      'thresholds cannot be cleared: leave it out, or send a value.',
    ]);
    expect(await refusal(update, { id: 'x', name: 'B' })).toEqual(['NOT_FOUND', 'id', 'No such alert.']);
    await story.run(ARCHIVE, { id });
    expect(await refusal(update, { id, name: 'B' })).toEqual([
      'CONFLICT',
      'id',
      'The alert "calls" is archived since 2026-03-01T08:00:00.000Z.',
    ]);
    await story.test.app.db.query(
      `insert into usage_alert (service_id, contract_id, metric_id, name, kind, thresholds, due_at, created_at)
       select service_id, contract_id, metric_id, name, kind, thresholds, due_at, created_at
         from usage_alert, generate_series(1, 100)`,
    );
    expect(await create({})).toEqual([
      'CONFLICT',
      'contractId',
      'The contract has 100 alerts in use, which is the most: archive one first.',
    ]);
  });
});
