/** Usage that was billed on the wrong contract, and is moved to the right one after the close: both balances follow. */
import { addSubscription } from '../../sandbox/world';
import { reassignUsage } from '../../src/services/usage-reassign';
import { PLAIN_LINES, Story } from '../support/story';

let story: Story;
afterEach(() => story.close());

it('moved after the close, usage leaves one balance and enters the other', async () => {
  story = await Story.open({ now: '2026-03-01T08:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' });
  await story.begin();
  const key = await story.usedBy('2026-03-10T10:00:00Z', 100);
  await story.usedBy('2026-03-11T10:00:00Z', 7);
  const first = await story.contractId();
  const { orderId } = await addSubscription(story.test.sandbox.control, {
    partner: story.order.partnerId,
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: PLAIN_LINES,
  });
  await story.at('2026-04-01T02:00:00Z');
  const [{ id: second }] = await story.test.app.db.query<[{ id: string }]>(
    'select contract_id as id from subscription where odoo_id = $1',
    [orderId],
  );
  const truths = async (): Promise<unknown[]> => {
    const rows = await Promise.all(
      [first, second].map((id) => story.run('query ($i: ID!) { balances(contractId: $i) { truth due } }', id)),
    );
    return rows.map(({ balances }) => balances);
  };
  expect(await truths()).toEqual([[{ truth: '107', due: '107' }], [{ truth: '0', due: '0' }]]);
  const move = { service: 'cloud', records: [{ idempotencyKey: key }], contractId: second, reason: 'the new site' };
  expect(await reassignUsage(story.test.ctx(), move, { withResults: false })).toMatchObject({ recordedCount: 1 });
  await story.minute();
  expect(await truths()).toEqual([[{ truth: '7', due: '7' }], [{ truth: '100', due: '100' }]]);
  expect(await story.slot()).toBe(7);
  await story.test.checkIdentities();
});
