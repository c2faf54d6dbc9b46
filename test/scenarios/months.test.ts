/** Months as customers and Odoo live them. Every number is written by hand. */
import { Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

it('a plain month: what was counted is written at the close, invoiced, and the slot is empty again', async () => {
  story = await Story.open({ now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' });
  await story.begin();
  expect(await story.periods()).toMatchObject([{ startOn: '2026-03-01', endOn: '2026-04-01', state: 'OPEN', derived: false }]);
  await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
  await story.use(100, '2026-03-10T09:00:00Z');
  await story.use('50.5', '2026-03-20T09:00:00Z');
  await story.at('2026-04-01T01:59:00Z');
  expect(await story.periods()).toHaveLength(1);
  expect(await story.slot()).toBe(0);
  await story.at('2026-04-01T02:00:00Z');
  expect(await story.periods()).toMatchObject([
    { state: 'CLOSED', lines: [{ units: '150.5', value: '150.5', amount: '75.25' }], blocks: [] },
    { startOn: '2026-04-01', endOn: '2026-05-01', state: 'OPEN' },
  ]);
  expect(await story.slot()).toBe(150.5);
  expect(await story.balance()).toEqual({ truth: '150.5', billed: '0', due: '150.5', target: '150.5', remainder: '0' });
  await story.at('2026-04-01T12:01:00Z');
  expect(await story.invoiced()).toEqual([150.5]);
  expect(await story.slot()).toBe(0);
  expect(await story.balance()).toEqual({ truth: '150.5', billed: '150.5', due: '0', target: '0', remainder: '0' });
  expect(await story.nextInvoiceOn()).toBe('2026-05-01');
});
