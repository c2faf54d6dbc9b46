/** A worker killed between a write and its read-back, with Odoo's run in between: nothing is billed twice, nothing lost. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveredMode } from '../../sandbox/sandbox';
import { enqueue } from '../../src/queue';
import { killHard, REGISTER } from '../support/owner-process';
import { Story } from '../support/story';
import type { WorkerOrder } from '../support/worker-process';

it.each<[DeliveredMode]>([['reset'], ['keep']])(
  '12: kill -9 between write and read-back, the run in between, where Odoo plays %s',
  async (mode) => {
    const story = await Story.open({
      now: '2026-03-01T08:00:00Z',
      startOn: '2026-03-01',
      nextInvoiceOn: '2026-04-01',
      mode,
    });
    try {
      await story.begin();
      await story.test.clock.set(new Date('2026-03-20T10:00:00Z'));
      await story.use(100, '2026-03-20T09:00:00Z');
      await story.test.clock.set(new Date('2026-04-01T02:00:00Z'));
      const { control } = story.test.sandbox;
      await control.addFault({ fault: 'timeout-commits', match: { method: 'web_save' }, times: 1, delayMs: 600_000 });
      await story.test.app.db.transaction((tx) => enqueue(tx, 'close-due-periods', {}));
      await killAtTheWrite(story);
      expect(await story.slot()).toBe(100);
      const before = await story.run('{ writeBacks(first: 1) { nodes { state kind target attempts readBack } } }');
      expect(before.writeBacks.nodes).toEqual([
        { state: 'UNKNOWN', kind: 'FINAL', target: '100', attempts: 1, readBack: null },
      ]);
      await control.clearFaults();
      await story.at('2026-04-01T12:01:00Z');
      await story.minute();
      expect(await story.invoiced()).toEqual([100]);
      expect(await story.slot()).toBe(0);
      expect(await story.balance()).toMatchObject({ truth: '100', billed: '100', due: '0' });
      await story.test.clock.set(new Date('2026-04-20T10:00:00Z'));
      await story.use(7, '2026-04-20T09:00:00Z');
      await story.at('2026-05-01T02:00:00Z');
      await story.at('2026-05-01T12:01:00Z');
      expect(await story.invoiced()).toEqual([100, 7]);
    } finally {
      await story.close();
    }
  },
  60_000,
);

/** Starts a worker, waits until Odoo has taken its write, and kills it before the answer comes. */
async function killAtTheWrite(story: Story): Promise<void> {
  const { url, database, apiKey } = story.test.sandbox;
  const order: WorkerOrder = {
    databaseUrl: story.test.databaseUrl,
    odoo: { url, database, apiKey },
    now: story.test.clock.now().toISOString(),
  };
  const worker: ChildProcess = fork(join(__dirname, '../support/worker-process.ts'), [JSON.stringify(order)], {
    execArgv: ['-r', REGISTER],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  for (let waited = 0; !(await story.writes()).includes(100); waited += 50) {
    if (waited > 20_000) throw new Error('The worker wrote nothing.');
    await sleep(50);
  }
  await killHard(worker);
}
