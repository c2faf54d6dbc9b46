/** A process killed under load: what it acknowledged is there, what is sent again counts once. */
import { DataSource } from 'typeorm';
import { BOOT_LIMIT_MS, makeMachine, printedCurl, type Instance } from '../support/machine';
import { killHard } from '../support/owner-process';

const RECORDS = 100_000;
const BATCH = 1_000;
const CONNECTIONS = 4;
const MUTATION = `mutation ($input: RecordUsageBatchInput!) {
  recordUsageBatch(input: $input) { recordedCount duplicateCount rejectedCount } }`;

interface Totals {
  recorded: number;
  duplicate: number;
  acknowledged: number;
}

it(
  'killed during a load of 100,000 records, started again and sent everything: exactly 100,000 are counted',
  async () => {
    const machine = makeMachine();
    try {
      const now = Date.now();
      const first = await machine.launchReady({ PORT: '0' });
      const interrupted = send(first, now, (totals) => {
        if (totals.acknowledged === 40) void killHard(first.process);
      });
      const before = await interrupted;
      expect(before.acknowledged).toBeLessThan(RECORDS / BATCH);
      const second = await machine.launchReady({ PORT: '0' });
      const after = await send(second, now);
      // A batch whose answer was lost in the kill may have been committed: it is a duplicate now.
      expect(after.recorded + after.duplicate).toBe(RECORDS);
      expect(after.duplicate).toBeGreaterThanOrEqual(before.recorded);
      expect(await counted(machine.databaseUrl())).toEqual({
        ledger: RECORDS,
        units: '5000050000',
        rollup: '5000050000',
      });
      expect(await ask(second, '{ identities { holds records { accepted effective difference } } }')).toEqual({
        identities: { holds: true, records: [{ accepted: RECORDS, effective: RECORDS, difference: 0 }] },
      });
      second.process.kill('SIGTERM');
      expect({ code: await second.exit, said: second.output() }).toMatchObject({ code: 0 });
    } finally {
      await machine.remove();
    }
  },
  4 * BOOT_LIMIT_MS,
);

/** Sends all batches over a few connections; a connection whose process dies gives up. */
async function send(
  instance: Instance,
  now: number,
  onAnswer: (totals: Totals) => void = () => undefined,
): Promise<Totals> {
  const totals: Totals = { recorded: 0, duplicate: 0, acknowledged: 0 };
  const batches = Array.from({ length: RECORDS / BATCH }, (_, index) => index);
  const connection = async (): Promise<void> => {
    for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
      const answer = await ask(instance, MUTATION, { input: { records: records(batch, now) } }).catch(() => null);
      if (answer === null) return;
      const { recordedCount, duplicateCount, rejectedCount } = answer.recordUsageBatch as Record<string, number>;
      expect(rejectedCount).toBe(0);
      totals.recorded += recordedCount ?? 0;
      totals.duplicate += duplicateCount ?? 0;
      totals.acknowledged += 1;
      onAnswer(totals);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  return totals;
}

/** Record n has the quantity n, from 1: their sum is 5,000,050,000. */
function records(batch: number, now: number): Record<string, unknown>[] {
  return Array.from({ length: BATCH }, (_, index) => {
    const number = batch * BATCH + index + 1;
    const window = new Date(now - number * 1_000).toISOString();
    return {
      account: 'acct_42',
      metric: 'api_calls',
      windowStart: window,
      windowEnd: window,
      quantity: String(number),
      idempotencyKey: `acct_42/api_calls/${window}`,
    };
  });
}

async function ask(instance: Instance, query: string, variables?: object): Promise<Record<string, unknown>> {
  const { url, key } = printedCurl(instance);
  const answer = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await answer.json()) as { data: Record<string, unknown>; errors?: unknown };
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}

async function counted(url: string): Promise<unknown> {
  const db = new DataSource({ type: 'postgres', url });
  await db.initialize();
  try {
    const [row] = await db.query(`select (select count(*)::int from usage_record) as ledger,
      (select sum(quantity)::text from usage_record) as units, (select sum(quantity)::text from usage_rollup) as rollup`);
    return row;
  } finally {
    await db.destroy();
  }
}
