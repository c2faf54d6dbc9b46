/** Charges that are archived: what they rated stays, what is due stays due, and a successor takes over at the next boundary. */
import { dataOf } from '../support/seed';
import { PLAIN_LINES, Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };

interface ChargeView {
  id: string;
  freeUnits: string;
  archivedAt: string | null;
  product: { odooId: number };
}

async function charges(): Promise<ChargeView[]> {
  const query = '{ charges { nodes { id freeUnits archivedAt product { odooId } } } }';
  return dataOf(await story.test.gql(story.test.adminKey, query)).charges.nodes;
}

async function archive(index: number, from?: string): Promise<Record<string, unknown> | undefined> {
  const query = 'mutation ($i: ArchiveChargeInput!) { archiveCharge(input: $i) { charge { archivedAt } } }';
  const i = { id: (await charges())[index]?.id, from };
  const [error] = (await story.test.gql(story.test.adminKey, query, { i })).errors ?? [];
  return error && { ...error.extensions, message: error.message };
}

it('rates the period it is archived in to its end; a successor on the same product rates the next one', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-10T10:00:00Z', 100);
  expect(await archive(0)).toBeUndefined();
  await story.charge({ metric: 'calls', productOdooId: story.product(1), freeUnits: '10' });
  await story.usedBy('2026-03-20T10:00:00Z', 20);
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.slot()).toBe(120);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([120]);
  await story.usedBy('2026-04-10T10:00:00Z', 50);
  // Late for March, and so by March's charge: not one unit of it is free.
  await story.use(5, '2026-03-25T10:00:00Z');
  await story.at('2026-05-01T02:00:00Z');
  expect(await story.slot()).toBe(45);
  const [march, april] = await story.periods();
  expect(march?.lines.at(-1)).toMatchObject({ units: '125', value: '125' });
  expect(april?.lines).toMatchObject([{ units: '50', value: '40' }]);
});

it('leaves what is due on its product visible and payable, and rates nothing more', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-10T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
  // From a day within March: April began after it, so nothing is rated with it but March.
  expect(await archive(0, '2026-03-15T00:00:00Z')).toBeUndefined();
  await story.test.clock.set(new Date('2026-04-05T10:00:00Z'));
  await story.use(7, '2026-03-31T10:00:00Z');
  await story.minute();
  expect(await story.balance()).toMatchObject({ truth: '107', billed: '100', due: '7', target: '7' });
  await story.at('2026-05-01T02:00:00Z');
  expect(await story.slot()).toBe(7);
  await story.at('2026-05-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100, 7]);
  expect(await story.balance()).toMatchObject({ truth: '107', billed: '107', due: '0' });
  expect((await story.periods())[1]?.lines).toEqual([]);
});

it('cannot end before a period that was closed with it', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.at('2026-04-01T03:00:00Z');
  expect(await archive(0, '2026-03-01T00:00:00Z')).toMatchObject({
    code: 'CONFLICT',
    field: 'from',
    message: 'The period that began at 2026-03-01T00:00:00.000Z was rated with the charge: it can end after that only.',
  });
  expect(await archive(0, '2026-04-01T03:00:01Z')).toMatchObject({ code: 'VALIDATION_FAILED', field: 'from' });
  expect(await archive(0)).toBeUndefined();
  const [{ archivedAt } = { archivedAt: '' }] = await charges();
  expect(archivedAt).toBe('2026-04-01T03:00:00.000Z');
  // Again changes nothing, unless an earlier instant is named: April is no longer rated with it then.
  await story.test.clock.set(new Date('2026-04-02T00:00:00Z'));
  expect(await archive(0)).toBeUndefined();
  expect(await charges()).toMatchObject([{ archivedAt: '2026-04-01T03:00:00.000Z' }]);
  expect(await archive(0, '2026-03-02T00:00:00Z')).toBeUndefined();
  expect(await charges()).toMatchObject([{ archivedAt: '2026-03-02T00:00:00.000Z' }]);
});

it('made beside another one by mistake leaves that one alone: the block lifts at the next plan', async () => {
  const lines = [...PLAIN_LINES, { code: 'MORE', name: 'More calls', price: 0.5 }];
  story = await Story.open({ ...MARCH, lines });
  await story.begin();
  await story.usedBy('2026-03-10T10:00:00Z', 100);
  await story.charge({ metric: 'calls', productOdooId: story.product(2) });
  await story.minute();
  expect((await story.periods())[0]?.blocks).toMatchObject([
    { reason: 'AMBIGUOUS_CHARGE' },
    { reason: 'AMBIGUOUS_CHARGE' },
  ]);
  expect(await archive(1)).toBeUndefined();
  await story.minute();
  expect((await story.periods())[0]?.blocks).toEqual([]);
  await story.at('2026-04-01T02:00:00Z');
  expect([await story.slot(1), await story.slot(2)]).toEqual([100, 0]);
});
