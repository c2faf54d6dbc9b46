import fc from 'fast-check';
import { Decimal, sum } from '../../src/domain/decimal';
import type { UsageInput } from '../../src/domain/usage-record';
import { checkRollup } from '../../src/services/rollup-check';
import { assignUsage } from '../../src/services/usage-assign';
import { recordUsage, recordUsageBatch } from '../../src/services/usage-records';
import { voidUsage } from '../../src/services/usage-corrections';
import { startTestApp, type TestApp } from '../support/app';
import { rerunsOf } from '../support/metrics';
import { counter, seedLink, seedMetric, seedPartner, seedSubscription, seedUsageWorld } from '../support/usage-world';

let test: TestApp;
beforeAll(async () => {
  test = await startTestApp({ sandbox: false, config: { databasePoolSize: 12 } });
});
afterAll(() => test.close());

const ACCOUNTS = ['acme', 'branch', 'unassigned'];
const METRICS = ['calls', 'storage'];

interface Counted {
  account: string;
  metric: string;
  hour: number;
  /** In thousandths. */
  quantity: number;
  isVoided: boolean;
}

const counted: fc.Arbitrary<Counted> = fc.record({
  account: fc.constantFrom(...ACCOUNTS),
  metric: fc.constantFrom(...METRICS),
  hour: fc.nat({ max: 5 }),
  quantity: fc.nat({ max: 1_000_000 }),
  isVoided: fc.boolean(),
});

/** What one connection sends, one batch after another: positions of records; -1 is an item that is always refused. */
const sender = (count: number): fc.Arbitrary<number[][]> =>
  fc.array(fc.array(fc.integer({ min: -1, max: count - 1 }), { maxLength: 30 }), { maxLength: 5 });

const plan = fc.array(counted, { minLength: 1, maxLength: 40 }).chain((records) =>
  fc.record({
    records: fc.constant(records),
    senders: fc.array(sender(records.length), { minLength: 2, maxLength: 6 }),
    // Somebody sends each of them at least once, in an order of his own.
    last: fc.shuffledSubarray([...records.keys()], { minLength: records.length }),
  }),
);

const quantityOf = ({ quantity }: Counted): Decimal => new Decimal(quantity).div(1000);

function inputOf(records: Counted[], position: number): UsageInput {
  const record = records[position];
  if (record === undefined) return counter({ idempotencyKey: 'refused', metric: 'nothing' });
  return counter({
    idempotencyKey: `k${position}`,
    account: record.account,
    metric: record.metric,
    windowStart: new Date(Date.UTC(2026, 1, 1, record.hour)).toISOString(),
    windowEnd: new Date(Date.UTC(2026, 1, 1, record.hour + 1)).toISOString(),
    quantity: quantityOf(record).toFixed(),
  });
}

/** What the rollup must say: account, metric, quantity, records; nothing else. */
function expectedTotals(records: Counted[]): string[] {
  const effective = records.filter(({ isVoided }) => !isVoided);
  return ACCOUNTS.flatMap((account) =>
    METRICS.flatMap((metric) => {
      const own = effective.filter((record) => record.account === account && record.metric === metric);
      return own.length === 0 ? [] : `${account} ${metric} ${sum(own.map(quantityOf)).toFixed()} ${own.length}`;
    }),
  ).sort();
}

async function totals(serviceId: string): Promise<string[]> {
  const rows = await test.app.db.query<{ account: string; code: string; quantity: string; records: string }[]>(
    `select l.account, m.code, sum(u.quantity) as quantity, sum(u.records) as records
       from usage_rollup u join account_link l on l.id = u.account_link_id join metric m on m.id = u.metric_id
      where l.service_id = $1 group by l.account, m.code having sum(u.records) > 0`,
    [serviceId],
  );
  return rows
    .map(({ account, code, quantity, records }) => `${account} ${code} ${new Decimal(quantity).toFixed()} ${records}`)
    .sort();
}

it('any interleaving of any batches, split and re-sent at random, ends in the totals of the distinct records', async () => {
  const reruns = await rerunsOf(test.app);
  await fc.assert(
    fc.asyncProperty(plan, async ({ records, senders, last }) => {
      const { service, partner } = await seedUsageWorld(test.app.db);
      await seedMetric(test.app.db, service.id, { code: 'storage' });
      await seedLink(test.app.db, { serviceId: service.id, account: 'branch', partner });
      const stranger = await seedPartner(test.app.db);
      const linkId = await seedLink(test.app.db, { serviceId: service.id, account: 'unassigned', partner: stranger });
      const ctx = test.ctx({ serviceId: service.id });
      const half = Math.ceil(last.length / 2);
      const recorded = await Promise.all(
        [...senders, [last.slice(0, half), last.slice(half)]].map(async (batches) => {
          let count = 0;
          for (const batch of batches) {
            const inputs = batch.map((position) => inputOf(records, position));
            count += (await recordUsageBatch(ctx, inputs, { withResults: false })).recordedCount;
          }
          return count;
        }),
      );
      expect(recorded.reduce((one, other) => one + other, 0)).toBe(records.length);

      // The same again with what happens to records later, all at once.
      const order = await seedSubscription(test.app.db, { partner: stranger });
      await test.app.db.query('update account_link set contract_id = $2 where id = $1', [linkId, order.contractId]);
      await Promise.all([
        assignUsage(ctx),
        ...records.flatMap((record, position) =>
          record.isVoided
            ? [0, 1].map(() =>
                voidUsage(ctx, { idempotencyKey: `v${position}`, voids: `k${position}`, reason: 'a mistake' }),
              )
            : recordUsage(ctx, inputOf(records, position)),
        ),
      ]);
      expect(await totals(service.id)).toEqual(expectedTotals(records));
      expect(await checkRollup(ctx)).toMatchObject({ differenceCount: 0 });
    }),
    { numRuns: 25 },
  );
  expect(await rerunsOf(test.app)).toBe(reruns);
}, 120_000);
