/** Every kind of metric from the counters to the invoice: levels and meters that reach over months, and what late usage does. */
import { identities } from '../../src/services/identities';
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

interface Metered {
  metric: string;
  rules: Record<string, unknown>;
  unitPrice: string;
}

/** A running order with one line of price 1 for each metric, from 1 March on: 31 days, then 30, then 31. */
async function open(metrics: Metered[]): Promise<void> {
  story = await Story.open({
    now: '2026-03-01T08:00:00Z',
    startOn: '2026-03-01',
    nextInvoiceOn: '2026-04-01',
    lines: metrics.map(({ metric }) => ({ code: metric.toUpperCase(), name: metric, price: 1 })),
  });
  await story.minute();
  await story.service('cloud', 'LIVE');
  for (const [index, { metric, rules, unitPrice }] of metrics.entries()) {
    const made = { service: 'cloud', code: metric, name: metric, unit: metric, ...rules };
    await story.run('mutation ($i: CreateMetricInput!) { createMetric(input: $i) { metric { id } } }', made);
    const price = { standard: { unitPrice } };
    await story.run('mutation ($i: CreateChargeInput!) { createCharge(input: $i) { charge { id } } }', {
      ...{ service: 'cloud', metric, productOdooId: story.product(index), mode: 'AMOUNT', currency: 'USD', price },
    });
  }
  await story.link('cloud', 'acme');
  await story.minute();
}

let sent = 0;
/** Records a counter of an instant; gives its key. */
async function use(metric: string, at: string, quantity: string, more: Record<string, unknown> = {}): Promise<string> {
  sent += 1;
  const idempotencyKey = `${metric}/${sent}`;
  const when = { windowStart: `2026-${at}Z`, windowEnd: `2026-${at}Z` };
  await story.run('mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { status } }', {
    ...{ service: 'cloud', account: 'acme', metric, quantity, idempotencyKey, ...when, ...more },
  });
  return idempotencyKey;
}

/** Newest units of each closed period of the metric, oldest period first. */
async function units(metric: string): Promise<string[]> {
  const data = await story.run(
    `query ($i: BillableLineFilter) { billableLines(filter: $i, orderBy: CREATED_AT_ASC, first: 100) {
       nodes { units period { start } } } }`,
    { metric, newest: true },
  );
  const nodes = data.billableLines.nodes as { units: string; period: { start: string } }[];
  return nodes.sort((one, other) => (one.period.start < other.period.start ? -1 : 1)).map((line) => line.units);
}

/** Odoo's run of a month: the period closes, the slot is written, the invoice posted. */
async function invoice(month: string): Promise<void> {
  await story.at(`2026-${month}-01T02:00:00Z`);
  await story.at(`2026-${month}-01T12:01:00Z`);
}

it('MAX, LATEST and UNIQUE_COUNT begin anew each month; the invoice has what was previewed', async () => {
  await open([
    { metric: 'peak', rules: { aggregation: 'MAX' }, unitPrice: '0.10' },
    { metric: 'last', rules: { aggregation: 'LATEST', signed: true }, unitPrice: '1' },
    { metric: 'users', rules: { aggregation: 'UNIQUE_COUNT', uniqueBy: 'user' }, unitPrice: '2.5' },
  ]);
  await story.test.clock.set(new Date('2026-03-20T12:00:00Z'));
  await use('peak', '03-10T09:00:00', '40');
  await use('peak', '03-11T09:00:00', '35');
  await use('last', '03-12T09:00:00', '7');
  await use('last', '03-11T09:00:00', '9');
  for (const user of ['ann', 'bob', 'ann']) await use('users', '03-12T09:00:00', '1', { dimensions: { user } });
  await use('users', '03-13T09:00:00', '1', { dimensions: { user: 'bob' }, operation: 'REMOVE' });
  await invoice('04');
  expect(await Promise.all([0, 1, 2].map((line) => story.invoiced(line)))).toEqual([[4], [7], [2.5]]);
  await story.test.clock.set(new Date('2026-04-20T12:00:00Z'));
  await use('peak', '04-10T09:00:00', '12');
  await use('last', '04-10T09:00:00', '-3');
  await invoice('05');
  expect(await Promise.all([0, 1, 2].map((line) => story.invoiced(line)))).toEqual([[4, 1.2], [7], [2.5]]);
  expect(await identities(story.test.ctx())).toMatchObject({ holds: true });
});

it('a level goes on over months, weighed by the time it held; a late change is due for every month since', async () => {
  await open([
    { metric: 'disk', rules: { aggregation: 'WEIGHTED_SUM', signed: true }, unitPrice: '1' },
    { metric: 'seats', rules: { aggregation: 'UNIQUE_COUNT', uniqueBy: 'user', recurring: true }, unitPrice: '10' },
    { metric: 'stored', rules: { aggregation: 'SUM', recurring: true }, unitPrice: '0.01' },
  ]);
  await story.test.clock.set(new Date('2026-03-20T12:00:00Z'));
  // What was there when the contract began, told as of its first instant.
  await use('disk', '03-01T00:00:00', '100');
  // From the 16th at noon 62 more for half of March.
  await use('disk', '03-16T12:00:00', '62');
  await use('seats', '03-01T00:00:00', '1', { dimensions: { user: 'ann' } });
  await use('stored', '03-05T00:00:00', '500');
  await invoice('04');
  expect(await Promise.all([0, 1, 2].map((line) => story.invoiced(line)))).toEqual([[131], [10], [5]]);
  await story.test.clock.set(new Date('2026-04-10T12:00:00Z'));
  await use('seats', '04-02T00:00:00', '1', { dimensions: { user: 'bob' } });
  await invoice('05');
  expect(await Promise.all([0, 1, 2].map((line) => story.invoiced(line)))).toEqual([
    [131, 162],
    [10, 20],
    [5, 5],
  ]);
  // In May somebody tells that 30 left on 1 April, ann on 20 March, and 100 more were stored on 1 March.
  await story.test.clock.set(new Date('2026-05-10T12:00:00Z'));
  await use('disk', '04-01T00:00:00', '-30');
  await use('seats', '03-20T00:00:00', '1', { dimensions: { user: 'ann' }, operation: 'REMOVE' });
  await use('stored', '03-01T00:00:00', '100');
  await invoice('06');
  expect(await Promise.all(['disk', 'seats', 'stored'].map(units))).toEqual([
    ['131', '132', '132'],
    ['0', '1', '1'],
    ['600', '600', '600'],
  ]);
  // disk: 132 for May less 30 for April. seats: 10 less 20: nothing, the rest waits. stored: 6 + 1 + 1.
  expect(await Promise.all([0, 1, 2].map((line) => story.invoiced(line)))).toEqual([
    [131, 162, 102],
    [10, 20],
    [5, 5, 8],
  ]);
  expect(await identities(story.test.ctx())).toMatchObject({ holds: true });
});

it('a first partial month is weighed against the full one', async () => {
  story = await Story.open({ now: '2026-03-21T08:00:00Z', startOn: '2026-03-21', nextInvoiceOn: '2026-04-01' });
  await story.minute();
  await story.service('cloud', 'LIVE');
  const rules = { aggregation: 'WEIGHTED_SUM', signed: true };
  await story.run('mutation ($i: CreateMetricInput!) { createMetric(input: $i) { metric { id } } }', {
    ...{ service: 'cloud', code: 'disk', name: 'disk', unit: 'GB', ...rules },
  });
  await story.charge({ metric: 'disk', productOdooId: story.product(1), mode: 'QUANTITY' });
  await story.link('cloud', 'acme');
  await story.minute();
  // 31 for 11 of 31 days.
  await use('disk', '03-21T00:00:00', '31');
  await invoice('04');
  expect(await units('disk')).toEqual(['11']);
});

it('a meter counts what it rose; a late reading splits the difference over the boundary, and a reset begins anew', async () => {
  await open([{ metric: 'meter', rules: { aggregation: 'SUM', semantics: 'CUMULATIVE' }, unitPrice: '1' }]);
  await story.test.clock.set(new Date('2026-03-20T12:00:00Z'));
  await use('meter', '03-02T00:00:00', '1000', { opening: '990' });
  await use('meter', '03-10T00:00:00', '1040');
  await invoice('04');
  await story.test.clock.set(new Date('2026-04-20T12:00:00Z'));
  await use('meter', '04-10T00:00:00', '1140');
  await use('meter', '04-11T00:00:00', '6', { reset: true });
  await invoice('05');
  expect(await units('meter')).toEqual(['50', '106']);
  expect(await story.invoiced(0)).toEqual([50, 106]);
  // What the meter read at the end of March comes late: 70 of April's 100 were March's.
  await story.test.clock.set(new Date('2026-05-10T12:00:00Z'));
  const late = await use('meter', '03-31T23:59:00', '1110');
  await story.minute();
  expect(await units('meter')).toEqual(['120', '36']);
  expect(await identities(story.test.ctx())).toMatchObject({ holds: true });
  // Its void takes the split back.
  await story.run('mutation ($i: VoidUsageInput!) { voidUsage(input: $i) { status } }', {
    ...{ service: 'cloud', idempotencyKey: `void ${late}`, voids: late, reason: 'another meter' },
  });
  await story.minute();
  expect(await units('meter')).toEqual(['50', '106']);
  await invoice('06');
  // Nothing rose in May, and nothing else is due.
  expect(await story.invoiced(0)).toEqual([50, 106]);
  expect(await identities(story.test.ctx())).toMatchObject({ holds: true });
});

it('a window told again takes the place of what was told before, also after its month was billed', async () => {
  await open([{ metric: 'calls', rules: { aggregation: 'SUM', semantics: 'WINDOW_TOTAL' }, unitPrice: '0.5' }]);
  await story.test.clock.set(new Date('2026-03-20T12:00:00Z'));
  const window = { windowStart: '2026-03-10T00:00:00Z', windowEnd: '2026-03-11T00:00:00Z' };
  await use('calls', '', '10', { ...window, revision: 2 });
  await use('calls', '', '99', { ...window, revision: 1 });
  await invoice('04');
  expect(await story.invoiced(0)).toEqual([5]);
  await story.test.clock.set(new Date('2026-04-20T12:00:00Z'));
  const third = await use('calls', '', '16', { ...window, revision: 3 });
  await story.minute();
  expect(await units('calls')).toEqual(['16']);
  // The void makes the send below it effective again.
  await story.run('mutation ($i: VoidUsageInput!) { voidUsage(input: $i) { status } }', {
    ...{ service: 'cloud', idempotencyKey: 'void third', voids: third, reason: 'guessed' },
  });
  await story.minute();
  expect(await units('calls')).toEqual(['10']);
  expect(await identities(story.test.ctx())).toMatchObject({ holds: true });
});
