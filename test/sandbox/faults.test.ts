import { startSandbox, type Fault, type Sandbox } from '../../sandbox/sandbox';
import { addSubscription } from '../../sandbox/world';
import { billed, callOdoo, deliver, readLine } from './call';

let sandbox: Sandbox;
let line: number;

beforeEach(async () => {
  sandbox = await startSandbox({ load: 'empty', now: new Date('2026-02-01T10:00:00Z'), runAt: '23:00' });
  const ids = await addSubscription(sandbox.control, {
    startDate: '2026-01-01',
    nextInvoiceDate: '2026-02-01',
    lines: [{ code: 'CALLS', price: 0.25 }],
  });
  line = ids.lineIds[0] ?? 0;
});

afterEach(() => sandbox.close());

const arm = (fault: Fault) => sandbox.control.addFault(fault);
const stored = async () => (await sandbox.control.record('sale.order.line', line)).qty_delivered ?? 0;

test('timeout-commits does the work and never answers', async () => {
  await arm({ fault: 'timeout-commits' });
  await expect(deliver(sandbox, line, 7, { timeoutMs: 100 })).rejects.toThrow('timeout');
  expect(await stored()).toBe(7);
  expect((await deliver(sandbox, line, 8)).status).toBe(200);
});

test('timeout-commits with a delayed commit writes after its client has read the old value', async () => {
  await arm({ fault: 'timeout-commits', commitDelayMs: 150 });
  await expect(deliver(sandbox, line, 7, { timeoutMs: 50 })).rejects.toThrow('timeout');
  expect((await readLine(sandbox, line)).qty_delivered).toBe(0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect((await readLine(sandbox, line)).qty_delivered).toBe(7);
});

test('reset-before cuts the connection with nothing done', async () => {
  await arm({ fault: 'reset-before' });
  await expect(deliver(sandbox, line, 7)).rejects.toThrow('fetch failed');
  expect(await stored()).toBe(0);
});

test('reset-after cuts the connection with the work done', async () => {
  await arm({ fault: 'reset-after' });
  await expect(deliver(sandbox, line, 7)).rejects.toThrow('fetch failed');
  expect(await stored()).toBe(7);
});

test('html-404 answers a page that is no JSON, while the version still answers', async () => {
  await arm({ fault: 'html-404' });
  expect((await fetch(`${sandbox.url}/web/version`)).status).toBe(200);
  const answer = await deliver(sandbox, line, 7);
  expect([answer.status, answer.type]).toEqual([404, 'text/html; charset=utf-8']);
  expect(answer.body).toContain('No database is selected');
  expect(await stored()).toBe(0);
});

test('serialization answers 500 with nothing done', async () => {
  await arm({ fault: 'serialization' });
  expect(await deliver(sandbox, line, 7)).toMatchObject({
    status: 500,
    body: { name: 'psycopg2.errors.SerializationFailure' },
  });
  expect(await stored()).toBe(0);
});

test('unauthorized answers 401 to the right key', async () => {
  await arm({ fault: 'unauthorized' });
  expect(await deliver(sandbox, line, 7)).toMatchObject({ status: 401, body: { message: 'Invalid apikey' } });
  expect(await stored()).toBe(0);
});

test('slow answers late', async () => {
  await arm({ fault: 'slow', delayMs: 120 });
  const before = Date.now();
  expect((await deliver(sandbox, line, 7)).status).toBe(200);
  expect(Date.now() - before).toBeGreaterThanOrEqual(115);
});

test('down cuts every connection until it is cleared', async () => {
  await arm({ fault: 'down' });
  for (let attempt = 0; attempt < 3; attempt++) await expect(deliver(sandbox, line, 7)).rejects.toThrow('fetch failed');
  await expect(fetch(`${sandbox.url}/web/version`)).rejects.toThrow('fetch failed');
  await sandbox.control.clearFaults();
  expect((await deliver(sandbox, line, 7)).status).toBe(200);
});

test('a billing run can come between a write and the next read', async () => {
  await arm({ fault: 'billing-after', match: { method: 'web_save' } });
  expect(await deliver(sandbox, line, 7)).toMatchObject({ body: [{ qty_delivered: 7 }] });
  expect(await billed(sandbox, line)).toEqual(['2026-02-01 7']);
  expect(await stored()).toBe(0);
});

test('a billing run can come just before a write', async () => {
  await deliver(sandbox, line, 5);
  await arm({ fault: 'billing-before', match: { method: 'web_save' } });
  await deliver(sandbox, line, 7);
  expect(await billed(sandbox, line)).toEqual(['2026-02-01 5']);
  expect(await stored()).toBe(7);
});

test('a fault hits only the calls it matches, after those it lets pass, as often as it says', async () => {
  await arm({ fault: 'serialization', times: 2, after: 1, match: { model: 'sale.order.line', method: 'web_save' } });
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 4; attempt++) {
    statuses.push((await callOdoo(sandbox, { path: 'res.currency/search', body: { domain: [] } })).status);
    statuses.push((await deliver(sandbox, line, attempt)).status);
  }
  expect(statuses).toEqual([200, 200, 200, 500, 200, 500, 200, 200]);
});

test('accepted writes are logged with what they wrote and answered; refused ones are not', async () => {
  await deliver(sandbox, line, 1.005);
  await arm({ fault: 'serialization' });
  await deliver(sandbox, line, 2);
  await callOdoo(sandbox, { path: 'sale.order.line/write', body: { ids: [line], vals: { no_such: 1 } } });
  await callOdoo(sandbox, { path: 'sale.order.line/write', body: { ids: [line], vals: { qty_delivered: 3 } } });
  expect(await sandbox.control.writes()).toEqual([
    {
      at: '2026-02-01 10:00:00.000000',
      model: 'sale.order.line',
      method: 'web_save',
      ids: [line],
      vals: { qty_delivered: 1.005 },
      result: [{ id: line, qty_delivered: 1.01, qty_invoiced: 0, qty_to_invoice: 1.01 }],
    },
    {
      at: '2026-02-01 10:00:00.000000',
      model: 'sale.order.line',
      method: 'write',
      ids: [line],
      vals: { qty_delivered: 3 },
      result: true,
    },
  ]);
  expect(await sandbox.control.calls()).toEqual({ 'sale.order.line/web_save': 2, 'sale.order.line/write': 2 });
});
