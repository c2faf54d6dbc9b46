/** What units would cost: the same as a close makes of them, alone in a full period or on top of the open one. */
import { Story } from '../support/story';

let story: Story;
let contractId: string;
const chargeIds: Record<string, string> = {};

const ESTIMATE = `query ($i: EstimateUsageInput!) { estimateUsage(input: $i) { asOf amount currency currentAmount difference
  lines { units billableUnits value amount currency charge { metric { code } } line { unitPrice }
    explanation { kind units unitPrice flatPrice amount } explanationText } } }`;

const CHARGES = [
  {
    metric: 'graduated',
    price: { graduated: { tiers: [{ upTo: '10', unitPrice: '1', flatPrice: '2' }, { unitPrice: '0.5' }] } },
  },
  {
    metric: 'payments',
    price: { percentage: { rate: '2', fixedPrice: '0.50', freeEvents: 3 } },
    freeUnits: '250',
    perEvent: true,
  },
  { metric: 'small', price: { standard: { unitPrice: '0.10' } }, minimumAmount: '31' },
  { metric: 'seats', aggregation: 'COUNT', mode: 'QUANTITY', freeUnits: '2', unitsPerProductUnit: '10' },
];

beforeAll(async () => {
  story = await Story.open({
    now: '2026-03-01T08:00:00Z',
    startOn: '2026-03-01',
    nextInvoiceOn: '2026-04-01',
    lines: CHARGES.map(({ metric }) => ({ code: metric.toUpperCase(), name: metric, price: 4 })),
  });
  await story.minute();
  await story.service('cloud', 'LIVE');
  for (const [index, { metric, perEvent = false, aggregation = 'SUM', ...terms }] of CHARGES.entries()) {
    const made = { service: 'cloud', code: metric, name: metric, unit: metric, aggregation, perEvent };
    await story.run('mutation ($i: CreateMetricInput!) { createMetric(input: $i) { metric { id } } }', made);
    const mode = terms.mode ?? 'AMOUNT';
    const charge = { service: 'cloud', metric, productOdooId: story.product(index), ...terms, mode };
    const { createCharge } = await story.run(
      'mutation ($i: CreateChargeInput!) { createCharge(input: $i) { charge { id } } }',
      mode === 'AMOUNT' ? { ...charge, currency: 'USD' } : charge,
    );
    chargeIds[metric] = createCharge.charge.id as string;
  }
  await story.run('mutation ($i: CreateMetricInput!) { createMetric(input: $i) { metric { id } } }', {
    service: 'cloud',
    code: 'idle',
    name: 'idle',
    unit: 'idle',
    aggregation: 'SUM',
  });
  await story.link('cloud', 'acme');
  await story.minute();
  contractId = await story.contractId();
});
afterAll(() => story.close());

interface Estimate {
  amount: string;
  currency: string;
  currentAmount: string | null;
  difference: string | null;
  lines: Record<string, unknown>[];
}

async function estimate(input: Record<string, unknown>): Promise<Estimate> {
  const named = input.metric === undefined ? {} : { service: 'cloud', contractId };
  return (await story.run(ESTIMATE, { ...named, ...input })).estimateUsage as Estimate;
}

async function use(metric: string, quantity: string, events?: number): Promise<void> {
  const at = '2026-03-01T07:00:00Z';
  await story.run('mutation ($i: RecordUsageInput!) { recordUsage(input: $i) { status } }', {
    service: 'cloud',
    account: 'acme',
    metric,
    windowStart: at,
    windowEnd: at,
    quantity,
    idempotencyKey: `${metric}/${quantity}`,
    events,
  });
}

async function rowsOfAllTables(): Promise<string> {
  const tables = await story.test.app.db.query<{ name: string }[]>(
    `select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
  );
  const counts = tables.map(({ name }) => `(select md5(string_agg(t::text, '|' order by t::text)) from ${name} t)`);
  const [row] = await story.test.app.db.query(`select concat_ws(' ', ${counts.join(', ')}) as sum`);
  return row.sum;
}

it('units alone: tiers, steps, the sentence; nothing is stored', async () => {
  const before = await rowsOfAllTables();
  const { lines, ...rest } = await estimate({ metric: 'graduated', units: '14.5' });
  // 10 × 1 + 2, and 4.5 × 0.5.
  expect(rest).toEqual({
    asOf: '2026-03-01T08:00:00.000Z',
    amount: '14.25',
    currency: 'USD',
    currentAmount: null,
    difference: null,
  });
  expect(lines).toEqual([
    {
      units: '14.5',
      billableUnits: '14.5',
      value: '14.25',
      amount: '14.25',
      currency: 'USD',
      charge: { metric: { code: 'graduated' } },
      line: { unitPrice: '4' },
      explanation: [
        { kind: 'UNITS', units: '10', unitPrice: '1', flatPrice: '2', amount: '12' },
        { kind: 'UNITS', units: '4.5', unitPrice: '0.5', flatPrice: '0', amount: '2.25' },
      ],
      explanationText: '14.5 graduated: 10 × 1 + 2 = 12; 4.5 × 0.5 = 2.25. Amount: 14.25 USD.',
    },
  ]);
  expect(await rowsOfAllTables()).toBe(before);
});

it('a percentage with a free allowance: the units are so many equal occurrences', async () => {
  // 4 of 150: two of them come to 300, so 250 are free, and one of the events; 350 × 2 % + 3 × 0.50.
  expect(await estimate({ metric: 'payments', units: '600', events: 4 })).toMatchObject({
    amount: '8.5',
    lines: [{ billableUnits: '350' }],
  });
  // 12 of 50: the first three are free with their 150; 450 × 2 % + 9 × 0.50.
  expect(await estimate({ metric: 'payments', units: '600', events: 12 })).toMatchObject({
    amount: '13.5',
    lines: [{ billableUnits: '450' }],
  });
  // One of 600 reaches 250 by itself: three events are free, and so is its fixed price; 350 × 2 %.
  expect(await estimate({ metric: 'payments', units: '600' })).toMatchObject({ amount: '7' });
});

it('a minimum is due for a full period, or for a share of its days', async () => {
  expect(await estimate({ metric: 'small', units: '20' })).toMatchObject({ amount: '31' });
  // March has 31 days: 1.00 a day.
  expect(await estimate({ metric: 'small', units: '20', days: 7 })).toMatchObject({ amount: '7' });
  expect(await estimate({ metric: 'small', units: '100', days: 7 })).toMatchObject({ amount: '10' });
});

it("mode QUANTITY: units of the product at the line's price", async () => {
  expect(await estimate({ metric: 'seats', units: '27' })).toMatchObject({
    amount: '10',
    lines: [
      {
        billableUnits: '25',
        value: '2.5',
        explanationText:
          '27 seats, of them 25 billable, 10 to a product unit: quantity 2.5. At the price of the line about 10 USD.',
      },
    ],
  });
});

it('a charge by its id needs no contract when it has a price of its own', async () => {
  expect(await estimate({ chargeId: chargeIds.graduated, units: '14.5' })).toMatchObject({
    amount: '14.25',
    currency: 'USD',
    lines: [{ line: null }],
  });
  expect(await estimate({ chargeId: chargeIds.seats, contractId, units: '27' })).toMatchObject({ amount: '10' });
});

it('on top of the open period: what it comes to then, and what the units add; as the close will have it', async () => {
  expect(await estimate({ metric: 'graduated', units: '5', onTopOfCurrent: true })).toMatchObject({
    amount: '7',
    currentAmount: '2',
    difference: '5',
  });
  await use('graduated', '8');
  await use('payments', '200', 2);
  // 8 + 5: 10 × 1 + 2 + 3 × 0.5 = 13.5, of it 10 already.
  expect(await estimate({ metric: 'graduated', units: '5', onTopOfCurrent: true })).toMatchObject({
    amount: '13.5',
    currentAmount: '10',
    difference: '3.5',
    lines: [{ units: '13' }],
  });
  // After two of 100 come four of 25: the first three events are free with their 225; 75 × 2 % + 3 × 0.50.
  const more = await estimate({ metric: 'payments', units: '100', events: 4, onTopOfCurrent: true });
  expect(more).toMatchObject({ amount: '3', currentAmount: '0', difference: '3' });
  await use('payments', '100', 4);
  const query = `query ($i: ID!) { currentUsage(contractId: $i) { lines { amount charge { metric { code } } explanationText } } }`;
  const { currentUsage } = await story.run(query, contractId);
  const lines = currentUsage.lines as { charge: { metric: { code: string } } }[];
  expect(lines.find((line) => line.charge.metric.code === 'payments')).toMatchObject({
    amount: more.amount,
    explanationText: more.lines[0]?.explanationText,
  });
});

describe('refusals', () => {
  it.each([
    [{}, 'VALIDATION_FAILED', 'metric', 'Name either a metric, with its contract, or a charge.'],
    [
      { metric: 'small', chargeId: 'x' },
      'VALIDATION_FAILED',
      'metric',
      'Name either a metric, with its contract, or a charge.',
    ],
    [
      { metric: 'small', contractId: null },
      'VALIDATION_FAILED',
      'contractId',
      'Name the contract: what a metric costs depends on its order.',
    ],
    [{ metric: 'small', service: null }, 'VALIDATION_FAILED', 'service', expect.stringContaining('Name the service')],
    [{ metric: 'small', service: 'other' }, 'NOT_FOUND', 'service', 'No such service.'],
    [{ metric: 'small', contractId: 'x' }, 'NOT_FOUND', 'contractId', 'No such contract.'],
    [{ metric: 'nothing' }, 'NOT_FOUND', 'metric', 'No such metric.'],
    [{ chargeId: 'x' }, 'NOT_FOUND', 'chargeId', 'No such charge.'],
    [{ metric: 'idle' }, 'CONFLICT', 'metric', 'No charge prices the metric "idle" on this contract.'],
    [
      { metric: 'small', units: '1e3' },
      'VALIDATION_FAILED',
      'units',
      expect.stringContaining('units must be a decimal'),
    ],
    [{ metric: 'small', units: '-1' }, 'VALIDATION_FAILED', 'units', 'The metric takes no negative quantity.'],
    [{ metric: 'seats', units: '1.5' }, 'VALIDATION_FAILED', 'units', 'The metric counts things: whole numbers only.'],
    [{ metric: 'small', events: 2 }, 'VALIDATION_FAILED', 'events', 'The metric counts no events: leave `events` out.'],
    [
      { metric: 'payments', events: -1 },
      'VALIDATION_FAILED',
      'events',
      'events must be a whole number from 0 to 2147483647, not -1.',
    ],
    [
      { metric: 'payments', events: 0 },
      'VALIDATION_FAILED',
      'events',
      'events must be 1 or more: units come from events.',
    ],
    [
      { metric: 'small', days: 32 },
      'VALIDATION_FAILED',
      'days',
      "days must be from 1 to 31, the days of the plan's interval, not 32.",
    ],
    [{ metric: 'small', days: 0 }, 'VALIDATION_FAILED', 'days', expect.stringContaining('not 0.')],
    [
      { metric: 'small', days: 3, onTopOfCurrent: true },
      'VALIDATION_FAILED',
      'days',
      'The open period has its own days: leave `days` out with onTopOfCurrent.',
    ],
  ])('%j', async (input, code, field, message) => {
    const named = 'metric' in input ? { service: 'cloud', contractId } : {};
    const { errors } = await story.test.gql(story.test.adminKey, ESTIMATE, { i: { units: '1', ...named, ...input } });
    expect(errors).toMatchObject([{ message, extensions: { code, field } }]);
  });

  it.each([
    [
      'seats',
      {},
      'contractId',
      'Odoo prices this charge by the line of an order: name a contract whose order has its product.',
    ],
    ['small', { days: 3 }, 'days', 'days needs a contract whose open period has an end, and whose order has a plan.'],
    ['small', { onTopOfCurrent: true }, 'contractId', 'Name the contract whose open period is meant.'],
  ])('of the charge of %s alone, with %j', async (metric, more, field, message) => {
    const i = { chargeId: chargeIds[metric], units: '1', ...more };
    const { errors } = await story.test.gql(story.test.adminKey, ESTIMATE, { i });
    expect(errors).toMatchObject([{ message, extensions: { code: 'VALIDATION_FAILED', field } }]);
  });
});
