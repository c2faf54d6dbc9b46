import { DataSource } from 'typeorm';
import { recordUsage } from '../../src/services/usage-records';
import { checkRollup } from '../../src/services/rollup-check';
import { startTestApp, type TestApp } from '../support/app';
import { counter, seedUsageWorld, type UsageWorld } from '../support/usage-world';

let test: TestApp;
let world: UsageWorld;
let owner: DataSource;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  owner = await new DataSource({ type: 'postgres', url: test.databaseUrl }).initialize();
  world = await seedUsageWorld(test.app.db);
  await recordUsage(test.ctx({ serviceId: world.service.id }), counter());
});
afterAll(async () => {
  await owner.destroy();
  await test.close();
});

const CHANGES = ['usage_record', 'usage_assignment'].flatMap((table) => [
  `update ${table} set actor = 'somebody else'`,
  `delete from ${table}`,
  `truncate ${table} cascade`,
]);

it.each(CHANGES)('the run-time may not: %s', async (statement) => {
  await expect(test.app.db.query(statement)).rejects.toThrow(/permission denied for table usage_(record|assignment)/);
});

it.each(CHANGES)('the trigger refuses the owner: %s', async (statement) => {
  await expect(owner.query(statement)).rejects.toThrow(
    /^(UPDATE|DELETE|TRUNCATE) on usage_(record|assignment) is refused/,
  );
});

it('the check of the rollup reports each difference and repairs nothing', async () => {
  const ctx = test.ctx();
  expect(await checkRollup(ctx)).toEqual({ checkedLinks: 1, differenceCount: 0, differences: [] });
  await test.app.db.query('update usage_rollup set quantity = quantity + 0.5');
  await test.app.db.query(
    `insert into usage_rollup (account_link_id, metric_id, hour, quantity, records) values ($1, $2, '2026-03-01T00:00:00Z', 0, 1)`,
    [world.linkId, world.metricId],
  );
  const report = await checkRollup(ctx);
  expect(report.differenceCount).toBe(2);
  expect(
    report.differences.map(({ hour, contractId, ledger, rollup }) => [
      hour.toISOString(),
      contractId,
      ledger.quantity.toFixed(),
      ledger.records,
      rollup.quantity.toFixed(),
      rollup.records,
    ]),
  ).toEqual([
    ['2026-03-10T09:00:00.000Z', world.subscription.contractId, '10', 1, '10.5', 1],
    ['2026-03-01T00:00:00.000Z', null, '0', 0, '0', 1],
  ]);
  expect(await checkRollup(ctx)).toEqual(report);
  await test.app.db.query('delete from usage_rollup where records = 1 and quantity = 0');
  await test.app.db.query('update usage_rollup set quantity = quantity - 0.5');
  expect((await checkRollup(ctx)).differenceCount).toBe(0);
});
