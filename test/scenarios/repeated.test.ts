/**
 * What playing scenarios under trouble rests on: one scenario has one end, each step may be repeated by a new process, and
 * a saved story goes on elsewhere.
 */
import { saveDelivered } from '../../src/odoo/records';
import { Decimal } from '../../src/domain/decimal';
import { Story } from '../support/story';
import { firstSeenRunning } from './catalogue/people';
import { runSkipsAMonth } from './catalogue/runs';
import { plainMonth } from './catalogue/whole-months';
import { type Scenario, play } from './scenario';
import { expectOnlyTargets } from './slot-history';
import { type Snapshot, snapshotOf } from './snapshot';

const stories: Story[] = [];
afterEach(async () => {
  for (const story of stories.splice(0)) await story.close();
});

async function opened(story: Promise<Story>): Promise<Story> {
  stories.push(await story);
  return story;
}

async function plainEnd(scenario: Scenario): Promise<Snapshot> {
  const story = await opened(Story.open(scenario.opening));
  await play(story, scenario);
  return snapshotOf(story);
}

it('each step repeated by another process leads to the same end', async () => {
  const story = await opened(Story.open(firstSeenRunning.opening));
  for (const step of firstSeenRunning.steps) {
    await step.act(story);
    await story.restartApp();
    await step.act(story);
    await step.check?.(story);
  }
  expect(await snapshotOf(story)).toEqual(await plainEnd(firstSeenRunning));
  await expectOnlyTargets(story);
}, 60_000);

it('a story saved between two steps goes on in copies, each to the end of the whole', async () => {
  const story = await opened(Story.open(runSkipsAMonth.opening));
  const first = runSkipsAMonth.steps.slice(0, 6);
  await play(story, { ...runSkipsAMonth, steps: first });
  const saved = await story.save();
  try {
    await play(story, runSkipsAMonth, first.length);
    const end = await snapshotOf(story);
    for (const copy of [saved, JSON.parse(JSON.stringify(saved)) as typeof saved]) {
      const resumed = await opened(Story.resume(copy));
      await play(resumed, runSkipsAMonth, first.length);
      expect(await snapshotOf(resumed)).toEqual(end);
      expect(await expectOnlyTargets(resumed)).toEqual(await expectOnlyTargets(story));
    }
  } finally {
    await saved.drop();
  }
}, 60_000);

it('a snapshot tells an end that differs by one unit, one invoice, one write', async () => {
  const story = await opened(Story.open(plainMonth.opening));
  await play(story, plainMonth);
  const end = await snapshotOf(story);
  expect(end).toMatchObject({
    nextInvoiceOn: '2026-05-01',
    slots: { 'Base fee': 0, Calls: 0 },
    invoiced: [
      { product: 'Base fee', on: '2026-04-01', quantity: 1, state: 'out_invoice posted' },
      { product: 'Calls', on: '2026-04-01', quantity: 150.5, state: 'out_invoice posted' },
    ],
    periods: [
      {
        startOn: '2026-03-01',
        endOn: '2026-04-01',
        state: 'CLOSED',
        lines: [{ service: 'cloud', metric: 'calls', revision: 1, units: '150.5', amount: '75.25', adjustments: [] }],
      },
      { startOn: '2026-04-01', endOn: '2026-05-01', state: 'OPEN', lines: [] },
    ],
    balances: [{ truth: '150.5', billed: '150.5', due: '0' }],
    writeBacks: [
      { product: 'Calls', startOn: '2026-03-01', kind: 'FINAL', target: '150.5', state: 'INVOICED', readBack: '150.5' },
      { product: 'Calls', startOn: '2026-04-01', kind: 'EMPTY', target: '0', state: 'WRITTEN', readBack: '0' },
    ],
    settlements: [{ product: 'Calls', startOn: '2026-03-01', evidence: 'INVOICE_LINE', billed: '150.5' }],
    ledger: [
      { key: 'cloud/acme/calls/2026-03-10T09:00:00Z', kind: 'USAGE', quantity: '100', late: false, contract: 1 },
      { key: 'cloud/acme/calls/2026-03-20T09:00:00Z', kind: 'USAGE', quantity: '50.5', late: false, contract: 1 },
    ],
    identities: { holds: true },
  });
});

it('a write that was not on record is found in the history of the slots, and so is the number of an invoiced month', async () => {
  const story = await opened(Story.open(plainMonth.opening));
  await play(story, plainMonth);
  expect(await expectOnlyTargets(story)).toEqual({ taken: 1, attempted: 1 });
  const [, line = 0] = story.order.lineIds;
  await saveDelivered(story.test.app.odoo, line, new Decimal(0));
  await expect(expectOnlyTargets(story)).rejects.toThrow('A write without an attempt on record');
  await story.test.clock.advance(60_000);
  await saveDelivered(story.test.app.odoo, line, new Decimal('150.5'));
  await expect(expectOnlyTargets(story)).rejects.toThrow('Not a target of its slot');
});
