/** What holds a whole period: drafts, credit notes, dates moved back, and starts that a person has to confirm. */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };
const control = (): Story['test']['sandbox']['control'] => story.test.sandbox.control;

describe('HELD_BY_DRAFT: a draft made by hand, before the close, of a quantity typed by hand', () => {
  async function draft(): Promise<number> {
    story = await Story.open(MARCH);
    await story.begin();
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.editLine({ qty_delivered: 5 });
    const moveId = await control().invoiceOrder(story.order.orderId, { post: false });
    await story.minute();
    expect(await story.reasons()).toEqual(['HELD_BY_DRAFT']);
    await story.at('2026-04-01T02:00:00Z');
    expect(await story.blocks()).toEqual([
      { reason: 'HELD_BY_DRAFT', message: 'A draft invoice holds the line: post or delete it in Odoo.' },
    ]);
    expect((await story.periods())[0]).toMatchObject({ state: 'CLOSED', blocks: [{ reason: 'HELD_BY_DRAFT' }] });
    expect(await story.writes()).toEqual([]);
    return moveId ?? 0;
  }

  it('posted, it is the invoice of the period, and the rest goes to the next one', async () => {
    await afterDraft(draft(), (moveId) => control().postInvoice(moveId));
    expect(await story.blocks()).toEqual([]);
    expect(await story.invoiced()).toEqual([5]);
    expect(await story.balance()).toMatchObject({ truth: '100', billed: '5', due: '95' });
    await story.at('2026-04-01T12:01:00Z');
    await story.at('2026-05-01T02:00:00Z');
    expect(await story.slot()).toBe(95);
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([5, 95]);
    expect(await story.writes()).toEqual([95]);
  });

  it('deleted, the whole quantity is written', async () => {
    await afterDraft(draft(), (moveId) => control().deleteDraft(moveId));
    expect(await story.blocks()).toEqual([]);
    expect(await story.slot()).toBe(100);
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([100]);
    expect(await story.writes()).toEqual([100]);
  });

  async function afterDraft(made: Promise<number>, act: (moveId: number) => Promise<void>): Promise<void> {
    await act(await made);
    await story.minute();
  }
});

it('a draft made while a write waits for Odoo takes the write back', async () => {
  story = await Story.open(MARCH);
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
  await story.failWrite('serialization', { times: 2 });
  await story.atInTrouble('2026-04-01T02:00:00Z');
  expect((await story.writeBacks())[0]).toMatchObject({ kind: 'FINAL', state: 'PENDING' });
  await story.editLine({ qty_delivered: 5 });
  const moveId = await control().invoiceOrder(story.order.orderId, { post: false });
  await story.minuteInTrouble();
  await story.minute();
  expect(await story.reasons()).toEqual(['HELD_BY_DRAFT']);
  expect(await story.writes()).toEqual([]);
  await control().postInvoice(moveId ?? 0);
  await story.minute();
  expect(await story.invoiced()).toEqual([5]);
  expect(await story.balance()).toMatchObject({ billed: '5', due: '95' });
});

describe('CREDIT_NOTE: nothing more is written of the line', () => {
  async function invoiced(mode: 'reset' | 'keep'): Promise<number> {
    story = await Story.open({ ...MARCH, mode });
    await story.begin();
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.at('2026-04-01T02:00:00Z');
    await story.test.clock.set(new Date('2026-04-01T12:01:00Z'));
    const [invoice] = await control().records('account.move', { state: 'posted' });
    return invoice?.id ?? 0;
  }

  it('while a draft of one stands; deleted, what was due is written', async () => {
    const invoice = await invoiced('reset');
    await story.minute();
    const draft = await control().creditNote(invoice, { post: false });
    await story.usedBy('2026-04-20T10:00:00Z', 7);
    await story.at('2026-05-01T02:00:00Z');
    expect(await story.reasons()).toEqual(['CREDIT_NOTE']);
    expect((await story.blocks())[0]?.message).toMatch(/credit note/);
    expect(await story.slot()).toBe(0);
    await control().deleteDraft(draft);
    await story.minute();
    expect(await story.reasons()).toEqual([]);
    expect(await story.slot()).toBe(7);
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([100, 7]);
  });

  it('as long as a posted one is there; what is due stays in the balance', async () => {
    const invoice = await invoiced('reset');
    await story.minute();
    await control().creditNote(invoice);
    await story.usedBy('2026-04-20T10:00:00Z', 7);
    await story.at('2026-05-01T02:00:00Z');
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.reasons()).toEqual(['CREDIT_NOTE']);
    expect(await story.writes()).toEqual([100]);
    expect(await story.balance()).toMatchObject({ truth: '107', billed: '100', due: '7' });
  });

  it('but where Odoo keeps the quantity, the old one is taken out', async () => {
    const invoice = await invoiced('keep');
    await control().creditNote(invoice, { post: false });
    expect(await story.slot()).toBe(100);
    await story.minute();
    expect(await story.reasons()).toEqual(['CREDIT_NOTE']);
    expect(await story.slot()).toBe(0);
    expect(await story.writes()).toEqual([100, 0]);
  });

  it('unless it is older than the service: that one concerns nothing of ours', async () => {
    story = await Story.open(MARCH);
    await story.editLine({ qty_delivered: 9 });
    await story.editOrder({ next_invoice_date: '2026-03-01', start_date: '2026-02-01' });
    const old = await control().invoiceOrder(story.order.orderId);
    await control().creditNote(old ?? 0);
    expect(await story.nextInvoiceOn()).toBe('2026-04-01');
    await story.begin();
    await story.run('mutation ($i: ConfirmPeriodInput!) { confirmPeriod(input: $i) { __typename } }', {
      id: (await story.periods())[0]?.id,
    });
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.at('2026-04-01T02:00:00Z');
    expect(await story.reasons()).toEqual([]);
    expect(await story.slot()).toBe(100);
  });
});

describe('DATE_MOVED_BACK: a date moved back over a closed boundary', () => {
  async function movedBack(): Promise<void> {
    story = await Story.open(MARCH);
    await story.begin();
    await story.usedBy('2026-03-20T10:00:00Z', 100);
    await story.at('2026-04-01T02:00:00Z');
    await story.at('2026-04-01T12:01:00Z');
    await story.usedBy('2026-04-10T13:00:00Z', 7);
    await story.editOrder({ next_invoice_date: '2026-03-20' });
    await story.minute();
    expect(await story.blocks()).toEqual([
      {
        reason: 'DATE_MOVED_BACK',
        message: 'The next invoice date moved back over a closed boundary: move it forward in Odoo.',
      },
    ]);
    expect(await story.slot()).toBe(0);
  }

  it('and forward again is as if nothing had happened', async () => {
    await movedBack();
    await story.editOrder({ next_invoice_date: '2026-05-01' });
    await story.minute();
    expect(await story.blocks()).toEqual([]);
    expect(await story.periods()).toMatchObject([{ endOn: '2026-04-01' }, { endOn: '2026-05-01', state: 'OPEN' }]);
    await story.at('2026-05-01T02:00:00Z');
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([100, 7]);
    expect(await story.writes()).toEqual([100, 7]);
  });

  it("and met by Odoo's run: the periods still tile, and every unit is billed once", async () => {
    await movedBack();
    await story.at('2026-04-11T12:01:00Z');
    expect(await story.nextInvoiceOn()).toBe('2026-04-20');
    await story.at('2026-04-20T02:00:00Z');
    await story.at('2026-04-20T12:01:00Z');
    await story.at('2026-05-20T02:00:00Z');
    await story.at('2026-05-20T12:01:00Z');
    const periods = await story.periods();
    expect(periods.slice(1).map((period) => period.startOn)).toEqual(
      periods.slice(0, -1).map((period) => period.endOn),
    );
    expect(await story.invoiced()).toEqual([100, 7]);
    expect(await story.balance()).toMatchObject({ truth: '107', billed: '107', due: '0' });
    expect(await story.blocks()).toEqual([]);
  });
});

describe('PERIOD_UNCONFIRMED: an order first seen running on 10 March', () => {
  const CONFIRM = `mutation ($i: ConfirmPeriodInput!) { confirmPeriod(input: $i) { period { startOn derived } } }`;

  async function firstSeen(): Promise<string> {
    story = await Story.open({ now: '2026-03-10T08:00:00Z', startOn: '2026-01-01', nextInvoiceOn: '2026-04-01' });
    await story.begin();
    await story.use(1, '2026-02-20T12:00:00Z');
    await story.use(10, '2026-03-04T12:00:00Z');
    await story.use(100, '2026-03-09T12:00:00Z');
    return (await story.periods())[0]?.id ?? '';
  }

  async function beforeBilling(): Promise<unknown> {
    return (await story.run('{ identities { records { accepted inPeriod beforeBilling } } }')).identities.records;
  }

  it.each([
    ['later', '2026-03-06', 100, { accepted: 3, inPeriod: 1, beforeBilling: 2 }],
    ['earlier', '2026-02-15', 111, { accepted: 3, inPeriod: 3, beforeBilling: 0 }],
  ])('confirmed with a %s start while open: usage before it is never billed', async (_, start, due, records) => {
    const id = await firstSeen();
    expect(await story.reasons()).toEqual(['PERIOD_UNCONFIRMED']);
    const { confirmPeriod } = await story.run(CONFIRM, { id, start });
    expect(confirmPeriod.period.startOn).toBe(start);
    await story.minute();
    expect(await story.reasons()).toEqual([]);
    await story.at('2026-04-01T02:00:00Z');
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([due]);
    expect(await beforeBilling()).toEqual([records]);
  });

  it.each([
    ['later', '2026-03-06', 100, '-10', { accepted: 3, inPeriod: 1, beforeBilling: 2 }],
    ['earlier', '2026-02-15', 111, '1', { accepted: 3, inPeriod: 3, beforeBilling: 0 }],
  ])('confirmed with a %s start once closed: it is rated again', async (_, start, due, adjusted, records) => {
    const id = await firstSeen();
    await story.at('2026-04-01T02:00:00Z');
    expect((await story.periods())[0]).toMatchObject({ state: 'CLOSED', lines: [{ units: '110' }] });
    expect(await story.reasons()).toEqual(['PERIOD_UNCONFIRMED']);
    expect(await story.writes()).toEqual([]);
    await story.run(CONFIRM, { id, start });
    await story.minute();
    expect((await story.periods())[0]).toMatchObject({
      startOn: start,
      lines: [{ units: String(due), revision: 2, adjustments: [{ value: adjusted }] }],
    });
    expect(await story.slot()).toBe(due);
    expect(await story.writes()).toEqual([due]);
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([due]);
    expect(await beforeBilling()).toEqual([records]);
  });

  it('confirmed after the run: what was due goes to the next month', async () => {
    const id = await firstSeen();
    await story.at('2026-04-01T02:00:00Z');
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([]);
    await story.run(CONFIRM, { id });
    await story.usedBy('2026-04-20T10:00:00Z', 7);
    await story.at('2026-05-01T02:00:00Z');
    await story.at('2026-05-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([117]);
    expect(await story.balance()).toMatchObject({ due: '0' });
  });
});
