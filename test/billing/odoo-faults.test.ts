/** What Odoo does to us in the middle of a write: the end is right, nothing is written more often than it must be. */
import type { FaultKind } from '../../sandbox/faults';
import type { BillingError } from '../../src/domain/errors';
import { createOdooClient } from '../../src/odoo/client';
import { runWriteBacks } from '../../src/services/write-backs';
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

const MARCH = { now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' };

async function dueOnFirstOfApril(opening: Partial<Parameters<typeof Story.open>[0]> = {}): Promise<void> {
  story = await Story.open({ ...MARCH, ...opening });
  await story.begin();
  await story.usedBy('2026-03-20T10:00:00Z', 100);
}

async function theMonthAfter(quantities: number[]): Promise<void> {
  await story.usedBy('2026-04-20T10:00:00Z', 7);
  await story.at('2026-05-01T02:00:00Z');
  await story.at('2026-05-01T23:59:30Z');
  expect(await story.invoiced()).toEqual(quantities);
  expect(await story.balance()).toMatchObject({ truth: '107', billed: '107', due: '0' });
}

/** What each fault leaves of the intent, and whether Odoo had done the work. */
it.each<[FaultKind, string, boolean]>([
  ['reset-before', 'UNKNOWN', false],
  ['reset-after', 'UNKNOWN', true],
  ['html-404', 'PENDING', false],
  ['serialization', 'PENDING', false],
  ['unauthorized', 'PENDING', false],
])('%s: the next attempt reads first, and one write is all it takes', async (fault, state, isDone) => {
  await dueOnFirstOfApril();
  await story.failWrite(fault);
  await story.atInTrouble('2026-04-01T02:00:00Z');
  expect((await story.writeBacks())[0]).toMatchObject({ kind: 'FINAL', target: '100', state, attempts: 1 });
  expect(await story.slot()).toBe(isDone ? 100 : 0);
  await story.minute();
  expect((await story.writeBacks())[0]).toMatchObject({ kind: 'FINAL', state: 'WRITTEN', readBack: '100' });
  expect(await story.writes()).toEqual([100]);
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
  await theMonthAfter([100, 7]);
});

it('a write that Odoo does and never answers is given up, read back, and not sent again', async () => {
  await dueOnFirstOfApril();
  const { app } = story.test;
  const patient = app.odoo;
  const timeoutMs = { read: 10_000, page: 10_000, write: 500 };
  const impatient = createOdooClient(app.config.odoo, { callsInFlight: 2, log: app.log, timeoutMs });
  Object.assign(app, { odoo: impatient });
  try {
    await story.failWrite('timeout-commits');
    await story.atInTrouble('2026-04-01T02:00:00Z');
    expect((await story.writeBacks())[0]).toMatchObject({ kind: 'FINAL', state: 'UNKNOWN', readBack: null });
    await story.minute();
    expect((await story.writeBacks())[0]).toMatchObject({ kind: 'FINAL', state: 'WRITTEN', readBack: '100' });
    expect(await story.writes()).toEqual([100]);
    await story.at('2026-04-01T12:01:00Z');
    expect(await story.invoiced()).toEqual([100]);
  } finally {
    Object.assign(app, { odoo: patient });
    await impatient.close();
  }
});

it('an unknown outcome that the run has billed by the time it is read is settled by the invoice', async () => {
  await dueOnFirstOfApril({ mode: 'keep' });
  await story.failWrite('reset-after');
  await story.atInTrouble('2026-04-01T02:00:00Z');
  await story.test.sandbox.control.addFault({ fault: 'down' });
  await story.atInTrouble('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([100]);
  await story.test.sandbox.control.clearFaults();
  await waitForCircuit();
  await story.minute();
  await story.minute();
  expect(await story.slot()).toBe(0);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '100', due: '0' });
  expect(await story.writes()).toEqual([100, 0]);
  await theMonthAfter([100, 7]);
});

it('down for hours, from the close to past the run: nothing is lost, the month after bills both', async () => {
  await dueOnFirstOfApril();
  await story.test.sandbox.control.addFault({ fault: 'down' });
  for (const hour of ['02', '04', '06', '09', '12', '14']) await story.atInTrouble(`2026-04-01T${hour}:01:00Z`);
  expect((await story.writeBacks())[0]).toMatchObject({ kind: 'FINAL', target: '100', state: 'PENDING' });
  expect(await story.invoiced()).toEqual([]);
  await story.test.sandbox.control.clearFaults();
  await waitForCircuit();
  await story.at('2026-04-01T15:00:00Z');
  expect(await story.slot()).toBe(0);
  expect(await story.writes()).toEqual([]);
  expect(await story.balance()).toMatchObject({ truth: '100', billed: '0', due: '100' });
  await theMonthAfter([107]);
});

it('down for hours, back before the run: written once', async () => {
  await dueOnFirstOfApril();
  await story.test.sandbox.control.addFault({ fault: 'down' });
  for (const hour of ['02', '04', '06']) await story.atInTrouble(`2026-04-01T${hour}:01:00Z`);
  await story.test.sandbox.control.clearFaults();
  await waitForCircuit();
  await story.at('2026-04-01T07:00:00Z');
  expect(await story.writes()).toEqual([100]);
  await story.at('2026-04-01T12:01:00Z');
  await theMonthAfter([100, 7]);
});

describe("Odoo's run slips in", () => {
  it('between our read and our write: the empty slot is billed, the write is taken out again, the rest is due', async () => {
    await dueOnFirstOfApril({ runAt: '23:59' });
    await story.failWrite('billing-before');
    await story.at('2026-04-01T02:00:00Z');
    expect(await story.nextInvoiceOn()).toBe('2026-05-01');
    expect(await story.invoiced()).toEqual([]);
    expect(await story.slot()).toBe(0);
    expect(await story.writes()).toEqual([100, 0]);
    expect(await story.balance()).toMatchObject({ truth: '100', billed: '0', due: '100' });
    await theMonthAfter([107]);
  });

  it('between our read and our write: an old value is billed, and the new one is not billed on top', async () => {
    await dueOnFirstOfApril({ runAt: '23:59' });
    await story.at('2026-04-01T02:00:00Z');
    await story.use(11, '2026-03-20T09:00:00Z');
    await story.failWrite('billing-before');
    await story.minute();
    expect(await story.invoiced()).toEqual([100]);
    expect(await story.slot()).toBe(0);
    expect(await story.writes()).toEqual([100, 111, 0]);
    expect(await story.balance()).toMatchObject({ truth: '111', billed: '100', due: '11' });
    await story.usedBy('2026-04-20T10:00:00Z', 7);
    await story.at('2026-05-01T02:00:00Z');
    await story.at('2026-05-01T23:59:30Z');
    expect(await story.invoiced()).toEqual([100, 18]);
  });

  it.each(['reset', 'keep'] as const)(
    'right after our write, before its answer (%s): the write is what was billed',
    async (mode) => {
      await dueOnFirstOfApril({ runAt: '23:59', mode });
      await story.failWrite('billing-after');
      await story.at('2026-04-01T02:00:00Z');
      await story.minute();
      expect(await story.invoiced()).toEqual([100]);
      expect(await story.slot()).toBe(0);
      expect(await story.balance()).toMatchObject({ truth: '100', billed: '100', due: '0' });
      expect((await story.writeBacks()).filter((one) => one.kind === 'FINAL')).toMatchObject([{ state: 'INVOICED' }]);
      expect(await story.writes()).toEqual(mode === 'reset' ? [100] : [100, 0]);
    },
  );

  it('between our write and a lost answer: the invoice settles what nobody knew', async () => {
    await dueOnFirstOfApril({ runAt: '02:30' });
    await story.failWrite('reset-after');
    await story.atInTrouble('2026-04-01T02:00:00Z');
    await story.at('2026-04-01T02:31:00Z');
    expect(await story.invoiced()).toEqual([100]);
    expect(await story.writes()).toEqual([100]);
    expect(await story.balance()).toMatchObject({ billed: '100', due: '0' });
  });
});

describe('two workers at once on one order', () => {
  async function subscriptionId(): Promise<string> {
    const data = await story.run('{ subscriptions { nodes { id odooId } } }');
    const nodes = data.subscriptions.nodes as { id: string; odooId: number }[];
    return nodes.find((node) => node.odooId === story.order.orderId)?.id ?? '';
  }

  it('one writes, the other is told to come again, and Odoo sees one write', async () => {
    await dueOnFirstOfApril({ config: { odooWrites: false } });
    await story.at('2026-04-01T02:00:00Z');
    const id = await subscriptionId();
    await story.failWrite('slow', { delayMs: 300 });
    const ctx = { ...story.test.ctx(), config: { ...story.test.app.config, odooWrites: true } };
    const ends = await Promise.allSettled([runWriteBacks(ctx, id), runWriteBacks(ctx, id)]);
    const refused = ends.filter((end) => end.status === 'rejected').map((end) => end.reason as BillingError);
    expect(refused).toMatchObject([{ code: 'UNAVAILABLE' }]);
    expect(await story.writes()).toEqual([100]);
    await runWriteBacks(ctx, id);
    expect(await story.writes()).toEqual([100]);
  });

  it('a plan that replaces an intent while its slot is being read keeps the old one from being sent', async () => {
    await dueOnFirstOfApril({ config: { odooWrites: false } });
    await story.at('2026-04-01T02:00:00Z');
    const id = await subscriptionId();
    await story.test.sandbox.control.addFault({ fault: 'slow', match: { method: 'web_read' }, delayMs: 1_500 });
    const ctx = { ...story.test.ctx(), config: { ...story.test.app.config, odooWrites: true } };
    const writing = runWriteBacks(ctx, id);
    await story.use(11, '2026-03-20T09:00:00Z');
    await story.test.runJobs('advance-contracts');
    await writing;
    expect(await story.writes()).toEqual([]);
    await runWriteBacks(ctx, id);
    expect(await story.writes()).toEqual([111]);
  });
});

/** The circuit opens after five failures, for at most a minute of the machine's own time; a test's is short. */
async function waitForCircuit(): Promise<void> {
  for (let waitedMs = 0; story.test.app.odoo.status().circuitOpen && waitedMs < 20_000; waitedMs += 250) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    if (waitedMs % 1_000 === 0) await story.minuteInTrouble();
  }
}
