/** Prices of every model, from the counters to the invoice: what is closed is what was previewed, and late usage changes it. */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const CREATE_CHARGE = 'mutation ($i: CreateChargeInput!) { createCharge(input: $i) { charge { id } } }';

interface Priced {
  metric: string;
  price: object;
  freeUnits?: string;
  minimumAmount?: string;
  perEvent?: boolean;
}

/** A running order with one line of price 1 for each charge, from 1 March on. */
async function openPriced(charges: Priced[]): Promise<void> {
  story = await Story.open({
    now: '2026-03-01T08:00:00Z',
    startOn: '2026-03-01',
    nextInvoiceOn: '2026-04-01',
    lines: charges.map(({ metric }) => ({ code: metric.toUpperCase(), name: metric, price: 1 })),
  });
  await story.minute();
  await story.service('cloud', 'LIVE');
  for (const [index, { metric, perEvent = false, ...terms }] of charges.entries()) {
    const made = { service: 'cloud', code: metric, name: metric, unit: metric, aggregation: 'SUM', perEvent };
    await story.run('mutation ($i: CreateMetricInput!) { createMetric(input: $i) { metric { id } } }', made);
    const charge = { service: 'cloud', metric, productOdooId: story.product(index), mode: 'AMOUNT', currency: 'USD' };
    await story.run(CREATE_CHARGE, { ...charge, ...terms });
  }
  await story.link('cloud', 'acme');
  await story.minute();
}

async function use(metric: string, quantity: string, hour: string, events?: number): Promise<string> {
  const at = `2026-03-10T${hour}:00:00Z`;
  const idempotencyKey = `${metric}/${hour}`;
  const record = {
    service: 'cloud',
    account: 'acme',
    metric,
    windowStart: at,
    windowEnd: at,
    quantity,
    idempotencyKey,
  };
  await story.run('mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { status } }', { ...record, events });
  return idempotencyKey;
}

async function preview(): Promise<Record<string, string>> {
  const data = await story.run(
    'query ($i: ID!) { currentUsage(contractId: $i) { lines { charge { metric { code } } explanationText } } }',
    await story.contractId(),
  );
  const lines = data.currentUsage.lines as { charge: { metric: { code: string } }; explanationText: string }[];
  return Object.fromEntries(lines.map((line) => [line.charge.metric.code, line.explanationText]));
}

it('tiers, packages, percentages with free events and a minimum are closed as they were previewed, and invoiced', async () => {
  await openPriced([
    {
      metric: 'graduated',
      price: { graduated: { tiers: [{ upTo: '10', unitPrice: '1', flatPrice: '2' }, { unitPrice: '0.5' }] } },
    },
    { metric: 'packages', price: { package: { packageSize: '100', packagePrice: '5' } }, freeUnits: '50' },
    {
      metric: 'payments',
      price: { percentage: { rate: '2', fixedPrice: '0.50', freeEvents: 3 } },
      freeUnits: '250',
      perEvent: true,
    },
    {
      metric: 'volume',
      price: {
        volume: {
          tiers: [
            { upTo: '100', unitPrice: '1' },
            { unitPrice: '0.8', flatPrice: '10' },
          ],
        },
      },
    },
    { metric: 'small', price: { standard: { unitPrice: '0.10' } }, minimumAmount: '5' },
    {
      metric: 'share',
      price: {
        graduatedPercentage: {
          tiers: [
            { upTo: '100', rate: '2' },
            { rate: '1.5', flatPrice: '3' },
          ],
        },
      },
    },
  ]);
  await story.test.clock.set(new Date('2026-03-10T12:00:00Z'));
  await use('graduated', '10', '08');
  await use('graduated', '4.5', '09');
  await use('packages', '151', '09');
  // 100, 200 and 300 in three events: 250 of the units are free and one of the events, so 350 at 2 % and two at 0.50.
  await use('payments', '100', '07', 1);
  await use('payments', '200', '08', 1);
  await use('payments', '300', '09', 1);
  await use('volume', '112.5', '09');
  await use('small', '20', '09');
  await use('share', '300', '09');
  expect(await preview()).toEqual({
    graduated: '14.5 graduated: 10 × 1 + 2 = 12; 4.5 × 0.5 = 2.25. Amount: 14.25 USD.',
    packages: '151 packages, of them 101 billable: 2 packages × 5 = 10. Amount: 10 USD.',
    payments: '600 payments, of them 350 billable: 2 % of 350 = 7; 2 events × 0.5 = 1. Amount: 8 USD.',
    volume: '112.5 volume: 112.5 × 0.8 + 10 = 100. Amount: 100 USD.',
    small: '20 small: 20 × 0.1 = 2; 3 more up to the minimum. Amount: 5 USD.',
    share: '300 share: 2 % of 100 = 2; 1.5 % of 200 + 3 = 6. Amount: 8 USD.',
  });
  await story.at('2026-04-01T02:00:00Z');
  expect(await Promise.all([0, 1, 2, 3, 4, 5].map((line) => story.slot(line)))).toEqual([14.25, 10, 8, 100, 5, 8]);
  await story.at('2026-04-01T12:01:00Z');
  expect(await Promise.all([0, 1, 2, 3, 4, 5].map((line) => story.invoiced(line)))).toEqual([
    [14.25],
    [10],
    [8],
    [100],
    [5],
    [8],
  ]);
});

it('late usage eats up a minimum that was billed; a replacement gives back what a tier took', async () => {
  await openPriced([
    { metric: 'small', price: { standard: { unitPrice: '0.10' } }, minimumAmount: '5' },
    {
      metric: 'graduated',
      price: { graduated: { tiers: [{ upTo: '10', unitPrice: '1' }, { unitPrice: '0.5' }] } },
    },
  ]);
  await story.test.clock.set(new Date('2026-03-10T12:00:00Z'));
  await use('small', '20', '08');
  const key = await use('graduated', '30', '08');
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  expect([await story.invoiced(0), await story.invoiced(1)]).toEqual([[5], [20]]);
  // 40 more of March: 6.00 in all, of which 5.00 is billed. 12 instead of 30 of the other: 11.00 instead of 20.00.
  await use('small', '40', '09');
  await story.run('mutation ($i: ReplaceUsageInput!) { replaceUsage(input: $i) { status } }', {
    service: 'cloud',
    idempotencyKey: 'replacement',
    replaces: key,
    quantity: '12',
    reason: 'counted twice',
  });
  await story.minute();
  expect(await story.balance(0)).toMatchObject({ truth: '6', billed: '5', due: '1' });
  expect(await story.balance(1)).toMatchObject({ truth: '11', billed: '20', due: '-9', target: '0' });
  // April uses 16 at 1.00 and 0.50, which is 13.00: 4.00 of it are left after March's 9.00; the minimum is due again.
  await story.test.clock.set(new Date('2026-04-10T12:00:00Z'));
  await story.use(16, '2026-04-10T10:00:00Z', 'graduated');
  await story.at('2026-05-01T02:00:00Z');
  expect([await story.slot(0), await story.slot(1)]).toEqual([6, 4]);
});

it('filters have prices of their own, groups tiers of their own, and one minimum stands for all of them', async () => {
  story = await Story.open({
    now: '2026-03-01T08:00:00Z',
    startOn: '2026-03-01',
    nextInvoiceOn: '2026-04-01',
    lines: ['REQUESTS', 'SMALL'].map((code) => ({ code, name: code, price: 1 })),
  });
  await story.minute();
  await story.service('cloud', 'LIVE');
  const filters = [
    {
      name: 'europe',
      match: [{ dimension: 'region', values: ['eu', 'uk'] }],
      price: { standard: { unitPrice: '2' } },
      freeUnits: '1',
    },
    {
      name: 'fast europe',
      match: [
        { dimension: 'region', values: ['eu', 'uk'] },
        { dimension: 'tier', values: ['fast'] },
      ],
      price: { standard: { unitPrice: '5' } },
    },
  ];
  const charges = [
    { metric: 'requests', price: { standard: { unitPrice: '1' } }, filters },
    {
      metric: 'small',
      price: { graduated: { tiers: [{ upTo: '10', unitPrice: '0.10', flatPrice: '1' }, { unitPrice: '0.05' }] } },
      groupBy: ['tenant'],
      minimumAmount: '6',
    },
  ];
  for (const [index, { metric, ...terms }] of charges.entries()) {
    const made = { service: 'cloud', code: metric, name: metric, unit: metric, aggregation: 'SUM' };
    await story.run('mutation ($i: CreateMetricInput!) { createMetric(input: $i) { metric { id } } }', made);
    const charge = { service: 'cloud', metric, productOdooId: story.product(index), mode: 'AMOUNT', currency: 'USD' };
    await story.run(CREATE_CHARGE, { ...charge, ...terms });
  }
  await story.link('cloud', 'acme');
  await story.minute();
  await story.test.clock.set(new Date('2026-03-10T12:00:00Z'));
  const count = async (metric: string, quantity: string, dimensions: object): Promise<void> => {
    const at = '2026-03-10T08:00:00Z';
    const idempotencyKey = `${metric} ${JSON.stringify(dimensions)}`;
    const record = {
      service: 'cloud',
      account: 'acme',
      metric,
      windowStart: at,
      windowEnd: at,
      quantity,
      idempotencyKey,
      dimensions,
    };
    await story.run('mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { status } }', record);
  };
  await count('requests', '10', { region: 'us', tier: 'fast' });
  await count('requests', '4', { region: 'eu' });
  await count('requests', '3', { region: 'uk', tier: 'slow' });
  await count('requests', '2', { region: 'eu', tier: 'fast' });
  await count('small', '20', { tenant: 'a' });
  await count('small', '5', { tenant: 'b' });
  const { currentUsage } = await story.run(
    'query ($i: ID!) { currentUsage(contractId: $i) { lines { bucketFilter bucketGroup units amount } } }',
    await story.contractId(),
  );
  expect(currentUsage.lines).toEqual(
    expect.arrayContaining([
      { bucketFilter: null, bucketGroup: {}, units: '10', amount: '10' },
      // 7, one of them free, at 2.
      { bucketFilter: 'europe', bucketGroup: {}, units: '7', amount: '12' },
      { bucketFilter: 'fast europe', bucketGroup: {}, units: '2', amount: '10' },
      // 1 + 10 × 0.10 + 10 × 0.05, and 1 + 5 × 0.10: 2 of the minimum are left.
      { bucketFilter: null, bucketGroup: { tenant: 'a' }, units: '20', amount: '2.5' },
      { bucketFilter: null, bucketGroup: { tenant: 'b' }, units: '5', amount: '1.5' },
      { bucketFilter: null, bucketGroup: {}, units: '0', amount: '2' },
    ]),
  );
  expect(currentUsage.lines).toHaveLength(6);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  expect(await Promise.all([0, 1].map((line) => story.invoiced(line)))).toEqual([[32], [6]]);
  // A tenant that is told of late eats up what the minimum had left: 1 + 30 × … = 1 + 1 + 1 = 3 instead of 2.
  await story.test.clock.set(new Date('2026-04-10T12:00:00Z'));
  await count('small', '30', { tenant: 'c' });
  await story.minute();
  const { billableLines } = await story.run(
    `{ billableLines(filter: { metric: "small", newest: true, periodTo: "2026-03-15T00:00:00Z" }) {
       nodes { bucketGroup units amount revision } } }`,
  );
  expect(billableLines.nodes).toEqual(
    expect.arrayContaining([
      { bucketGroup: { tenant: 'c' }, units: '30', amount: '3', revision: 1 },
      { bucketGroup: {}, units: '0', amount: '0', revision: 2 },
    ]),
  );
});
