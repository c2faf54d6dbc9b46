/** Versions, bindings and pins of charges in months of billing: each period is rated by the one charge that holds for it. */
import { planChangedContracts } from '../../src/services/slots-due';
import { dataOf } from '../support/seed';
import { PLAIN_LINES, Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const WITH_MORE = [...PLAIN_LINES, { code: 'MORE', name: 'More calls', price: 0.5 }];

async function create(input: Record<string, unknown>): Promise<string> {
  const query = 'mutation ($i: CreateChargeInput!) { createCharge(input: $i) { charge { id } } }';
  const data = await story.run(query, { service: 'cloud', metric: 'calls', mode: 'QUANTITY', ...input });
  return data.createCharge.charge.id as string;
}

async function version(id: string, validFrom: string, freeUnits: string): Promise<Record<string, unknown> | string> {
  const query = 'mutation ($i: CreateChargeVersionInput!) { createChargeVersion(input: $i) { charge { id } } }';
  const answer = await story.test.gql(story.test.adminKey, query, { i: { id, validFrom, freeUnits } });
  if (answer.errors === undefined) return dataOf(answer).createChargeVersion.charge.id;
  return { ...answer.errors[0]?.extensions, message: answer.errors[0]?.message };
}

/** Another plan than the order's, mirrored; its id in Odoo. */
async function addPlan(fields: { name: string; billing_period_unit: string }): Promise<number> {
  const plan = { billing_period_value: 1, active: true, ...fields };
  const id = await story.test.sandbox.control.create('sale.subscription.plan', plan);
  await story.minute();
  return id;
}

async function firstCharge(): Promise<string> {
  const data = await story.run('{ charges { nodes { id } } }');
  return (data.charges.nodes as { id: string }[])[0]?.id ?? '';
}

async function pin(name: 'pinCharge' | 'unpinCharge', chargeId: string): Promise<void> {
  const type = name === 'pinCharge' ? 'PinChargeInput' : 'UnpinChargeInput';
  const i = { contractId: await story.contractId(), chargeId, reason: 'as agreed' };
  await story.run(`mutation ($i: ${type}!) { ${name}(input: $i) { pin { reason } } }`, i);
}

it('a version rates the periods that begin on its day or later; late usage goes by the version of its period', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  // On a day within April: April began before it, so May is the first period of the new version.
  const second = await version(await firstCharge(), '2026-04-10', '10');
  expect(second).toEqual(expect.any(String));
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.bill('2026-04-01');
  expect(await story.invoiced()).toEqual([100]);
  await story.usedBy('2026-04-20T10:00:00Z', 50);
  await story.use(5, '2026-03-25T10:00:00Z');
  await story.bill('2026-05-01');
  expect(await story.invoiced()).toEqual([100, 55]);
  await story.usedBy('2026-05-20T10:00:00Z', 30);
  await story.bill('2026-06-01');
  expect(await story.invoiced()).toEqual([100, 55, 20]);
  const [march, april, may] = await story.periods();
  expect([march, april, may].map((period) => period?.lines.at(-1))).toMatchObject([
    { units: '105', value: '105' },
    { units: '50', value: '50' },
    { units: '30', value: '20' },
  ]);
});

it('a version begins after the periods that were rated, and one of the open period prices it whole', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.bill('2026-04-01');
  await story.usedBy('2026-04-20T10:00:00Z', 50);
  const first = await firstCharge();
  for (const validFrom of ['2026-02-01', '2026-03-01'])
    expect(await version(first, validFrom, '10')).toEqual({
      code: 'CONFLICT',
      retryable: false,
      field: 'validFrom',
      message: 'The period that began on 2026-03-01 was rated already: the version must begin after that day.',
    });
  const second = await version(first, '2026-04-01', '10');
  // It rated nothing yet, and is withdrawn; the period before stays what it was.
  const third = await version(String(second), '2026-03-15', '20');
  expect(third).toEqual(expect.any(String));
  await story.bill('2026-05-01');
  expect(await story.invoiced()).toEqual([100, 30]);
  expect(await version(String(third), '2026-03-10', '0')).toMatchObject({ code: 'CONFLICT', field: 'validFrom' });
});

it('a version that comes after the provisional quantity counts at the close: the rest is in the balance', async () => {
  story = await Story.open({ ...MARCH, runAt: '00:30' });
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-03-31T20:00:00Z');
  expect(await story.slot()).toBe(100);
  expect(await version(await firstCharge(), '2026-03-01', '10')).toEqual(expect.any(String));
  await story.at('2026-04-01T03:00:00Z');
  expect(await story.invoiced()).toEqual([100]);
  expect(await story.balance()).toMatchObject({ truth: '90', billed: '100', due: '-10', target: '0' });
});

it('a charge of the contract comes before one of its plan, and that one before one of all', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  const productOdooId = story.product(1);
  await create({ productOdooId, freeUnits: '10', planOdooId: story.order.planId, validFrom: '2026-04-01' });
  await create({ productOdooId, freeUnits: '20', contractId: await story.contractId(), validFrom: '2026-05-01' });
  for (const month of ['03', '04', '05']) {
    await story.usedBy(`2026-${month}-20T10:00:00Z`, 100);
    await story.bill(`2026-${String(Number(month) + 1).padStart(2, '0')}-01`);
  }
  expect(await story.invoiced()).toEqual([100, 90, 80]);
});

it('what a charge of a plan has rated stays its own when the order gets another plan', async () => {
  story = await Story.open(MARCH);
  await story.minute();
  await story.service('cloud', 'LIVE');
  await story.metric('cloud', 'calls');
  await story.link('cloud', 'acme');
  await create({ productOdooId: story.product(1), planOdooId: story.order.planId });
  await create({ productOdooId: story.product(1), freeUnits: '10' });
  await story.minute();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.bill('2026-04-01');
  await story.editOrder({ plan_id: await addPlan({ name: 'Monthly, too', billing_period_unit: 'month' }) });
  await story.minute();
  await story.test.clock.set(new Date('2026-04-20T10:00:00Z'));
  await story.use(5, '2026-03-25T10:00:00Z');
  await story.use(50, '2026-04-20T09:00:00Z');
  await story.bill('2026-05-01');
  expect(await story.invoiced()).toEqual([100, 45]);
  const [march, april] = await story.periods();
  expect(march?.lines).toMatchObject([{ units: '105', value: '105' }]);
  expect(april?.lines).toMatchObject([{ units: '50', value: '40' }]);
});

it('a charge that is bound elsewhere meters no line and gives no contract', async () => {
  story = await Story.open({ ...MARCH, lines: WITH_MORE });
  await story.minute();
  await story.service('cloud', 'LIVE');
  await story.metric('cloud', 'calls');
  await story.link('cloud', 'acme');
  const planOdooId = await addPlan({ name: 'Yearly', billing_period_unit: 'year' });
  await create({ productOdooId: story.product(2), planOdooId });
  await story.editLine({ qty_delivered: 7 }, 2);
  await story.minute();
  await story.usedBy('2026-03-10T10:00:00Z', 100);
  const reason = async (): Promise<unknown> =>
    (await story.run('{ usageRecords { nodes { unassignedReason contract { id } } } }')).usageRecords.nodes;
  expect(await reason()).toEqual([{ unassignedReason: 'NO_CONTRACT', contract: null }]);
  expect(await story.slot(2)).toBe(7);
  // Nor is the contract planned again and again for a first write that never comes.
  expect(await planChangedContracts(story.test.ctx())).toEqual({ planned: 0, failed: 0 });
  expect(await story.run('query ($i: ID!) { balances(contractId: $i) { due } }', await story.contractId())).toEqual({
    balances: [],
  });
  await create({ productOdooId: story.product(1) });
  await story.minute();
  expect(await reason()).toEqual([{ unassignedReason: null, contract: { id: await story.contractId() } }]);
  await story.bill('2026-04-01');
  expect([await story.invoiced(1), await story.invoiced(2)]).toEqual([[100], [7]]);
});

it('a charge of the contract ends the doubt between two others', async () => {
  story = await Story.open({ ...MARCH, lines: WITH_MORE });
  await story.begin();
  await create({ productOdooId: story.product(2) });
  await story.minute();
  expect(await story.reasons()).toEqual(['AMBIGUOUS_CHARGE', 'AMBIGUOUS_CHARGE']);
  await create({ productOdooId: story.product(2), contractId: await story.contractId(), freeUnits: '10' });
  await story.minute();
  expect(await story.reasons()).toEqual([]);
  await story.usedBy('2026-03-10T10:00:00Z', 100);
  await story.at('2026-04-01T03:00:00Z');
  expect([await story.slot(1), await story.slot(2)]).toEqual([0, 90]);
});

it('two charges that fit wait until one is pinned, and the month that closed meanwhile is rated then', async () => {
  story = await Story.open({ ...MARCH, lines: WITH_MORE });
  await story.begin();
  await story.usedBy('2026-03-10T10:00:00Z', 100);
  const second = await create({ productOdooId: story.product(2), freeUnits: '10' });
  await story.minute();
  expect(await story.reasons()).toEqual(['AMBIGUOUS_CHARGE', 'AMBIGUOUS_CHARGE']);
  await story.at('2026-04-01T03:00:00Z');
  expect((await story.periods())[0]).toMatchObject({ state: 'CLOSED', dirty: true, lines: [] });
  await pin('pinCharge', second);
  await story.minute();
  expect((await story.periods())[0]).toMatchObject({ dirty: false, lines: [{ units: '100', value: '90' }] });
  expect(await story.reasons()).toEqual([]);
  expect([await story.slot(1), await story.slot(2)]).toEqual([0, 90]);
  await story.bill('2026-04-01');
  // A new version is pinned with it, and what is rated stays when the pin goes.
  expect(await version(second, '2026-04-01', '20')).toEqual(expect.any(String));
  await story.usedBy('2026-04-20T10:00:00Z', 50);
  await story.bill('2026-05-01');
  expect([await story.invoiced(1), await story.invoiced(2)]).toEqual([[], [90, 30]]);
  await pin('unpinCharge', second);
  await story.minute();
  expect(await story.reasons()).toEqual(['AMBIGUOUS_CHARGE', 'AMBIGUOUS_CHARGE']);
  expect((await story.periods()).map(({ lines }) => lines.map(({ value }) => value))).toEqual([['90'], ['30'], []]);
});
