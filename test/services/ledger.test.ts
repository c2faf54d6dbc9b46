/** The ledger's seal: what is sealed, what proves a record, and that whatever is done to the ledger is found and named. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { verifyBlocks } from '../../src/cli/long-commands';
import { createOutput } from '../../src/cli/output';
import type { Ctx } from '../../src/ctx';
import { blockHash, provenRoot } from '../../src/domain/ledger-chain';
import { migrate } from '../../src/migrate';
import { receiptProof, sealLedger } from '../../src/services/ledger-blocks';
import { type LedgerVerification, verifyLedger } from '../../src/services/ledger-verify';
import { recordUsageBatch } from '../../src/services/usage-records';
import { voidUsage } from '../../src/services/usage-corrections';
import { startTestApp, type TestApp } from '../support/app';
import { counter, seedUsageWorld, type UsageWorld } from '../support/usage-world';

let test: TestApp;
let world: UsageWorld;
let ctx: Ctx;
let all: Ctx;
let owner: Client;

beforeAll(async () => {
  test = await startTestApp({ sandbox: false });
  owner = new Client({ connectionString: test.databaseUrl });
  await owner.connect();
  all = test.ctx();
});
afterAll(async () => {
  await owner.end();
  await test.close();
});
beforeEach(async () => {
  await tamper('truncate ledger_block, usage_record, usage_assignment, usage_rollup');
  world = await seedUsageWorld(test.app.db);
  ctx = test.ctx({ serviceId: world.service.id });
});

/** Records `count` counters in one transaction; gives their ids. */
async function record(count: number, prefix = 'k'): Promise<string[]> {
  const counters = Array.from({ length: count }, (_, index) =>
    counter({ idempotencyKey: `${prefix}${index}`, quantity: '1' }),
  );
  const { results } = await recordUsageBatch(ctx, counters, { withResults: true });
  return results.map((result) => result.recordId ?? '');
}

/** Seals once no transaction of the server is older than what was recorded: other tests run beside this one. */
async function seal(): Promise<{ blocks: number; rows: number }> {
  const limit = performance.now() + 20_000;
  for (let isSettled = false; !isSettled && performance.now() < limit;) {
    const [row] = await test.app.db.query<{ settled: boolean }[]>(
      'select coalesce(max(transaction) < ledger_settled_before(), true) as settled from usage_record',
    );
    isSettled = row?.settled ?? true;
    if (!isSettled) await sleep(20);
  }
  return sealLedger(all);
}

async function verify(fromBlock = 1, blocks = 500): Promise<LedgerVerification> {
  return verifyLedger(all, { fromBlock, blocks });
}

/** What somebody does who has every right in the database. */
async function tamper(sql: string, values: unknown[] = []): Promise<void> {
  await owner.query('set session_replication_role = replica');
  await owner.query(sql, values);
  await owner.query('set session_replication_role = origin');
}

it('is sealed in blocks of 1,000 rows, each once', async () => {
  await record(1000);
  await record(700, 'more');
  expect(await seal()).toEqual({ blocks: 2, rows: 1700 });
  expect(await seal()).toEqual({ blocks: 0, rows: 0 });
  await record(1, 'last');
  expect(await seal()).toEqual({ blocks: 1, rows: 1 });
  expect(await verify()).toMatchObject({
    holds: true,
    blocks: 3,
    rows: 1701,
    lastBlock: 3,
    hasMore: false,
    faults: [],
  });
});

it('leaves out what a running transaction may still come before, and takes it up when that has ended', async () => {
  await owner.query('begin');
  await owner.query('select pg_current_xact_id()');
  const [id = ''] = await record(1);
  expect(await sealLedger(all)).toEqual({ blocks: 0, rows: 0 });
  expect((await receiptProof(ctx, id)).state).toBe('PENDING');
  await owner.query('commit');
  expect(await seal()).toEqual({ blocks: 1, rows: 1 });
  expect((await receiptProof(ctx, id)).state).toBe('SEALED');
});

it('seals a row that was committed after one with a later id', async () => {
  const slow = new Client({ connectionString: test.databaseUrl });
  await slow.connect();
  await slow.query('begin');
  await slow.query(
    `insert into usage_record (service_id, account_link_id, contract_id, metric_id, window_start, window_end, counted_at,
       quantity, kind, actor, late, idempotency_key, content_hash, received_at)
     values ($1, $2, $3, $4, $5, $5, $5, 1, 'USAGE', 'cli:test', false, 'slow', sha256('x'), $5)`,
    [world.service.id, world.linkId, world.subscription.contractId, world.metricId, '2026-03-10T09:00:00Z'],
  );
  await record(2);
  expect(await sealLedger(all)).toMatchObject({ rows: 0 });
  await slow.query('commit');
  await slow.end();
  expect(await seal()).toMatchObject({ rows: 3 });
  expect(await verify()).toMatchObject({ holds: true, rows: 3 });
});

it('proves a record by hashes that anybody can compute', async () => {
  const ids = await record(5);
  await seal();
  const proof = await receiptProof(ctx, ids[3] ?? '');
  const recordHash = createHash('sha256')
    .update(Buffer.concat([Buffer.of(0), Buffer.from(proof.text)]))
    .digest();
  expect(proof.recordHash).toEqual(recordHash);
  const { number = 0n, previousHash = Buffer.of(), hash } = proof.block ?? {};
  expect(blockHash({ number, previousHash, root: provenRoot(recordHash, proof.path) })).toEqual(hash);
  expect(proof.text).toContain('"k3"');
});

it('proves nothing to another service', async () => {
  const [id = ''] = await record(1);
  const other = await seedUsageWorld(test.app.db);
  for (const unknown of [id, '999999', 'x', '9'.repeat(30)]) {
    await expect(receiptProof(test.ctx({ serviceId: other.service.id }), unknown)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'No such usage record.',
    });
  }
  await expect(verifyLedger(ctx, { fromBlock: 1, blocks: 1 })).rejects.toMatchObject({ code: 'FORBIDDEN' });
});

describe('names', () => {
  let ids: string[];
  beforeEach(async () => {
    ids = await record(6);
    await voidUsage(ctx, { idempotencyKey: 'void', voids: 'k0', reason: 'sent twice' });
    await seal();
    await record(4, 'next');
    await seal();
  });

  it.each([
    ['quantity', 'update usage_record set quantity = 2 where id = $1'],
    ['scale of the quantity', 'update usage_record set quantity = 1.0 where id = $1'],
    ['account link', 'update usage_record set account_link_id = gen_random_uuid() where id = $1'],
    ['lateness', 'update usage_record set late = not late where id = $1'],
    ['dimension', `update usage_record set dimensions = '{"a": "b"}' where id = $1`],
    ['reason', "update usage_record set reason = 'x' where id = $1"],
    ['actor', "update usage_record set actor = 'nobody' where id = $1"],
    ['time of receipt', "update usage_record set received_at = received_at + interval '1 second' where id = $1"],
  ])('a row whose %s was edited', async (_, sql) => {
    await tamper(sql, [ids[2]]);
    expect((await verify()).faults).toEqual([
      { kind: 'EDITED', blockNumber: 1, recordId: ids[2], message: `Record ${ids[2]} is not what was sealed.` },
    ]);
  });

  it('a row that was removed', async () => {
    await tamper('delete from usage_record where id = $1', [ids[4]]);
    expect((await verify()).faults).toEqual([
      { kind: 'REMOVED', blockNumber: 1, recordId: ids[4], message: `Record ${ids[4]} is gone.` },
    ]);
  });

  it('both rows when two were swapped', async () => {
    await tamper(
      `update usage_record r set idempotency_key = o.idempotency_key || '!', content_hash = o.content_hash
         from usage_record o where (r.id, o.id) in (($1, $2), ($2, $1))`,
      [ids[1], ids[3]],
    );
    expect((await verify()).faults.map(({ kind, recordId }) => [kind, recordId])).toEqual([
      ['EDITED', ids[1]],
      ['EDITED', ids[3]],
    ]);
  });

  it('a row that was moved to another place', async () => {
    await tamper(
      'update usage_record set transaction = (select max(last_transaction) from ledger_block) where id = $1',
      [ids[5]],
    );
    expect((await verify()).faults).toEqual([
      {
        kind: 'MOVED',
        blockNumber: 1,
        recordId: ids[5],
        message: `Record ${ids[5]} does not stand where it was sealed.`,
      },
    ]);
  });

  it('a row that was slipped in', async () => {
    await tamper(
      `insert into usage_record (transaction, service_id, account_link_id, contract_id, metric_id, window_start, window_end,
         counted_at, quantity, kind, actor, late, idempotency_key, content_hash, received_at)
       select transaction, service_id, account_link_id, contract_id, metric_id, window_start, window_end, counted_at, 7, 'USAGE',
              actor, late, 'slipped', content_hash, received_at from usage_record where id = $1`,
      [ids[0]],
    );
    const [fault] = (await verify()).faults;
    expect(fault).toMatchObject({ kind: 'ADDED' });
    const [row] = await test.app.db.query<{ id: string }[]>(
      "select id from usage_record where idempotency_key = 'slipped'",
    );
    expect(fault?.recordId).toBe(row?.id);
  });

  it('a block that was changed, left out, or made anew without those after it', async () => {
    await tamper("update ledger_block set previous_hash = sha256('x') where number = 2");
    expect((await verify()).faults.map((fault) => fault.message)).toEqual([
      'Block 2 does not follow the block before it.',
      'Block 2 is not what was sealed.',
    ]);
    await tamper('update ledger_block set number = 3 where number = 2');
    expect((await verify()).faults.map((fault) => fault.message)).toContain('Block 2 is missing.');
  });
});

it('is verified part by part, with the last hash to be noted elsewhere', async () => {
  for (const prefix of ['a', 'b', 'c']) {
    await record(2, prefix);
    await seal();
  }
  const first = await verify(1, 2);
  expect(first).toMatchObject({ holds: true, blocks: 2, lastBlock: 2, rows: 4, hasMore: true });
  const second = await verify(3, 2);
  expect(second).toMatchObject({ holds: true, blocks: 1, lastBlock: 3, rows: 2, hasMore: false });
  const [newest] = await test.app.db.query<{ hash: Buffer }[]>('select hash from ledger_block where number = 3');
  expect(second.lastHash).toEqual(newest?.hash);
});

it.each([
  [{ fromBlock: 0, blocks: 1 }, 'fromBlock', 'fromBlock must be 1 or more, not 0.'],
  [{ fromBlock: 1, blocks: 0 }, 'blocks', 'blocks must be from 1 to 500, not 0.'],
  [{ fromBlock: 1, blocks: 501 }, 'blocks', 'blocks must be from 1 to 500, not 501.'],
])('refuses %o by name', async (input, field, message) => {
  await expect(verifyLedger(all, input)).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    message,
    details: { field },
  });
});

it('is sealed on in its order in a cluster whose transactions are younger', async () => {
  await record(1);
  await seal();
  // As after a restore into a new cluster: everything sealed has higher numbers than the next transaction will get.
  await tamper('update usage_record set transaction = transaction + 1000000');
  await tamper('update ledger_block set last_transaction = last_transaction + 1000000');
  await migrate(test.databaseUrl);
  await record(1, 'restored');
  expect(await seal()).toEqual({ blocks: 1, rows: 1 });
});

it('every column of a record is in what is hashed of it', async () => {
  await record(1);
  const [{ hashed, columns }] = await test.app.db.query(
    `select jsonb_array_length(usage_record_text(r)::jsonb) as hashed,
            (select count(*)::integer from information_schema.columns
              where table_schema = 'public' and table_name = 'usage_record') as columns
       from usage_record r`,
  );
  // The first one is the number of the format.
  expect(hashed).toBe(columns + 1);
});

describe('as a command', () => {
  /** What `verify-ledger` prints, and the code it exits with. */
  async function command({ json = false, from = 1 }): Promise<{ text: string; code: unknown }> {
    const before = process.exitCode;
    let text = '';
    const print = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
      text += String(chunk);
      return true;
    });
    try {
      await verifyBlocks(
        all,
        createOutput(() => json),
        from,
      );
      return { text, code: process.exitCode };
    } finally {
      print.mockRestore();
      process.exitCode = before;
    }
  }

  it('it says what was compared and the hash to note, or names what is wrong and exits with 1', async () => {
    expect(await command({})).toEqual({ text: 'Nothing is sealed yet.\n', code: undefined });
    const [, second = ''] = await record(3);
    await seal();
    const hash = (await verify()).lastHash?.toString('hex');
    const sealed = `3 records, blocks 1 to 1.\nHash of block 1: ${hash}\n`;
    expect(await command({})).toEqual({ text: `The ledger is what was sealed: ${sealed}`, code: undefined });
    expect(await command({ from: 2 })).toEqual({ text: 'There is no block 2 yet.\n', code: undefined });
    const seen = { records: 3, firstBlock: 1, lastBlock: 1, lastHash: hash };
    const { text } = await command({ json: true });
    expect(JSON.parse(text)).toEqual({ holds: true, ...seen, faults: [] });
    await tamper('update usage_record set quantity = 4 where id = $1', [second]);
    const broken = await command({});
    expect(broken.code).toBe(1);
    expect(broken.text).toContain(second);
    expect(broken.text).toContain('The ledger is not what was sealed: 1 fault in 3 records');
    const told = JSON.parse((await command({ json: true })).text);
    expect(told).toMatchObject({
      holds: false,
      ...seen,
      faults: [{ kind: 'EDITED', recordId: second, blockNumber: 1 }],
    });
  });
});
