/** The queries GraphiQL opens with, run with the demo key on the world that a newcomer finds. */
import { addSubscription } from '../../sandbox/world';
import { seedDemo } from '../../src/boot/demo-world';
import { starterTabs } from '../../web/starter-tabs';
import { startTestApp, TEST_NOW, type TestApp } from '../support/app';

/** Its id in the sandbox's demo data. */
const FOXGLOVE_MAPS = 14;
const KEY = `fb_${'d'.repeat(43)}`;

let test: TestApp;

beforeAll(async () => {
  test = await startTestApp({ sandbox: { load: 'demo', now: TEST_NOW } });
  await seedDemo(test.app, KEY);
  await test.runJobs('sync-odoo', 'advance-contracts');
});
afterAll(() => test.close());

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the shape of an answer is what the test knows
async function run(tab: number): Promise<any> {
  const { query, variables } = starterTabs(TEST_NOW)[tab] ?? { query: '' };
  const { data, errors } = await test.gql(KEY, query, JSON.parse(variables ?? '{}'));
  expect(errors).toBeUndefined();
  return data;
}

it('who am I: the key, its service and its scopes', async () => {
  const { viewer } = await run(0);
  expect(viewer).toMatchObject({ apiKey: { name: 'demo' }, service: { code: 'nexacloud', stage: 'LIVE' } });
  expect(viewer.scopes).toContain('USAGE_WRITE');
});

it('record usage: RECORDED, and DUPLICATE when it is run twice', async () => {
  expect((await run(1)).recordUsage).toMatchObject({ status: 'RECORDED', record: { quantity: '2500' } });
  expect((await run(1)).recordUsage).toMatchObject({ status: 'DUPLICATE', record: { unassignedReason: null } });
});

it("what is due: the account's contract with its balance, found without an id", async () => {
  const { nodes } = (await run(2)).billingPeriods;
  expect(nodes).toHaveLength(1);
  expect(nodes[0]).toMatchObject({
    state: 'OPEN',
    contract: {
      subscriptions: [{ partner: { name: 'Foxglove Maps Inc.' } }],
      balances: [{ mode: 'QUANTITY', due: '0' }],
    },
  });
});

it('why this amount: 2,500 calls, 1,000 of them free, are 1.5 product units at 0.25', async () => {
  const { currentUsage } = await run(3);
  expect(currentUsage).toMatchObject({
    amount: '0.38',
    currency: 'USD',
    lines: [
      {
        units: '2500',
        billableUnits: '1500',
        value: '1.5',
        explanation: [{ units: '1.5', unitPrice: '0.25', amount: '0.375' }],
      },
    ],
  });
});

it('an account without an open period, or with two of them, is refused by name', async () => {
  const refused = async (account: string): Promise<unknown> => {
    const { errors } = await test.gql(KEY, 'query ($a: String) { currentUsage(account: $a) { amount } }', {
      a: account,
    });
    return errors?.map(({ extensions: { code, field } }) => `${code} ${field}`);
  };
  expect(await refused('nobody')).toEqual(['NOT_FOUND account']);
  expect(await refused('acct_42')).toBeUndefined();
  await addSubscription(test.sandbox.control, {
    partner: FOXGLOVE_MAPS,
    startDate: '2026-03-01',
    nextInvoiceDate: '2026-04-01',
    lines: [{ code: 'OTHER', price: 1 }],
  });
  await test.clock.advance(60_000);
  await test.runJobs('sync-odoo', 'advance-contracts');
  expect(await refused('acct_42')).toEqual(['CONFLICT account']);
});
