import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { planContract } from '../../src/services/slots';
import { planChangedContracts } from '../../src/services/slots-due';
import { runSync } from '../../src/services/mirror';
import { Story } from '../support/story';

test('what the mirror brings while a contract is planned is planned the next time', async () => {
  const story = await Story.open({ now: '2026-03-10T12:00:00Z', startOn: '2026-03-01', nextInvoiceOn: '2026-04-01' });
  try {
    await story.begin();
    const { test } = story;
    expect(await planChangedContracts(test.ctx())).toEqual({ planned: 0, failed: 0 });
    const other = new Client({ connectionString: test.databaseUrl });
    await other.connect();
    await other.query('begin');
    await other.query('lock table billing_block in exclusive mode');
    const plan = planContract(test.ctx(), await story.contractId());
    const waits = async (): Promise<boolean> => {
      const { rowCount } = await other.query(
        `select 1 from pg_locks where relation = 'billing_block'::regclass and not granted`,
      );
      return rowCount === 1;
    };
    while (!(await waits())) await sleep(20);
    await test.sandbox.control.update('sale.order.line', story.order.lineIds[1] ?? 0, { price_unit: 7 });
    await runSync(test.ctx());
    await other.query('commit');
    await other.end();
    await plan;
    expect(await planChangedContracts(test.ctx())).toEqual({ planned: 1, failed: 0 });
    expect(await planChangedContracts(test.ctx())).toEqual({ planned: 0, failed: 0 });
  } finally {
    await story.close();
  }
});
