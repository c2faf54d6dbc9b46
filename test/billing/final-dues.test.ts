/** What becomes of a balance when its line leaves the order or the contract ends: a successor takes it, or a person settles it. */
import { Decimal, sum } from '../../src/domain/decimal';
import { type ChargeSetup, PLAIN_LINES, Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const TWO_LINES = [...PLAIN_LINES, { code: 'MORE', name: 'Calls, new', price: 0.4 }];
const SETTLE = `mutation ($i: SettleFinalDueInput!) { settleFinalDue(input: $i) { finalDue { state closedAt
  entry { kind value reason actor } } } }`;

interface Item {
  id: string;
  value: string;
  cause: string;
  state: string;
}

async function items(): Promise<Item[]> {
  const query = '{ finalDues(orderBy: FOUND_AT_ASC) { nodes { id value cause state product { odooId } } } }';
  return (await story.run(query)).finalDues.nodes;
}

async function entries(): Promise<unknown[]> {
  const query = `{ balanceEntries(orderBy: CREATED_AT_ASC) { nodes { kind value reason actor product { odooId }
    counterpart { product { odooId } } } } }`;
  return (await story.run(query)).balanceEntries.nodes;
}

async function settle(id: string | undefined, how: string, reason = 'INV/7'): Promise<Record<string, unknown>> {
  return (await story.run(SETTLE, { id, how, reason })).settleFinalDue.finalDue;
}

async function refused(input: Record<string, unknown>): Promise<unknown> {
  const { errors } = await story.test.gql(story.test.adminKey, SETTLE, { i: { reason: 'INV/7', ...input } });
  return [errors?.[0]?.extensions.code, errors?.[0]?.extensions.field, errors?.[0]?.message];
}

async function expectIdentities(): Promise<void> {
  expect((await story.run('{ identities { holds } }')).identities).toEqual({ holds: true });
}

async function archiveFirstCharge(from?: string): Promise<void> {
  const [charge] = (await story.run('{ charges { nodes { id } } }')).charges.nodes as { id: string }[];
  await story.run('mutation ($i: ArchiveChargeInput!) { archiveCharge(input: $i) { charge { id } } }', {
    id: charge?.id,
    from,
  });
}

async function removeLine(index = 1): Promise<void> {
  await story.test.sandbox.control.remove('sale.order.line', story.order.lineIds[index] ?? 0);
  await story.night();
}

/** March is invoiced with 100 calls; of them `late` more are found, or all of them are void, on 5 April. */
async function marchInvoiced(late: number | 'void', charge: Partial<ChargeSetup> = {}): Promise<void> {
  story = await Story.open({ ...MARCH, lines: TWO_LINES });
  await story.begin(charge);
  const key = await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.at('2026-04-01T02:00:00Z');
  await story.at('2026-04-01T12:01:00Z');
  await story.test.clock.set(new Date('2026-04-05T10:00:00Z'));
  if (late === 'void') await story.void(key);
  else await story.use(late, '2026-03-31T10:00:00Z');
  await story.minute();
}

describe('a product that takes the place of another one on the order', () => {
  it.each([
    { late: 7 as const, due: '7', slot: 27, billed: [27] },
    { late: 'void' as const, due: '-100', slot: 0, billed: [0] },
  ])('takes over what is due, $due, once, and bills it with its own', async ({ late, due, slot, billed }) => {
    await marchInvoiced(late);
    await archiveFirstCharge();
    await story.charge({ metric: 'calls', productOdooId: story.product(2) });
    await story.minute();
    expect(await entries()).toEqual([]);
    await removeLine();
    await story.minute();
    const [from, to] = [{ odooId: story.product(1) }, { odooId: story.product(2) }];
    const reason = 'the line of "Calls" left the order, "Calls, new" takes its place';
    expect(await entries()).toEqual([
      expect.objectContaining({ kind: 'PASSED_OUT', value: due, reason, product: from, counterpart: { product: to } }),
      expect.objectContaining({ kind: 'PASSED_IN', value: due, reason, product: to, counterpart: { product: from } }),
    ]);
    expect(await story.balance(1)).toMatchObject({ due: '0', target: '0' });
    expect(await story.balance(2)).toMatchObject({ due, truth: '0' });
    expect(await story.blocks()).toEqual([]);
    expect(await items()).toEqual([]);
    await story.usedBy('2026-04-20T10:00:00Z', 20);
    await story.at('2026-05-01T02:00:00Z');
    expect(await story.slot(2)).toBe(slot);
    await story.at('2026-05-01T12:01:00Z');
    expect((await story.invoiced(2)).filter((quantity) => quantity !== 0)).toEqual(billed.filter(Boolean));
    const [old, next] = [await story.balance(1), await story.balance(2)];
    const total = (part: 'truth' | 'billed' | 'due'): string =>
      sum([old, next].map((row) => new Decimal(row[part]))).toFixed();
    expect(new Decimal(total('billed')).plus(total('due')).toFixed()).toBe(total('truth'));
    await expectIdentities();
  });

  it('takes over what comes late for the old one afterwards, too', async () => {
    await marchInvoiced(7);
    await archiveFirstCharge();
    await story.charge({ metric: 'calls', productOdooId: story.product(2) });
    await removeLine();
    await story.use(4, '2026-03-30T10:00:00Z');
    await story.minute();
    await story.minute();
    expect(await story.balance(1)).toMatchObject({ truth: '111', billed: '100', due: '0' });
    expect(await story.balance(2)).toMatchObject({ due: '11' });
    expect(await entries()).toHaveLength(4);
    await expectIdentities();
  });

  it('takes over nothing in other units: that waits for a person, and can be settled once', async () => {
    await marchInvoiced(7);
    await archiveFirstCharge();
    await story.charge({ metric: 'calls', productOdooId: story.product(2), unitsPerProductUnit: '10' });
    await removeLine();
    expect(await story.reasons()).toEqual(['FINAL_DUE']);
    const [item] = await items();
    expect(item).toMatchObject({
      value: '7',
      cause: 'LINE_GONE',
      state: 'OPEN',
      product: { odooId: story.product(1) },
    });
    expect(await refused({ id: item?.id, how: 'CREDITED' })).toEqual([
      'VALIDATION_FAILED',
      'how',
      'Too little was billed: invoice it or waive it.',
    ]);
    expect(await refused({ id: item?.id, how: 'INVOICED', reason: '' })).toEqual([
      'VALIDATION_FAILED',
      'reason',
      'reason must say why.',
    ]);
    expect(await refused({ id: '00000000-0000-7000-8000-000000000000', how: 'WAIVED' })).toEqual([
      'NOT_FOUND',
      'id',
      'No such final due.',
    ]);
    expect(await settle(item?.id, 'INVOICED')).toEqual({
      state: 'SETTLED',
      closedAt: '2026-04-05T10:00:00.000Z',
      entry: { kind: 'INVOICED', value: '7', reason: 'INV/7', actor: 'env' },
    });
    expect(await refused({ id: item?.id, how: 'INVOICED' })).toEqual([
      'CONFLICT',
      'id',
      'The final due waits no longer: it is settled, billed after all, or another value by now.',
    ]);
    await story.minute();
    expect(await story.balance(1)).toMatchObject({ due: '0' });
    expect(await story.reasons()).toEqual([]);
    expect(await items()).toHaveLength(1);
    await expectIdentities();
  });

  it('a line that comes back before a person acts bills what is due, and the item is lifted', async () => {
    await marchInvoiced(7);
    await archiveFirstCharge('2026-03-15T00:00:00Z');
    await removeLine();
    expect(await items()).toMatchObject([{ value: '7', state: 'OPEN' }]);
    await story.addLine();
    expect(await items()).toMatchObject([{ state: 'LIFTED' }]);
    expect(await story.reasons()).toEqual([]);
    await story.at('2026-05-01T02:00:00Z');
    expect(await story.slot(3)).toBe(7);
  });
});

it('a line that is missing while its charge still rates is no end: the block says to add one', async () => {
  await marchInvoiced(7);
  await removeLine();
  expect(await story.reasons()).toEqual(['LINE_MISSING']);
  expect(await items()).toEqual([]);
});

describe('a contract that ended', () => {
  it('leaves what is due to a person; another value is another item, and the old one cannot be settled', async () => {
    await marchInvoiced(7);
    await story.editOrder({ subscription_state: '6_churn' });
    await story.minute();
    const [first] = await items();
    expect(first).toMatchObject({ value: '7', cause: 'CONTRACT_ENDED', state: 'OPEN' });
    await story.use(2, '2026-03-30T10:00:00Z');
    await story.minute();
    expect(await items()).toMatchObject([
      { value: '7', state: 'LIFTED' },
      { value: '9', state: 'OPEN' },
    ]);
    expect(await refused({ id: first?.id, how: 'WAIVED' })).toEqual([
      'CONFLICT',
      'id',
      'The final due waits no longer: it is settled, billed after all, or another value by now.',
    ]);
    await story.editOrder({ subscription_state: '3_progress' });
    await story.minute();
    expect((await items()).map((item) => item.state)).toEqual(['LIFTED', 'LIFTED']);
    expect(await story.balance()).toMatchObject({ due: '9' });
  });

  it('what was billed too much is credited', async () => {
    await marchInvoiced('void');
    await story.editOrder({ subscription_state: '6_churn' });
    await story.minute();
    const [item] = await items();
    expect(item).toMatchObject({ value: '-100' });
    expect(await refused({ id: item?.id, how: 'INVOICED' })).toEqual([
      'VALIDATION_FAILED',
      'how',
      'Too much was billed: credit it or waive it.',
    ]);
    await settle(item?.id, 'CREDITED', 'RINV/3');
    await story.minute();
    expect(await story.balance()).toMatchObject({ truth: '0', billed: '100', due: '0' });
    await expectIdentities();
  });

  it('what is less than half a step of Odoo is written off, once', async () => {
    await marchInvoiced(4, { unitsPerProductUnit: '1000' });
    expect(await story.balance()).toMatchObject({ truth: '0.104', billed: '0.1', due: '0.004' });
    await story.editOrder({ subscription_state: '6_churn' });
    await story.minute();
    await story.minute();
    expect(await entries()).toMatchObject([{ kind: 'WRITTEN_OFF', value: '0.004' }]);
    expect(await items()).toEqual([]);
    expect(await story.balance()).toMatchObject({ due: '0' });
    await expectIdentities();
  });

  it('a draft that holds the line is waited for', async () => {
    story = await Story.open(MARCH);
    await story.begin();
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.at('2026-04-01T02:00:00Z');
    const draft = await story.test.sandbox.control.invoiceOrder(story.order.orderId, { post: false });
    await story.editOrder({ subscription_state: '6_churn' });
    await story.minute();
    expect(await items()).toEqual([]);
    await story.test.sandbox.control.deleteDraft(draft ?? 0);
    await story.night();
    expect(await items()).toMatchObject([{ value: '100', state: 'OPEN' }]);
  });
});
